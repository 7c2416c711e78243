// SPDX-License-Identifier: MIT
#include "workers/worker_pool/options.h"

#include <unistd.h>

#include "protocol/base/err.h"

static uint32_t
small(const struct settings *s, enum setting id)
{
	return (uint32_t)settings_u64(s, id); /* the table has its range */
}

static void
read_specs(
    const struct settings *s, struct arena *arena, struct pool_options *options)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	struct pool_defaults defaults = {
	    .processors = online > 0 ? (uint32_t)online : 1,
	    .max_queue_size = settings_u64(s, SETTING_pools_max_queue_size),
	    .queue_timeout_ms =
		settings_u64(s, SETTING_pools_queue_timeout_ms)};

	options->specs = pool_specs_read(settings_list(s, SETTING_pools_list),
	    &defaults, arena, &options->count);
	/* the settings program has read the same bytes with the same code */
	INVARIANT(options->specs != NULL);
}

static void
read_limits(const struct settings *s, struct inspect_limits *limits)
{
	*limits = (struct inspect_limits){
	    .util_critical =
		small(s, SETTING_pools_recommendations_util_critical),
	    .util_warning =
		small(s, SETTING_pools_recommendations_util_warning),
	    .util_low = small(s, SETTING_pools_recommendations_util_low),
	    .mem_avg_mb = small(s, SETTING_pools_recommendations_mem_avg_mb),
	    .mem_peak_mb = small(s, SETTING_pools_recommendations_mem_peak_mb),
	    .min_threads = small(s, SETTING_pools_recommendations_min_threads),
	    .max_threads = small(s, SETTING_pools_recommendations_max_threads),
	    .max_process_workers =
		small(s, SETTING_pools_recommendations_max_process_workers)};
}

void
pool_options_read(
    const struct settings *s, struct arena *arena, struct pool_options *options)
{
	*options = (struct pool_options){.startup_timeout_ms = settings_u64(s,
					     SETTING_pools_startup_timeout_ms),
	    .graceful_timeout_ms =
		settings_u64(s, SETTING_pools_graceful_timeout_ms),
	    .stop_timeout_ms = settings_u64(s, SETTING_pools_stop_timeout_ms),
	    .stuck_ms = settings_u64(s, SETTING_pools_stuck_ms),
	    .affinity_ttl_ms = settings_u64(s, SETTING_pools_affinity_ttl_ms),
	    .max_sessions = small(s, SETTING_pools_max_sessions),
	    .quarantine_ms = settings_u64(s, SETTING_pools_quarantine_ms),
	    .quarantine_deaths = small(s, SETTING_pools_quarantine_deaths),
	    .crash_window_ms = settings_u64(s, SETTING_pools_crash_window_ms),
	    .crash_unhealthy = small(s, SETTING_pools_crash_unhealthy),
	    .lifecycle_interval_ms =
		settings_u64(s, SETTING_pools_lifecycle_check_interval_ms),
	    .lifecycle_parallel = small(s, SETTING_pools_lifecycle_concurrency),
	    .jitter_percent = small(s, SETTING_pools_lifecycle_jitter_percent)};
	read_specs(s, arena, options);
	read_limits(s, &options->limits);
	options->advise_ms =
	    settings_u64(s, SETTING_pools_recommendations_report_interval_s) *
	    1000;
}
