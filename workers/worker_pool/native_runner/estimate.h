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
 * On a busy machine a call of a microsecond may take five milliseconds by the
 * clock, because its thread was put aside. Such a call is no reason to wake
 * anybody, so times that look long are taken twice: of a handler that did not
 * wait for anything only the processor's time counts.
 *
 * Pure: times are arguments. Any thread may add at any time; a lost sample
 * does not matter.
 *
 * Trust:  times are our own clock's.
 * Owner:  no memory.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	ESTIMATE_UNKNOWN_US = 200, /* before the first sample: share it out */
	ESTIMATE_SHARE_US = 100,   /* work worth a thread of its own */
	ESTIMATE_DOUBT_US = 40,    /* below, the clock on the wall will do */
};

struct estimate {
	atomic_uint us_x8; /* a moving mean; 0: no sample yet */
	atomic_bool is_doubted;
};

uint32_t estimate_us(const struct estimate *);

/* estimate_wants_both: the next call's processor time should be taken too. */
bool estimate_wants_both(const struct estimate *);

/* estimate_add: by the wall's clock alone; a long one is only a doubt. */
void estimate_add(struct estimate *, uint64_t wall_us);

/* estimate_add_both: `has_waited`, for a lock, a disk, or anybody. */
void estimate_add_both(
    struct estimate *, uint64_t wall_us, uint64_t cpu_us, bool has_waited);

/*
 * estimate_helpers: besides the thread that asks, how many of the `idle` ones
 * should take part in `ready` calls of together `total_us`.
 */
uint32_t estimate_helpers(uint64_t total_us, uint32_t ready, uint32_t idle);

#endif /* WORKERS_WORKER_POOL_NATIVE_RUNNER_ESTIMATE_H */
