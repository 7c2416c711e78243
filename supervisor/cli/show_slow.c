// SPDX-License-Identifier: MIT
/* show_slow - the page of `banyan slow`: the slowest calls of all gateways. */

#include "protocol/pack.h"
#include "supervisor/cli/show.h"

enum {
	SLOW_MOST = 2048 /* of 16 gateways, 128 each */
};

/* One call, and the gateway it was made through. */
struct line {
	struct text call;
	uint64_t total_us;
	uint64_t instance;
};

static struct text
took(struct arena *arena, uint64_t us)
{
	return us < 10000
	    ? arena_printf(arena, "%llu us", (unsigned long long)us)
	    : arena_printf(arena, "%llu ms", (unsigned long long)us / 1000);
}

/* gather merges the instances, the slowest first. */
static uint32_t
gather(struct view *v, struct text result, struct line *lines, uint64_t *most,
    bool *failed)
{
	struct unpacker u, calls;
	uint32_t count = show_array(result, "instances", &u), found = 0;
	struct text one, call;

	*most = 0;
	*failed = false;
	for (uint32_t i = 0; i < count && unpack_raw(&u, &one) == OK; i++) {
		struct text error = show_text(one, "error");
		uint32_t n =
		    show_array(show_map(one, "result"), "calls", &calls);

		if (error.len > 0)
			view_print(v, "gateway/%llu: %.*s\n",
			    (unsigned long long)show_u64(one, "instance"),
			    TEXT_ARG(error));
		*failed |= error.len > 0;
		if (n > *most)
			*most = n;
		while (n-- > 0 && found < SLOW_MOST &&
		    unpack_raw(&calls, &call) == OK) {
			uint64_t us = show_u64(call, "total_us");
			uint32_t at = found++;

			for (; at > 0 && lines[at - 1].total_us < us; at--)
				lines[at] = lines[at - 1];
			lines[at] =
			    (struct line){call, us, show_u64(one, "instance")};
		}
	}
	return found;
}

static void
add(struct table *t, struct view *v, const struct line *line)
{
	struct text call = line->call;
	struct text answer = show_text(call, "answer");

	table_text(t, PLAIN, view_when(v->arena, show_u64(call, "at_ms")));
	table_text(t, BOLD, took(v->arena, line->total_us));
	table_text(t, PLAIN, took(v->arena, show_u64(call, "gateway_us")));
	table_text(t, PLAIN, took(v->arena, show_u64(call, "node_us")));
	table_text(t, text_is(answer, "ok") ? GREEN : YELLOW, answer);
	table_text(t, PLAIN, show_text(call, "service"));
	table_text(t, PLAIN, show_text(call, "request_type"));
	table_text(t, PLAIN, show_text(call, "user"));
	table_text(t, PLAIN, show_text(call, "request_id"));
	table_cell(t, DIM, "%llu", (unsigned long long)line->instance);
}

enum cli_exit
show_slow(struct view *v, struct text result)
{
	struct line *lines = ARENA_ARRAY(v->arena, struct line, SLOW_MOST);
	uint64_t most;
	bool failed;
	uint32_t count = gather(v, result, lines, &most, &failed);
	struct table t;

	if (count == 0) {
		if (!failed)
			view_print(v, "No slow call is kept.\n");
		return failed ? CLI_DEGRADED : CLI_OK;
	}
	table_begin(&t, v,
	    "ANSWERED|TOTAL|GATEWAY|NODE|ANSWER|SERVICE|FUNCTION|USER|REQUEST|"
	    "BY",
	    "lrrrlllllr");
	/* each gateway gave its slowest: of all of them so many are sure */
	for (uint32_t i = 0; i < count && i < most; i++)
		add(&t, v, &lines[i]);
	table_end(&t);
	view_print(v, "next: banyan trace start --function %.*s/%.*s\n",
	    TEXT_ARG(show_text(lines[0].call, "service")),
	    TEXT_ARG(show_text(lines[0].call, "request_type")));
	return CLI_OK;
}
