// SPDX-License-Identifier: MIT
/* scaling_tell - what the figures of each test mean. Pure. */

#include <inttypes.h>

#include "supervisor/cli/scaling.h"
#include "supervisor/cli/show.h"

enum {
	MANY_THREADED = 100, /* workers of the thread profile */
	MANY_PROCESSES = 250,
	MANY_FOR_PROCESSES = 100,
	MANY_IN_ALL = 300,
	FEW_DESCRIPTORS = 1000,
	WANTED_WORKERS = 110,
	FULL_PERCENT = 80,
};

/* ---- 0: the pools -------------------------------------------------------- */

struct totals {
	uint64_t process_pools, thread_pools, workers;
};

static void
tell_live(struct scaling *s, struct text stats, bool is_thread)
{
	double used = show_f64(stats, "utilization_percent");
	uint64_t active = show_u64(stats, "worker_count");
	uint64_t available = show_u64(stats, "capacity_available");

	scaling_say(s, "%s", "");
	scaling_say(s, "Current Status:");
	if (show_text(stats, "error").len > 0) {
		scaling_note(s, SCALING_WARNING, "the pool is not running");
		return;
	}
	scaling_say(s, "  Active Workers:  %" PRIu64, active);
	scaling_say(s, "  Utilization:     %.1f%%", used);
	if (available > 0)
		scaling_say(s, "  Available:       %" PRIu64, available);
	if (used <= FULL_PERCENT)
		return;
	if (is_thread)
		scaling_note(s, SCALING_WARNING,
		    "%.1f %% used: raise threads_per_worker or pool_size",
		    used);
	else
		scaling_note(s, SCALING_WARNING,
		    "%.1f %% used: raise pool_size%s", used,
		    active > MANY_FOR_PROCESSES
			? ", or consider the thread profile"
			: "");
}

static void
tell_pool(struct scaling *s, struct text name, struct text stats,
    struct totals *totals)
{
	struct text config = show_map(stats, "config");
	struct text profile = show_text(stats, "profile");
	uint64_t size = show_u64(config, "pool_size");
	uint64_t threads = show_u64(config, "threads_per_worker");
	bool is_thread = text_is(profile, "thread");

	totals->workers += size;
	totals->thread_pools += is_thread;
	totals->process_pools += !is_thread;
	scaling_say(s, "%s", "");
	scaling_say(s, "Pool: %.*s", TEXT_ARG(name));
	scaling_say(s, "  Profile:    %.*s", TEXT_ARG(profile));
	scaling_say(s, "  Pool Size:  %" PRIu64, size);
	if (is_thread) {
		scaling_say(s, "  Threads/Worker: %" PRIu64, threads);
		scaling_say(s, "  Total Capacity: %" PRIu64, size * threads);
		if (size > MANY_THREADED)
			scaling_note(s, SCALING_WARNING,
			    "%" PRIu64 " workers with threads: fewer workers "
			    "with more threads do the same, such as 16 with "
			    "64",
			    size);
	} else {
		scaling_say(
		    s, "  Capacity:   %" PRIu64 " (1:1 with workers)", size);
		if (size > MANY_PROCESSES)
			scaling_note(s, SCALING_WARNING,
			    "%" PRIu64 " single-threaded workers: consider "
			    "the thread profile",
			    size);
	}
	tell_live(s, stats, is_thread);
}

void
scaling_tell_pools(struct scaling *s, struct text pools)
{
	struct totals totals = {0};
	struct unpacker u;
	struct text name, stats;
	uint32_t count = 0;

	unpack_init(&u, pools);
	if (unpack_map(&u, &count) != OK)
		count = 0;
	scaling_say(s, "Configured pools: %" PRIu32, count);
	while (count-- > 0 && unpack_text(&u, &name) == OK &&
	    unpack_raw(&u, &stats) == OK)
		tell_pool(s, name, stats, &totals);
	scaling_say(s, "%s", "");
	scaling_say(s, "System Overview:");
	scaling_figure(s, "process_pools",
	    "Process Pools:", (double)totals.process_pools, "%" PRIu64,
	    totals.process_pools);
	scaling_figure(s, "thread_pools",
	    "Thread Pools:", (double)totals.thread_pools, "%" PRIu64,
	    totals.thread_pools);
	scaling_figure(s, "total_workers",
	    "Total Workers:", (double)totals.workers, "%" PRIu64,
	    totals.workers);
	if (totals.workers > MANY_IN_ALL && totals.thread_pools == 0)
		scaling_note(s, SCALING_INFO,
		    "%" PRIu64 " workers and no thread pool: 10 workers with "
		    "30 threads serve as many calls as 300 processes, with "
		    "some 70 %% less memory",
		    totals.workers);
}

