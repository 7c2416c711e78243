// SPDX-License-Identifier: MIT
/*
 * traces_fuzz - the records of whole requests as the rings hold them, in any
 * order and with any holes: requests, lines and the tracer's files.
 *
 * Input: records, one a line.
 */

#include <string.h>

#include "protocol/trace_hop.h"
#include "workers/monitor/traces.h"
#include "workers/monitor/tracer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct traces all;
static struct tracer tracer;

static void
see(void *ctx, const struct traced_line *line)
{
	uint32_t *count = ctx;

	INVARIANT(line->len <= sizeof(line->text));
	++*count;
}

static void
look(const struct traced_request *r)
{
	const struct traced_hop *order[TRACES_HOPS];
	uint32_t count = traces_order(r, order);

	INVARIANT(traces_facts(r).len <= TRACE_FACTS_BYTES);
	for (uint32_t i = 0; i < count; i++)
		INVARIANT(order[i]->len <= sizeof(order[i]->text) &&
		    (i == 0 ||
			order[i - 1]->place.mono_us <=
			    order[i]->place.mono_us));
}

static void
take(struct text record, uint64_t number)
{
	struct trace_place place = {
	    .mono_us = number * 7 % 5, .wall_us = 1700000000000000};
	struct buffer line;
	struct hop h;

	if (hop_read(record, &h) != OK)
		return;
	struct traced_request *r = traces_take(&all, &h, &place);
	if (r == NULL)
		return;
	buffer_init(&line, TRACER_LINE);
	if (tracer_line(&tracer, r, &h, &place, &line))
		INVARIANT(buffer_used(&line) <= TRACER_LINE &&
		    memchr(buffer_at(&line), '\n', buffer_used(&line)) == NULL);
	buffer_finish(&line);
	look(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = {(const char *)data, (uint32_t)size};
	uint64_t number = 0;
	uint32_t lines = 0;

	if (size > 16384)
		return 0;
	traces_init(&all);
	tracer_init(&tracer, "node");
	while (rest.len > 0) {
		int64_t end = text_find(rest, '\n');
		struct text record = {
		    rest.at, end < 0 ? rest.len : (uint32_t)end};

		take(record, number++);
		uint32_t step = record.len + (end >= 0);
		rest.at += step;
		rest.len -= step;
	}
	traces_lines(&all, 0, 10, see, &lines);
	INVARIANT(lines <= 10);
	tracer_finish(&tracer);
	traces_finish(&all);
	return 0;
}
