// SPDX-License-Identifier: MIT
/* settings_items - lists: of texts, of items with fields, of maps. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/settings_writer.h"

#define PRESENCE_REQUIRED true
#define PRESENCE_OPTIONAL false

const struct settings_field settings_fields[] = {
#define I(of, k, t, presence, def, lo, hi, un, mean) \
	{.list = #of, \
	    .is_required = PRESENCE_##presence, \
	    .row = {.section = #of, \
		.key = #k, \
		.type = SETTING_##t, \
		.fallback = def, \
		.min = lo, \
		.max = hi, \
		.inherit = SETTING_none, \
		.unit = un, \
		.meaning = mean}},
    SETTINGS_ITEMS(I)
#undef I
};

const size_t settings_field_count = COUNT_OF(settings_fields);

/* A text in a list of texts. */
static const struct setting_row text_row = {.key = "",
    .type = SETTING_TEXT,
    .min = 1,
    .max = 255,
    .unit = ""};

/* pack_plain tells YAML's plain words: booleans, integers, floats, text. */
static void
pack_plain(struct packer *out, struct text text)
{
	uint64_t u64;
	int64_t i64;
	double f64;
	char *end;

	if (text_is(text, "true") || text_is(text, "false")) {
		pack_bool(out, text_is(text, "true"));
	} else if (text_to_u64(text, &u64) == OK) {
		pack_u64(out, u64);
	} else if (text_to_i64(text, &i64) == OK) {
		pack_i64(out, i64);
	} else {
		/* the text has a NUL behind it; words like "inf" stay text */
		f64 = strtod(text.at, &end);
		if (end == text.at + text.len &&
		    strspn(text.at, "+-.0123456789eE") == text.len)
			pack_f64(out, f64);
		else
			pack_text(out, text);
	}
}

/* pack_any writes a node as it was written; depth is bounded by the parser. */
static void
pack_any(struct packer *out, const struct yaml_node *node)
{
	switch (node->kind) {
	case YAML_NULL:
		pack_nil(out);
		return;
	case YAML_PLAIN:
		pack_plain(out, node->text);
		return;
	case YAML_QUOTED:
		pack_text(out, node->text);
		return;
	case YAML_LIST:
		pack_array(out, node->count);
		break;
	case YAML_MAP:
		pack_map(out, node->count);
		break;
	}
	for (const struct yaml_item *i = node->items; i != NULL; i = i->next) {
		if (node->kind == YAML_MAP)
			pack_text(out, i->key);
		pack_any(out, i->value);
	}
}

/* is_list: nothing at all is an empty list. */
static bool
is_list(struct settings_writer *w, const struct setting_row *row,
    const char *name, const struct yaml_node *node)
{
	if (node->kind != YAML_LIST && node->kind != YAML_NULL) {
		settings_problem(
		    w->problems, node->place, "%s: must be a list", name);
		return false;
	}
	if (node->count >= row->min && node->count <= row->max)
		return true;
	settings_problem(w->problems, node->place,
	    "%s: has %u items; allowed are %" PRIu64 " to %" PRIu64, name,
	    node->count, row->min, row->max);
	return false;
}

static const char *
item_name(struct settings_writer *w, const char *list, uint32_t index,
    const char *field)
{
	return arena_printf(&w->arena, "%s[%u]%s%s", list, index,
	    field[0] != '\0' ? "." : "", field)
	    .at;
}

static void
take_texts(struct settings_writer *w, const char *name,
    const struct yaml_node *node, struct packer *out)
{
	struct settings_scalar taken;
	uint32_t index = 0;

	pack_array(out, node->count);
	for (const struct yaml_item *i = node->items; i != NULL; i = i->next) {
		if (settings_take_scalar(w, &text_row,
			item_name(w, name, index++, ""), i->value, &taken))
			pack_text(out, taken.text);
	}
}

static const struct yaml_node *
find_key(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *found = NULL;

	for (const struct yaml_item *i = map->items; i != NULL; i = i->next)
		if (text_is(i->key, key))
			found = i->value;
	return found;
}

/* check_any holds the one promise the table makes of ANY: a list. */
static void
take_any(struct settings_writer *w, const char *name,
    const struct yaml_node *node, struct packer *out)
{
	if (node->kind != YAML_LIST)
		settings_problem(
		    w->problems, node->place, "%s: must be a list", name);
	else
		pack_any(out, node);
}

