// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_NATIVE_RUNNER_ESTIMATE_H
#define WORKERS_WORKER_POOL_NATIVE_RUNNER_ESTIMATE_H

/*
 * estimate - how long a function takes, and how many threads a batch is worth.
 *
 * Waking a thread costs some 5 us of two processors. Sixteen calls of one
 * microsecond are done sooner by the thread that has read them; sixteen that
 * sleep want sixteen threads. A wrong guess costs at most one tick of the
 * keeper, who wakes others for what is left.
 *
 * Pure: times are arguments. Any thread may add at any time; a lost sample
 * does not matter.
 *
 * Trust:  times are our own clock's.
 * Owner:  no memory.
 */

#include <stdatomic.h>
#include <stdint.h>

enum {
	ESTIMATE_UNKNOWN_US = 200, /* before the first sample: share it out */
	ESTIMATE_SHARE_US = 100,   /* work worth a thread of its own */
};

struct estimate {
	atomic_uint us_x8; /* a moving mean; 0: no sample yet */
};

uint32_t estimate_us(const struct estimate *);
void estimate_add(struct estimate *, uint64_t us);

/*
 * estimate_helpers: besides the thread that asks, how many of the `idle` ones
 * should take part in `ready` calls of together `total_us`.
 */
uint32_t estimate_helpers(uint64_t total_us, uint32_t ready, uint32_t idle);

#endif /* WORKERS_WORKER_POOL_NATIVE_RUNNER_ESTIMATE_H */
