// SPDX-License-Identifier: MIT
#include "protocol/pack.h"
#include "supervisor/cli/show.h"

static void
paint_status(struct view *v, struct text status)
{
	const char *icon = text_is(status, "ok") ? "✓"
	    : text_is(status, "degraded")        ? "⚠"
						 : "✗";

	view_paint(
	    v, show_state_colour(status), "%s %.*s", icon, TEXT_ARG(status));
}

static void
say_line(struct view *v, const char *name, struct text value)
{
	view_print(v, "  %-12s", name);
	view_text(v, value);
	view_print(v, "\n");
}

static void
say_status(struct view *v, struct text check)
{
	view_print(v, "  %-12s", "Status:");
	paint_status(v, show_text(check, "status"));
	view_print(v, "\n");
}

static void
say_vm(struct view *v, struct text vm)
{
	struct arena *a = v->arena;
	struct text memory = show_map(vm, "memory");
	struct unpacker u;
	uint64_t uptime_ms = 0;

	view_print(v, "\n--- VM ---\n");
	say_status(v, vm);
	say_line(v, "Processes:",
	    arena_printf(a, "%llu / %llu",
		(unsigned long long)show_u64(vm, "process_count"),
		(unsigned long long)show_u64(vm, "process_limit")));
	say_line(v, "Schedulers:",
	    arena_printf(a, "%llu / %llu",
		(unsigned long long)show_u64(vm, "schedulers_online"),
		(unsigned long long)show_u64(vm, "schedulers")));
	say_line(v, "Memory:",
	    arena_printf(a, "%.*s total",
		TEXT_ARG(view_bytes(a, show_u64(memory, "total")))));
	if (show_array(vm, "uptime", &u) == 0 ||
	    unpack_u64(&u, &uptime_ms) != OK)
		uptime_ms = 0;
	say_line(v, "Uptime:", view_span(a, uptime_ms));
}

/* detail is what a check has to say beside its status. */
static struct text
detail_of(struct view *v, struct text check)
{
	struct text reason = show_text(check, "reason");
	uint64_t instances = show_u64(check, "instance_count");
	uint64_t children = show_u64(check, "children_count");
	const char *gap = reason.len > 0 ? "  " : "";

	if (instances > 0)
		return arena_printf(v->arena, "alive=%llu/%llu%s%.*s",
		    (unsigned long long)show_u64(check, "alive_instances"),
		    (unsigned long long)instances, gap, TEXT_ARG(reason));
	if (children > 0)
		return arena_printf(v->arena, "running=%llu/%llu%s%.*s",
		    (unsigned long long)show_u64(check, "running"),
		    (unsigned long long)children, gap, TEXT_ARG(reason));
	return reason;
}

static void
say_checks(struct view *v, struct text checks)
{
	struct unpacker u;
	struct table t;
	uint32_t count;
	struct text name;
	struct text check;

	unpack_init(&u, checks);
	if (unpack_map(&u, &count) != OK)
		return;
	table_begin(&t, v, "  CHECK|STATUS|PID|DETAIL", "llrl");
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &name) != OK ||
		    unpack_raw(&u, &check) != OK)
			break;
		struct text status = show_text(check, "status");
		uint64_t pid = show_u64(check, "pid");
		table_cell(&t, PLAIN, "  %.*s", TEXT_ARG(name));
		table_text(&t, show_state_colour(status), status);
		if (pid > 0)
			table_u64(&t, pid);
		else
			table_cell(&t, DIM, "-");
		table_text(&t, YELLOW, detail_of(v, check));
	}
	table_end(&t);
}

enum cli_exit
show_health(struct view *v, struct text result)
{
	struct text checks = show_map(result, "checks");
	struct text node = show_map(checks, "node");
	struct text banyan = show_map(checks, "banyan");

	view_paint(v, BOLD, "=== Banyan Health Check ===");
	view_print(v, "\n");
	say_line(v, "Node:", show_text(result, "node"));
	say_status(v, result);
	say_line(v, "Checked at:",
	    view_when(v->arena, show_u64(result, "checked_at_ms")));
	say_vm(v, show_map(checks, "vm"));
	view_print(v, "\n--- Node ---\n");
	say_status(v, node);
	say_line(v, "Self:", show_text(node, "node"));
	view_print(v, "\n--- Banyan ---\n");
	say_status(v, banyan);
	say_line(v, "Mode:", show_text(banyan, "mode"));
	say_checks(v, show_map(banyan, "checks"));
	return show_exit_of("health", result);
}
