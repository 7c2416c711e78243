// SPDX-License-Identifier: MIT
/* settings_take - scalars: their types, ranges and words. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/settings_writer.h"

struct taking {
	struct settings_writer *w;
	const struct setting_row *row;
	const char *name;
	const struct yaml_node *node;
};

static const char *
said(const struct taking *t)
{
	if (t->node->kind == YAML_LIST)
		return "a list";
	if (t->node->kind == YAML_MAP)
		return "a map";
	return arena_printf(
	    &t->w->arena, "\"%s\"", settings_quote(&t->w->arena, t->node->text))
	    .at;
}

/* has_value: a key without a value is a slip, not a wish for the default. */
static bool
has_value(const struct taking *t)
{
	if (t->node->kind != YAML_NULL)
		return true;
	settings_problem(t->w->problems, t->node->place,
	    "%s: has no value; remove the key to get the default", t->name);
	return false;
}

static bool
take_u64(const struct taking *t, uint64_t *number)
{
	const struct setting_row *row = t->row;
	const char *unit = row->unit[0] != '\0' ? " " : "";
	enum err err = ERR_TYPE;

	if (t->node->kind == YAML_PLAIN)
		err = text_to_u64(t->node->text, number);
	if (err == OK && *number >= row->min && *number <= row->max)
		return true;
	if (err == OK || err == ERR_RANGE)
		settings_problem(t->w->problems, t->node->place,
		    "%s: %s is out of range: %" PRIu64 " to %" PRIu64 "%s%s",
		    t->name, settings_quote(&t->w->arena, t->node->text),
		    row->min, row->max, unit, row->unit);
	else
		settings_problem(t->w->problems, t->node->place,
		    "%s: must be a whole number from %" PRIu64 " to %" PRIu64
		    "%s%s, not %s",
		    t->name, row->min, row->max, unit, row->unit, said(t));
	return false;
}

static bool
take_bool(const struct taking *t, uint64_t *number)
{
	bool is_true = text_is(t->node->text, "true");

	if (t->node->kind == YAML_PLAIN &&
	    (is_true || text_is(t->node->text, "false"))) {
		*number = is_true;
		return true;
	}
	settings_problem(t->w->problems, t->node->place,
	    "%s: must be true or false, not %s", t->name, said(t));
	return false;
}

/* built_words lists what may be chosen, and fills `words` for a suggestion. */
static const char *
built_words(const struct taking *t, const char **words, size_t *count)
{
	struct text list = TEXT("");
	const char *at = t->row->unit;

	*count = 0;
	while (*at != '\0') {
		size_t len = strcspn(at, "|");

		if (*at != '!') {
			struct text word = {at, (uint32_t)len};

			words[(*count)++] = arena_string(&t->w->arena, word);
			list = arena_printf(&t->w->arena, "%.*s%s%.*s",
			    TEXT_ARG(list), list.len > 0 ? ", " : "",
			    TEXT_ARG(word));
		}
		at += len + (at[len] == '|');
	}
	return list.at;
}

/* refuse_choice says what could have been chosen instead. */
static void
refuse_choice(const struct taking *t, bool is_known)
{
	const char *words[16];
	size_t count;
	const char *list = built_words(t, words, &count);
	int near = t->node->kind < YAML_LIST
	    ? text_closest(t->node->text, words, count)
	    : -1;

	if (is_known)
		settings_problem(t->w->problems, t->node->place,
		    "%s: %s is not built yet; there is %s", t->name, said(t),
		    list);
	else if (near >= 0)
		settings_problem(t->w->problems, t->node->place,
		    "%s: must be one of %s, not %s; did you mean \"%s\"?",
		    t->name, list, said(t), words[near]);
	else
		settings_problem(t->w->problems, t->node->place,
		    "%s: must be one of %s, not %s", t->name, list, said(t));
}

static bool
take_choice(const struct taking *t, uint64_t *number)
{
	const char *at = t->row->unit;
	uint64_t index = 0;

	for (; *at != '\0' && t->node->kind < YAML_LIST; index++) {
		bool is_not_built = *at == '!';
		size_t len = strcspn(at += is_not_built, "|");

		if (text_eq(t->node->text, (struct text){at, (uint32_t)len})) {
			*number = index;
			if (is_not_built)
				refuse_choice(t, true);
			return !is_not_built;
		}
		at += len + (at[len] == '|');
	}
	refuse_choice(t, false);
	return false;
}

