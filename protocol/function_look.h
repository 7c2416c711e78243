// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_FUNCTION_LOOK_H
#define PROTOCOL_FUNCTION_LOOK_H

/*
 * function_look - the figures of all functions over all gateways, at one
 * look: a line a function, then one for all that have no line of their own,
 * then one for the calls that never found a function. The lines add up to
 * what the gateways counted, whatever became of functions and gateways.
 *
 * Trust:  shared words may be garbage: bounded by function_stats.h.
 * Owner:  all of it is in the arena it was taken in.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/census.h"
#include "protocol/function_stats.h"

struct arena;
struct packer;

#define FUNCTION_OTHER      "__other__" /* without a line: too many, or gone */
#define FUNCTION_NONE_FOUND "__none__"  /* refused before there was one */

struct function_line {
	struct text service;
	struct text request_type;
	struct text version;
	uint64_t answered;
	uint64_t failed; /* all classes */
	struct function_sums sums;
};

struct function_look {
	struct arena *arena;
	uint32_t count;
	struct function_line **lines;
};

/* The gateways' own sums, of processes read after the functions were. */
struct function_totals {
	uint64_t counts[FUNCTION_COUNTS];
	uint64_t answered;
};

/* function_look_take reads the rows of the gateways in the census. */
void function_look_take(struct function_look *, struct arena *,
    const struct stats *, const struct census *);

/* function_look_close adds the last line, what totals have beyond the lines;
 * so read the totals after function_look_take. */
void function_look_close(
    struct function_look *, const struct function_totals *);

/* function_look_all is both, with totals of its own. */
void function_look_all(struct function_look *, struct arena *,
    const struct stats *, const struct census *);

/* What a count is called, and the gateway's counter beside it. */
const char *function_count_name(enum function_count);
enum counter function_count_counter(enum function_count);
bool function_count_is_error(enum function_count);

/* function_line_summary: percentiles of the answers, in µs. */
void function_line_summary(
    const struct function_line *, struct stats_summary *);

/* function_tell.c: an array of maps, as `stats` and /metrics/functions show
 * it. */
void function_look_pack(struct packer *, const struct function_look *);

#endif /* PROTOCOL_FUNCTION_LOOK_H */
