// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The reference leaves a system that is gone out of the mean, so a dead front
 * door makes its tree healthier. Here a system that is on and down counts
 * with 0; only what is off is left out.
 * Its errors are counted since the start; here they are those of the last
 * minute, or a bad morning would colour the whole day.
 */

#include "workers/monitor/systems.h"

#include <string.h>

enum {
	COUNTS = 6,
	TIMES = 2,
	LATENCY_FULL_MS = 5000 /* an average that costs its whole share */
};

static const double share_errors = 0.6;
static const double share_latency = 0.4;

/* Where the figures of a system come from; lists end with COUNTERS or
 * HISTOGRAMS, or are full. */
struct source {
	const char *name;
	const char *provider;
	enum role role;
	enum counter all[COUNTS]; /* operations */
	enum counter bad[COUNTS]; /* … that went wrong */
	/* what `all` and `bad` hold of other systems; COUNTERS: nothing */
	enum counter not_all[COUNTS], not_bad;
	enum histogram times[TIMES];
	enum counter active;
};

static const struct source sources[SYSTEMS] = {
    [SYSTEM_rpc] = {.name = "rpc",
	.provider = "gateway",
	.role = ROLE_gateway,
	.all = {COUNTER_gateway_calls, COUNTERS},
	.bad = {COUNTER_gateway_failed, COUNTERS},
	.times = {HISTOGRAM_gateway_call_us, HISTOGRAM_gateway_failed_us},
	.not_all = {COUNTERS},
	.not_bad = COUNTERS,
	.active = COUNTER_gateway_connections},
    [SYSTEM_pubsub] = {.name = "pubsub",
	.provider = "relay",
	.role = ROLE_relay,
	.all = {COUNTER_relay_sent, COUNTER_relay_rejected,
	    COUNTER_relay_overloaded, COUNTERS},
	.bad = {COUNTER_relay_rejected, COUNTER_relay_overloaded,
	    COUNTER_relay_dropped, COUNTERS},
	.times = {HISTOGRAM_relay_send_us, HISTOGRAMS},
	.not_all = {COUNTERS},
	.not_bad = COUNTERS,
	.active = COUNTER_relay_members},
    [SYSTEM_queue] = {.name = "queue",
	.provider = "worker_pool",
	.role = ROLE_worker_pool,
	.all = {COUNTER_worker_pool_calls, COUNTERS},
	.bad = {COUNTER_worker_pool_failed, COUNTER_worker_pool_unavailable,
	    COUNTER_worker_pool_expired, COUNTER_worker_pool_unknown_outcome,
	    COUNTER_worker_pool_quarantined, COUNTERS},
	.times = {HISTOGRAM_worker_pool_call_us, HISTOGRAMS},
	.not_all = {COUNTERS},
	.not_bad = COUNTERS,
	.active = COUNTER_worker_pool_in_flight},
    [SYSTEM_cache] = {.name = "cache",
	.provider = "config_db+rate_limiter",
	.role = ROLE_config_db,
	.all = {COUNTER_gateway_calls, COUNTERS},
	.bad = {COUNTER_gateway_not_found, COUNTER_gateway_limits_full,
	    COUNTER_gateway_limits_unusable, COUNTERS},
	.times = {HISTOGRAM_gateway_limit_us, HISTOGRAMS},
	.not_all = {COUNTERS},
	.not_bad = COUNTERS,
	.active = COUNTER_config_db_functions},
    [SYSTEM_federation] = {.name = "federation",
	.provider = "node_links",
	.role = ROLE_gateway,
	.all = {COUNTER_gateway_dispatched, COUNTERS},
	.bad = {COUNTER_gateway_expired, COUNTER_gateway_unknown_outcome,
	    COUNTER_gateway_redispatched, COUNTERS},
	/* gateways reach worker_pool and relay over links, too */
	.not_all = {COUNTER_worker_pool_calls, COUNTER_relay_sent,
	    COUNTER_relay_rejected, COUNTER_relay_overloaded,
	    COUNTER_relay_joins, COUNTER_relay_leaves},
	.not_bad = COUNTER_worker_pool_expired,
	.times = {HISTOGRAM_gateway_node_us, HISTOGRAMS},
	.active = COUNTER_gateway_links_up},
};

static const char *const grade_names[GRADES] = {
    [GRADE_HEALTHY] = "healthy",
    [GRADE_DEGRADED] = "degraded",
    [GRADE_CRITICAL] = "critical",
    [GRADE_UNAVAILABLE] = "unavailable",
};

