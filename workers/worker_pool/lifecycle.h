// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_LIFECYCLE_H
#define WORKERS_WORKER_POOL_LIFECYCLE_H

/*
 * lifecycle - when a healthy runner is replaced by a fresh one, and how many
 * may be on their way out together.
 *
 * Pure: facts, time and chance come as arguments.
 *
 * Trust:  facts come from our own counters and from /proc.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/pool_spec.h"

enum lifecycle_why {
	LIFECYCLE_KEEP,
	LIFECYCLE_TTL,
	LIFECYCLE_REQUESTS,
	LIFECYCLE_MEMORY,
	/* reasons that no look finds: */
	LIFECYCLE_MANUAL,
	LIFECYCLE_DIED,
};

struct lifecycle_facts {
	uint64_t ready_ms;  /* since when this life serves */
	uint64_t succeeded; /* calls of this life; failed ones do not count */
	uint64_t rss_bytes; /* 0: not known, then it is no reason */
	uint32_t chance;    /* drawn once per life */
};

/* lifecycle_judge looks at age, then calls, then memory. */
enum lifecycle_why lifecycle_judge(const struct pool_spec *,
    const struct lifecycle_facts *, uint32_t jitter_percent, uint64_t now_ms);

/* lifecycle_ttl_ms: the age this life may reach; 0: any. Never less than
 * worker_ttl, up to jitter_percent more, so that not all go together. */
uint64_t lifecycle_ttl_ms(const struct pool_spec *,
    const struct lifecycle_facts *, uint32_t jitter_percent);

/*
 * lifecycle_room: how many more runners may be sent on their way now, with
 * `ready` serving and `leaving` on their way out: `parallel` at most, and
 * never so many that fewer than min_ready are left.
 */
uint32_t lifecycle_room(const struct pool_spec *, uint32_t parallel,
    uint32_t ready, uint32_t leaving);

/* Nine tenths of the way. */
bool lifecycle_is_near_ttl(
    const struct pool_spec *, const struct lifecycle_facts *, uint64_t now_ms);
bool lifecycle_is_near_max(
    const struct pool_spec *, const struct lifecycle_facts *);

/* "ttl_expired", "max_requests", "memory_threshold", "manual", … */
const char *lifecycle_word(enum lifecycle_why);

#endif /* WORKERS_WORKER_POOL_LIFECYCLE_H */
