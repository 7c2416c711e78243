// SPDX-License-Identifier: MIT
#include "supervisor/cli/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	BANNER = 80 /* columns of a rule */
};

struct table_row {
	struct table_row *next;
	struct table_cell cell[TABLE_COLUMNS];
};

static const char *const colours[] = {
    "", "\x1b[2m", "\x1b[1m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};

/* put cannot fail in a way anybody could mend: a page over the buffer's
 * limit is cut. */
static void
put(struct view *v, const char *at, size_t bytes)
{
	enum err e = buffer_append(v->out, at, bytes);

	(void)e;
}

static void
put_string(struct view *v, const char *s)
{
	put(v, s, strlen(s));
}

/* view_text writes what a stranger may have written: no control bytes. */
void
view_text(struct view *v, struct text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		unsigned char byte = (unsigned char)t.at[i];
		char shown = byte < 0x20 || byte == 0x7f ? '?' : t.at[i];

		put(v, &shown, 1);
	}
}

void
view_print(struct view *v, const char *fmt, ...)
{
	char text[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	put_string(v, text);
}

void
view_paint(struct view *v, enum colour colour, const char *fmt, ...)
{
	char text[2048];
	va_list args;
	bool is_painted = v->has_colour && colour != PLAIN;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (is_painted)
		put_string(v, colours[colour]);
	view_text(v, text_of(text));
	if (is_painted)
		put_string(v, "\x1b[0m");
}

void
view_rule(struct view *v, char with)
{
	char line[BANNER + 1];

	memset(line, with, BANNER);
	line[BANNER] = '\0';
	view_print(v, "%s\n", line);
}

struct text
view_bytes(struct arena *arena, uint64_t bytes)
{
	static const char *const units[] = {"KB", "MB", "GB", "TB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024)
		return arena_printf(arena, "%llu B", (unsigned long long)bytes);
	for (value /= 1024; value >= 1024 && unit + 1 < COUNT_OF(units); unit++)
		value /= 1024;
	return arena_printf(arena, "%.1f %s", value, units[unit]);
}

struct text
view_span(struct arena *arena, uint64_t ms)
{
	unsigned long long s = ms / 1000;

	if (ms < 1000)
		return arena_printf(arena, "%llu ms", (unsigned long long)ms);
	if (s < 60)
		return arena_printf(arena, "%.1f s", (double)ms / 1000);
	if (s < 3600)
		return arena_printf(arena, "%llum %llus", s / 60, s % 60);
	if (s < 86400)
		return arena_printf(
		    arena, "%lluh %llum", s / 3600, s / 60 % 60);
	return arena_printf(arena, "%llud %lluh", s / 86400, s / 3600 % 24);
}

struct text
view_when(struct arena *arena, uint64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char date[32] = "?";

	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	return arena_printf(arena, "%s", date);
}

/* --- tables --- */

/* width_of counts characters, not bytes: lines of a tree are UTF-8. */
static uint32_t
width_of(struct text t)
{
	uint32_t width = 0;

	for (uint32_t i = 0; i < t.len; i++)
		width += ((unsigned char)t.at[i] & 0xc0) != 0x80;
	return width;
}

static void
new_row(struct table *t)
{
	struct table_row *row = ARENA_NEW(t->view->arena, struct table_row);

	if (t->last == NULL)
		t->first = row;
	else
		t->last->next = row;
	t->last = row;
	t->at = 0;
}

void
table_text(struct table *t, enum colour colour, struct text text)
{
	struct text copy;

	if (t->last == NULL || t->at == t->columns)
		new_row(t);
	if (text.len > TABLE_CELL) {
		text.len = TABLE_CELL;
		/* not in the middle of a character */
		while (text.len > 0 &&
		    ((unsigned char)text.at[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	copy = arena_text(t->view->arena, text);
	uint32_t width = width_of(copy);
	t->last->cell[t->at] =
	    (struct table_cell){.text = copy, .colour = colour, .width = width};
	if (width > t->widths[t->at])
		t->widths[t->at] = width;
	t->at++;
}

void
table_cell(struct table *t, enum colour colour, const char *fmt, ...)
{
	char text[TABLE_CELL + 1];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	table_text(t, colour, text_of(text));
}

void
table_u64(struct table *t, uint64_t value)
{
	table_cell(t, PLAIN, "%llu", (unsigned long long)value);
}

void
table_begin(
    struct table *t, struct view *v, const char *titles, const char *align)
{
	struct text left = text_of(titles);

	*t = (struct table){
	    .view = v, .align = align, .columns = (uint32_t)strlen(align)};
	while (t->at < t->columns) {
		int64_t bar = text_find(left, '|');
		struct text title = left;

		if (bar >= 0)
			title.len = (uint32_t)bar;
		table_text(t, DIM, title);
		if (bar < 0)
			break;
		left.at += bar + 1;
		left.len -= (uint32_t)bar + 1;
	}
	t->at = t->columns;
}

static void
put_spaces(struct view *v, uint32_t count)
{
	while (count-- > 0)
		put(v, " ", 1);
}

static void
put_cell(struct table *t, const struct table_row *row, uint32_t column)
{
	const struct table_cell *cell = &row->cell[column];
	uint32_t gap = t->widths[column] - cell->width;
	bool is_last = column + 1 == t->columns;
	bool is_painted =
	    t->view->has_colour && cell->colour != PLAIN && cell->text.len > 0;

	if (t->align[column] == 'r')
		put_spaces(t->view, gap);
	if (is_painted)
		put_string(t->view, colours[cell->colour]);
	view_text(t->view, cell->text);
	if (is_painted)
		put_string(t->view, "\x1b[0m");
	if (is_last)
		return;
	put_spaces(t->view, (t->align[column] == 'l' ? gap : 0) + 2);
}

/* trim drops spaces that aligned what is empty. */
static void
trim(struct view *v, size_t from)
{
	size_t used = buffer_used(v->out);

	while (used > from && buffer_at(v->out)[used - 1] == ' ')
		used--;
	buffer_truncate(v->out, used);
}

void
table_end(struct table *t)
{
	for (const struct table_row *row = t->first; row != NULL;
	     row = row->next) {
		size_t from = buffer_used(t->view->out);

		for (uint32_t i = 0; i < t->columns; i++)
			put_cell(t, row, i);
		trim(t->view, from);
		put(t->view, "\n", 1);
	}
}