static const struct {
	const char *name;
	enum counter counter;
	enum histogram histogram;
} rows[OPERATIONS] = {
#define O(name, counter, histogram) \
	[OPERATION_##name] = {#name, COUNTER_##counter, HISTOGRAM_##histogram},
    OPERATIONS_TABLE(O)
#undef O
};

const char *
system_name(enum system system)
{
	return sources[system].name;
}

const char *
system_provider(enum system system)
{
	return sources[system].provider;
}

const char *
grade_name(enum grade grade)
{
	return grade_names[grade];
}

const char *
operation_name(enum operation operation)
{
	return rows[operation].name;
}

enum counter
operation_counter(enum operation operation)
{
	return rows[operation].counter;
}

enum histogram
operation_histogram(enum operation operation)
{
	return rows[operation].histogram;
}

/* --- the formulas --- */

static double
at_most(double value, double most)
{
	return value < most ? value : most;
}

double
system_score(double error_percent, double average_ms)
{
	double score = 1 - share_errors * at_most(error_percent / 100, 1) -
	    share_latency * at_most(average_ms / LATENCY_FULL_MS, 1);

	return score > 0 ? score : 0;
}

enum grade
grade_of_errors(double error_percent)
{
	if (error_percent <= 5)
		return GRADE_HEALTHY;
	return error_percent <= 15 ? GRADE_DEGRADED : GRADE_CRITICAL;
}

enum grade
grade_of_score(double score)
{
	if (score >= 0.8)
		return GRADE_HEALTHY;
	return score >= 0.6 ? GRADE_DEGRADED : GRADE_CRITICAL;
}

/* --- reading --- */

static uint64_t
sum(const struct world *w, const enum counter *list,
    uint64_t (*figure)(const struct world *, enum counter))
{
	uint64_t all = 0;

	for (int i = 0; i < COUNTS && list[i] != COUNTERS; i++)
		all += figure(w, list[i]);
	return all;
}

/* less is a - b, and 0 where they were read at different moments. */
static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static bool
is_on(const struct world *w, enum system system, uint32_t nodes)
{
	if (system == SYSTEM_queue)
		return !world_is_up(w, ROLE_worker_pool) ||
		    world_gauge(w, COUNTER_worker_pool_runners) > 0;
	return system != SYSTEM_federation || nodes > 0;
}

static bool
is_down(const struct world *w, enum system system)
{
	if (!world_is_up(w, sources[system].role))
		return true;
	if (system == SYSTEM_queue)
		return world_gauge(w, COUNTER_worker_pool_runners_ready) == 0;
	if (system == SYSTEM_federation)
		return world_gauge(w, COUNTER_gateway_links_up) == 0;
	return false;
}

static uint64_t
operations(const struct world *w, const struct source *from,
    uint64_t (*figure)(const struct world *, enum counter))
{
	return less(sum(w, from->all, figure), sum(w, from->not_all, figure));
}

static void
read_one(const struct world *w, enum system system, struct system_record *to)
{
	const struct source *from = &sources[system];
	uint64_t ms = world_window_ms(w);
	uint64_t all = operations(w, from, world_recent);
	uint64_t bad = sum(w, from->bad, world_recent);
	struct world_times times;

	if (from->not_bad != COUNTERS)
		bad = less(bad, world_recent(w, from->not_bad));
	world_times_of_all(
	    w, from->times, from->times[1] == HISTOGRAMS ? 1 : TIMES, &times);
	to->is_down = is_down(w, system);
	to->per_second = ms > 0 ? (double)all * 1000 / (double)ms : 0;
	to->average_ms = times.average / 1000;
	to->p95_ms = (double)times.p95 / 1000;
	to->p99_ms = (double)times.p99 / 1000;
	if (bad > 0)
		to->error_percent =
		    all > bad ? (double)bad * 100 / (double)all : 100;
	to->active = world_gauge(w, from->active);
	to->last_hour = operations(w, from, world_hour);
	if (to->is_down)
		return;
	to->score = system_score(to->error_percent, to->average_ms);
	to->grade = grade_of_errors(to->error_percent);
}

void
systems_read(const struct world *w, uint32_t nodes, struct systems *to)
{
	double total = 0;
	uint32_t on = 0;

	memset(to, 0, sizeof(*to));
	for (int i = 0; i < SYSTEMS; i++) {
		struct system_record *one = &to->of[i];

		one->grade = GRADE_UNAVAILABLE;
		one->is_on = is_on(w, (enum system)i, nodes);
		if (one->is_on)
			read_one(w, (enum system)i, one);
		to->counts[one->grade]++;
		on += one->is_on;
		total += one->score;
	}
	to->grade = GRADE_UNAVAILABLE;
	if (on == 0)
		return;
	to->score = total / on;
	to->grade = grade_of_score(to->score);
}
