// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_CENSUS_H
#define PROTOCOL_CENSUS_H

/*
 * census - one look at the whole tree: every process, as the supervisor's
 * table, the process's own slot and /proc tell it. Tree, health and stats are
 * told from the same look, so they never contradict each other.
 *
 * Trust:  shared words may be garbage: stats_tree.h checks what it gives;
 *         texts are cut.
 * Owner:  the census is in the arena it was taken in.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/stats_tree.h"

struct arena;

struct census_process {
	uint32_t slot;
	const struct stats_slot *stats;
	struct stats_child child; /* guard and supervisor: filled in likewise */
	uint64_t memory_bytes;    /* resident, now */
	uint64_t heap_bytes;      /* data and stack, touched or not */
	uint64_t own_bytes;       /* of the resident: shared with nobody */
	uint64_t code_bytes;
	uint64_t cpu_us; /* user and system, of this life */
	uint64_t threads;
	uint64_t descriptors;      /* open; by census_count_descriptors */
	uint64_t descriptor_limit; /* 0: not looked at, or not to be seen */
};

struct census {
	uint64_t now_ms; /* monotonic */
	uint64_t wall_ms;
	uint64_t flags; /* enum stats_flags */
	uint32_t count;
	struct census_process process[STATS_SLOTS]; /* guard first */
};

struct census *census_take(struct arena *, const struct stats *);

/*
 * census_count_descriptors looks how many each process has and may have; it
 * walks a folder of /proc for each, so it is for who asks, not for every turn.
 */
void census_count_descriptors(struct census *);

/* census_is_child: not the guard, not the supervisor. */
bool census_is_child(const struct census_process *);

#endif /* PROTOCOL_CENSUS_H */
