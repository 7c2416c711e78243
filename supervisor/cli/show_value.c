// SPDX-License-Identifier: MIT
/*
 * show_value - any answer as a page: an array of maps is a table, a map is a
 * list of its fields, what lies in a cell is told in one line. Commands
 * of roles need no page of their own to be readable.
 */

#include <stdio.h>
#include <string.h>

#include "protocol/json_out.h"
#include "protocol/pack.h"
#include "supervisor/cli/show.h"

enum {
	CELL_BYTES = 4096,
	KEY_WIDTH = 28,
	DEEPEST = 4
};

/* joined tells a list of texts as "a, b"; false when it is something else. */
static bool
joined(struct view *v, struct text value, struct text *to)
{
	struct unpacker u;
	uint32_t count;
	struct text item;
	struct text all = TEXT("");

	unpack_init(&u, value);
	if (unpack_array(&u, &count) != OK || count == 0)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &item) != OK)
			return false;
		if (all.len < CELL_BYTES)
			all = arena_printf(v->arena, "%.*s%s%.*s",
			    TEXT_ARG(all), i > 0 ? ", " : "", TEXT_ARG(item));
	}
	*to = all;
	return true;
}

static struct text one_line(struct view *v, struct text value);

/* pairs tells a map as "a=1 b=x", a list of maps with "; " between them; false
 * when it is something else. */
static bool
pairs(struct view *v, struct text value, struct text *to)
{
	struct unpacker u;
	struct text key, item, all = TEXT("");
	uint32_t count = 0;
	bool is_map;

	unpack_init(&u, value);
	is_map = unpack_peek(&u) == PACK_MAP;
	if ((is_map ? unpack_map(&u, &count) : unpack_array(&u, &count)) != OK)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (is_map && unpack_text(&u, &key) != OK)
			return false;
		if (!is_map && unpack_peek(&u) != PACK_MAP)
			return false;
		if (unpack_raw(&u, &item) != OK)
			return false;
		item = one_line(v, item);
		if (all.len >= CELL_BYTES)
			continue;
		all = is_map
		    ? arena_printf(v->arena, "%.*s%s%.*s=%.*s", TEXT_ARG(all),
			  i > 0 ? " " : "", TEXT_ARG(key), TEXT_ARG(item))
		    : arena_printf(v->arena, "%.*s%s%.*s", TEXT_ARG(all),
			  i > 0 ? "; " : "", TEXT_ARG(item));
	}
	*to = all;
	return count > 0;
}

/* one_line is how a value looks inside a cell. */
static struct text
one_line(struct view *v, struct text value)
{
	struct unpacker u;
	struct text text;
	bool yes;
	struct buffer json;

	unpack_init(&u, value);
	if (unpack_text(&u, &text) == OK)
		return text;
	if (unpack_peek(&u) == PACK_NIL)
		return TEXT("-");
	if (unpack_bool(&u, &yes) == OK)
		return yes ? TEXT("yes") : TEXT("no");
	if (joined(v, value, &text) || pairs(v, value, &text))
		return text;
	buffer_init(&json, CELL_BYTES);
	text = pack_to_json(value, &json, NULL) == OK
	    ? arena_text(v->arena, buffer_text(&json))
	    : TEXT("…");
	buffer_finish(&json);
	return text;
}

static bool
ends_with(struct text t, struct text end)
{
	return t.len >= end.len &&
	    memcmp(t.at + t.len - end.len, end.at, end.len) == 0;
}

/* moment tells a time of day as one: milliseconds under …_ms that are no
 * span, seconds under names of moments. */
static bool
moment(struct view *v, struct text key, struct text value, struct text *to)
{
	struct unpacker u;
	uint64_t whole;
	double number;

	unpack_init(&u, value);
	if (unpack_peek(&u) == PACK_INT && unpack_u64(&u, &whole) == OK)
		number = (double)whole;
	else if (unpack_peek(&u) != PACK_FLOAT || unpack_f64(&u, &number) != OK)
		return false;
	bool is_ms = ends_with(key, TEXT("_ms")) && number >= 1e12;
	bool is_seconds = number >= 1e9 && number < 1e11 &&
	    (ends_with(key, TEXT("_at")) || ends_with(key, TEXT("timestamp")) ||
		(key.len > 5 && memcmp(key.at, "last_", 5) == 0));
	if (!is_ms && !is_seconds)
		return false;
	*to = view_when(v->arena, (uint64_t)(is_ms ? number : number * 1000));
	return true;
}

/* field_line is one_line of a value whose name is known. */
static struct text
field_line(struct view *v, struct text key, struct text value)
{
	struct text text;

	return moment(v, key, value, &text) ? text : one_line(v, value);
}

static bool
is_number(struct text value)
{
	struct unpacker u;

	unpack_init(&u, value);
	return unpack_peek(&u) == PACK_INT || unpack_peek(&u) == PACK_FLOAT;
}

static enum pack_type
type_of(struct text value)
{
	struct unpacker u;

	unpack_init(&u, value);
	return unpack_peek(&u);
}

