// SPDX-License-Identifier: MIT
/* show_debug - the pages of `banyan debug` and `banyan cluster`. */

#include "protocol/pack.h"
#include "supervisor/cli/show.h"

static void
say_head(struct view *v, const char *title, struct text result)
{
	view_paint(v, BOLD, "=== %s ===", title);
	view_print(v, "\n  Node:         ");
	view_text(v, show_text(result, "node"));
	view_print(v, "\n  Collected at: %.*s\n",
	    TEXT_ARG(view_when(v->arena, show_u64(result, "collected_at_ms"))));
}

static void
say_stack(
    struct view *v, const char *title, struct text process, const char *key)
{
	struct unpacker u;
	struct text line;
	uint32_t count = show_array(process, key, &u);

	if (count == 0)
		return;
	view_print(v, "  %s of %.*s %llu:\n", title,
	    TEXT_ARG(show_text(process, "registered_name")),
	    (unsigned long long)show_u64(process, "pid"));
	while (count-- > 0 && unpack_text(&u, &line) == OK) {
		view_print(v, "    ");
		view_text(v, line);
		view_print(v, "\n");
	}
}

static void
say_processes(struct view *v, struct text result)
{
	struct unpacker u, again;
	struct text process;
	struct table t;
	uint32_t count = show_array(result, "processes", &u);

	again = u;
	view_print(v, "\n--- Top %u Processes by Memory ---\n", count);
	table_begin(
	    &t, v, "  PID|NAME|MEMORY|STATUS|CPU|QUEUE|WAITS IN", "llrlrrl");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &process) == OK; i++) {
		uint64_t waiting, cpu_us;

		table_cell(&t, PLAIN, "  %llu",
		    (unsigned long long)show_u64(process, "pid"));
		table_text(&t, PLAIN,
		    show_instance(v->arena, process, "registered_name"));
		table_text(&t, PLAIN,
		    view_bytes(v->arena, show_u64(process, "memory")));
		table_text(&t, show_state_colour(show_text(process, "status")),
		    show_text(process, "status"));
		if (unpack_field_u64(process, "reductions", &cpu_us) == OK)
			table_text(
			    &t, PLAIN, view_span(v->arena, cpu_us / 1000));
		else
			table_cell(&t, DIM, "-");
		if (unpack_field_u64(process, "message_queue_len", &waiting) ==
		    OK)
			table_u64(&t, waiting);
		else
			table_cell(&t, DIM, "-");
		table_text(&t, DIM, show_text(process, "current_function"));
	}
	table_end(&t);
	for (uint32_t i = 0; i < count && unpack_raw(&again, &process) == OK;
	     i++) {
		say_stack(v, "stack", process, "current_stacktrace");
		say_stack(v, "kernel stack", process, "kernel_stack");
	}
}

static void
say_tables(struct view *v, struct text tables)
{
	struct unpacker u;
	struct text name, one;
	uint32_t count;

	view_print(v, "\n--- Tables ---\n");
	unpack_init(&u, tables);
	if (unpack_map(&u, &count) != OK)
		return;
	while (count-- > 0 && unpack_text(&u, &name) == OK &&
	    unpack_raw(&u, &one) == OK) {
		view_print(v, "  %.*s: ", TEXT_ARG(name));
		if (!show_bool(one, "exists"))
			view_print(v, "(not found)\n");
		else
			view_print(v, "size=%llu memory=%.*s owner=%.*s\n",
			    (unsigned long long)show_u64(one, "size"),
			    TEXT_ARG(
				view_bytes(v->arena, show_u64(one, "memory"))),
			    TEXT_ARG(show_text(one, "owner")));
	}
}

enum cli_exit
show_debug(struct view *v, struct text result)
{
	struct text trace = show_map(result, "trace");

	say_head(v, "Debug Report", result);
	say_processes(v, result);
	say_tables(v, show_map(result, "ets_tables"));
	view_print(v, "\n--- Trace ---\n  Control word: %llu\n",
	    (unsigned long long)show_u64(trace, "trace_control_word"));
	view_print(v, "  Traces: %llu, attached events: %llu\n",
	    (unsigned long long)show_u64(trace, "traces"),
	    (unsigned long long)show_u64(trace, "attached_events"));
	return CLI_OK;
}

/* --- cluster --- */

/* say_list prints an array of texts with `gap` between them. */
static void
say_list(struct view *v, struct unpacker *u, uint32_t count, const char *gap)
{
	struct text one;

	for (uint32_t i = 0; i < count && unpack_text(u, &one) == OK; i++) {
		view_print(v, "%s", i > 0 ? gap : "");
		view_text(v, one);
	}
}

static void
say_registered(struct view *v, struct text nodes)
{
	struct unpacker u, names;
	struct text node, span;
	uint32_t count, processes;

	view_print(v, "\n--- Registered Processes ---\n");
	unpack_init(&u, nodes);
	if (unpack_map(&u, &count) != OK)
		return;
	while (count-- > 0 && unpack_text(&u, &node) == OK &&
	    unpack_raw(&u, &span) == OK) {
		unpack_init(&names, span);
		if (unpack_array(&names, &processes) != OK)
			continue;
		view_print(v, "  ");
		view_text(v, node);
		view_print(v, ": %u processes\n    - ", processes);
		say_list(v, &names, processes, "\n    - ");
		view_print(v, "\n");
	}
}

static bool
say_services(struct view *v, struct text result)
{
	struct unpacker u, services;
	struct text one;
	uint32_t count = show_array(result, "services", &u);
	bool is_whole = true;

	view_print(v, "\n--- Services by Node ---\n");
	if (count == 0)
		view_print(v, "  (no service nodes)\n");
	while (count-- > 0 && unpack_raw(&u, &one) == OK) {
		uint64_t reached = show_u64(one, "reached_by");
		bool is_reached = reached == show_u64(one, "gateways");

		is_whole &= is_reached;
		view_print(v, "  ");
		view_paint(
		    v, is_reached ? GREEN : RED, "%s", is_reached ? "✓" : "✗");
		view_print(v, " ");
		view_text(v, show_text(one, "node"));
		view_print(v, ": ");
		say_list(
		    v, &services, show_array(one, "services", &services), ", ");
		if (!is_reached)
			view_print(v, "  reached by %llu of %llu gateways",
			    (unsigned long long)reached,
			    (unsigned long long)show_u64(one, "gateways"));
		view_print(v, "\n");
	}
	return is_whole;
}

enum cli_exit
show_cluster(struct view *v, struct text result)
{
	struct unpacker u;
	struct text selection = show_map(result, "node_selection");
	uint32_t count = show_array(result, "connected", &u);

	view_paint(v, BOLD, "=== Cluster View ===");
	view_print(v, "\n  Self: ");
	view_text(v, show_text(result, "self"));
	view_print(v, "\n  Connected nodes (%u): ", count);
	say_list(v, &u, count, ", ");
	view_print(v, "\n");
	say_registered(v, show_map(result, "registered_processes"));
	bool is_whole = say_services(v, result);
	view_print(v, "\n--- Node Selection Strategies ---\n  ");
	say_list(v, &u, show_array(selection, "strategies", &u), ", ");
	view_print(v, "\n  ");
	view_text(v, show_text(selection, "description"));
	view_print(v, "\n");
	if (!is_whole)
		view_print(v, "next: banyan nodes\n");
	return CLI_OK;
}
