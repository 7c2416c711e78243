// SPDX-License-Identifier: MIT
/* show_flow - the pages of `banyan flow`, `flows` and `inspect`. */

#include "protocol/pack.h"
#include "supervisor/cli/show.h"

static void
say(struct view *v, const char *title, struct text value)
{
	view_print(v, "  %-14s", title);
	if (value.len > 0)
		view_text(v, value);
	else
		view_print(v, "-");
	view_print(v, "\n");
}

/* say_names prints a list of texts on one line. */
static void
say_names(struct view *v, const char *title, struct text map, const char *key)
{
	struct unpacker u;
	struct text one;
	uint32_t count = show_array(map, key, &u);

	view_print(v, "  %-14s", title);
	if (count == 0)
		view_print(v, "(none)");
	for (uint32_t i = 0; i < count && unpack_text(&u, &one) == OK; i++) {
		view_print(v, "%s", i > 0 ? ", " : "");
		view_text(v, one);
	}
	view_print(v, "\n");
}

static void
say_limits(
    struct view *v, struct text flow, const char *title, const char *scope)
{
	struct unpacker u;
	struct text one;
	uint64_t used;
	uint32_t count = show_array(show_map(flow, "rate_limit"), scope, &u);

	view_print(v, "  %s:%s\n", title, count == 0 ? " (none)" : "");
	while (count-- > 0 && unpack_raw(&u, &one) == OK) {
		view_print(v, "    ");
		view_text(v, show_text(one, "key"));
		view_print(v, ": %llu req / %llums",
		    (unsigned long long)show_u64(one, "max_requests"),
		    (unsigned long long)show_u64(one, "window_ms"));
		if (unpack_field_u64(one, "used", &used) == OK)
			view_print(v, ", used %llu, %llu left",
			    (unsigned long long)used,
			    (unsigned long long)show_u64(one, "remaining"));
		view_print(v, "\n");
	}
}

/* mode_of puts {hash: key} and {custom: {…}} in one word and its key. */
static struct text
mode_of(struct view *v, struct text flow)
{
	struct unpacker u;
	struct text mode, name, key;
	uint32_t count;

	if (unpack_map_find(flow, TEXT("choose_node_mode"), &mode) != OK)
		return TEXT("");
	unpack_init(&u, mode);
	if (unpack_text(&u, &name) == OK)
		return name;
	if (unpack_map(&u, &count) != OK || unpack_text(&u, &name) != OK)
		return TEXT("");
	if (unpack_text(&u, &key) == OK)
		return arena_printf(
		    v->arena, "%.*s by %.*s", TEXT_ARG(name), TEXT_ARG(key));
	if (unpack_raw(&u, &key) != OK)
		return name;
	return arena_printf(v->arena, "%.*s %.*s.%.*s", TEXT_ARG(name),
	    TEXT_ARG(show_text(key, "module")),
	    TEXT_ARG(show_text(key, "function")));
}

static void
say_steps(struct view *v, struct text flow, const char *title)
{
	struct unpacker u;
	struct text one;
	uint32_t count = show_array(flow, "steps", &u);

	view_print(v, "\n--- %s ---\n", title);
	for (uint32_t i = 1; i <= count && unpack_raw(&u, &one) == OK; i++)
		view_print(v, "  %u. [%.*s] %.*s\n", i,
		    TEXT_ARG(show_text(one, "phase")),
		    TEXT_ARG(show_text(one, "desc")));
}

static struct text
timeout_of(struct view *v, struct text flow)
{
	uint64_t ms;

	if (unpack_field_u64(flow, "timeout", &ms) == OK)
		return arena_printf(v->arena, "%llums", (unsigned long long)ms);
	return show_text(flow, "timeout");
}

