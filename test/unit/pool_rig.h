// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_POOL_RIG_H
#define TEST_UNIT_POOL_RIG_H

/*
 * pool_rig - a pool with runners that are ready, and what it has due.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/base/err.h"
#include "workers/worker_pool/affinity.h"
#include "workers/worker_pool/pool.h"

enum {
	START = 1000,
	LONG = 1000000
};

static inline struct pool_spec
spec_of(uint64_t runners, uint64_t threads)
{
	return (struct pool_spec){.name = TEXT("p"),
	    .worker_profile = threads > 1 ? POOL_THREAD : POOL_PROCESS,
	    .pool_size = runners,
	    .threads_per_worker = threads,
	    .max_queue_size = 4,
	    .queue_timeout_ms = 100,
	    .circuit_breaker_cooldown_ms = 1000};
}

static inline struct pool *
made(const struct pool_spec *spec)
{
	struct pool_rules rules = {.spec = spec,
	    .affinity_ttl_ms = 60000,
	    .affinity_most = 1000,
	    .stuck_ms = 50};
	struct pool *p;

	pool_create(&p, &rules);
	return p;
}

/* ready gives a pool whose runners are all ready. */
static inline struct pool *
ready(const struct pool_spec *spec)
{
	struct pool *p = made(spec);

	for (uint32_t i = 0; i < spec->pool_size; i++)
		pool_runner_ready(
		    p, i, (uint32_t)spec->threads_per_worker, START);
	return p;
}

static inline struct pool_work
work(void)
{
	return (struct pool_work){.deadline_ms = LONG};
}

static inline enum pool_due
due(struct pool *p, uint64_t now_ms, const struct pool_work *expected)
{
	struct pool_work *which;
	enum pool_due what = pool_due(p, now_ms, &which);

	if (what != POOL_DUE_NONE)
		assert_ptr_equal(which, expected);
	return what;
}

#endif /* TEST_UNIT_POOL_RIG_H */
