// SPDX-License-Identifier: MIT
/* show_inspect - the profile inspector's page. */

#include <string.h>

#include "protocol/pack.h"
#include "supervisor/cli/show.h"

enum {
	WORKER_ID = 28 /* longer ones are cut */
};

static void
say_name(struct view *v, const char *name)
{
	view_print(v, "  %-18s", name);
}

static void
say_u64(struct view *v, const char *name, uint64_t value)
{
	say_name(v, name);
	view_print(v, "%llu\n", (unsigned long long)value);
}

static void
say_mb(struct view *v, const char *name, double mb)
{
	say_name(v, name);
	view_print(v, "%.2f MB\n", mb);
}

static bool
is_thread(struct text stats)
{
	return text_is(show_text(stats, "profile"), "thread");
}

static void
say_configuration(struct view *v, struct text stats)
{
	struct text config = show_map(stats, "config");
	uint64_t size = show_u64(config, "pool_size");
	uint64_t threads = show_u64(config, "threads_per_worker");
	uint64_t ttl_ms = show_u64(config, "worker_ttl_ms");
	uint64_t most = show_u64(config, "worker_max_requests");

	view_paint(v, BOLD, "Configuration:");
	view_print(v, "\n");
	say_name(v, "Profile:");
	view_text(v, show_text(stats, "profile"));
	view_print(v, "\n");
	say_u64(v, "Pool Size:", size);
	if (is_thread(stats)) {
		say_u64(v, "Threads/Worker:", threads);
		say_u64(v, "Total Capacity:", size * threads);
		if (show_bool(config, "thread_safety_checks")) {
			say_name(v, "Safety Checks:");
			view_print(v, "on\n");
		}
	} else {
		say_name(v, "Workers/Capacity:");
		view_print(v, "1:1\n");
		say_u64(
		    v, "Batch Size:", show_u64(config, "startup_batch_size"));
	}
	if (ttl_ms > 0) {
		say_name(v, "Worker TTL:");
		view_text(v, view_span(v->arena, ttl_ms));
		view_print(v, "\n");
	}
	if (most > 0)
		say_u64(v, "Max Requests:", most);
}

static void
say_band(struct view *v, double used)
{
	if (used >= 90.0)
		view_paint(v, RED, "🔴 CRITICAL");
	else if (used >= 80.0)
		view_paint(v, YELLOW, "🟡 HIGH");
	else if (used >= 60.0)
		view_paint(v, GREEN, "🟢 GOOD");
	else
		view_paint(v, PLAIN, "⚪ LOW");
}

static void
say_statistics(struct view *v, struct text stats)
{
	double used = show_f64(stats, "utilization_percent");

	view_print(v, "\n");
	view_paint(v, BOLD, "Statistics:");
	view_print(v, "\n");
	say_u64(v, "Active Workers:", show_u64(stats, "worker_count"));
	say_u64(v, "Total Capacity:", show_u64(stats, "capacity_total"));
	say_u64(v, "Used Capacity:", show_u64(stats, "capacity_used"));
	say_u64(v, "Available:", show_u64(stats, "capacity_available"));
	say_u64(v, "Memory Recycles:", show_u64(stats, "memory_recycles"));
	say_name(v, "Utilization:");
	view_print(v, "%.2f%% ", used);
	say_band(v, used);
	view_print(v, "\n");
}

static void
say_processes(struct view *v, struct text stats)
{
	view_paint(v, BOLD, "⚙️  Process Profile Details:");
	view_print(v, "\n");
	say_name(v, "Mode:");
	view_print(v, "Single-threaded processes\n");
	say_name(v, "Isolation:");
	view_print(v, "Full process isolation\n");
	say_name(v, "Concurrency:");
	view_print(v, "%llu concurrent requests\n",
	    (unsigned long long)show_u64(stats, "capacity_total"));
}

static void
say_threads(struct view *v, struct text stats)
{
	struct text info = show_map(show_map(stats, "capacity"), "thread_info");
	uint64_t workers = show_u64(info, "workers");
	uint64_t threads = show_u64(info, "threads_per_worker");
	uint64_t used = show_u64(stats, "capacity_used");

	view_paint(v, BOLD, "🧵 Thread Profile Details:");
	view_print(v, "\n");
	say_name(v, "Workers:");
	view_print(v, "%llu processes\n", (unsigned long long)workers);
	say_u64(v, "Threads/Worker:", threads);
	say_u64(v, "Total Threads:", show_u64(info, "total_threads"));
	say_name(v, "Avg Load/Worker:");
	view_print(v, "%llu/%llu threads\n",
	    (unsigned long long)(workers > 0 ? used / workers : 0),
	    (unsigned long long)threads);
}