static void
say_flow(struct view *v, struct text flow)
{
	struct text mfa = show_map(flow, "mfa");
	struct text hooks = show_map(flow, "hooks");

	say(v, "Service:", show_text(flow, "service"));
	say(v, "Request Type:", show_text(flow, "request_type"));
	say(v, "Version:", show_text(flow, "version"));
	say(v, "Response:", show_text(flow, "response_type"));
	say(v,
	    "Local:", show_bool(flow, "local") ? TEXT("true") : TEXT("false"));
	say(v, "Node Mode:", mode_of(v, flow));
	say(v, "Timeout:", timeout_of(v, flow));
	say(v, "MFA:",
	    arena_printf(v->arena, "%.*s.%.*s",
		TEXT_ARG(show_text(mfa, "module")),
		TEXT_ARG(show_text(mfa, "function"))));
	view_print(v, "\n--- Nodes ---\n");
	say_names(v, "All:", flow, "nodes");
	say_names(v, "Reachable:", flow, "reachable_nodes");
	struct unpacker u;
	if (show_array(flow, "unreachable_nodes", &u) > 0)
		say_names(v, "Unreachable:", flow, "unreachable_nodes");
	view_print(v, "\n--- Rate Limits ---\n");
	say_limits(v, flow, "Global", "global");
	say_limits(v, flow, "API", "api");
	view_print(v, "\n--- Permission ---\n");
	say(v,
	    "Check:", show_text(show_map(flow, "permission"), "description"));
	view_print(v, "\n--- Hooks ---\n");
	say(v, "Before:",
	    show_text(show_map(hooks, "before_execute"), "description"));
	say(v, "After:",
	    show_text(show_map(hooks, "after_execute"), "description"));
	say(v, "Encoder:",
	    show_text(show_map(hooks, "result_encoder"), "description"));
	view_print(v, "\n--- Retry ---\n");
	say(v, "Retry:", show_text(show_map(flow, "retry"), "description"));
}

static void
say_title(struct view *v, const char *title, struct text flow)
{
	view_paint(v, BOLD, "=== %s: %.*s/%.*s ===", title,
	    TEXT_ARG(show_text(flow, "service")),
	    TEXT_ARG(show_text(flow, "request_type")));
	view_print(v, "\n");
}

enum cli_exit
show_flow(struct view *v, struct text result)
{
	struct text error = show_text(result, "error");
	struct text meant = show_map(result, "did_you_mean");

	say_title(v, "Call Flow", result);
	if (error.len > 0) {
		view_paint(v, RED, "✗ Config not found: %.*s", TEXT_ARG(error));
		view_print(v, "\nnext: banyan ");
		if (show_text(meant, "service").len > 0) {
			view_print(v, "flow ");
			view_text(v, show_text(meant, "service"));
			view_print(v, " ");
			view_text(v, show_text(meant, "request_type"));
		} else {
			view_print(v, "flows --all");
		}
		view_print(v, "\n");
		return show_exit_of("flow", result);
	}
	say_flow(v, result);
	say_steps(v, result, "Execution Steps");
	struct unpacker u;
	if (show_array(result, "unreachable_nodes", &u) > 0)
		view_print(v, "next: banyan nodes\n");
	return show_exit_of("flow", result);
}

enum cli_exit
show_flows(struct view *v, struct text result)
{
	struct unpacker u, nodes;
	struct text one, node;
	struct table t;
	uint32_t count = show_array(result, "flows", &u);
	uint64_t total = show_u64(result, "total");

	view_paint(v, BOLD, "=== Registered Call Flows ===");
	view_print(v, "\n  Total: %llu\n", (unsigned long long)total);
	if (count == 0) {
		view_print(v, "  (no registered configs)\n");
		return CLI_OK;
	}
	table_begin(&t, v, "SERVICE|REQUEST TYPE|VERSION|LOCAL|NODES", "lllll");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &one) == OK; i++) {
		bool is_off = show_bool(one, "disabled");
		uint32_t n = show_array(one, "nodes", &nodes);
		bool has_node = n > 0 && unpack_text(&nodes, &node) == OK;

		table_text(&t, PLAIN, show_text(one, "service"));
		table_text(&t, PLAIN, show_text(one, "request_type"));
		table_text(&t, PLAIN, show_text(one, "version"));
		table_text(&t, PLAIN,
		    is_off                        ? TEXT("-")
			: show_bool(one, "local") ? TEXT("true")
						  : TEXT("false"));
		if (is_off)
			table_cell(&t, YELLOW, "[DISABLED]");
		else if (!has_node)
			table_cell(&t, DIM, "(asked for)");
		else
			table_cell(&t,
			    show_bool(one, "reachable") ? PLAIN : RED,
			    n > 1 ? "%.*s and %u more" : "%.*s", TEXT_ARG(node),
			    n - 1);
	}
	table_end(&t);
	if (total > count)
		view_print(v, "next: banyan flows --limit %llu\n",
		    (unsigned long long)total);
	return CLI_OK;
}

/* say_asks: who has a word in it; the dry run has asked none of them. */
static void
say_asks(struct view *v, struct text p)
{
	struct unpacker u;
	struct text one, mfa;
	uint32_t count = show_array(p, "asks", &u);

	for (uint32_t i = 0; i < count && unpack_raw(&u, &one) == OK; i++) {
		mfa = show_map(one, "mfa");
		view_print(v, "  %-14s", i == 0 ? "Would ask:" : "");
		view_text(v, show_text(one, "kind"));
		view_print(v, " ");
		view_text(v, show_text(mfa, "module"));
		view_print(v, ".");
		view_text(v, show_text(mfa, "function"));
		view_print(
		    v, "/%llu", (unsigned long long)show_u64(one, "args"));
		if (!show_bool(one, "reachable"))
			view_paint(v, RED, "  (nobody there to answer)");
		view_print(v, "\n");
	}
	if (count > 0)
		view_print(v,
		    "  %-14snone of them was asked: this is a dry run\n", "");
}

