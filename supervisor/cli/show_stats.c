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

/* say_pair prints a total and what of it came since the last call. */
static void
say_pair(
    struct view *v, const char *title, struct text total, struct text since)
{
	view_print(v, "  %-14s%.*s, %.*s since last call\n", title,
	    TEXT_ARG(total), TEXT_ARG(since));
}

static void
say_bytes(struct view *v, const char *title, struct text map, const char *key)
{
	view_print(v, "    %-12s%.*s\n", title,
	    TEXT_ARG(view_bytes(v->arena, show_u64(map, key))));
}

static void
say_memory(struct view *v, struct text memory)
{
	struct arena *a = v->arena;

	view_print(v, "  %-14s%.*s total\n",
	    "Memory:", TEXT_ARG(view_bytes(a, show_u64(memory, "total"))));
	view_print(v, "    %-12s%.*s (%.*s used)\n", "Processes:",
	    TEXT_ARG(view_bytes(a, show_u64(memory, "processes"))),
	    TEXT_ARG(view_bytes(a, show_u64(memory, "processes_used"))));
	if (show_u64(memory, "runners") > 0)
		say_bytes(v, "Runners:", memory, "runners");
	say_bytes(v, "System:", memory, "system");
	say_bytes(v, "Code:", memory, "code");
	say_bytes(v, "Tables:", memory, "ets");
}

static struct text
number_of(struct view *v, uint64_t n)
{
	return arena_printf(v->arena, "%llu", (unsigned long long)n);
}

static void
say_vm(struct view *v, struct text vm)
{
	struct arena *a = v->arena;

	view_print(v, "\n--- VM ---\n");
	view_print(v, "  %-14s%llu / %llu\n",
	    "Processes:", (unsigned long long)show_u64(vm, "process_count"),
	    (unsigned long long)show_u64(vm, "process_limit"));
	view_print(v, "  %-14s%llu\n",
	    "Ports:", (unsigned long long)show_u64(vm, "port_count"));
	view_print(v, "  %-14s%llu\n",
	    "Tables:", (unsigned long long)show_u64(vm, "ets_count"));
	view_print(v, "  %-14s%llu / %llu\n", "Schedulers:",
	    (unsigned long long)show_u64(vm, "schedulers_online"),
	    (unsigned long long)show_u64(vm, "schedulers"));
	say_memory(v, show_map(vm, "memory"));
	say_pair(v, "Reductions:", number_of(v, item(vm, "reductions", 0)),
	    number_of(v, item(vm, "reductions", 1)));
	say_pair(v, "CPU:", view_span(a, item(vm, "runtime", 0)),
	    view_span(a, item(vm, "runtime", 1)));
	view_print(v, "  %-14s%llu collections, %llu words reclaimed\n",
	    "GC:", (unsigned long long)item(vm, "garbage_collection", 0),
	    (unsigned long long)item(vm, "garbage_collection", 1));
	say_pair(v,
	    "Context sw:", number_of(v, item(vm, "context_switches", 0)),
	    number_of(v, item(vm, "context_switches", 1)));
	view_print(v, "  %-14s%.*s\n",
	    "Uptime:", TEXT_ARG(view_span(a, item(vm, "uptime", 0))));
}

/* say_status shows one owner's status; false: it is down, and that is said. */
static bool
say_status(struct view *v, const char *title, struct text part)
{
	struct text status = show_text(part, "status");

	view_print(v, "  %-14s", title);
	if (text_is(status, "ok")) {
		view_paint(v, GREEN, "✓ ok");
		return true;
	}
	view_paint(v, RED, "✗ %.*s", TEXT_ARG(status));
	view_print(v, "  ");
	view_text(v, show_text(part, "reason"));
	view_print(v, "\n");
	return false;
}

/* say_services lists the services that have functions. */
static void
say_config_db(struct view *v, struct text part)
{
	struct unpacker u;
	struct text one;
	uint32_t count = show_array(part, "services", &u);

	if (!say_status(v, "Functions:", part))
		return;
	view_print(v, "  %llu functions\n  %-14s",
	    (unsigned long long)show_u64(part, "count"), "Services:");
	if (count == 0)
		view_print(v, "(none)");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &one) == OK; i++) {
		view_print(v, "%s", i > 0 ? ", " : "");
		view_text(v, show_text(one, "service"));
	}
	view_print(v, "\n");
}

