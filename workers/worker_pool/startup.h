// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_STARTUP_H
#define WORKERS_WORKER_POOL_STARTUP_H

/*
 * startup - which runners are started when: in batches at first, later those
 * that are missing.
 *
 * Pure: the time comes as an argument.
 *
 * Trust:  numbers come from validated settings.
 * Owner:  whoever holds the struct; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/pool_spec.h"

struct startup {
	uint32_t size;     /* runners in all */
	uint32_t batch;    /* together; the thread profile: all */
	uint64_t delay_ms; /* from one batch to the next */
	uint32_t started;
	uint64_t next_ms;
	/* looks for missing ones, after the last batch */
	uint64_t reconcile_ms;
	uint32_t reconcile_most;
};

void startup_init(struct startup *, const struct pool_spec *,
    uint64_t reconcile_ms, uint32_t reconcile_most, uint64_t now_ms);

/*
 * startup_due: how many runners to start now, from `startup->started` on
 * before the call. 0: none, or all have been.
 */
uint32_t startup_due(struct startup *, uint64_t now_ms);
bool startup_is_over(const struct startup *);

/*
 * startup_missing: after the batches, how many of those that have no process
 * and none to come (`missing`) to start now: a few, once a pass.
 */
uint32_t startup_missing(struct startup *, uint32_t missing, uint64_t now_ms);

/* startup_next_ms: when to ask again. */
uint64_t startup_next_ms(const struct startup *);

#endif /* WORKERS_WORKER_POOL_STARTUP_H */
