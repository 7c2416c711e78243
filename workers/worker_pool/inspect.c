// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A runner counts while it has a process, ready or not: who looks at the pool
 * wants to see what is really there. Its capacity is 0 until it is ready, so
 * that utilization is about calls that could be served.
 */

#include "workers/worker_pool/inspect.h"

#include <inttypes.h>
#include <stdio.h>

#include "protocol/base/err.h"

enum {
	SHRINKABLE = 10 /* workers: a smaller pool is not worth a word */
};

enum severity {
	CRITICAL,
	WARNING,
	INFO,
	SEVERITIES
};

double
inspect_round(double value)
{
	return (double)(int64_t)(value * 100.0 + (value < 0 ? -0.5 : 0.5)) /
	    100.0;
}

double
inspect_mb(uint64_t bytes)
{
	return inspect_round((double)bytes / 1048576.0);
}

void
inspect_stats(const struct inspect_pool *pool, struct inspect_stats *stats)
{
	uint64_t load = 0;

	*stats = (struct inspect_stats){0};
	for (uint32_t i = 0; i < pool->runner_count; i++) {
		const struct inspect_runner *r = &pool->runners[i];

		if (r->pid == 0)
			continue;
		stats->worker_count++;
		stats->capacity_total += r->capacity;
		stats->capacity_used += r->load;
		if (r->capacity <= 1)
			continue;
		if (stats->thread_workers++ == 0)
			stats->threads_per_worker = r->capacity;
		stats->total_threads += r->capacity;
		load += r->load;
	}
	if (stats->capacity_total > stats->capacity_used)
		stats->capacity_available =
		    stats->capacity_total - stats->capacity_used;
	if (stats->capacity_total > 0)
		stats->utilization_percent =
		    inspect_round((double)stats->capacity_used * 100.0 /
			(double)stats->capacity_total);
	if (stats->thread_workers > 0)
		stats->avg_load_per_worker =
		    inspect_round((double)load / (double)stats->thread_workers);
}

void
inspect_memory(const struct inspect_pool *pool, struct inspect_memory *memory)
{
	uint64_t total = 0, pss = 0, most = 0, least = UINT64_MAX, count = 0;

	*memory = (struct inspect_memory){0};
	for (uint32_t i = 0; i < pool->runner_count; i++) {
		const struct inspect_runner *r = &pool->runners[i];

		if (r->pid == 0 || !r->is_known)
			continue;
		count++;
		total += r->rss_bytes;
		pss += r->pss_bytes;
		most = r->rss_bytes > most ? r->rss_bytes : most;
		least = r->rss_bytes < least ? r->rss_bytes : least;
	}
	if (count == 0)
		return;
	memory->total_mb = inspect_mb(total);
	memory->avg_mb = inspect_mb(total / count);
	memory->max_mb = inspect_mb(most);
	memory->min_mb = inspect_mb(least);
	memory->total_pss_mb = inspect_mb(pss);
}

/* ---- recommendations ----------------------------------------------------- */

struct said {
	enum severity severity;
	char text[INSPECT_TEXT];
};

static bool
advise_profile(const struct inspect_pool *pool,
    const struct inspect_limits *limits, const struct inspect_stats *stats,
    struct said *said)
{
	uint64_t threads = 0;

	said->severity = INFO;
	if (stats->worker_count > 0)
		threads = stats->capacity_total / stats->worker_count;
	if (pool->spec->worker_profile == POOL_PROCESS) {
		if (stats->worker_count <= limits->max_process_workers)
			return false;
		snprintf(said->text, sizeof(said->text),
		    "INFO: %" PRIu32 " single-threaded workers: consider the "
		    "thread profile",
		    stats->worker_count);
		return true;
	}
	if (threads == 0)
		return false; /* nobody there yet */
	if (threads < limits->min_threads)
		snprintf(said->text, sizeof(said->text),
		    "INFO: %" PRIu64 " threads per worker: raise "
		    "threads_per_worker",
		    threads);
	else if (threads > limits->max_threads)
		snprintf(said->text, sizeof(said->text),
		    "INFO: %" PRIu64 " threads per worker: lower "
		    "threads_per_worker, context switching costs more",
		    threads);
	else
		return false;
	return true;
}

