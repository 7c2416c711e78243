// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_TRACES_H
#define WORKERS_MONITOR_TRACES_H

/*
 * traces - the traces there are, what they have found, and when they end.
 *
 * Pure: no clock, no segment, no file. Whoever reads the rings brings the
 * records and the time; all memory is bounded, the oldest goes first.
 *
 * Trust:  records quote strangers; hop_read has checked their form.
 * Owner:  init/finish; requests are the table's until newer ones push them
 *         out.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/trace_filter.h"
#include "protocol/trace_hop.h"

enum {
	TRACES_RUNNING = TRACE_PLACES, /* at once; the rest of the filters is
				  the request tracer's */
	TRACES_KEPT = 32,              /* running and ended */
	TRACES_REQUESTS = 256,         /* kept */
	TRACES_HOPS = 64,              /* of one request; more are counted */
	TRACES_IDS = 8,                /* traces one request belongs to */
	TRACES_LINES = 1000,           /* for `trace tail` */
	TRACES_HOP_TEXT = 160,
	TRACES_LINE_TEXT = 200
};

enum trace_state {
	TRACE_RUNNING,
	TRACE_STOPPED, /* by an operator */
	TRACE_OF_TIME, /* its time was over */
	TRACE_OF_COUNT /* it had its records */
};

struct trace {
	struct trace_filter filter; /* texts in `key`, `key2` */
	char key[TRACE_KEY_BYTES];
	char key2[TRACE_KEY_BYTES];
	enum trace_state state;
	uint64_t records; /* as last counted (trace_counts.h) */
	uint64_t requests;
	uint64_t ended_ms; /* monotonic */
};

/* Which process left a record. */
struct trace_place {
	enum role role;
	uint32_t instance;
	uint32_t pid;
	uint64_t mono_us;
	uint64_t wall_us;
};

struct traced_hop {
	enum stage stage;
	struct trace_place place;
	uint64_t us;
	uint32_t len;
	char text[TRACES_HOP_TEXT];
};

struct traced_request {
	uint64_t serial; /* the order in which they came; 0: none */
	uint64_t trace[2];
	uint64_t span;
	uint64_t began_us;  /* monotonic, of its arrival; 0: start unknown */
	uint64_t hop_count; /* kept and not */
	uint32_t ids[TRACES_IDS];
	uint32_t id_count;
	uint32_t facts_bytes;
	uint32_t facts_got;
	char facts[TRACE_FACTS_BYTES];
	struct traced_hop hops[TRACES_HOPS];
};

struct traced_line {
	uint64_t sequence;
	struct trace_place place;
	uint32_t len;
	char text[TRACES_LINE_TEXT];
};

struct traces {
	struct trace all[TRACES_KEPT];
	uint32_t count;
	uint32_t last_id;
	uint32_t last_place;
	uint64_t requests_seen;
	uint64_t records;
	uint64_t lines_seen;
	struct traced_request *requests[TRACES_REQUESTS];
	struct traced_line *lines; /* TRACES_LINES; NULL until the first */
};

void traces_init(struct traces *);
void traces_finish(struct traces *);

/*
 * traces_start begins a trace like `filter` under a new id and a place of its
 * own, whose counts the caller clears. ERR_FULL: TRACES_RUNNING run already;
 * ERR_TOO_BIG: a name is too long.
 */
enum err traces_start(
    struct traces *, const struct trace_filter *, struct trace **) MUST_USE;

/* traces_adopt goes on with a filter that was in force before this life, and
 * with what its place has counted. */
void traces_adopt(struct traces *, const struct trace_filter *);

/* traces_stop ends the trace `id`, 0 for all; how many it were. */
uint32_t traces_stop(struct traces *, uint32_t id, uint64_t now_ms);

/* traces_look ends those whose time is over; true if there was one. */
bool traces_look(struct traces *, uint64_t now_ms);

uint32_t traces_running(const struct traces *);
const char *trace_state_name(enum trace_state);

/* traces_counted takes what a running trace has found so far; true if it had
 * its count with that, and has ended. */
bool traces_counted(
    struct trace *, uint64_t requests, uint64_t records, uint64_t now_ms);

/* traces_take takes one record of a request in, and gives the request. */
struct traced_request *traces_take(
    struct traces *, const struct hop *, const struct trace_place *);

/* traces_note keeps a line of a traced process that is of no request. */
void traces_note(struct traces *, const struct trace_place *, struct text);

/* traces_lines calls `each` for kept lines behind `after`, oldest first, the
 * newest `most` of them. */
void traces_lines(const struct traces *, uint64_t after, uint32_t most,
    void (*each)(void *ctx, const struct traced_line *), void *ctx);

/* traces_facts are complete, or empty. */
struct text traces_facts(const struct traced_request *);

/* traces_next gives the next kept request named `id` (a request id, a trace
 * id, a span id) with a serial above `after`, or NULL. */
const struct traced_request *traces_next(
    const struct traces *, struct text id, uint64_t after);

/* traces_order puts the kept hops into the order in which they happened. */
uint32_t traces_order(
    const struct traced_request *, const struct traced_hop *to[TRACES_HOPS]);

#endif /* WORKERS_MONITOR_TRACES_H */