/* ---- 1 and 2: limits ----------------------------------------------------- */

static uint64_t
left_of(const struct scaling_limit *l)
{
	return l->limit > l->used ? l->limit - l->used : 0;
}

static uint64_t
projected(const struct scaling_limit *l)
{
	if (l->per_worker <= 0)
		return 0;
	return l->workers + (uint64_t)((double)left_of(l) / l->per_worker);
}

static double
percent_of(const struct scaling_limit *l)
{
	return l->limit > 0 ? (double)l->used * 100.0 / (double)l->limit : 0.0;
}

static void
tell_limit(struct scaling *s, const struct scaling_limit *l)
{
	scaling_figure(s, "limit", "Limit:", (double)l->limit, "%s",
	    scaling_number(s->arena, l->limit));
	scaling_figure(s, "current", "Current:", (double)l->used, "%s",
	    scaling_number(s->arena, l->used));
	scaling_figure(s, "available", "Available:", (double)left_of(l), "%s",
	    scaling_number(s->arena, left_of(l)));
	scaling_figure(s, "usage_percent", "Usage:", percent_of(l), "%.2f%%",
	    percent_of(l));
}

static void
tell_projection(struct scaling *s, const struct scaling_limit *l)
{
	scaling_figure(s, "per_worker", "Per worker:", l->per_worker, "%.1f",
	    l->per_worker);
	scaling_figure(s, "max_workers",
	    "Theoretical max workers:", (double)projected(l), "%s",
	    scaling_number(s->arena, projected(l)));
	if (projected(l) < WANTED_WORKERS)
		scaling_note(s, SCALING_WARNING,
		    "room for %" PRIu64 " workers only; %d would be good",
		    projected(l), WANTED_WORKERS);
}

void
scaling_tell_descriptors(struct scaling *s, const struct scaling_limit *l)
{
	tell_limit(s, l);
	if (left_of(l) < FEW_DESCRIPTORS)
		scaling_note(s, SCALING_CRITICAL,
		    "only %" PRIu64 " descriptors are left: raise "
		    "workers.worker_pool.nofile, or the system's limit",
		    left_of(l));
	else if (percent_of(l) > FULL_PERCENT)
		scaling_note(s, SCALING_WARNING,
		    "%.2f %% of the descriptors are used", percent_of(l));
	tell_projection(s, l);
}

void
scaling_tell_processes(struct scaling *s, const struct scaling_limit *l)
{
	tell_limit(s, l);
	scaling_figure(s, "own_processes",
	    "Processes of this tree:", (double)l->own, "%" PRIu64, l->own);
	if (percent_of(l) > FULL_PERCENT)
		scaling_note(s, SCALING_WARNING,
		    "%.2f %% of the processes are used", percent_of(l));
	tell_projection(s, l);
}

/* ---- 3, 4, 5 ------------------------------------------------------------- */

void
scaling_tell_cycles(struct scaling *s, const struct scaling_cycles *c)
{
	scaling_figure(
	    s, "total_s", "Total:", c->total_s, "%.3f s", c->total_s);
	scaling_figure(
	    s, "successes", "Successes:", c->done, "%" PRIu32, c->done);
	scaling_figure(
	    s, "failures", "Failures:", c->failed, "%" PRIu32, c->failed);
	scaling_figure(
	    s, "avg_ms", "Average:", c->avg_ms, "%.2f ms", c->avg_ms);
	scaling_figure(s, "min_ms", "Least:", c->min_ms, "%.2f ms", c->min_ms);
	scaling_figure(s, "max_ms", "Most:", c->max_ms, "%.2f ms", c->max_ms);
	scaling_figure(s, "table_size", "Table size:", (double)c->table_size,
	    "%s", scaling_number(s->arena, c->table_size));
	if (c->failed > 0)
		scaling_note(
		    s, SCALING_FAILED, "the first failure: %s", c->reason);
	if (c->total_s > 5)
		scaling_note(s, SCALING_CRITICAL,
		    "%.1f s for %d cycles: the disk under state_dir is too "
		    "slow",
		    c->total_s, SCALING_CYCLES);
	else if (c->total_s > 2)
		scaling_note(s, SCALING_WARNING, "%.1f s for %d cycles",
		    c->total_s, SCALING_CYCLES);
}

