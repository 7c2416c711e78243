// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_STATS_TREE_H
#define PROTOCOL_STATS_TREE_H

/*
 * stats_tree - what the supervisor says about each child, in the segment
 * `stats`, for control and every other reader: no process is asked.
 *
 * A child has the same index here as its slot in stats.h. The supervisor
 * alone writes; each record is a two-copy slot, so a reader has one moment's
 * whole truth, also when the supervisor was killed while writing.
 *
 * Trust:  the words may be garbage: a read checks sum and ranges.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/child_state.h"
#include "protocol/stats.h"

enum {
	STATS_REASON = 200, /* bytes of text, NUL included */
	STATS_NO_PARENT = 0xffff
};

struct stats_child {
	uint32_t role;          /* enum role */
	uint32_t instance;      /* 1-based; 0 for a single one */
	uint32_t state;         /* enum child_state */
	uint32_t pid;           /* 0 when no process */
	uint64_t life;          /* 1, 2, 3 …; the last one if it has ended */
	uint64_t restarts;      /* lives begun because one had ended */
	uint64_t started_ms;    /* monotonic; 0 before the first life */
	uint64_t ready_ms;      /* monotonic; 0 while this life is not ready */
	uint64_t rest_until_ms; /* monotonic; 0 unless resting */
	uint64_t died_ms;       /* monotonic; 0 before the first death */
	uint32_t parent;        /* slot of its supervisor; STATS_NO_PARENT */
	uint32_t last_status;   /* wait status of the last life */
	uint32_t last_reason;   /* enum child_reason, of the last death */
	bool wants_up;
	bool is_paused;
	bool is_in_probation;
	bool is_degraded;
	char reason[STATS_REASON]; /* why it is as it is; one line */
};

/* stats_child_set publishes; stats_child_forget leaves the index unused. */
void stats_child_set(
    struct stats *, uint32_t index, const struct stats_child *);
void stats_child_forget(struct stats *, uint32_t index);

/* stats_child_get: ERR_MISSING for an unused index; else as two_copy_read. */
enum err stats_child_get(
    const struct stats *, uint32_t index, struct stats_child *) MUST_USE;

#endif /* PROTOCOL_STATS_TREE_H */
