// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Events, never libyaml's loader: the loader builds the whole document before
 * anyone can count. With events every limit holds before the next node takes
 * memory. 200 KB of `[` end at depth 33; the scanner looks at most 1024 bytes
 * ahead for a simple key, so what it does before the 33rd event is bounded.
 *
 * An alias shares its anchor's node, so the tree is small in memory but not
 * to those who walk it; `weight` counts what a walker would meet, and that is
 * what the limit is on. An anchor is known only once its node is whole, so no
 * alias can reach a node it stands in.
 *
 * Tags, merge keys and keys that are not scalars are refused: a settings file
 * needs none, and each has a history of surprises.
 */

#include "protocol/settings_yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum {
	KEYS = 1000 /* of one map: telling duplicates apart compares them all */
};

struct anchor {
	struct text name;
	const struct yaml_node *node;
	struct anchor *next;
};

struct reading {
	yaml_parser_t parser;
	struct text text;
	struct arena *arena;
	struct settings_problems *problems;
	struct anchor *anchors; /* newest first: a later one of a name wins */
	uint32_t nodes;         /* so far, aliases unfolded */
	uint32_t aliases;
};

void
settings_problem(struct settings_problems *problems, struct yaml_place place,
    const char *fmt, ...)
{
	struct settings_problem *problem;
	va_list args;

	if (problems->count++ >= SETTINGS_PROBLEMS)
		return;
	problem = &problems->at[problems->count - 1];
	problem->line = place.line;
	problem->column = place.column;
	va_start(args, fmt);
	vsnprintf(problem->text, sizeof(problem->text), fmt, args);
	va_end(args);
}

const char *
settings_quote(struct arena *arena, struct text text)
{
	bool is_cut = text.len > 64;
	uint32_t len = is_cut ? 64 : text.len;
	char *to = arena_alloc(arena, len + 4);

	/* never cut inside a character */
	while (is_cut && len > 0 && ((uint8_t)text.at[len] & 0xc0) == 0x80)
		len--;
	for (uint32_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)text.at[i];

		to[i] = byte < 0x20 || byte == 0x7f ? '?' : (char)byte;
	}
	memcpy(to + len, is_cut ? "..." : "", is_cut ? 4 : 1);
	return to;
}