static void
say_way(struct view *v, const char *title, struct text p)
{
	bool is_refused = text_is(show_text(p, "outcome"), "refused");
	uint64_t retry_ms = show_u64(p, "retry_after_ms");

	view_print(v, "\n--- %s ---\n  %-14s", title, "Outcome:");
	view_paint(v, is_refused ? RED : GREEN, "%s %.*s",
	    is_refused ? "✗" : "✓", TEXT_ARG(show_text(p, "outcome")));
	view_print(v, "\n");
	say(v, "Stage:", show_text(p, "stage"));
	if (is_refused) {
		say(v, "Code:", show_text(p, "code"));
		say(v, "Error:", show_text(p, "error"));
		if (retry_ms > 0)
			say(v, "Retry after:",
			    arena_printf(v->arena, "%llums",
				(unsigned long long)retry_ms));
	}
	say(v, "Node:", show_text(p, "node"));
	say_names(v, "Candidates:", p, "candidates");
}

static void
say_prediction(struct view *v, struct text p)
{
	struct text then = show_map(p, "then");

	say_way(v, "Prediction", p);
	say_asks(v, p);
	if (show_text(then, "outcome").len > 0)
		say_way(v, "Then, if they let it pass as it is", then);
}

static void
say_check(struct view *v, const char *title, struct text check)
{
	if (show_bool(check, "ok"))
		say(v, title, TEXT("ok"));
	else if (show_text(check, "error").len > 0)
		say(v, title, show_text(check, "error"));
}

/* show_predictions: several requests, one line each. */
static enum cli_exit
show_predictions(
    struct view *v, struct text result, struct unpacker *u, uint32_t count)
{
	struct text one;
	struct table t;

	table_begin(&t, v, "#|OUTCOME|STAGE|CODE|NODE OR ERROR", "rllll");
	for (uint32_t i = 1; i <= count && unpack_raw(u, &one) == OK; i++) {
		struct text error = show_text(one, "error");

		table_u64(&t, i);
		table_text(
		    &t, error.len > 0 ? RED : GREEN, show_text(one, "outcome"));
		table_text(&t, PLAIN, show_text(one, "stage"));
		table_text(&t, PLAIN, show_text(one, "code"));
		table_text(
		    &t, PLAIN, error.len > 0 ? error : show_text(one, "node"));
	}
	table_end(&t);
	return show_exit_of("inspect", result);
}

/* next_for: what to look at, by where it would end. */
static const char *
next_for(struct text prediction)
{
	static const struct {
		const char *stage, *next;
	} words[] = {{"config_lookup", "banyan flows --all"},
	    {"rate_limit", "banyan limits config"},
	    {"node_selection", "banyan nodes"}};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (text_is(show_text(prediction, "stage"), words[i].stage))
			return words[i].next;
	return "banyan flow SERVICE FUNCTION";
}

enum cli_exit
show_inspect_request(struct view *v, struct text result)
{
	struct unpacker u;
	struct text request = show_map(result, "request");
	struct text prediction = show_map(result, "prediction");
	struct text checks = show_map(result, "checks");
	uint32_t count = show_array(result, "predictions", &u);

	if (count > 0)
		return show_predictions(v, result, &u, count);
	view_paint(v, BOLD, "=== Request Inspection ===");
	view_print(v, "\n");
	say(v, "Service:", show_text(request, "service"));
	say(v, "Request Type:", show_text(request, "request_type"));
	say(v, "Version:", show_text(request, "version"));
	say(v, "User ID:", show_text(request, "user_id"));
	say(v, "Device ID:", show_text(request, "device_id"));
	say(v, "Request ID:", show_text(request, "request_id"));
	say_prediction(v, prediction);
	if (show_array(result, "steps", &u) > 0) {
		view_print(v, "\n--- Checks ---\n");
		say_check(v, "Permission:", show_map(checks, "permission"));
		say_check(v, "Arguments:", show_map(checks, "arguments"));
		say_limits(v, checks, "Global limits", "global");
		say_limits(v, checks, "API limits", "api");
		say_steps(v, result, "Execution Plan");
	}
	if (text_is(show_text(prediction, "outcome"), "refused"))
		view_print(v, "next: %s\n", next_for(prediction));
	return show_exit_of("inspect", result);
}
