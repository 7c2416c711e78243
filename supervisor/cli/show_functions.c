// SPDX-License-Identifier: MIT
/* show_functions - the functions that are called most, in `stats`. */

#include "protocol/base/arena.h"
#include "protocol/pack.h"
#include "supervisor/cli/show.h"

enum {
	SHOWN = 20, /* --json has them all */
	SUMS = 2
};

static bool
is_sum(struct text line)
{
	return text_starts_with(show_text(line, "service"), TEXT("__"));
}

struct top {
	struct text of[SHOWN + SUMS]; /* most calls first, then the sums */
	uint64_t calls[SHOWN + SUMS];
	uint32_t count;
	uint32_t called; /* that there are, shown or not */
};

/* put inserts behind all that were called more, `from` on; what does not fit
 * below `most` falls off. */
static void
put(struct top *top, struct text line, uint32_t from, uint32_t most)
{
	uint64_t calls = show_u64(line, "calls");
	uint32_t at = top->count;

	if (at < most)
		top->count++;
	else if (top->calls[--at] >= calls)
		return;
	for (; at > from && top->calls[at - 1] < calls; at--) {
		top->of[at] = top->of[at - 1];
		top->calls[at] = top->calls[at - 1];
	}
	top->of[at] = line;
	top->calls[at] = calls;
}

static void
pick(struct top *top, struct text result, bool is_of_sums)
{
	struct unpacker u;
	uint32_t count = show_array(result, "functions", &u);
	uint32_t from = is_of_sums ? top->count : 0;
	struct text line;

	while (count-- > 0 && unpack_raw(&u, &line) == OK) {
		if (is_sum(line) != is_of_sums || show_u64(line, "calls") == 0)
			continue;
		top->called++;
		put(top, line, from, is_of_sums ? from + SUMS : SHOWN);
	}
}

static struct text
name_of(struct arena *arena, struct text line)
{
	struct text version = show_text(line, "version");

	if (is_sum(line))
		return show_text(line, "service");
	return arena_printf(arena, "%.*s/%.*s%s%.*s",
	    TEXT_ARG(show_text(line, "service")),
	    TEXT_ARG(show_text(line, "request_type")),
	    version.len > 0 ? " " : "", TEXT_ARG(version));
}

static void
add_line(struct table *t, struct view *v, struct text line)
{
	struct text latency = show_map(line, "latency_us");
	uint64_t failed = show_u64(line, "failed");

	table_text(t, is_sum(line) ? DIM : PLAIN, name_of(v->arena, line));
	table_u64(t, show_u64(line, "calls"));
	table_u64(t, show_u64(line, "answered"));
	table_cell(
	    t, failed > 0 ? YELLOW : PLAIN, "%llu", (unsigned long long)failed);
	table_u64(t, show_u64(latency, "p50"));
	table_u64(t, show_u64(latency, "p99"));
	table_u64(t, show_u64(latency, "p999"));
}

void
show_functions(struct view *v, struct text result)
{
	struct top top = {.count = 0};
	struct table t;

	pick(&top, result, false);
	pick(&top, result, true);
	if (top.count == 0)
		return;
	view_print(v, "\n");
	table_begin(&t, v,
	    "FUNCTION|CALLS|ANSWERED|FAILED|P50 us|P99 us|P99.9 us", "lrrrrrr");
	for (uint32_t i = 0; i < top.count; i++)
		add_line(&t, v, top.of[i]);
	table_end(&t);
	if (top.called > top.count)
		view_print(v, "  %u more were called; --json has them\n",
		    top.called - top.count);
}
