// SPDX-License-Identifier: MIT
#include "protocol/trace_watch.h"

#include <string.h>

#include "protocol/two_copy.h"

enum {
	RECORD_AT = 1 /* words */
};

_Static_assert((RECORD_AT + TWO_COPY_WORDS(TRACE_WATCH_WORDS)) * 8 <=
	    TRACE_WATCH_COUNTS_AT &&
	TRACE_WATCH_COUNTS_AT + TRACE_COUNTS_WORDS * 8 <= TRACE_WATCH_BYTES,
    "drawn in the header");

void
trace_watch_at(struct trace_watch *w, void *area)
{
	w->area = area;
}

enum err
trace_watch_set(struct trace_watch *w, const struct trace_filter *const *from,
    uint32_t count)
{
	uint64_t words[TRACE_WATCH_WORDS] = {0};
	uint8_t *bytes = (uint8_t *)(words + 2);
	uint8_t one[TRACE_PACKED_BYTES];
	size_t used = 0;
	struct trace_view last;

	if (w->area == NULL || count > TRACE_FILTERS)
		return ERR_FULL;
	for (uint32_t i = 0; i < count; i++) {
		size_t n = trace_pack(from[i], one);

		if (used + n > TRACE_WATCH_TEXT)
			return ERR_FULL;
		memcpy(bytes + used, one, n);
		used += n;
	}
	words[0] = trace_watch_last(w, &last) == OK ? last.generation + 1 : 1;
	words[1] = count | (uint64_t)used << 32;
	two_copy_write(w->area + RECORD_AT, words, TRACE_WATCH_WORDS);
	atomic_store_explicit(
	    w->area, count == 0 ? 0 : words[0], memory_order_release);
	return OK;
}

static enum err
unpack_all(struct trace_view *v)
{
	const uint8_t *at = (const uint8_t *)(v->words + 2);
	uint32_t count = (uint32_t)v->words[1];
	size_t left = v->words[1] >> 32;

	v->count = 0;
	v->kinds = 0;
	if (count > TRACE_FILTERS || left > TRACE_WATCH_TEXT)
		return ERR_MALFORMED;
	for (uint32_t i = 0; i < count; i++) {
		size_t n = trace_unpack(at, left, &v->filters[i]);

		if (n == 0)
			return ERR_MALFORMED;
		at += n;
		left -= n;
		v->kinds |= 1u << v->filters[i].kind;
	}
	v->count = count;
	return OK;
}

enum err
trace_watch_last(const struct trace_watch *w, struct trace_view *v)
{
	v->count = 0;
	v->kinds = 0;
	if (w->area == NULL)
		return ERR_MISSING;
	enum err e =
	    two_copy_read(w->area + RECORD_AT, v->words, TRACE_WATCH_WORDS);
	if (e != OK)
		return e;
	v->generation = v->words[0];
	return unpack_all(v);
}

bool
trace_watch_read(const struct trace_watch *w, struct trace_view *v)
{
	uint64_t now = trace_watch_generation(w);

	if (now == v->generation)
		return false;
	/* what cannot be read is no trace, and is not read again and again */
	if (now == 0 || trace_watch_last(w, v) != OK) {
		v->count = 0;
		v->kinds = 0;
	}
	v->generation = now;
	return true;
}
