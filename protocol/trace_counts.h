// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TRACE_COUNTS_H
#define PROTOCOL_TRACE_COUNTS_H

/*
 * trace_counts - how much each running trace has found, counted where it is
 * found: whoever leaves a record adds it here, in shared memory.
 *
 * So the count of a trace is exact whoever dies: the monitor reads it and
 * ends the trace, a new life of it goes on from the same figure, and while
 * there is no monitor a process takes no request for a trace that has its
 * count.
 *
 *   word 2n    requests of the trace at place n
 *        2n+1  its records
 *
 * Trust:  the words may be garbage: they are only compared with a limit.
 * Owner:  the words are the segment's (protocol/trace_watch.h). A place is
 *         cleared by the monitor before its trace is put into force.
 */

#include <stdatomic.h>
#include <stdint.h>

enum {
	TRACE_PLACES = 16,    /* traces that run at once */
	TRACE_NO_PLACE = 255, /* a filter that nobody counts */
	TRACE_COUNTS_WORDS = 2 * TRACE_PLACES
};

void trace_counts_clear(_Atomic uint64_t *, uint32_t place);

/* trace_counts_add adds to every place whose bit is in `places`. */
void trace_counts_add(
    _Atomic uint64_t *, uint32_t places, uint64_t requests, uint64_t records);

/* Of a place that there is not: 0. */
uint64_t trace_counts_requests(const _Atomic uint64_t *, uint32_t place);
uint64_t trace_counts_records(const _Atomic uint64_t *, uint32_t place);

#endif /* PROTOCOL_TRACE_COUNTS_H */