static struct yaml_place
place_of(yaml_mark_t mark)
{
	return (struct yaml_place){
	    (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

/* place_at finds line and column of a byte, for errors without a mark. */
static struct yaml_place
place_at(struct text text, size_t offset)
{
	struct yaml_place place = {1, 1};

	for (size_t i = 0; i < offset && i < text.len; i++) {
		if (text.at[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if (((uint8_t)text.at[i] & 0xc0) != 0x80) {
			place.column++;
		}
	}
	return place;
}

/* next_event notes what libyaml has to say; the caller deletes the event. */
static enum err
next_event(struct reading *r, yaml_event_t *event)
{
	struct yaml_place place;
	const char *why;
	const char *context;

	if (yaml_parser_parse(&r->parser, event))
		return OK;
	why = r->parser.problem != NULL ? r->parser.problem : "not YAML";
	context = r->parser.context != NULL ? r->parser.context : "";
	place = r->parser.error == YAML_READER_ERROR
	    ? place_at(r->text, r->parser.problem_offset)
	    : place_of(r->parser.problem_mark);
	settings_problem(r->problems, place, "not YAML: %s%s%s", context,
	    context[0] != '\0' ? ", " : "", why);
	return ERR_MALFORMED;
}

static enum err
count_nodes(struct reading *r, uint32_t more, struct yaml_place place)
{
	/* each addend is at most the limit: no overflow */
	r->nodes += more;
	if (r->nodes <= SETTINGS_NODES)
		return OK;
	settings_problem(r->problems, place,
	    "more than %d values, aliases counted as often as they are used",
	    SETTINGS_NODES);
	return ERR_MALFORMED;
}

static enum err
find_alias(struct reading *r, const yaml_event_t *event,
    const struct yaml_node **found)
{
	struct text name = text_of((const char *)event->data.alias.anchor);
	struct yaml_place place = place_of(event->start_mark);

	if (++r->aliases > SETTINGS_ALIASES) {
		settings_problem(r->problems, place, "more than %d aliases",
		    SETTINGS_ALIASES);
		return ERR_MALFORMED;
	}
	for (struct anchor *a = r->anchors; a != NULL; a = a->next) {
		if (!text_eq(a->name, name))
			continue;
		*found = a->node;
		return count_nodes(r, a->node->weight, place);
	}
	settings_problem(r->problems, place,
	    "*%s: no anchor of this name ends before here",
	    settings_quote(r->arena, name));
	return ERR_MALFORMED;
}

static bool
is_null(struct text text)
{
	return text.len == 0 || text_is(text, "~") || text_is(text, "null") ||
	    text_is(text, "Null") || text_is(text, "NULL");
}

static void
take_scalar(
    struct reading *r, const yaml_event_t *event, struct yaml_node *node)
{
	struct text text = {(const char *)event->data.scalar.value,
	    (uint32_t)event->data.scalar.length};

	node->text = arena_text(r->arena, text);
	if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		node->kind = YAML_QUOTED;
	else
		node->kind = is_null(text) ? YAML_NULL : YAML_PLAIN;
}

static void
note_anchor(
    struct reading *r, const yaml_char_t *name, const struct yaml_node *node)
{
	struct anchor *anchor;

	if (name == NULL)
		return;
	anchor = ARENA_NEW(r->arena, struct anchor);
	anchor->name = arena_text(r->arena, text_of((const char *)name));
	anchor->node = node;
	anchor->next = r->anchors;
	r->anchors = anchor;
}

static enum err read_node(struct reading *, yaml_event_t *, uint32_t depth,
    const struct yaml_node **);

/* check_key refuses what no settings file needs, and notes a key given twice.
 */
static enum err
check_key(
    struct reading *r, const struct yaml_node *map, const struct yaml_node *key)
{
	if (key->kind == YAML_LIST || key->kind == YAML_MAP) {
		settings_problem(r->problems, key->place,
		    "a key must be a word, not a list or a map");
		return ERR_MALFORMED;
	}
	if (key->kind == YAML_PLAIN && text_is(key->text, "<<")) {
		settings_problem(r->problems, key->place,
		    "merge keys are not supported; write the keys out");
		return ERR_MALFORMED;
	}
	if (map->count >= KEYS) {
		settings_problem(r->problems, key->place,
		    "more than %d keys in one map", KEYS);
		return ERR_MALFORMED;
	}
	for (const struct yaml_item *i = map->items; i != NULL; i = i->next) {
		if (!text_eq(i->key, key->text))
			continue;
		settings_problem(r->problems, key->place,
		    "%s: duplicate key; it is there already on line %u",
		    settings_quote(r->arena, key->text), i->key_place.line);
		break;
	}
	return OK;
}

/* read_item reads a list's item, or a key with its value; NULL at the end. */
static enum err
read_item(struct reading *r, struct yaml_node *into, uint32_t depth,
    struct yaml_item **item)
{
	const struct yaml_node *node;
	yaml_event_t event;
	enum err err = next_event(r, &event);

	*item = NULL;
	if (err != OK)
		return err;
	if (event.type == YAML_SEQUENCE_END_EVENT ||
	    event.type == YAML_MAPPING_END_EVENT) {
		yaml_event_delete(&event);
		return OK;
	}
	err = read_node(r, &event, depth, &node);
	if (err != OK)
		return err;
	*item = ARENA_NEW(r->arena, struct yaml_item);
	(*item)->value = node;
	if (into->kind == YAML_LIST)
		return OK;
	err = check_key(r, into, node);
	if (err != OK)
		return err;
	(*item)->key = node->text;
	(*item)->key_place = node->place;
	err = next_event(r, &event);
	return err != OK ? err : read_node(r, &event, depth, &(*item)->value);
}

static enum err
read_items(struct reading *r, struct yaml_node *node, uint32_t depth)
{
	struct yaml_item **end = &node->items;
	uint32_t before = r->nodes;
	enum err err;

	if (depth >= SETTINGS_DEPTH) {
		settings_problem(r->problems, node->place,
		    "nested deeper than %d levels", SETTINGS_DEPTH);
		return ERR_MALFORMED;
	}
	for (;;) {
		err = read_item(r, node, depth + 1, end);
		if (err != OK)
			return err;
		if (*end == NULL)
			break;
		end = &(*end)->next;
		node->count++;
	}
	node->weight = r->nodes - before + 1;
	return OK;
}

/* anchor_and_tag: where libyaml keeps them depends on the event. */
static const yaml_char_t *
anchor_and_tag(const yaml_event_t *event, const yaml_char_t **tag)
{
	if (event->type == YAML_SCALAR_EVENT) {
		*tag = event->data.scalar.tag;
		return event->data.scalar.anchor;
	}
	if (event->type == YAML_SEQUENCE_START_EVENT) {
		*tag = event->data.sequence_start.tag;
		return event->data.sequence_start.anchor;
	}
	*tag = event->data.mapping_start.tag;
	return event->data.mapping_start.anchor;
}

/* fill_node reads what follows an event that begins a node of its own. */
static enum err
fill_node(struct reading *r, const yaml_event_t *event, uint32_t depth,
    struct yaml_node *node)
{
	const yaml_char_t *tag;
	const yaml_char_t *anchor = anchor_and_tag(event, &tag);
	enum err err = OK;

	if (tag != NULL) {
		settings_problem(r->problems, node->place,
		    "tags (!) are not supported; quote a text instead");
		return ERR_MALFORMED;
	}
	if (event->type == YAML_SCALAR_EVENT) {
		take_scalar(r, event, node);
	} else {
		node->kind = event->type == YAML_MAPPING_START_EVENT
		    ? YAML_MAP
		    : YAML_LIST;
		err = read_items(r, node, depth);
	}
	if (err == OK)
		note_anchor(r, anchor, node);
	return err;
}

/* read_node takes over `event`, the first of the node, and deletes it. */
static enum err
read_node(struct reading *r, yaml_event_t *event, uint32_t depth,
    const struct yaml_node **read)
{
	struct yaml_node *node;
	enum err err;

	if (event->type == YAML_ALIAS_EVENT) {
		err = find_alias(r, event, read);
		yaml_event_delete(event);
		return err;
	}
	node = ARENA_NEW(r->arena, struct yaml_node);
	node->place = place_of(event->start_mark);
	node->weight = 1;
	*read = node;
	err = count_nodes(r, 1, node->place);
	if (err == OK)
		err = fill_node(r, event, depth, node);
	yaml_event_delete(event);
	return err;
}

/* read_stream expects: stream start, at most one document, stream end. */
static enum err
read_stream(struct reading *r, const struct yaml_node **root)
{
	yaml_event_t event;
	bool is_read = false;
	enum err err;

	for (;;) {
		yaml_event_type_t type;

		err = next_event(r, &event);
		if (err != OK)
			return err;
		type = event.type;
		if (type == YAML_DOCUMENT_START_EVENT && is_read)
			settings_problem(r->problems,
			    place_of(event.start_mark),
			    "a second document; a settings file is one");
		if (type == YAML_STREAM_START_EVENT ||
		    type == YAML_DOCUMENT_END_EVENT ||
		    (type == YAML_DOCUMENT_START_EVENT && !is_read)) {
			yaml_event_delete(&event);
			continue;
		}
		if (type == YAML_STREAM_END_EVENT ||
		    type == YAML_DOCUMENT_START_EVENT) {
			yaml_event_delete(&event);
			return type == YAML_STREAM_END_EVENT ? OK
							     : ERR_MALFORMED;
		}
		err = read_node(r, &event, 0, root);
		if (err != OK)
			return err;
		is_read = true;
	}
}

/* first_bad finds the first byte that is not UTF-8. */
static size_t
first_bad(struct text text)
{
	uint32_t at = 0;

	while (at < text.len) {
		uint8_t lead = (uint8_t)text.at[at];
		uint32_t len =
		    1 + (lead >= 0xc0) + (lead >= 0xe0) + (lead >= 0xf0);

		if (len > text.len - at ||
		    !text_is_utf8((struct text){text.at + at, len}))
			break;
		at += len;
	}
	return at;
}

static enum err
check_text(struct text text, struct settings_problems *problems)
{
	struct yaml_place nowhere = {0, 0};
	const char *zero;

	if (text.len > SETTINGS_FILE_BYTES) {
		settings_problem(problems, nowhere,
		    "larger than %d bytes; no settings file is",
		    SETTINGS_FILE_BYTES);
		return ERR_MALFORMED;
	}
	if (!text_is_utf8(text)) {
		settings_problem(problems, place_at(text, first_bad(text)),
		    "not UTF-8; save the file as UTF-8");
		return ERR_MALFORMED;
	}
	zero = text.len > 0 ? memchr(text.at, '\0', text.len) : NULL;
	if (zero != NULL) {
		settings_problem(problems,
		    place_at(text, (size_t)(zero - text.at)),
		    "a zero byte; this is no text file");
		return ERR_MALFORMED;
	}
	return OK;
}

enum err
settings_yaml_parse(struct text text, struct arena *arena,
    const struct yaml_node **root, struct settings_problems *problems)
{
	static const struct yaml_node empty = {
	    .kind = YAML_NULL, .place = {1, 1}, .weight = 1};
	struct reading r = {.text = text, .arena = arena, .problems = problems};
	enum err err = check_text(text, problems);

	*root = &empty;
	if (err != OK)
		return err;
	INVARIANT(yaml_parser_initialize(&r.parser));
	/* libyaml asserts that there is an address, even for no bytes */
	yaml_parser_set_input_string(&r.parser,
	    (const unsigned char *)(text.len > 0 ? text.at : ""), text.len);
	err = read_stream(&r, root);
	yaml_parser_delete(&r.parser);
	return err;
}
