// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_STARTUP_H
#define WORKERS_WORKER_POOL_STARTUP_H

/*
 * startup - which runners are started when: in batches, with a pause between.
 * Later on the engine replaces each that is missing at once, or after its
 * rest: there is no pass that looks for gaps, and no gap for it to find.
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
};

void startup_init(struct startup *, const struct pool_spec *, uint64_t now_ms);

/*
 * startup_due: how many runners to start now, from `startup->started` on
 * before the call. 0: none, or all have been.
 */
uint32_t startup_due(struct startup *, uint64_t now_ms);
bool startup_is_over(const struct startup *);

/* startup_next_ms: when the next batch is due. */
uint64_t startup_next_ms(const struct startup *);

#endif /* WORKERS_WORKER_POOL_STARTUP_H */
