// SPDX-License-Identifier: MIT
/*
 * trace_fuzz - the words of strangers and operators, and whatever lies in
 * shared memory: what is read reads back as the same.
 *
 * Input: the first byte says what the rest is.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/trace_filter.h"
#include "protocol/trace_hop.h"
#include "protocol/traceparent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
parent(struct text t)
{
	struct traceparent got, again;
	char text[TRACEPARENT_BYTES + 1];

	if (traceparent_read(t, &got) != OK)
		return;
	traceparent_write(&got, text);
	must(traceparent_read(text_of(text), &again) == OK);
	must(again.span == got.span && again.trace[0] == got.trace[0] &&
	    again.trace[1] == got.trace[1]);
}

static void
filter(struct text t)
{
	struct trace_filter f = {.id = 1}, again;
	uint8_t packed[TRACE_PACKED_BYTES];
	struct text wrong;
	uint32_t flags;
	char word[400];

	if (trace_function_read(t, &f) != OK && trace_target_read(t, &f) != OK)
		return;
	if (trace_flags_read(t, &flags, &wrong) != OK)
		must(wrong.len > 0);
	size_t n = trace_pack(&f, packed);
	must(n <= sizeof(packed));
	must(trace_unpack(packed, n, &again) == n);
	must(trace_unpack(packed, n - 1, &again) == 0);
	must(text_eq(f.key, again.key) && text_eq(f.key2, again.key2));
	trace_filter_word(&f, word, sizeof(word));
}

static void
packed(struct text t)
{
	struct trace_filter f;
	char word[400];
	size_t n = trace_unpack((const uint8_t *)t.at, t.len, &f);

	must(n <= t.len);
	if (n > 0)
		trace_filter_word(&f, word, sizeof(word));
}

static void
record(struct text t)
{
	struct text key, value;
	char room[64];
	struct hop h;

	if (hop_read(t, &h) != OK || h.is_piece)
		return;
	while (facts_next(&h.rest, &key, &value, room, sizeof(room)))
		must(value.len <= t.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct text) = {
	    parent, filter, packed, record};

	if (size > 1 && size < 4096)
		readers[data[0] % 4](
		    (struct text){(const char *)data + 1, (uint32_t)size - 1});
	return 0;
}
