// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TRACE_WATCH_H
#define PROTOCOL_TRACE_WATCH_H

/*
 * trace_watch - the traces in force, where every process sees them at once.
 *
 * The monitor writes them, whole, into the watch area of the segment
 * `events`; a call reads one word, relaxed, and does nothing else while it is
 * zero. What cannot be read whole counts as no trace at all.
 *
 *   bytes 0     generation, u64; 0: no trace is in force
 *         8     two-copy record of WORDS words (two_copy.h):
 *                 word 0  generation it was written as
 *                      1  number of filters | bytes << 32
 *                      2… packed filters (trace_filter.h)
 *      6912 counts of the traces (trace_counts.h)
 *
 * Trust:  the area may be garbage; every filter is checked.
 * Owner:  the area is the segment's; a view is the reader's, and holds the
 *         texts of its filters. One writer: the monitor; the counts have many.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/trace_filter.h"

enum {
	TRACE_WATCH_AT = 1024, /* in the watch area */
	TRACE_WATCH_BYTES = 7168,
	TRACE_WATCH_COUNTS_AT = 6912, /* behind TRACE_WATCH_AT */
	TRACE_WATCH_WORDS = 430,      /* of a record */
	TRACE_WATCH_TEXT = (TRACE_WATCH_WORDS - 2) * 8
};

struct trace_watch {
	_Atomic uint64_t *area; /* NULL: there is none */
};

/* One reader's copy of the filters. Zeroed: none, and never read. */
struct trace_view {
	uint64_t generation;
	uint32_t count;
	uint32_t kinds; /* bits of enum trace_kind that occur */
	struct trace_filter filters[TRACE_FILTERS];
	uint64_t words[TRACE_WATCH_WORDS];
};

/* trace_watch_at: `area` has TRACE_WATCH_BYTES, zeroed when it was made. */
void trace_watch_at(struct trace_watch *, void *area);

static inline uint64_t
trace_watch_generation(const struct trace_watch *w)
{
	return w->area == NULL
	    ? 0
	    : atomic_load_explicit(w->area, memory_order_relaxed);
}

/* trace_watch_counts: where the running traces are counted; NULL: nowhere. */
static inline _Atomic uint64_t *
trace_watch_counts(const struct trace_watch *w)
{
	return w->area == NULL ? NULL : w->area + TRACE_WATCH_COUNTS_AT / 8;
}

/* trace_watch_set publishes; ERR_FULL: too many or too long, nothing changed.
 */
enum err trace_watch_set(struct trace_watch *,
    const struct trace_filter *const *, uint32_t count) MUST_USE;

/* trace_watch_read brings the view to the newest generation; true if its
 * filters are others than before. */
bool trace_watch_read(const struct trace_watch *, struct trace_view *);

/* trace_watch_last gives the newest record there is, in force or not: what a
 * new life of the writer goes on from. */
enum err trace_watch_last(
    const struct trace_watch *, struct trace_view *) MUST_USE;

#endif /* PROTOCOL_TRACE_WATCH_H */
