// SPDX-License-Identifier: MIT
/*
 * series_bytes - a point as the disk keeps it:
 *
 *    0  sequence, at_ms, wall_ms, boot, layout    5 × u64
 *   40  values                                    float each
 *
 * Design notes
 *
 * A layout is the list of column names, kept once under its hash: columns
 * come and go with versions and pools, and points stay readable.
 */

#include <math.h>
#include <string.h>

#include "protocol/hash.h"
#include "workers/monitor/series.h"

static const int64_t latest_ms = (int64_t)1 << 48; /* in 8000 years */

struct head {
	uint64_t sequence;
	int64_t at_ms, wall_ms;
	uint64_t boot;
	uint64_t layout;
};

enum err
series_names(const struct series *s, struct buffer *to, uint64_t *layout)
{
	size_t before = buffer_used(to);
	enum err e = OK;

	for (uint32_t c = 0; e == OK && c < series_columns(s); c++)
		e = buffer_printf(to, "%s\n", series_name(s, c));
	if (e != OK)
		return e;
	*layout =
	    hash_name((struct text){.at = (const char *)buffer_at(to) + before,
		.len = (uint32_t)(buffer_used(to) - before)});
	return OK;
}

enum err
series_encode(const struct series *s, const struct series_point *p,
    uint64_t boot, struct buffer *to)
{
	struct head head = {.sequence = p->sequence,
	    .at_ms = p->at_ms,
	    .wall_ms = p->wall_ms,
	    .boot = boot};
	struct buffer names;
	enum err e;

	buffer_init(&names, (size_t)SERIES_COLUMNS * SERIES_NAME);
	e = series_names(s, &names, &head.layout);
	buffer_finish(&names);
	if (e == OK)
		e = buffer_append(to, &head, sizeof(head));
	if (e == OK)
		e = buffer_append(
		    to, p->values, series_columns(s) * sizeof(float));
	return e;
}

enum err
series_decode_names(
    struct series_decoder *d, uint64_t layout, struct text names)
{
	struct series_layout *l = &d->layouts[d->layout_count];

	if (d->layout_count == COUNT_OF(d->layouts))
		return ERR_FULL;
	*l = (struct series_layout){.hash = layout};
	while (names.len > 0) {
		int64_t end = text_find(names, '\n');

		if (end <= 0 || l->count == SERIES_COLUMNS)
			return ERR_MALFORMED;
		l->columns[l->count++] = series_column(d->series,
		    (struct text){.at = names.at, .len = (uint32_t)end});
		names.at += end + 1;
		names.len -= (uint32_t)end + 1;
	}
	d->layout_count++;
	return OK;
}

/* is_a_time: what no clock can have said would overflow where it is used. */
static bool
is_a_time(int64_t ms)
{
	return ms > -latest_ms && ms < latest_ms;
}

/* place gives a point of an earlier boot a time on our clock. */
static int64_t
place(const struct series_decoder *d, const struct head *head)
{
	int64_t at_ms = head->at_ms;

	if (head->boot != d->boot)
		at_ms = d->now_ms - (d->now_wall_ms - head->wall_ms);
	return at_ms < d->now_ms ? at_ms : d->now_ms;
}

enum err
series_decode(
    const struct series_decoder *d, struct text bytes, struct series_point *to)
{
	const struct series_layout *layout = NULL;
	struct head head;
	float value;

	if (bytes.len < sizeof(head))
		return ERR_MALFORMED;
	memcpy(&head, bytes.at, sizeof(head));
	if (!is_a_time(head.at_ms) || !is_a_time(head.wall_ms))
		return ERR_MALFORMED;
	for (uint32_t i = 0; i < d->layout_count; i++)
		if (d->layouts[i].hash == head.layout)
			layout = &d->layouts[i];
	if (layout == NULL)
		return ERR_NOT_FOUND;
	if (bytes.len != sizeof(head) + layout->count * sizeof(float))
		return ERR_MALFORMED;
	series_blank(to);
	to->sequence = head.sequence;
	to->at_ms = place(d, &head);
	to->wall_ms = head.wall_ms;
	for (uint32_t c = 0; c < layout->count; c++) {
		memcpy(&value, bytes.at + sizeof(head) + c * sizeof(float),
		    sizeof(value));
		if (layout->columns[c] != SERIES_NONE)
			to->values[layout->columns[c]] = value;
	}
	return OK;
}
