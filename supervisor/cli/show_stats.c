// SPDX-License-Identifier: MIT
#include "protocol/pack.h"
#include "supervisor/cli/show.h"

static uint64_t
number_in(struct text span)
{
	struct unpacker u;
	uint64_t value;

	unpack_init(&u, span);
	return unpack_u64(&u, &value) == OK ? value : 0;
}

/* add_counters shows those that ever counted: zeros say nothing. */
static void
add_counters(struct table *t, struct text counters, struct text since)
{
	struct unpacker u;
	uint32_t count;
	struct text name, rise;
	uint64_t value;

	unpack_init(&u, counters);
	if (unpack_map(&u, &count) != OK)
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &name) != OK ||
		    unpack_u64(&u, &value) != OK)
			return;
		if (value == 0)
			continue;
		table_cell(t, PLAIN, "  %.*s", TEXT_ARG(name));
		table_u64(t, value);
		if (unpack_map_find(since, name, &rise) == OK)
			table_cell(t, DIM, "+%llu",
			    (unsigned long long)number_in(rise));
		else
			table_text(t, PLAIN, TEXT(""));
	}
}

static void
add_histograms(struct table *t, struct text histograms)
{
	struct unpacker u;
	uint32_t count;
	struct text name;
	struct text h;

	unpack_init(&u, histograms);
	if (unpack_map(&u, &count) != OK)
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &name) != OK || unpack_raw(&u, &h) != OK)
			return;
		if (show_u64(h, "count") == 0)
			continue;
		table_cell(t, PLAIN, "  %.*s", TEXT_ARG(name));
		table_u64(t, show_u64(h, "count"));
		table_cell(t, DIM, "p50 %llu  p99 %llu  p99.9 %llu",
		    (unsigned long long)show_u64(h, "p50"),
		    (unsigned long long)show_u64(h, "p99"),
		    (unsigned long long)show_u64(h, "p999"));
	}
}

static uint64_t
item(struct text map, const char *key, uint32_t index)
{
	struct unpacker u;
	uint64_t value = 0;

	if (show_array(map, key, &u) <= index)
		return 0;
	for (uint32_t i = 0; i <= index; i++)
		if (unpack_u64(&u, &value) != OK)
			return 0;
	return value;
}

static void
say_vm(struct view *v, struct text vm)
{
	struct arena *a = v->arena;
	struct text memory = show_map(vm, "memory");

	view_print(v, "\n--- VM ---\n");
	view_print(v, "  Processes:   %llu / %llu\n",
	    (unsigned long long)show_u64(vm, "process_count"),
	    (unsigned long long)show_u64(vm, "process_limit"));
	view_print(v, "  Ports:       %llu\n",
	    (unsigned long long)show_u64(vm, "port_count"));
	view_print(v, "  Tables:      %llu (%.*s)\n",
	    (unsigned long long)show_u64(vm, "ets_count"),
	    TEXT_ARG(view_bytes(a, show_u64(memory, "ets"))));
	view_print(v, "  Schedulers:  %llu / %llu\n",
	    (unsigned long long)show_u64(vm, "schedulers_online"),
	    (unsigned long long)show_u64(vm, "schedulers"));
	view_print(v, "  Memory:      %.*s total\n",
	    TEXT_ARG(view_bytes(a, show_u64(memory, "total"))));
	view_print(v, "  CPU:         %.*s, %.*s since last call\n",
	    TEXT_ARG(view_span(a, item(vm, "runtime", 0))),
	    TEXT_ARG(view_span(a, item(vm, "runtime", 1))));
	view_print(v, "  Context sw:  %llu, %llu since last call\n",
	    (unsigned long long)item(vm, "context_switches", 0),
	    (unsigned long long)item(vm, "context_switches", 1));
	view_print(v, "  Uptime:      %.*s\n",
	    TEXT_ARG(view_span(a, item(vm, "uptime", 0))));
}

/* say_part shows one owner's status, and a few words when there are some. */
static void
say_part(struct view *v, const char *title, struct text part, const char *fmt,
    uint64_t number)
{
	struct text status = show_text(part, "status");

	view_print(v, "  %-13s", title);
	if (text_is(status, "ok")) {
		view_paint(v, GREEN, "✓ ok");
		if (fmt != NULL)
			view_print(v, "  %llu %s", (unsigned long long)number,
			    fmt);
	} else {
		view_paint(v, RED, "✗ %.*s", TEXT_ARG(status));
		view_print(v, "  ");
		view_text(v, show_text(part, "reason"));
	}
	view_print(v, "\n");
}

