// SPDX-License-Identifier: MIT
#include "workers/worker_pool/report.h"

enum {
	STATS_FIELDS = 9
};

static void
field_f64(struct packer *p, const char *key, double value)
{
	pack_string(p, key);
	pack_f64(p, value);
}

static const char *
profile_of(const struct inspect_pool *pool)
{
	return pool_profile_word(pool->spec->worker_profile);
}

static void
pack_worker(struct packer *p, const struct inspect_pool *pool,
    const struct inspect_runner *r)
{
	pack_map(p, 7);
	pack_field_string(p, "worker_id", r->name);
	pack_field_u64(p, "pid", (uint64_t)r->pid);
	pack_field_string(p, "profile", profile_of(pool));
	pack_field_u64(p, "capacity", r->capacity);
	pack_field_u64(p, "load", r->load);
	field_f64(p, "memory_mb", inspect_mb(r->rss_bytes));
	pack_field_string(p, "status", inspect_status(r));
}

static void
pack_stats(struct packer *p, const struct inspect_pool *pool)
{
	struct inspect_stats stats;

	inspect_stats(pool, &stats);
	pack_field_text(p, "pool_name", pool->spec->name);
	pack_field_string(p, "profile", profile_of(pool));
	pack_field_u64(p, "worker_count", stats.worker_count);
	pack_field_u64(p, "capacity_total", stats.capacity_total);
	pack_field_u64(p, "capacity_used", stats.capacity_used);
	pack_field_u64(p, "capacity_available", stats.capacity_available);
	field_f64(p, "utilization_percent", stats.utilization_percent);
	pack_field_u64(p, "memory_recycles", pool->memory_recycles);
	pack_string(p, "workers");
	pack_array(p, stats.worker_count);
	for (uint32_t i = 0; i < pool->runner_count; i++)
		if (pool->runners[i].pid != 0)
			pack_worker(p, pool, &pool->runners[i]);
}

void
report_stats(struct packer *p, const struct inspect_pool *pool)
{
	pack_map(p, STATS_FIELDS);
	pack_stats(p, pool);
}

static void
pack_config(struct packer *p, const struct pool_spec *spec)
{
	pack_map(p, 10);
	pack_field_u64(p, "pool_size", spec->pool_size);
	pack_field_u64(p, "max_workers", spec->max_workers);
	pack_field_u64(p, "threads_per_worker", spec->threads_per_worker);
	pack_field_bool(p, "thread_safety_checks", spec->thread_safety_checks);
	pack_field_u64(p, "startup_batch_size", spec->startup_batch_size);
	pack_field_string(p, "capacity_strategy",
	    pool_strategy_word(spec->capacity_strategy));
	pack_field_string(p, "affinity", pool_affinity_word(spec->affinity));
	pack_field_u64(p, "worker_ttl_ms", spec->worker_ttl);
	pack_field_u64(p, "worker_max_requests", spec->worker_max_requests);
	pack_field_string(p, "adapter", pool_adapter_word(spec->adapter));
}

void
report_page(struct packer *p, const struct inspect_pool *pool,
    const struct report_extras *extras)
{
	uint32_t more = (extras->is_full ? 4 : 0) + (extras->limits != NULL);

	pack_map(p, STATS_FIELDS + more);
	pack_stats(p, pool);
	if (extras->is_full) {
		pack_field_bool(p, "is_detailed", extras->is_detailed);
		pack_string(p, "config");
		pack_config(p, pool->spec);
		pack_string(p, "capacity");
		report_capacity(p, pool);
		pack_string(p, "memory");
		report_memory(p, pool);
	}
	if (extras->limits != NULL) {
		pack_string(p, "recommendations");
		report_recommendations(p, pool, extras->limits);
	}
}

static void
pack_threads(struct packer *p, const struct inspect_stats *stats)
{
	pack_string(p, "thread_info");
	if (stats->thread_workers == 0) {
		pack_nil(p);
		return;
	}
	pack_map(p, 4);
	pack_field_u64(p, "workers", stats->thread_workers);
	pack_field_u64(p, "threads_per_worker", stats->threads_per_worker);
	pack_field_u64(p, "total_threads", stats->total_threads);
	field_f64(p, "avg_load_per_worker", stats->avg_load_per_worker);
}

void
report_capacity(struct packer *p, const struct inspect_pool *pool)
{
	struct inspect_stats stats;

	inspect_stats(pool, &stats);
	pack_map(p, 5);
	pack_field_u64(p, "total_capacity", stats.capacity_total);
	pack_field_u64(p, "used_capacity", stats.capacity_used);
	pack_field_u64(p, "available_capacity", stats.capacity_available);
	field_f64(p, "utilization_percent", stats.utilization_percent);
	pack_threads(p, &stats);
}

void
report_memory(struct packer *p, const struct inspect_pool *pool)
{
	struct inspect_memory memory;
	size_t place;
	uint32_t count = 0;

	inspect_memory(pool, &memory);
	pack_map(p, 6);
	field_f64(p, "total_memory_mb", memory.total_mb);
	field_f64(p, "avg_memory_per_worker_mb", memory.avg_mb);
	field_f64(p, "max_memory_worker_mb", memory.max_mb);
	field_f64(p, "min_memory_worker_mb", memory.min_mb);
	field_f64(p, "total_pss_mb", memory.total_pss_mb);
	pack_string(p, "workers");
	place = pack_open(p);
	for (uint32_t i = 0; i < pool->runner_count; i++) {
		const struct inspect_runner *r = &pool->runners[i];

		if (r->pid == 0 || !r->is_known)
			continue;
		pack_map(p, 3);
		pack_field_string(p, "worker_id", r->name);
		field_f64(p, "memory_mb", inspect_mb(r->rss_bytes));
		field_f64(p, "pss_mb", inspect_mb(r->pss_bytes));
		count++;
	}
	pack_close_array(p, place, count);
}

void
report_recommendations(struct packer *p, const struct inspect_pool *pool,
    const struct inspect_limits *limits)
{
	struct inspect_advice advice;

	inspect_recommend(pool, limits, &advice);
	pack_array(p, advice.count);
	for (uint32_t i = 0; i < advice.count; i++)
		pack_string(p, advice.at[i]);
}

bool
report_saturation(
    struct packer *p, const struct inspect_pool *pool, double threshold_percent)
{
	struct inspect_stats stats;
	const char *reason = "healthy";

	inspect_stats(pool, &stats);
	if (!pool->is_running)
		reason = "pool_not_running"; /* nothing of nothing is used */
	else if (inspect_is_saturated(&stats, threshold_percent))
		reason = "approaching_saturation";
	pack_map(p, 4);
	pack_field_text(p, "name", pool->spec->name);
	pack_field_string(p, "status",
	    !pool->is_running                    ? "error"
		: strcmp(reason, "healthy") == 0 ? "ok"
						 : "warning");
	pack_field_string(p, "reason", reason);
	field_f64(p, "utilization_percent", stats.utilization_percent);
	return strcmp(reason, "healthy") == 0;
}
