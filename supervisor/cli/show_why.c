// SPDX-License-Identifier: MIT
#include "protocol/pack.h"
#include "protocol/role.h"
#include "supervisor/cli/show.h"

enum {
	EVENTS_SHOWN = 5,
	DETAILED = 1 /* obituaries told with their last events */
};

/* say_descriptors: of a process that has hardly any left. */
static void
say_descriptors(struct view *v, struct text child)
{
	uint64_t limit = show_u64(child, "descriptor_limit");
	struct text role = show_text(child, "role");

	if (limit == 0)
		return;
	view_print(v,
	    "It has %llu of %llu descriptors open: raise "
	    "workers.%.*s.nofile, then `banyan restart %.*s`.\n",
	    (unsigned long long)show_u64(child, "descriptors"),
	    (unsigned long long)limit, TEXT_ARG(role),
	    TEXT_ARG(show_child_name(v->arena, child)));
}

static void
say_now(struct view *v, struct text child)
{
	struct text state = show_text(child, "state");
	struct text reason = show_text(child, "reason");
	uint64_t restarts = show_u64(child, "restarts");

	view_paint(v, BOLD, "%.*s", TEXT_ARG(show_child_name(v->arena, child)));
	view_print(v, " is ");
	view_paint(v, show_state_colour(state), "%.*s", TEXT_ARG(state));
	if (text_is(state, "up"))
		view_print(v, " for %.*s: life %llu, pid %llu",
		    TEXT_ARG(view_span(v->arena, show_u64(child, "up_ms"))),
		    (unsigned long long)show_u64(child, "life"),
		    (unsigned long long)show_u64(child, "pid"));
	if (restarts == 0)
		view_print(v, ", never restarted");
	else
		view_print(v, ", restarted %llu time%s",
		    (unsigned long long)restarts, restarts == 1 ? "" : "s");
	view_print(v, ".\n");
	if (show_bool(child, "is_paused"))
		view_paint(v, YELLOW,
		    "Its supervision is paused: nobody restarts it.");
	if (show_bool(child, "is_paused"))
		view_print(v, "\n");
	if (show_bool(child, "is_in_probation"))
		view_print(v,
		    "It died too often: it is on probation and "
		    "tried at long intervals.\n");
	if (show_u64(child, "rest_ms") > 0)
		view_print(v, "Its next life begins in %.*s.\n",
		    TEXT_ARG(view_span(v->arena, show_u64(child, "rest_ms"))));
	say_descriptors(v, child);
	if (reason.len > 0) {
		view_print(v, "Why: ");
		view_text(v, reason);
		view_print(v, "\n");
	}
}

/* say_lines indents a text of several lines. */
static void
say_lines(struct view *v, struct text lines)
{
	while (lines.len > 0) {
		int64_t end = text_find(lines, '\n');
		struct text line = lines;

		if (end >= 0)
			line.len = (uint32_t)end;
		view_print(v, "      ");
		view_text(v, line);
		view_print(v, "\n");
		if (end < 0)
			return;
		lines.at += end + 1;
		lines.len -= (uint32_t)end + 1;
	}
}

static void
say_events(struct view *v, struct text obituary)
{
	struct unpacker u;
	uint32_t count = show_array(obituary, "events", &u);
	struct text event;

	for (uint32_t i = 0; i < count && unpack_raw(&u, &event) == OK; i++) {
		if (count - i > EVENTS_SHOWN)
			continue; /* the last ones */
		view_paint(v, DIM, "      %.*s %.*s",
		    TEXT_ARG(
			view_when(v->arena, show_u64(event, "wall_us") / 1000)),
		    TEXT_ARG(show_text(event, "event")));
		view_print(v, " ");
		view_text(v, show_text(event, "text"));
		view_print(v, "\n");
	}
}

static void
say_obituary(struct view *v, struct text obituary, bool in_detail)
{
	struct text words = show_text(obituary, "last_words");
	struct text backtrace = show_text(obituary, "backtrace");
	struct unpacker events;

	view_paint(v, DIM, "  %.*s",
	    TEXT_ARG(view_when(v->arena, show_u64(obituary, "wall_ms"))));
	view_print(v, "  ");
	view_text(v, show_text(obituary, "sentence"));
	view_print(v, "\n");
	if (backtrace.len > 0) {
		view_print(v, "    its last words:\n");
		say_lines(v, backtrace);
	} else if (words.len > 0) {
		view_print(v, "    its last words:\n");
		say_lines(v, words);
	}
	if (in_detail && show_array(obituary, "events", &events) > 0) {
		view_print(v, "    what it noted last:\n");
		say_events(v, obituary);
	}
}

static void
say_child(struct view *v, struct text child)
{
	struct unpacker u;
	struct unpacker events;
	uint32_t count = show_array(child, "obituaries", &u);
	struct text obituary;

	say_now(v, child);
	if (show_array(child, "events", &events) > 0) {
		view_print(v, "\nWhat was noted last:\n");
		say_events(v, child);
	}
	if (count == 0) {
		if (show_u64(child, "restarts") == 0)
			view_print(v, "No life of it has ended so far.\n");
		return;
	}
	view_print(v, "\nHow earlier lives ended, newest first:\n");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &obituary) == OK; i++)
		say_obituary(v, obituary, i < DETAILED);
}

/* verb_for: what brings this child back; NULL: it is there, or a runner,
 * which its pool starts. */
static const char *
verb_for(struct text child)
{
	struct text state = show_text(child, "state");

	if (role_by_name(show_text(child, "role")) == ROLE_none)
		return NULL;
	if (show_bool(child, "is_paused"))
		return "resume";
	if (text_is(state, "down") || text_is(state, "held") ||
	    text_is(state, "done"))
		return "start";
	return text_is(state, "resting") ? "restart" : NULL;
}

enum cli_exit
show_why(struct view *v, struct text result)
{
	struct unpacker u;
	uint32_t count = show_array(result, "children", &u);
	struct text child, next = TEXT("");

	for (uint32_t i = 0; i < count && unpack_raw(&u, &child) == OK; i++) {
		const char *verb = verb_for(child);

		if (i > 0)
			view_print(v, "\n");
		say_child(v, child);
		if (verb != NULL && next.len == 0)
			next = arena_printf(v->arena, "banyan %s %.*s", verb,
			    TEXT_ARG(show_child_name(v->arena, child)));
	}
	if (next.len > 0) {
		view_print(v, "next: ");
		view_text(v, next);
		view_print(v, "\n");
	}
	return CLI_OK;
}
