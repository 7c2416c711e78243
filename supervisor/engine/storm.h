// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_ENGINE_STORM_H
#define SUPERVISOR_ENGINE_STORM_H

/*
 * storm - the ceiling on starts of a whole tree: so many a second, so many a
 * minute (two token buckets), whatever the children do.
 *
 * Pure arithmetic: the caller brings the time.
 *
 * Trust:  numbers come from validated settings.
 * Owner:  whoever holds the struct; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

struct storm_bucket {
	uint32_t size;       /* most tokens it holds; one is a start */
	uint32_t period_ms;  /* in which `size` tokens come back */
	uint64_t level;      /* tokens × period_ms, so no fraction is lost */
	uint64_t counted_ms; /* refilled up to here */
};

struct storm {
	struct storm_bucket second, minute;
};

/* A ceiling of 0 does not guard. */
void storm_init(
    struct storm *, uint32_t per_second, uint32_t per_minute, uint64_t now_ms);

/*
 * storm_take takes the token for one start, or says in `wait_ms` how long
 * until there is one.
 */
bool storm_take(struct storm *, uint64_t now_ms, uint64_t *wait_ms);

#endif /* SUPERVISOR_ENGINE_STORM_H */
