// SPDX-License-Identifier: MIT
#include <string.h>

#include "protocol/pack.h"
#include "supervisor/cli/show.h"

enum {
	DEEPEST = 8
};

/* note gathers what makes a child worth a second look. */
static struct text
note_of(struct view *v, struct text child)
{
	struct text reason = show_text(child, "reason");
	uint64_t rest_ms = show_u64(child, "rest_ms");
	const char *mark = "";

	if (show_bool(child, "is_paused"))
		mark = "paused; ";
	else if (show_bool(child, "is_in_probation"))
		mark = "on probation; ";
	else if (show_bool(child, "is_degraded"))
		mark = "degraded; ";
	if (rest_ms > 0)
		return arena_printf(v->arena, "%snext life in %.*s; %.*s", mark,
		    TEXT_ARG(view_span(v->arena, rest_ms)), TEXT_ARG(reason));
	if (mark[0] == '\0' && text_is(show_text(child, "state"), "up"))
		return show_u64(child, "restarts") > 0 ? reason : TEXT("");
	if (reason.len == 0 && mark[0] != '\0')
		return (struct text){mark, (uint32_t)strlen(mark) - 2};
	return arena_printf(v->arena, "%s%.*s", mark, TEXT_ARG(reason));
}

static void
add_row(struct table *t, struct text child, struct text lines)
{
	struct view *v = t->view;
	struct text state = show_text(child, "state");
	uint64_t pid = show_u64(child, "pid");
	uint64_t up_ms = show_u64(child, "up_ms");
	struct text name = show_child_name(v->arena, child);

	table_cell(t, BOLD, "%.*s%.*s", TEXT_ARG(lines), TEXT_ARG(name));
	table_text(t, show_state_colour(state), state);
	if (pid > 0)
		table_u64(t, pid);
	else
		table_cell(t, DIM, "-");
	table_u64(t, show_u64(child, "life"));
	table_u64(t, show_u64(child, "restarts"));
	table_text(
	    t, PLAIN, up_ms > 0 ? view_span(v->arena, up_ms) : TEXT("-"));
	table_text(
	    t, PLAIN, view_bytes(v->arena, show_u64(child, "memory_bytes")));
	table_text(t, YELLOW, note_of(v, child));
}

/* add_below draws the children of a node; `lines` is what stands before. */
static void
add_below(struct table *t, struct text node, struct text lines, uint32_t depth)
{
	struct arena *arena = t->view->arena;
	struct unpacker u;
	uint32_t count = show_array(node, "children", &u);
	struct text child;

	for (uint32_t i = 0; i < count && depth > 0; i++) {
		bool is_last = i + 1 == count;

		if (unpack_raw(&u, &child) != OK)
			return;
		add_row(t, child,
		    arena_printf(arena, "%.*s%s", TEXT_ARG(lines),
			is_last ? "└─ " : "├─ "));
		add_below(t, child,
		    arena_printf(arena, "%.*s%s", TEXT_ARG(lines),
			is_last ? "   " : "│  "),
		    depth - 1);
	}
}

enum cli_exit
show_tree(struct view *v, struct text result)
{
	struct table t;

	table_begin(
	    &t, v, "CHILD|STATE|PID|LIFE|RESTARTS|UP|MEMORY|NOTE", "llrrrrrl");
	add_row(&t, result, TEXT(""));
	add_below(&t, result, TEXT(""), DEEPEST);
	table_end(&t);
	return CLI_OK;
}