static bool
advise_memory(const struct inspect_pool *pool,
    const struct inspect_limits *limits, const struct inspect_stats *stats,
    struct said *said)
{
	struct inspect_memory memory;

	(void)stats;
	inspect_memory(pool, &memory);
	said->severity = WARNING;
	if (memory.avg_mb >= limits->mem_avg_mb)
		snprintf(said->text, sizeof(said->text),
		    "WARNING: %.2f MB per worker on average: look for a leak",
		    memory.avg_mb);
	else if (memory.max_mb >= limits->mem_peak_mb)
		snprintf(said->text, sizeof(said->text),
		    "WARNING: one worker holds %.2f MB: enable recycling "
		    "(worker_ttl, worker_max_requests, memory_threshold_mb)",
		    memory.max_mb);
	else
		return false;
	return true;
}

static bool
advise_utilization(const struct inspect_pool *pool,
    const struct inspect_limits *limits, const struct inspect_stats *stats,
    struct said *said)
{
	double used = stats->utilization_percent;

	(void)pool;
	if (used >= limits->util_critical) {
		said->severity = CRITICAL;
		snprintf(said->text, sizeof(said->text),
		    "CRITICAL: utilization is %.2f %%: add workers now", used);
	} else if (used >= limits->util_warning) {
		said->severity = WARNING;
		snprintf(said->text, sizeof(said->text),
		    "WARNING: utilization is %.2f %%: plan more workers", used);
	} else if (used < limits->util_low &&
	    stats->worker_count > SHRINKABLE) {
		said->severity = INFO;
		snprintf(said->text, sizeof(said->text),
		    "INFO: utilization is %.2f %% with %" PRIu32
		    " workers: shrink the pool",
		    used, stats->worker_count);
	} else {
		return false;
	}
	return true;
}

void
inspect_recommend(const struct inspect_pool *pool,
    const struct inspect_limits *limits, struct inspect_advice *advice)
{
	static bool (*const families[])(const struct inspect_pool *,
	    const struct inspect_limits *, const struct inspect_stats *,
	    struct said *) = {
	    advise_profile, advise_memory, advise_utilization};
	struct said said[COUNT_OF(families)];
	bool is_said[COUNT_OF(families)];
	struct inspect_stats stats;

	advice->count = 0;
	inspect_stats(pool, &stats);
	for (size_t i = 0; i < COUNT_OF(families); i++)
		is_said[i] = families[i](pool, limits, &stats, &said[i]);
	for (uint32_t severity = CRITICAL; severity < SEVERITIES; severity++)
		for (size_t i = 0; i < COUNT_OF(families); i++)
			if (is_said[i] && said[i].severity == severity)
				snprintf(advice->at[advice->count++],
				    INSPECT_TEXT, "%.*s", INSPECT_TEXT - 1,
				    said[i].text);
}

/* ---- one figure each ----------------------------------------------------- */

bool
inspect_is_saturated(
    const struct inspect_stats *stats, double threshold_percent)
{
	return stats->utilization_percent >= threshold_percent;
}

double
inspect_plan_mb(const struct inspect_memory *memory, uint64_t workers)
{
	return inspect_round(memory->avg_mb * (double)workers);
}

const char *
inspect_status(const struct inspect_runner *runner)
{
	if (runner->pid == 0 || !runner->is_known)
		return "unknown";
	return runner->load > 0 ? "busy" : "available";
}

const char *
inspect_band(double used)
{
	return used >= 90.0 ? "CRITICAL"
	    : used >= 80.0  ? "HIGH"
	    : used >= 60.0  ? "GOOD"
			    : "LOW";
}