/* expand writes ${runtime_dir} and ${state_dir} out. */
static struct text
expand(struct settings_writer *w, struct text from)
{
	const struct {
		struct text name, value;
	} names[] = {{TEXT("${runtime_dir}"), w->runtime_dir},
	    {TEXT("${state_dir}"), w->state_dir}};

	for (uint32_t at = 0; at < from.len; at++) {
		struct text rest = {from.at + at, from.len - at};

		for (size_t i = 0; i < COUNT_OF(names); i++)
			if (text_starts_with(rest, names[i].name))
				return arena_printf(&w->arena, "%.*s%.*s%.*s",
				    (int)at, from.at, TEXT_ARG(names[i].value),
				    (int)(rest.len - names[i].name.len),
				    rest.at + names[i].name.len);
	}
	return from;
}

static bool
take_text(const struct taking *t, struct text *text)
{
	const struct setting_row *row = t->row;

	if (t->node->kind >= YAML_LIST) {
		settings_problem(t->w->problems, t->node->place,
		    "%s: must be a text, not %s", t->name, said(t));
		return false;
	}
	*text = expand(t->w, t->node->text);
	if (text->len < row->min || text->len > row->max) {
		settings_problem(t->w->problems, t->node->place,
		    "%s: has %u bytes; allowed are %" PRIu64 " to %" PRIu64,
		    t->name, text->len, row->min, row->max);
		return false;
	}
	if (text_has_control(*text)) {
		settings_problem(t->w->problems, t->node->place,
		    "%s: has control characters", t->name);
		return false;
	}
	return true;
}

bool
settings_take_scalar(struct settings_writer *w, const struct setting_row *row,
    const char *name, const struct yaml_node *node,
    struct settings_scalar *taken)
{
	struct taking t = {w, row, name, node};

	*taken = (struct settings_scalar){0};
	if (!has_value(&t))
		return false;
	switch (row->type) {
	case SETTING_BOOL:
		return take_bool(&t, &taken->number);
	case SETTING_U64:
		return take_u64(&t, &taken->number);
	case SETTING_CHOICE:
		return take_choice(&t, &taken->number);
	case SETTING_TEXT:
		return take_text(&t, &taken->text);
	case SETTING_TEXTS:
	case SETTING_LIST:
	case SETTING_MAPS:
	case SETTING_ANY:
		break;
	}
	INVARIANT(!"a scalar");
	return false;
}

/* keep_text puts a text and the NUL behind it into the file's bytes. */
static void
keep_text(
    struct settings_writer *w, struct settings_value *value, struct text text)
{
	value->at = SETTINGS_BYTES_AT + (uint32_t)buffer_used(&w->bytes);
	value->len = text.len;
	/* texts are short, few, and lists leave room for them */
	INVARIANT(buffer_append_text(&w->bytes, text) == OK);
	INVARIANT(buffer_append(&w->bytes, "", 1) == OK);
}

static void
take_value(struct settings_writer *w, uint32_t i)
{
	const struct setting_row *row = settings_row(i);
	const struct yaml_node *node = w->nodes[i];
	struct settings_scalar taken;
	char name[SETTING_NAME];

	if (node == NULL && row->inherit != SETTING_none) {
		w->values[i] = w->values[row->inherit];
		w->is_wrong[i] = w->is_wrong[row->inherit];
		return;
	}
	if (node == NULL)
		node = settings_default_node(w, row);
	if (row->type >= SETTING_TEXTS) {
		settings_take_list(w, i, node);
		return;
	}
	settings_name(i, name, sizeof(name));
	if (!settings_take_scalar(w, row, name, node, &taken))
		return;
	w->values[i].number = taken.number;
	if (row->type == SETTING_TEXT)
		keep_text(w, &w->values[i], taken.text);
}

void
settings_take(struct settings_writer *w)
{
	for (uint32_t i = 0; i < SETTINGS_VALUES; i++) {
		uint32_t before = w->problems->count;

		take_value(w, i);
		w->is_wrong[i] |= w->problems->count > before;
	}
}