static void
say_memory(struct view *v, struct text stats)
{
	struct text memory = show_map(stats, "memory");

	view_print(v, "\n");
	view_paint(v, BOLD, "Memory:");
	view_print(v, "\n");
	say_mb(v, "Total:", show_f64(memory, "total_memory_mb"));
	say_mb(
	    v, "Average/Worker:", show_f64(memory, "avg_memory_per_worker_mb"));
	say_mb(v, "Max Worker:", show_f64(memory, "max_memory_worker_mb"));
	say_mb(v, "Min Worker:", show_f64(memory, "min_memory_worker_mb"));
}

static const char *
glyph(struct text status)
{
	return text_is(status, "available") ? "✓"
	    : text_is(status, "busy")       ? "●"
					    : "?";
}

/* say_column: `%-*s` counts bytes, and glyphs have several. */
static void
say_column(struct view *v, struct text text, uint32_t extra, uint32_t width)
{
	view_text(v, text);
	for (uint32_t i = text.len - extra; i < width; i++)
		view_print(v, " ");
}

static void
say_worker(struct view *v, struct text worker)
{
	struct text id = show_text(worker, "worker_id");
	struct text status = show_text(worker, "status");
	const char *mark = glyph(status);

	id.len = id.len > WORKER_ID ? WORKER_ID : id.len;
	view_print(v, "  ");
	say_column(v, id, 0, 30);
	say_column(v, arena_printf(v->arena, "%s %.*s", mark, TEXT_ARG(status)),
	    (uint32_t)strlen(mark) - 1, 12);
	say_column(v,
	    arena_printf(v->arena, "%llu/%llu",
		(unsigned long long)show_u64(worker, "load"),
		(unsigned long long)show_u64(worker, "capacity")),
	    0, 12);
	say_column(v,
	    arena_printf(v->arena, "%.2f MB", show_f64(worker, "memory_mb")), 0,
	    12);
	view_print(v, "%llu\n", (unsigned long long)show_u64(worker, "pid"));
}

static void
say_workers(struct view *v, struct text stats)
{
	struct unpacker u;
	uint32_t count = show_array(stats, "workers", &u);
	struct text worker;

	view_print(v, "\n");
	view_paint(v, BOLD, "Worker Details:");
	view_print(v, "\n  %-30s%-12s%-12s%-12s%s\n", "Worker ID", "Status",
	    "Load/Cap", "Memory", "PID");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &worker) == OK; i++)
		say_worker(v, worker);
}

static void
say_recommendations(struct view *v, struct text stats)
{
	struct unpacker u;
	uint32_t count = show_array(stats, "recommendations", &u);
	struct text text;

	view_print(v, "\n");
	view_paint(v, BOLD, "Recommendations:");
	view_print(v, "\n");
	if (count == 0)
		view_print(v,
		    "  ✓ No recommendations: the pool is operating "
		    "optimally.\n");
	for (uint32_t i = 0; i < count && unpack_text(&u, &text) == OK; i++) {
		view_print(v, "  • ");
		view_text(v, text);
		view_print(v, "\n");
	}
}

static void
say_pool(struct view *v, struct text name, struct text stats)
{
	struct unpacker u;
	struct text span;

	view_print(v, "\n");
	view_paint(v, BOLD, "Pool: %.*s", TEXT_ARG(name));
	view_print(v, "\n");
	view_rule(v, '-');
	if (show_text(stats, "error").len > 0) {
		view_paint(
		    v, YELLOW, "⚠ Pool is not running: no worker is there.");
		view_print(v, "\n");
		return;
	}
	say_configuration(v, stats);
	say_statistics(v, stats);
	view_print(v, "\n");
	if (is_thread(stats))
		say_threads(v, stats);
	else
		say_processes(v, stats);
	say_memory(v, stats);
	if (show_bool(stats, "is_detailed"))
		say_workers(v, stats);
	if (unpack_map_find(stats, TEXT("recommendations"), &span) == OK) {
		unpack_init(&u, span);
		if (unpack_peek(&u) == PACK_ARRAY)
			say_recommendations(v, stats);
	}
}

enum cli_exit
show_inspect(struct view *v, struct text result)
{
	struct text name = show_text(result, "pool_name");
	struct unpacker u;
	struct text stats;
	uint32_t count;

	view_rule(v, '=');
	view_paint(v, BOLD, "Banyan Pool Profile Inspector");
	view_print(v, "\n");
	view_rule(v, '=');
	unpack_init(&u, result);
	if (name.len > 0)
		say_pool(v, name, result);
	else if (unpack_map(&u, &count) == OK)
		while (count-- > 0 && unpack_text(&u, &name) == OK &&
		    unpack_raw(&u, &stats) == OK)
			say_pool(v, name, stats);
	view_print(v, "\n");
	view_rule(v, '=');
	return show_exit_of("pools.inspect", result);
}
