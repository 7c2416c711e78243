// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_INSPECT_H
#define WORKERS_WORKER_POOL_INSPECT_H

/*
 * inspect - the profile inspector: figures of pools, and what to do about
 * them.
 *
 * Pure: takes a snapshot somebody else has made, reads no process.
 *
 * Trust:  numbers come from our own counters and from /proc.
 * Owner:  all memory is the caller's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/pool_spec.h"

/* When a recommendation is made: pools.recommendations. */
struct inspect_limits {
	uint32_t util_critical; /* percent of the capacity used */
	uint32_t util_warning;
	uint32_t util_low;
	uint32_t mem_avg_mb;
	uint32_t mem_peak_mb;
	uint32_t min_threads;
	uint32_t max_threads;
	uint32_t max_process_workers;
};

/* A runner, as somebody saw it. */
struct inspect_runner {
	char name[POOL_NAME_BYTES + 16]; /* "async_pool/3" */
	int64_t pid;                     /* 0: none, then it is not counted */
	uint32_t capacity;
	uint32_t load;
	uint64_t rss_bytes;
	uint64_t pss_bytes; /* its share of what it shares; 0: not known */
	bool is_known;      /* false: no process could be looked at */
};

/* A pool, as somebody saw it. */
struct inspect_pool {
	const struct pool_spec *spec;
	bool is_running; /* false: `pool_not_running` */
	const struct inspect_runner *runners;
	uint32_t runner_count;
	uint64_t memory_recycles;
};

/* get_pool_stats and get_capacity_stats; only living runners count. */
struct inspect_stats {
	uint32_t worker_count;
	uint64_t capacity_total;
	uint64_t capacity_used;
	uint64_t capacity_available;
	double utilization_percent; /* to 2 decimals; 0.0 without capacity */
	/* thread_info: of runners whose capacity is above 1 */
	uint32_t thread_workers; /* 0: there is no thread_info */
	uint32_t threads_per_worker;
	uint64_t total_threads;
	double avg_load_per_worker; /* to 2 decimals */
};

/* get_memory_stats; all 0.0 without runners. MB are 2^20 bytes. */
struct inspect_memory {
	double total_mb;
	double avg_mb;
	double max_mb;
	double min_mb;
	double total_pss_mb;
};

enum {
	INSPECT_ADVICE = 3, /* one of each family at most */
	INSPECT_TEXT = 200,
};

struct inspect_advice {
	uint32_t count;                        /* 0: nothing to do */
	char at[INSPECT_ADVICE][INSPECT_TEXT]; /* CRITICAL, WARNING, INFO */
};

void inspect_stats(const struct inspect_pool *, struct inspect_stats *);
void inspect_memory(const struct inspect_pool *, struct inspect_memory *);
void inspect_recommend(const struct inspect_pool *,
    const struct inspect_limits *, struct inspect_advice *);

/* inspect_is_saturated: `utilization` has reached the threshold. */
bool inspect_is_saturated(
    const struct inspect_stats *, double threshold_percent);

/* inspect_plan_mb: memory of `workers` runners like those there are. */
double inspect_plan_mb(const struct inspect_memory *, uint64_t workers);

/* The words: "available", "busy", "unknown"; "CRITICAL" … "LOW". */
const char *inspect_status(const struct inspect_runner *);
const char *inspect_band(double utilization_percent);

double inspect_round(double); /* to 2 decimals */
double inspect_mb(uint64_t bytes);

#endif /* WORKERS_WORKER_POOL_INSPECT_H */
