// SPDX-License-Identifier: MIT
/* show_traces - traces, and the way of one request, hop by hop. */

#include <inttypes.h>

#include "protocol/pack.h"
#include "supervisor/cli/show.h"

/* say_pairs writes a map of texts as key=value. */
static struct text
pairs(struct arena *arena, struct text map)
{
	struct text all = TEXT(""), key, value;
	struct unpacker u;
	uint32_t count = 0;

	unpack_init(&u, map);
	if (map.len == 0 || unpack_map(&u, &count) != OK)
		return all;
	while (count-- > 0 && unpack_text(&u, &key) == OK &&
	    unpack_text(&u, &value) == OK)
		all = arena_printf(arena, "%.*s%s%.*s=%.*s", TEXT_ARG(all),
		    all.len > 0 ? " " : "", TEXT_ARG(key), TEXT_ARG(value));
	return all;
}

static struct text
words(struct arena *arena, struct text map, const char *key)
{
	struct text all = TEXT(""), word;
	struct unpacker u;
	uint32_t count = show_array(map, key, &u);

	while (count-- > 0 && unpack_text(&u, &word) == OK)
		all = arena_printf(arena, "%.*s%s%.*s", TEXT_ARG(all),
		    all.len > 0 ? "," : "", TEXT_ARG(word));
	return all;
}

static enum colour
state_colour(struct text state)
{
	return text_is(state, "running") ? GREEN
	    : text_is(state, "stopped")  ? PLAIN
					 : YELLOW;
}

enum cli_exit
show_trace_status(struct view *v, struct text result)
{
	struct unpacker u;
	struct text trace;
	struct table t;
	uint32_t count = show_array(result, "traces", &u);

	view_print(v,
	    "node %.*s, trace_control_word %" PRIu64 ", %" PRIu64
	    " records, %" PRIu64 " calls skipped by rate, %" PRIu64
	    " records missed\n",
	    TEXT_ARG(show_text(result, "node")),
	    show_u64(result, "trace_control_word"), show_u64(result, "records"),
	    show_u64(result, "skipped"), show_u64(result, "missed"));
	if (count == 0) {
		view_print(v,
		    "Nothing is traced.\n"
		    "next: banyan trace start --user USER\n");
		return CLI_OK;
	}
	table_begin(&t, v,
	    "id|target|state|requests|records|of|rate|left|flags", "llllrrrrl");
	while (count-- > 0 && unpack_raw(&u, &trace) == OK) {
		struct text state = show_text(trace, "state");

		table_u64(&t, show_u64(trace, "id"));
		table_text(&t, PLAIN, show_text(trace, "target"));
		table_text(&t, state_colour(state), state);
		table_u64(&t, show_u64(trace, "requests"));
		table_u64(&t, show_u64(trace, "records"));
		table_u64(&t, show_u64(trace, "count"));
		table_cell(&t, PLAIN, "%" PRIu64 "/s", show_u64(trace, "rate"));
		table_text(
		    &t, PLAIN, view_span(v->arena, show_u64(trace, "left_ms")));
		table_text(&t, DIM, words(v->arena, trace, "flags"));
	}
	table_end(&t);
	return CLI_OK;
}

enum cli_exit
show_trace_tail(struct view *v, struct text result)
{
	struct unpacker u;
	struct text line;
	uint32_t count = show_array(result, "lines", &u);

	if (count == 0)
		view_print(v,
		    show_u64(result, "running") > 0
			? "Nothing has been recorded yet.\n"
			: "Nothing is traced.\n"
			  "next: banyan trace start --user USER\n");
	while (count-- > 0 && unpack_raw(&u, &line) == OK) {
		uint64_t at_us = show_u64(line, "at_us");

		view_paint(v, DIM, "%.*s.%06u ",
		    TEXT_ARG(view_when(v->arena, at_us / 1000)),
		    (unsigned)(at_us % 1000000));
		view_paint(
		    v, BOLD, "%-14.*s ", TEXT_ARG(show_text(line, "process")));
		view_text(v, show_text(line, "text"));
		view_print(v, "\n");
	}
	return CLI_OK;
}

static enum colour
outcome_colour(struct text outcome)
{
	return text_is(outcome, "ok")  ? GREEN
	    : text_is(outcome, "open") ? YELLOW
				       : RED;
}

static void
say_hops(struct view *v, struct text request)
{
	struct unpacker u;
	struct text hop;
	struct table t;
	uint32_t count = show_array(request, "hops", &u);

	table_begin(&t, v, "at us|took us|stage|process|detail", "rrlll");
	while (count-- > 0 && unpack_raw(&u, &hop) == OK) {
		struct text stage = show_text(hop, "stage");

		table_u64(&t, show_u64(hop, "at_us"));
		table_u64(&t, show_u64(hop, "took_us"));
		table_text(&t, text_is(stage, "error") ? RED : BOLD, stage);
		table_text(&t, PLAIN, show_text(hop, "process"));
		table_text(&t, DIM, pairs(v->arena, show_map(hop, "detail")));
	}
	table_end(&t);
}

/* say_request gives whether it has gone wrong. */
static bool
say_request(struct view *v, struct text request)
{
	struct text outcome = show_text(request, "outcome");
	struct text facts = show_map(request, "request");
	uint64_t left_out = show_u64(request, "hops_left_out");

	view_paint(v, BOLD, "%.*s/%.*s", TEXT_ARG(show_text(facts, "service")),
	    TEXT_ARG(show_text(facts, "request_type")));
	view_print(v, "  request %.*s  trace %.*s  ",
	    TEXT_ARG(show_text(facts, "request_id")),
	    TEXT_ARG(show_text(request, "trace")));
	view_paint(v, outcome_colour(outcome), "%.*s", TEXT_ARG(outcome));
	view_print(v, "  %" PRIu64 " us\n", show_u64(request, "duration_us"));
	view_text(v, pairs(v->arena, facts));
	view_print(v, "\n");
	say_hops(v, request);
	if (left_out > 0)
		view_print(v, "and %" PRIu64 " hops more\n", left_out);
	return outcome_colour(outcome) == RED;
}

enum cli_exit
show_trace(struct view *v, struct text result)
{
	struct unpacker u;
	struct text request, service = TEXT(""), type = TEXT("");
	uint32_t count = show_array(result, "requests", &u);
	bool is_bad = false;

	if (count == 0)
		view_print(v,
		    "No hops of it are kept.\n"
		    "next: banyan trace status\n");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &request) == OK; i++) {
		if (i > 0)
			view_print(v, "\n");
		if (!say_request(v, request))
			continue;
		is_bad = true;
		service = show_text(show_map(request, "request"), "service");
		type = show_text(show_map(request, "request"), "request_type");
	}
	if (is_bad)
		view_print(v, "next: banyan flow %.*s %.*s\n",
		    TEXT_ARG(service), TEXT_ARG(type));
	return CLI_OK;
}
