// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_SYSTEMS_H
#define WORKERS_MONITOR_SYSTEMS_H

/*
 * systems - the tree as five systems: how busy, how fast, how often wrong,
 * and one score for all.
 *
 *   score of a system  1 - 0.6 · errors - 0.4 · average latency / 5 s
 *   overall            the mean of those that are on; >= 0.8 healthy,
 *                      >= 0.6 degraded, else critical; none: unavailable
 *
 * Pure: it reads a world and knows no clock. Rates, latencies and errors are
 * of the world's last minute, so a system gets well again.
 *
 * Trust:  the world has bounded what it holds.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stdint.h>

#include "workers/monitor/world.h"

enum system {
	SYSTEM_rpc,        /* the gateways */
	SYSTEM_pubsub,     /* relay */
	SYSTEM_queue,      /* worker_pool */
	SYSTEM_cache,      /* lookups in what config_db and rate_limiter own */
	SYSTEM_federation, /* links to service nodes */
	SYSTEMS
};

enum grade {
	GRADE_HEALTHY,
	GRADE_DEGRADED,
	GRADE_CRITICAL,
	GRADE_UNAVAILABLE,
	GRADES
};

struct system_record {
	bool is_on;   /* off: nothing configured; shown as null */
	bool is_down; /* on, and nobody is there to do it: score 0 */
	double per_second;
	double average_ms, p95_ms, p99_ms;
	double error_percent;
	uint64_t active;    /* connections, members, calls in flight, links */
	uint64_t last_hour; /* operations */
	double score;       /* 0 … 1 */
	enum grade grade;   /* by its errors: 5 %, 15 % */
};

struct systems {
	struct system_record of[SYSTEMS];
	uint32_t counts[GRADES];
	double score; /* of all that are on */
	enum grade grade;
};

const char *system_name(enum system);     /* "rpc" */
const char *system_provider(enum system); /* "gateway" */
const char *grade_name(enum grade);       /* "healthy" */

double system_score(double error_percent, double average_ms);
enum grade grade_of_errors(double error_percent);
enum grade grade_of_score(double score);

/* systems_read: `nodes` service nodes are known to the gateways. */
void systems_read(const struct world *, uint32_t nodes, struct systems *);

/* --- what is measured by its name: /metrics/throughput and /latency --- */

/* O(name, counter, histogram) */
#define OPERATIONS_TABLE(O) \
	O(request, gateway_calls, gateway_call_us) \
	O(node_call, gateway_dispatched, gateway_node_us) \
	O(rate_check, gateway_limits_checked, gateway_limit_us) \
	O(pool_exec, worker_pool_dispatched, worker_pool_call_us) \
	O(event_emission, relay_sent, relay_send_us) \
	O(persistence_write, config_db_commits, config_db_commit_us) \
	O(group_write, relay_commits, relay_commit_us) \
	O(pull, puller_pulls, puller_pull_us)

enum operation {
#define O(name, counter, histogram) OPERATION_##name,
	OPERATIONS_TABLE(O)
#undef O
	OPERATIONS
};

const char *operation_name(enum operation);
enum counter operation_counter(enum operation);
enum histogram operation_histogram(enum operation);

#endif /* WORKERS_MONITOR_SYSTEMS_H */