/* take_field writes one field of an item, or its default. */
static void
take_field(struct settings_writer *w, const struct setting_row *row,
    const char *name, const struct yaml_node *node, struct packer *out)
{
	struct settings_scalar taken;

	pack_string(out, row->key);
	if (row->type == SETTING_TEXTS) {
		if (is_list(w, row, name, node))
			take_texts(w, name, node, out);
	} else if (row->type == SETTING_ANY) {
		take_any(w, name, node, out);
	} else if (settings_take_scalar(w, row, name, node, &taken)) {
		if (row->type == SETTING_TEXT)
			pack_text(out, taken.text);
		else if (row->type == SETTING_BOOL)
			pack_bool(out, taken.number != 0);
		else
			pack_u64(out, taken.number);
	}
}

/* refuse_unknown tells the keys that no field of the list has. */
static void
refuse_unknown(struct settings_writer *w, const char *list, const char *name,
    const struct yaml_node *item)
{
	const char *keys[COUNT_OF(settings_fields)];
	size_t count = 0;

	for (size_t f = 0; f < settings_field_count; f++)
		if (strcmp(settings_fields[f].list, list) == 0)
			keys[count++] = settings_fields[f].row.key;
	for (const struct yaml_item *i = item->items; i != NULL; i = i->next) {
		size_t k = 0;

		while (k < count && !text_is(i->key, keys[k]))
			k++;
		if (k == count)
			settings_unknown(w, name, i, keys, count);
	}
}

static void
take_item(struct settings_writer *w, const char *list, const char *name,
    const struct yaml_node *item, struct packer *out)
{
	size_t place = pack_open(out);
	uint32_t count = 0;

	refuse_unknown(w, list, name, item);
	for (size_t f = 0; f < settings_field_count; f++) {
		const struct settings_field *field = &settings_fields[f];
		const struct yaml_node *node;

		if (strcmp(field->list, list) != 0)
			continue;
		node = find_key(item, field->row.key);
		count++;
		if (node == NULL && field->is_required) {
			settings_problem(w->problems, item->place,
			    "%s: needs %s: %s", name, field->row.key,
			    field->row.meaning);
			continue;
		}
		if (node == NULL)
			node = settings_default_node(w, &field->row);
		take_field(w, &field->row,
		    arena_printf(&w->arena, "%s.%s", name, field->row.key).at,
		    node, out);
	}
	pack_close_map(out, place, count);
}

/* take_maps: a LIST has a schema here, MAPS have it at their owner's. */
static void
take_maps(struct settings_writer *w, uint32_t value, const char *name,
    const struct yaml_node *node, struct packer *out)
{
	const struct setting_row *row = settings_row(value);
	const char *list = row->section[0] == '\0'
	    ? row->key
	    : arena_printf(&w->arena, "%s_%s", row->section, row->key).at;
	uint32_t index = 0;

	pack_array(out, node->count);
	for (const struct yaml_item *i = node->items; i != NULL; i = i->next) {
		const char *item = item_name(w, name, index++, "");
		uint32_t before = w->problems->count;
		size_t bytes = buffer_used(&w->bytes);

		if (i->value->kind != YAML_MAP)
			settings_problem(w->problems, i->value->place,
			    "%s: must be a map of keys and values", item);
		else if (row->type == SETTING_MAPS)
			pack_any(out, i->value);
		else
			take_item(w, list, item, i->value, out);
		if (w->problems->count > before) {
			buffer_truncate(&w->bytes, bytes);
			pack_nil(out);
		}
	}
}

void
settings_take_list(
    struct settings_writer *w, uint32_t value, const struct yaml_node *node)
{
	const struct setting_row *row = settings_row(value);
	size_t before = buffer_used(&w->bytes);
	struct packer out;
	char name[SETTING_NAME];

	settings_name(value, name, sizeof(name));
	if (!is_list(w, row, name, node))
		return;
	pack_init(&out, &w->bytes);
	if (row->type == SETTING_TEXTS)
		take_texts(w, name, node, &out);
	else
		take_maps(w, value, name, node, &out);
	if (pack_finish(&out) != OK ||
	    buffer_used(&w->bytes) > SETTINGS_LISTS_BYTES) {
		/* aliases can make a small file say a lot */
		settings_problem(
		    w->problems, node->place, "%s: too long as a whole", name);
		buffer_truncate(&w->bytes, before);
		return;
	}
	w->values[value].at = SETTINGS_BYTES_AT + (uint32_t)before;
	w->values[value].len = (uint32_t)(buffer_used(&w->bytes) - before);
	INVARIANT(buffer_append(&w->bytes, "", 1) == OK);
}
