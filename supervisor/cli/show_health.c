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
	view_print(v, "    Processes:  %.*s\n",
	    TEXT_ARG(view_bytes(a, show_u64(memory, "processes"))));
	if (show_u64(memory, "runners") > 0)
		view_print(v, "    Runners:    %.*s\n",
		    TEXT_ARG(view_bytes(a, show_u64(memory, "runners"))));
	if (show_u64(memory, "ets") > 0)
		view_print(v, "    Tables:     %.*s\n",
		    TEXT_ARG(view_bytes(a, show_u64(memory, "ets"))));
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
	uint64_t services = show_u64(check, "services");
	uint64_t up = 0, proven_ms;
	uint64_t missing = unpack_field_u64(check, "services_up", &up) == OK
	    ? services - up
	    : show_u64(check, "cut_off");
	const char *gap = reason.len > 0 ? "  " : "";

	if (instances > 0)
		return arena_printf(v->arena, "alive=%llu/%llu%s%.*s",
		    (unsigned long long)show_u64(check, "alive_instances"),
		    (unsigned long long)instances, gap, TEXT_ARG(reason));
	if (unpack_field_u64(check, "proven_ago_ms", &proven_ms) == OK)
		return arena_printf(v->arena,
		    "a killed child was back in %llu ms, %.*s ago%s%.*s",
		    (unsigned long long)show_u64(check, "proof_took_us") / 1000,
		    TEXT_ARG(view_span(v->arena, proven_ms)), gap,
		    TEXT_ARG(reason));
	if (reason.len > 0 && services > 0)
		return arena_printf(v->arena, "%.*s  %llu of %llu services",
		    TEXT_ARG(reason), (unsigned long long)missing,
		    (unsigned long long)services);
	if (children > 0)
		return arena_printf(v->arena, "running=%llu/%llu%s%.*s",
		    (unsigned long long)show_u64(check, "running"),
		    (unsigned long long)children, gap, TEXT_ARG(reason));
	return reason;
}

/* with_descriptors adds how few are left, where that is the trouble. */
static struct text
with_descriptors(struct view *v, struct text check, struct text detail)
{
	uint64_t limit = show_u64(check, "descriptor_limit");

	if (limit == 0)
		return detail;
	return arena_printf(v->arena, "%.*s%sdescriptors %llu of %llu",
	    TEXT_ARG(detail), detail.len > 0 ? "  " : "",
	    (unsigned long long)show_u64(check, "descriptors"),
	    (unsigned long long)limit);
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
		table_text(&t, YELLOW,
		    with_descriptors(v, check, detail_of(v, check)));
	}
	table_end(&t);
}

/* next_in finds what to type about the worst of some checks. */
static struct text
next_in(struct text checks, const char *status)
{
	struct unpacker u;
	struct text name, check;
	uint32_t count;

	unpack_init(&u, checks);
	if (unpack_map(&u, &count) != OK)
		return TEXT("");
	while (count-- > 0 && unpack_text(&u, &name) == OK &&
	    unpack_raw(&u, &check) == OK)
		if (text_is(show_text(check, "status"), status) &&
		    show_text(check, "next").len > 0)
			return show_text(check, "next");
	return TEXT("");
}

struct text
show_health_next(struct text checks)
{
	static const char *const worst[] = {"error", "degraded"};
	struct text banyan = show_map(show_map(checks, "banyan"), "checks");

	for (size_t i = 0; i < COUNT_OF(worst); i++) {
		struct text next = next_in(banyan, worst[i]);

		if (next.len == 0)
			next = next_in(checks, worst[i]);
		if (next.len > 0)
			return next;
	}
	return TEXT("");
}

static void
say_next(struct view *v, struct text checks)
{
	struct text next = show_health_next(checks);

	if (next.len == 0)
		return;
	view_print(v, "next: ");
	view_text(v, next);
	view_print(v, "\n");
}

/* show_check is the page of `--check NAME`: that one, field by field. */
static void
show_check(struct view *v, struct text checks)
{
	say_checks(v, checks);
	say_next(v, checks);
}

enum cli_exit
show_health(struct view *v, struct text result)
{
	struct text checks = show_map(result, "checks");
	struct text node = show_map(checks, "node");
	struct text banyan = show_map(checks, "banyan");
	struct unpacker u;

	if (show_text(banyan, "status").len == 0) {
		show_check(v, checks);
		return show_exit_of("health", result);
	}

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
	say_line(
	    v, "Alive:", show_bool(node, "alive") ? TEXT("yes") : TEXT("no"));
	say_line(v, "Connected:",
	    arena_printf(
		v->arena, "%u", show_array(node, "connected_nodes", &u)));
	view_print(v, "\n--- Banyan ---\n");
	say_status(v, banyan);
	say_line(v, "Mode:", show_text(banyan, "mode"));
	say_checks(v, show_map(banyan, "checks"));
	say_next(v, checks);
	return show_exit_of("health", result);
}
