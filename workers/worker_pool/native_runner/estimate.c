// SPDX-License-Identifier: MIT
#include "workers/worker_pool/native_runner/estimate.h"

enum {
	WEIGHT = 8,
	LONGEST_US = 60 * 1000 * 1000, /* times WEIGHT it still fits */
};

uint32_t
estimate_us(const struct estimate *e)
{
	unsigned sum = atomic_load_explicit(&e->us_x8, memory_order_relaxed);

	return sum == 0 ? ESTIMATE_UNKNOWN_US : sum / WEIGHT;
}

bool
estimate_wants_both(const struct estimate *e)
{
	return estimate_us(e) >= ESTIMATE_DOUBT_US ||
	    atomic_load_explicit(&e->is_doubted, memory_order_relaxed);
}

static void
add(struct estimate *e, uint64_t us)
{
	unsigned sum = atomic_load_explicit(&e->us_x8, memory_order_relaxed);
	unsigned sample = us < LONGEST_US ? (unsigned)us : LONGEST_US;

	sum = sum == 0 ? sample * WEIGHT : sum - sum / WEIGHT + sample;
	/* 0 would mean that there was none */
	atomic_store_explicit(
	    &e->us_x8, sum > 0 ? sum : 1, memory_order_relaxed);
}

void
estimate_add(struct estimate *e, uint64_t wall_us)
{
	if (wall_us < ESTIMATE_DOUBT_US)
		add(e, wall_us);
	else
		atomic_store_explicit(
		    &e->is_doubted, true, memory_order_relaxed);
}

void
estimate_add_both(
    struct estimate *e, uint64_t wall_us, uint64_t cpu_us, bool has_waited)
{
	atomic_store_explicit(&e->is_doubted, false, memory_order_relaxed);
	add(e, has_waited || cpu_us > wall_us ? wall_us : cpu_us);
}

uint32_t
estimate_helpers(uint64_t total_us, uint32_t ready, uint32_t idle)
{
	uint64_t worth = total_us / ESTIMATE_SHARE_US;
	uint32_t others = ready > 0 ? ready - 1 : 0;

	if (worth > others)
		worth = others;
	return worth < idle ? (uint32_t)worth : idle;
}
