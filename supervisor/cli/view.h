// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_VIEW_H
#define SUPERVISOR_CLI_VIEW_H

/*
 * view - text for people: aligned tables, colours where there is a terminal,
 * numbers as one reads them. Everything is composed in a buffer and written
 * at once, so --watch does not flicker and tests compare whole pages.
 *
 * Trust:  texts may quote strangers: view_text and table cells replace control
 *         bytes, so that no service name moves the operator's cursor.
 * Owner:  the buffer is the caller's; cells live in the view's arena.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/buffer.h"
#include "protocol/base/text.h"

enum colour {
	PLAIN,
	DIM,
	BOLD,
	GREEN,
	YELLOW,
	RED
};

struct view {
	struct buffer *out;
	struct arena *arena;
	bool has_colour;
};

void view_print(struct view *, const char *fmt, ...) PRINTF(2, 3);
void view_paint(struct view *, enum colour, const char *fmt, ...) PRINTF(3, 4);
void view_text(struct view *, struct text);

/* view_rule draws a line of `with` across a banner. */
void view_rule(struct view *, char with);

/* For people: "3.1 MB", "2h 3m", "12.3 s", "2026-11-21 10:00:00". */
struct text view_bytes(struct arena *, uint64_t bytes);
struct text view_span(struct arena *, uint64_t ms);
struct text view_when(struct arena *, uint64_t wall_ms);

/* --- tables --- */

enum {
	TABLE_COLUMNS = 12,
	TABLE_CELL = 400 /* bytes shown of one cell */
};

struct table_cell {
	struct text text;
	enum colour colour;
	uint32_t width; /* columns on a terminal */
};

struct table {
	struct view *view;
	const char *align; /* one letter a column: l or r */
	uint32_t columns;
	uint32_t widths[TABLE_COLUMNS];
	struct table_row *first, *last;
	uint32_t at; /* next column of the last row */
};

/* table_begin: `titles` are separated by '|'; `align` as "lrr". */
void table_begin(
    struct table *, struct view *, const char *titles, const char *align);
void table_cell(struct table *, enum colour, const char *fmt, ...) PRINTF(3, 4);
void table_text(struct table *, enum colour, struct text);
void table_u64(struct table *, uint64_t);
void table_end(struct table *);

#endif /* SUPERVISOR_CLI_VIEW_H */
