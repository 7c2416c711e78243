// SPDX-License-Identifier: MIT
/*
 * series_fuzz - what a disk gives back as a record of the history: what is
 * taken is a point of ours, and is written as it was read.
 *
 * Input: how long the list of columns is (two bytes), the list, a record.
 */

#include <string.h>

#include "workers/monitor/series.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	LAYOUT_AT = 32, /* of a record: see series_bytes.c */
	BOOT = 7
};

static void
visit(void *ctx, int64_t wall_ms, double value)
{
	uint32_t *count = ctx;

	(void)wall_ms;
	(void)value;
	++*count;
}

/* put_back restores the point and asks for all there is. */
static void
put_back(struct series *s, const struct series_point *p)
{
	const struct series_question q = {
	    .column = 0, .now_ms = 1000, .span_ms = 1000, .resolution_ms = 10};
	struct series_point again;
	uint32_t count = 0;

	series_restore(s, SERIES_FINE, p);
	series_at(s, SERIES_FINE, 0, &again);
	INVARIANT(again.sequence == p->sequence && again.at_ms == p->at_ms);
	series_buckets(s, &q, visit, &count);
	INVARIANT(count <= 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t sizes[SERIES_RINGS] = {4, 4};
	struct series_decoder d = {
	    .boot = BOOT, .now_ms = 1000, .now_wall_ms = 1700000000000};
	struct series_point p;
	uint64_t layout = 0;

	if (size < 2 || size > 8192)
		return 0;
	uint32_t names = data[0] | (uint32_t)data[1] << 8;
	if (names > size - 2)
		names = (uint32_t)size - 2;
	struct text list = {(const char *)data + 2, names};
	struct text record = {list.at + names, (uint32_t)size - 2 - names};

	series_create(&d.series, sizes);
	if (record.len >= LAYOUT_AT + sizeof(layout))
		memcpy(&layout, record.at + LAYOUT_AT, sizeof(layout));
	if (series_decode_names(&d, layout, list) == OK &&
	    series_decode(&d, record, &p) == OK) {
		INVARIANT(p.at_ms <= d.now_ms);
		put_back(d.series, &p);
	}
	INVARIANT(series_columns(d.series) <= SERIES_COLUMNS);
	series_destroy(&d.series);
	return 0;
}
