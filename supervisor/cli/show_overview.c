// SPDX-License-Identifier: MIT
/* show_overview - the pages of `banyan overview`, `processes` and `top`. */

#include "protocol/pack.h"
#include "supervisor/cli/show.h"

static void
say_status(struct view *v, struct text status)
{
	bool is_ok = text_is(status, "ok");
	bool is_degraded = text_is(status, "degraded");

	view_print(v, "  Health:     ");
	view_paint(v,
	    is_ok             ? GREEN
		: is_degraded ? YELLOW
			      : RED,
	    "%s ",
	    is_ok             ? "✓"
		: is_degraded ? "⚠"
			      : "✗");
	view_text(v, status.len > 0 ? status : TEXT("unknown"));
	view_print(v, "\n");
}

static void
say_deaths(struct view *v, struct text result)
{
	struct unpacker u;
	struct text death;
	struct table t;
	uint32_t count = show_array(result, "last_deaths", &u);

	view_print(v, "\n--- Last Deaths ---\n");
	if (count == 0) {
		view_print(v, "  (none)\n");
		return;
	}
	table_begin(&t, v, "  WHEN|PROCESS|WHAT HAPPENED", "lll");
	while (count-- > 0 && unpack_raw(&u, &death) == OK) {
		table_cell(&t, DIM, "  %.*s",
		    TEXT_ARG(view_when(v->arena, show_u64(death, "wall_ms"))));
		table_text(&t, BOLD, show_text(death, "process"));
		table_text(&t, PLAIN, show_text(death, "sentence"));
	}
	table_end(&t);
}

static void
say_calls(struct view *v, struct text calls)
{
	struct unpacker u;
	struct text span;
	double rate;

	view_print(v, "  Calls:      ");
	if (unpack_map_find(calls, TEXT("per_second"), &span) == OK) {
		unpack_init(&u, span);
		if (unpack_f64(&u, &rate) == OK)
			view_print(v, "%.1f a second, ", rate);
	}
	view_print(v, "%llu in flight, %llu in all\n",
	    (unsigned long long)show_u64(calls, "in_flight"),
	    (unsigned long long)show_u64(calls, "total"));
}

enum cli_exit
show_overview(struct view *v, struct text result)
{
	struct text processes = show_map(result, "processes");
	struct text next = show_text(result, "next");

	view_paint(v, BOLD, "=== Overview ===");
	view_print(v, "\n  Node:       ");
	view_text(v, show_text(result, "node"));
	view_print(v, "\n");
	say_status(v, show_text(result, "status"));
	view_print(v, "  Processes:  %llu alive / %llu\n",
	    (unsigned long long)show_u64(processes, "alive"),
	    (unsigned long long)show_u64(processes, "total"));
	view_print(v, "  Memory:     %.*s\n",
	    TEXT_ARG(view_bytes(v->arena, show_u64(result, "memory_bytes"))));
	view_print(v, "  Uptime:     %.*s\n",
	    TEXT_ARG(view_span(v->arena, show_u64(result, "uptime_ms"))));
	say_calls(v, show_map(result, "calls"));
	say_deaths(v, result);
	if (next.len > 0) {
		view_print(v, "next: ");
		view_text(v, next);
		view_print(v, "\n");
	}
	return show_exit_of("overview", result);
}

enum cli_exit
show_processes(struct view *v, struct text result)
{
	struct unpacker u;
	struct text one;
	struct table t;
	uint32_t count = show_array(result, "processes", &u);
	uint64_t total = show_u64(result, "total");
	uint64_t alive = show_u64(result, "alive");

	table_begin(&t, v, "TYPE|NAME|ALIVE|STATE|PID|MEMORY", "llllrr");
	while (count-- > 0 && unpack_raw(&u, &one) == OK) {
		bool is_alive = show_bool(one, "alive");
		struct text state = show_text(one, "state");

		table_text(&t, DIM, show_text(one, "type"));
		table_text(&t, BOLD, show_text(one, "name"));
		table_cell(
		    &t, is_alive ? GREEN : RED, "%s", is_alive ? "✓" : "✗");
		table_text(&t, show_state_colour(state), state);
		if (is_alive)
			table_u64(&t, show_u64(one, "pid"));
		else
			table_cell(&t, DIM, "-");
		table_text(&t, PLAIN,
		    view_bytes(v->arena, show_u64(one, "memory_bytes")));
	}
	table_end(&t);
	view_print(v, "total: %llu processes, %llu alive, %.*s\n",
	    (unsigned long long)total, (unsigned long long)alive,
	    TEXT_ARG(view_bytes(v->arena, show_u64(result, "memory_bytes"))));
	if (alive < total)
		view_print(v, "next: banyan tree\n");
	return CLI_OK;
}

/* rate_cell: a process without two looks at it has no rate yet. */
static void
rate_cell(
    struct table *t, struct text process, const char *key, const char *unit)
{
	struct unpacker u;
	struct text span;
	double rate;

	if (unpack_map_find(process, text_of(key), &span) == OK) {
		unpack_init(&u, span);
		if (unpack_f64(&u, &rate) == OK) {
			table_cell(t, PLAIN, "%.1f%s", rate, unit);
			return;
		}
	}
	table_cell(t, DIM, "-");
}

enum cli_exit
show_top(struct view *v, struct text result)
{
	struct unpacker u;
	struct text one;
	struct table t;
	uint32_t count = show_array(result, "processes", &u);
	uint32_t shown = count;
	uint64_t queue;

	view_paint(v, BOLD, "=== Top %u of %llu Processes ===", count,
	    (unsigned long long)show_u64(result, "total"));
	view_print(v, " %.*s\n",
	    TEXT_ARG(view_when(v->arena, show_u64(result, "collected_at_ms"))));
	table_begin(
	    &t, v, "NAME|PID|CPU|MEMORY|TURNS|TURNS/S|QUEUE", "lrrrrrr");
	while (shown-- > 0 && unpack_raw(&u, &one) == OK) {
		table_text(&t, BOLD, show_text(one, "name"));
		table_u64(&t, show_u64(one, "pid"));
		rate_cell(&t, one, "cpu_percent", "%");
		table_text(&t, PLAIN,
		    view_bytes(v->arena, show_u64(one, "memory_bytes")));
		table_u64(&t, show_u64(one, "turns"));
		rate_cell(&t, one, "turns_per_second", "");
		if (unpack_field_u64(one, "queue", &queue) == OK)
			table_u64(&t, queue);
		else
			table_cell(&t, DIM, "-");
	}
	table_end(&t);
	return CLI_OK;
}