static void
say_pools(struct view *v, struct text part)
{
	struct unpacker u;
	struct text pool;
	uint32_t count = show_array(show_map(part, "data"), "pools", &u);

	say_part(v, "Worker pools:", part, "pools", count);
	for (uint32_t i = 0; i < count && unpack_raw(&u, &pool) == OK; i++) {
		view_print(v, "    ");
		view_text(v, show_text(pool, "name"));
		view_print(v,
		    "  Idle: %llu | Busy: %llu | Queued: %llu  Circuit: ",
		    (unsigned long long)show_u64(pool, "idle_workers"),
		    (unsigned long long)show_u64(pool, "busy_workers"),
		    (unsigned long long)show_u64(pool, "queued_tasks"));
		view_text(v, show_text(pool, "circuit"));
		view_print(v, "  Executed: %llu  Failed: %llu\n",
		    (unsigned long long)show_u64(pool, "total_tasks_executed"),
		    (unsigned long long)show_u64(pool, "total_tasks_failed"));
	}
}

static void
say_parts(struct view *v, struct text banyan)
{
	struct unpacker u;
	struct text config_db = show_map(banyan, "config_db");
	struct text relay = show_map(banyan, "relay");

	view_print(v, "\n--- Banyan ---\n");
	view_print(v, "  Client mode: %s\n",
	    show_bool(banyan, "client_mode") ? "true" : "false");
	view_print(v, "  Telemetry:   %llu events\n",
	    (unsigned long long)show_u64(banyan, "telemetry_events"));
	say_part(v, "Functions:", config_db, "functions",
	    show_u64(config_db, "count"));
	say_part(v, "Services:", config_db, "services",
	    show_array(config_db, "services", &u));
	say_part(v, "Puller:", show_map(banyan, "puller"), NULL, 0);
	say_part(v, "Rate limiter:", show_map(banyan, "rate_limiter"), NULL, 0);
	say_pools(v, show_map(banyan, "worker_pool"));
	say_part(v, "Relay:", relay, "groups",
	    show_u64(show_map(relay, "data"), "groups"));
}

static void
say_processes(struct view *v, struct text result)
{
	struct unpacker u;
	uint32_t count = show_array(result, "processes", &u);
	struct text process;
	struct table t;

	view_print(v, "\n");
	table_begin(&t, v, "PROCESS|VALUE|", "lrl");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &process) == OK; i++) {
		table_text(&t, BOLD, show_child_name(v->arena, process));
		table_text(&t, PLAIN, TEXT(""));
		table_cell(&t, DIM, "life %llu, %.*s",
		    (unsigned long long)show_u64(process, "life"),
		    TEXT_ARG(view_bytes(
			v->arena, show_u64(process, "memory_bytes"))));
		add_counters(&t, show_map(process, "counters"),
		    show_map(process, "since_last"));
		add_histograms(&t, show_map(process, "histograms"));
	}
	table_end(&t);
}

/* has_error: an owner of something did not answer. */
static bool
has_error(struct text banyan)
{
	static const char *const parts[] = {
	    "config_db", "puller", "rate_limiter", "worker_pool", "relay"};

	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (text_is(show_text(show_map(banyan, parts[i]), "status"),
			"error"))
			return true;
	return false;
}

enum cli_exit
show_stats(struct view *v, struct text result)
{
	struct text banyan = show_map(result, "banyan");

	view_paint(v, BOLD, "=== Banyan Statistics ===");
	view_print(v, "\n  Node:         ");
	view_text(v, show_text(result, "node"));
	view_print(v, "\n  Collected at: %.*s\n",
	    TEXT_ARG(view_when(
		v->arena, show_u64(result, "collected_at_ms"))));
	say_vm(v, show_map(result, "vm"));
	say_parts(v, banyan);
	say_processes(v, result);
	show_functions(v, result);
	if (has_error(banyan))
		view_print(v, "next: banyan tree\n");
	return CLI_OK;
}