/* say_limits: who holds calls against the limits is each gateway. */
static void
say_limits(struct view *v, struct text part, uint64_t instances)
{
	struct unpacker u;
	struct text data = show_map(part, "data");

	if (!say_status(v, "Rate limiter:", part))
		return;
	view_print(v, "  %llu instances, %u global and %u api limits\n",
	    (unsigned long long)instances, show_array(data, "global", &u),
	    show_array(data, "api", &u));
}

static void
say_relay(struct view *v, struct text part)
{
	struct text data = show_map(part, "data");

	if (!say_status(v, "Relay:", part))
		return;
	view_print(v, "  %llu groups, %llu monitored memberships\n",
	    (unsigned long long)show_u64(data, "groups"),
	    (unsigned long long)show_u64(data, "monitored_memberships"));
}

static void
say_rise(struct view *v, struct text since, const char *key)
{
	if (show_u64(since, key) > 0)
		view_paint(
		    v, DIM, " +%llu", (unsigned long long)show_u64(since, key));
}

static void
say_pool(struct view *v, struct text pool, struct text since)
{
	view_print(v, "    ");
	view_text(v, show_text(pool, "name"));
	view_print(v, "  Idle: %llu | Busy: %llu | Queued: %llu  Circuit: ",
	    (unsigned long long)show_u64(pool, "idle_workers"),
	    (unsigned long long)show_u64(pool, "busy_workers"),
	    (unsigned long long)show_u64(pool, "queued_tasks"));
	view_text(v, show_text(pool, "circuit"));
	view_print(v, "  Executed: %llu",
	    (unsigned long long)show_u64(pool, "total_tasks_executed"));
	say_rise(v, since, "total_tasks_executed");
	view_print(v, "  Failed: %llu",
	    (unsigned long long)show_u64(pool, "total_tasks_failed"));
	say_rise(v, since, "total_tasks_failed");
	view_print(v, "\n");
}

static void
say_pools(struct view *v, struct text part)
{
	struct unpacker u;
	struct text pool, rises;
	struct text since = show_map(part, "since_last");
	uint32_t count = show_array(show_map(part, "data"), "pools", &u);

	if (!say_status(v, "Worker pools:", part))
		return;
	view_print(v, "  %u pools\n", count);
	for (uint32_t i = 0; i < count && unpack_raw(&u, &pool) == OK; i++) {
		if (unpack_map_find(since, show_text(pool, "name"), &rises) !=
		    OK)
			rises = TEXT("");
		say_pool(v, pool, rises);
	}
}

/* gateways counts those in the list of processes. */
static uint64_t
gateways(struct text result)
{
	struct unpacker u;
	struct text one;
	uint32_t count = show_array(result, "processes", &u);
	uint64_t found = 0;

	for (uint32_t i = 0; i < count && unpack_raw(&u, &one) == OK; i++)
		found += text_is(show_text(one, "role"), "gateway");
	return found;
}

static void
say_parts(struct view *v, struct text result)
{
	struct text banyan = show_map(result, "banyan");

	view_print(v, "\n--- Banyan ---\n");
	view_print(v, "  %-14s%s\n", "Client mode:",
	    show_bool(banyan, "client_mode") ? "true" : "false");
	view_print(v, "  %-14s%llu events\n", "Telemetry:",
	    (unsigned long long)show_u64(banyan, "telemetry_events"));
	say_config_db(v, show_map(banyan, "config_db"));
	if (say_status(v, "Puller:", show_map(banyan, "puller")))
		view_print(v, "\n");
	say_limits(v, show_map(banyan, "rate_limiter"), gateways(result));
	say_pools(v, show_map(banyan, "worker_pool"));
	say_relay(v, show_map(banyan, "relay"));
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
	view_print(v, "\n  %-14s", "Node:");
	view_text(v, show_text(result, "node"));
	view_print(v, "\n  %-14s%.*s\n", "Collected at:",
	    TEXT_ARG(view_when(v->arena, show_u64(result, "collected_at_ms"))));
	say_vm(v, show_map(result, "vm"));
	say_parts(v, result);
	say_processes(v, result);
	show_functions(v, result);
	if (has_error(banyan))
		view_print(v, "next: banyan tree\n");
	return CLI_OK;
}
