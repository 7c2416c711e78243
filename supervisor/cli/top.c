// SPDX-License-Identifier: MIT
/* top - the processes that do or hold most, and how fast. */

#include <string.h>

#include "protocol/pack.h"
#include "supervisor/cli/overview.h"
#include "supervisor/cli/show.h"

struct row {
	struct text name;
	uint64_t pid, memory, turns, queue;
	bool has_queue, has_rates;
	double cpu_percent, turns_per_second;
};

enum top_sort
top_sort_of(const char *word)
{
	static const char *const words[TOP_SORTS] = {[TOP_MEMORY] = "memory",
	    [TOP_CPU] = "cpu",
	    [TOP_TURNS] = "turns",
	    [TOP_QUEUE] = "queue"};
	uint32_t i = 0;

	while (i < TOP_SORTS && strcmp(words[i], word) != 0)
		i++;
	return (enum top_sort)i;
}

/* find_life gives the same life of the same process in an earlier answer. */
static bool
find_life(struct text stats, struct text process, struct text *to)
{
	struct unpacker u;
	uint32_t count = show_array(stats, "processes", &u);

	while (count-- > 0 && unpack_raw(&u, to) == OK)
		if (show_u64(*to, "pid") == show_u64(process, "pid") &&
		    show_u64(*to, "life") == show_u64(process, "life") &&
		    text_eq(show_text(*to, "role"), show_text(process, "role")))
			return true;
	return false;
}

static double
a_second(uint64_t before, uint64_t after, uint64_t span_ms)
{
	return after > before
	    ? (double)((after - before) * 10000 / span_ms) / 10
	    : 0.0;
}

static void
add_rates(struct row *r, struct text then, struct text now, uint64_t span_ms)
{
	uint64_t cpu = show_u64(now, "cpu_us");

	r->has_rates = true;
	/* 10 000 us of a second are one per cent */
	r->cpu_percent =
	    a_second(show_u64(then, "cpu_us") / 10, cpu / 10, span_ms) / 1000;
	r->turns_per_second = a_second(
	    show_u64(show_map(then, "counters"), "turns"), r->turns, span_ms);
}

static struct row
row_of(struct arena *arena, struct text process)
{
	struct text counters = show_map(process, "counters");
	struct row r = {.name = show_child_name(arena, process),
	    .pid = show_u64(process, "pid"),
	    .memory = show_u64(process, "memory_bytes"),
	    .turns = show_u64(counters, "turns")};

	r.has_queue = unpack_field_u64(counters, "in_flight", &r.queue) == OK ||
	    unpack_field_u64(counters, "queued", &r.queue) == OK;
	return r;
}

static double
key_of(const struct row *r, enum top_sort sort)
{
	switch (sort) {
	case TOP_CPU:
		return r->cpu_percent;
	case TOP_TURNS:
		return r->has_rates ? r->turns_per_second : (double)r->turns;
	case TOP_QUEUE:
		return r->has_queue ? (double)r->queue : -1.0;
	case TOP_MEMORY:
	case TOP_SORTS:
		break;
	}
	return (double)r->memory;
}

static void
pack_row(struct packer *p, const struct row *r)
{
	pack_map(p, 7);
	pack_string(p, "name");
	pack_text(p, r->name);
	pack_field_u64(p, "pid", r->pid);
	pack_string(p, "cpu_percent");
	if (r->has_rates)
		pack_f64(p, r->cpu_percent);
	else
		pack_nil(p);
	pack_field_u64(p, "memory_bytes", r->memory);
	pack_field_u64(p, "turns", r->turns);
	pack_string(p, "turns_per_second");
	if (r->has_rates)
		pack_f64(p, r->turns_per_second);
	else
		pack_nil(p);
	pack_string(p, "queue");
	if (r->has_queue)
		pack_u64(p, r->queue);
	else
		pack_nil(p);
}

/* gather gives those that run, sorted. */
static uint32_t
gather(struct row *rows, struct arena *arena, struct text before,
    struct text after, enum top_sort sort)
{
	uint64_t from_ms = show_u64(before, "collected_at_ms");
	uint64_t to_ms = show_u64(after, "collected_at_ms");
	struct unpacker u;
	struct text process, then;
	uint32_t count = show_array(after, "processes", &u), kept = 0;

	while (count-- > 0 && kept < OVERVIEW_CHILDREN &&
	    unpack_raw(&u, &process) == OK) {
		struct row r = row_of(arena, process);
		uint32_t at = kept;

		if (r.pid == 0)
			continue;
		if (to_ms > from_ms && find_life(before, process, &then))
			add_rates(&r, then, process, to_ms - from_ms);
		for (; at > 0 && key_of(&rows[at - 1], sort) < key_of(&r, sort);
		     at--)
			rows[at] = rows[at - 1];
		rows[at] = r;
		kept++;
	}
	return kept;
}

void
top_pack(struct packer *p, struct arena *arena, struct text before,
    struct text after, enum top_sort sort, uint64_t limit)
{
	struct row *rows = ARENA_ARRAY(arena, struct row, OVERVIEW_CHILDREN);
	uint32_t total = gather(rows, arena, before, after, sort);
	uint32_t shown = total < limit ? total : (uint32_t)limit;

	pack_map(p, 3);
	pack_field_u64(
	    p, "collected_at_ms", show_u64(after, "collected_at_ms"));
	pack_field_u64(p, "total", total);
	pack_string(p, "processes");
	pack_array(p, shown);
	for (uint32_t i = 0; i < shown; i++)
		pack_row(p, &rows[i]);
}