static struct text
upper(struct view *v, struct text key)
{
	struct text copy = arena_printf(v->arena, "%.*s", TEXT_ARG(key));
	char *at = (char *)(uintptr_t)copy.at;

	for (uint32_t i = 0; i < copy.len; i++)
		if (at[i] >= 'a' && at[i] <= 'z')
			at[i] = (char)(at[i] - 'a' + 'A');
	return copy;
}

/* columns_of takes the keys of the first row as titles. */
static uint32_t
columns_of(struct view *v, struct text row, struct text keys[TABLE_COLUMNS],
    char titles[512], char align[TABLE_COLUMNS + 1])
{
	struct unpacker u;
	uint32_t count = 0;
	size_t used = 0;
	struct text value;

	unpack_init(&u, row);
	if (unpack_map(&u, &count) != OK)
		return 0;
	if (count > TABLE_COLUMNS)
		count = TABLE_COLUMNS;
	titles[0] = '\0';
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &keys[i]) != OK ||
		    unpack_raw(&u, &value) != OK)
			return i;
		int n = snprintf(titles + used, 512 - used, "%s%.*s",
		    i > 0 ? "|" : "", TEXT_ARG(upper(v, keys[i])));
		used += n > 0 && used + (size_t)n < 512 ? (size_t)n : 0;
		align[i] = is_number(value) ? 'r' : 'l';
		align[i + 1] = '\0';
	}
	return count;
}

static void
show_rows(struct view *v, struct text array)
{
	struct unpacker u;
	uint32_t count;
	struct text row;
	struct text value;
	struct text keys[TABLE_COLUMNS];
	char titles[512];
	char align[TABLE_COLUMNS + 1] = "";
	struct table t;
	uint32_t columns = 0;

	unpack_init(&u, array);
	if (unpack_array(&u, &count) != OK)
		return;
	for (uint32_t i = 0; i < count && unpack_raw(&u, &row) == OK; i++) {
		if (i == 0) {
			columns = columns_of(v, row, keys, titles, align);
			table_begin(&t, v, titles, align);
		}
		for (uint32_t k = 0; k < columns; k++)
			if (unpack_map_find(row, keys[k], &value) == OK)
				table_text(
				    &t, PLAIN, field_line(v, keys[k], value));
			else
				table_text(&t, PLAIN, TEXT(""));
	}
	if (columns > 0)
		table_end(&t);
}

static bool
is_array_of_maps(struct text value)
{
	struct unpacker u;
	uint32_t count;

	unpack_init(&u, value);
	return unpack_array(&u, &count) == OK && count > 0 &&
	    unpack_peek(&u) == PACK_MAP;
}

static void
show_fields(struct view *v, struct text map, uint32_t depth)
{
	struct unpacker u;
	uint32_t count;
	struct text key;
	struct text value;
	int indent = 2 * (int)depth;

	unpack_init(&u, map);
	if (unpack_map(&u, &count) != OK)
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &key) != OK || unpack_raw(&u, &value) != OK)
			return;
		view_print(v, "%*s", indent, "");
		view_paint(v, BOLD, "%.*s", TEXT_ARG(key));
		if (is_array_of_maps(value)) {
			view_print(v, "\n");
			show_rows(v, value);
		} else if (type_of(value) == PACK_MAP && depth < DEEPEST) {
			view_print(v, "\n");
			show_fields(v, value, depth + 1);
		} else {
			int gap = KEY_WIDTH - indent - (int)key.len;

			view_print(v, "%*s", gap > 1 ? gap : 1, "");
			view_text(v, field_line(v, key, value));
			view_print(v, "\n");
		}
	}
}

/* show_instances unwraps what a role with several processes answered. */
static bool
show_instances(struct view *v, struct text result)
{
	struct unpacker u;
	uint32_t count = show_array(result, "instances", &u);
	struct text part;
	struct text inner;

	for (uint32_t i = 0; i < count && unpack_raw(&u, &part) == OK; i++) {
		if (count > 1)
			view_print(v, "instance %llu\n",
			    (unsigned long long)show_u64(part, "instance"));
		if (unpack_map_find(part, TEXT("result"), &inner) == OK)
			show_value(v, inner);
		else
			view_print(
			    v, "%.*s\n", TEXT_ARG(show_text(part, "error")));
	}
	return count > 0;
}

enum cli_exit
show_value(struct view *v, struct text result)
{
	enum pack_type type = type_of(result);

	if (type == PACK_MAP && show_instances(v, result))
		return CLI_OK;
	if (type == PACK_MAP && result.len == 1) {
		view_paint(v, DIM, "(nothing)");
		view_print(v, "\n");
	} else if (type == PACK_MAP) {
		show_fields(v, result, 0);
	} else if (is_array_of_maps(result)) {
		show_rows(v, result);
	} else if (type == PACK_ARRAY && result.len == 1) {
		view_paint(v, DIM, "(none)");
		view_print(v, "\n");
	} else {
		view_text(v, one_line(v, result));
		view_print(v, "\n");
	}
	return CLI_OK;
}