void
scaling_tell_spawns(struct scaling *s, const struct scaling_spawns *c)
{
	scaling_figure(
	    s, "total_s", "Total:", c->total_s, "%.3f s", c->total_s);
	scaling_figure(
	    s, "successes", "Started:", c->done, "%" PRIu32, c->done);
	scaling_figure(
	    s, "failures", "Failed:", c->failed, "%" PRIu32, c->failed);
	if (c->total_s > 0)
		scaling_figure(s, "per_second", "Rate:", c->done / c->total_s,
		    "%.0f processes/s", c->done / c->total_s);
	if (c->failed > 0)
		scaling_note(s, SCALING_WARNING,
		    "%" PRIu32 " of %d processes could not be started",
		    c->failed, SCALING_SPAWNS);
	if (c->total_s > 30)
		scaling_note(s, SCALING_CRITICAL, "%.1f s for %d processes",
		    c->total_s, SCALING_SPAWNS);
	else if (c->total_s > 10)
		scaling_note(s, SCALING_WARNING, "%.1f s for %d processes",
		    c->total_s, SCALING_SPAWNS);
}

void
scaling_tell_sockets(struct scaling *s, const struct scaling_sockets *c)
{
	if (c->listener != NULL && c->listener[0] != '\0')
		scaling_say(s, "  %-26s%s", "Listener:", c->listener);
	if (!c->is_known) {
		scaling_note(s, SCALING_INFO,
		    "this system has no /proc/net/tcp; `ss -tln` may tell");
		return;
	}
	scaling_figure(s, "established",
	    "Established TCP:", (double)c->established, "%s",
	    scaling_number(s->arena, c->established));
	scaling_figure(s, "per_worker", "Per worker:",
	    c->workers > 0 ? (double)c->established / (double)c->workers : 0.0,
	    "%.1f",
	    c->workers > 0 ? (double)c->established / (double)c->workers : 0.0);
	scaling_figure(s, "listening", "Listening ports:", (double)c->listening,
	    "%" PRIu64, c->listening);
}

/* ---- 6: what breaks first ------------------------------------------------ */

static void
tell_start(struct scaling *s, const struct scaling_start *start)
{
	if (start->is_started)
		scaling_say(s,
		    "  at %-4" PRIu32 " one worker in %.1f ms: descriptors "
		    "%+" PRId64 ", processes %+" PRId64 ", tcp %+" PRId64
		    ", memory %.2f MB",
		    start->workers, start->took_ms, start->descriptors,
		    start->processes, start->sockets, start->memory_mb);
	else
		scaling_say(s, "  at %-4" PRIu32 " failed: %s", start->workers,
		    start->reason);
}

static void
tell_gun(struct scaling *s, const struct scaling_breaking *b,
    const struct scaling_start *failed)
{
	uint64_t by_descriptors = projected(&b->descriptors);
	uint64_t by_processes = projected(&b->processes);

	scaling_note(s, SCALING_FAILED,
	    "the first failure is at %" PRIu32 " workers: %s", failed->workers,
	    failed->reason);
	if (by_descriptors < failed->workers)
		scaling_note(s, SCALING_INFO,
		    "smoking gun: descriptors; raise "
		    "workers.worker_pool.nofile");
	else if (by_processes < failed->workers)
		scaling_note(s, SCALING_INFO,
		    "smoking gun: processes; raise RLIMIT_NPROC or "
		    "kernel.pid_max");
	else
		scaling_note(s, SCALING_INFO,
		    "smoking gun: unclear; see `banyan why worker_pool`");
	scaling_say(s, "%s", "");
	scaling_say(s, "Solutions:");
	scaling_say(s, "  1. raise the limits named above");
	scaling_say(s, "  2. use the thread profile: fewer workers");
	scaling_say(s,
	    "  3. start slower: a smaller startup_batch_size, a "
	    "longer startup_batch_delay_ms");
}

void
scaling_tell_breaking(struct scaling *s, const struct scaling_breaking *b)
{
	const struct scaling_start *failed = NULL;
	double ms = 0, mb = 0;
	uint32_t started = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		const struct scaling_start *start = &b->starts[i];

		tell_start(s, start);
		if (!start->is_started) {
			failed = failed == NULL ? start : failed;
			continue;
		}
		started++;
		ms += start->took_ms;
		mb += start->memory_mb;
	}
	if (started > 0) {
		scaling_figure(s, "avg_start_ms",
		    "Average start:", ms / started, "%.1f ms", ms / started);
		scaling_figure(s, "avg_memory_mb",
		    "Average memory:", mb / started, "%.2f MB", mb / started);
	}
	scaling_figure(s, "max_by_descriptors",
	    "Max by descriptors:", (double)projected(&b->descriptors), "%s",
	    scaling_number(s->arena, projected(&b->descriptors)));
	scaling_figure(s, "max_by_processes",
	    "Max by processes:", (double)projected(&b->processes), "%s",
	    scaling_number(s->arena, projected(&b->processes)));
	if (failed != NULL)
		tell_gun(s, b, failed);
	else
		scaling_say(s, "  No failure up to %" PRIu32 " workers.",
		    b->count > 0 ? b->starts[b->count - 1].workers : 0);
}
