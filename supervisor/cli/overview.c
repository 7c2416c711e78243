// SPDX-License-Identifier: MIT
#include "supervisor/cli/overview.h"

#include "protocol/pack.h"
#include "supervisor/cli/show.h"

enum {
	DEEPEST = 8
};

static uint32_t
add_children(struct text node, struct overview_child *to, uint32_t count,
    bool is_runner, uint32_t depth)
{
	struct unpacker u;
	struct text child, role = show_text(node, "role");
	uint32_t below = show_array(node, "children", &u);

	if (count == OVERVIEW_CHILDREN || role.len == 0)
		return count;
	to[count++] = (struct overview_child){.type = role,
	    .state = show_text(node, "state"),
	    .reason = show_text(node, "reason"),
	    .instance = show_u64(node, "instance"),
	    .pid = show_u64(node, "pid"),
	    .memory_bytes = show_u64(node, "memory_bytes"),
	    .restarts = show_u64(node, "restarts"),
	    .is_runner = is_runner,
	    .whole = node};
	while (depth > 0 && below-- > 0 && unpack_raw(&u, &child) == OK)
		count = add_children(child, to, count,
		    is_runner || text_is(role, "worker_pool"), depth - 1);
	return count;
}

uint32_t
overview_children(struct text tree, struct overview_child to[OVERVIEW_CHILDREN])
{
	return add_children(tree, to, 0, false, DEEPEST);
}

/* --- deaths --- */

static void
keep(struct overview *o, struct overview_death death)
{
	uint32_t at = o->death_count;

	if (at == OVERVIEW_DEATHS) {
		if (o->deaths[at - 1].wall_ms >= death.wall_ms)
			return;
		at--;
	} else {
		o->death_count++;
	}
	for (; at > 0 && o->deaths[at - 1].wall_ms < death.wall_ms; at--)
		o->deaths[at] = o->deaths[at - 1];
	o->deaths[at] = death;
}

void
overview_add_deaths(struct overview *o, struct arena *arena, struct text why)
{
	struct unpacker u, obituaries;
	struct text child, one;
	uint32_t count = show_array(why, "children", &u);

	while (count-- > 0 && unpack_raw(&u, &child) == OK) {
		uint32_t deaths = show_array(child, "obituaries", &obituaries);

		while (deaths-- > 0 && unpack_raw(&obituaries, &one) == OK)
			keep(o,
			    (struct overview_death){
				.wall_ms = show_u64(one, "wall_ms"),
				.process = arena_text(
				    arena, show_child_name(arena, child)),
				.sentence = arena_text(
				    arena, show_text(one, "sentence"))});
	}
}

/* --- the overview --- */

/* calls_in sums a figure of all gateways. */
static uint64_t
calls_in(struct text stats, const char *figure)
{
	struct unpacker u;
	struct text process;
	uint32_t count = show_array(stats, "processes", &u);
	uint64_t sum = 0;

	while (count-- > 0 && unpack_raw(&u, &process) == OK)
		if (text_is(show_text(process, "role"), "gateway"))
			sum += show_u64(show_map(process, "counters"), figure);
	return sum;
}

static void
pack_calls(struct packer *p, const struct overview *o)
{
	uint64_t before = calls_in(o->before, "calls");
	uint64_t after = calls_in(o->after, "calls");
	uint64_t from_ms = show_u64(o->before, "collected_at_ms");
	uint64_t to_ms = show_u64(o->after, "collected_at_ms");

	pack_string(p, "calls");
	pack_map(p, 3);
	pack_field_u64(p, "total", after);
	pack_field_u64(p, "in_flight", calls_in(o->after, "in_flight"));
	pack_string(p, "per_second");
	if (after < before || to_ms <= from_ms)
		pack_nil(p); /* a gateway began again, or the clock was set */
	else
		pack_f64(p,
		    (double)((after - before) * 10000 / (to_ms - from_ms)) /
			10);
}

static void
pack_deaths(struct packer *p, const struct overview *o)
{
	pack_string(p, "last_deaths");
	pack_array(p, o->death_count);
	for (uint32_t i = 0; i < o->death_count; i++) {
		pack_map(p, 3);
		pack_string(p, "process");
		pack_text(p, o->deaths[i].process);
		pack_field_u64(p, "wall_ms", o->deaths[i].wall_ms);
		pack_string(p, "sentence");
		pack_text(p, o->deaths[i].sentence);
	}
}

/* next_of: health knows best; without it, ask it, or the first who is away. */
static struct text
next_of(struct arena *arena, const struct overview *o,
    const struct overview_child *away)
{
	struct text next = show_health_next(show_map(o->health, "checks"));

	if (next.len > 0)
		return next;
	if (away != NULL && !away->is_runner)
		return arena_printf(arena, "banyan why %.*s",
		    TEXT_ARG(show_child_name(arena, away->whole)));
	return text_is(show_text(o->health, "status"), "ok")
	    ? TEXT("")
	    : TEXT("banyan health");
}

void
overview_pack(struct packer *p, struct arena *arena, const struct overview *o)
{
	struct overview_child *children =
	    ARENA_ARRAY(arena, struct overview_child, OVERVIEW_CHILDREN);
	uint32_t count = overview_children(o->tree, children);
	const struct overview_child *away = NULL;
	uint64_t alive = 0, memory = 0;
	struct text status = show_text(o->health, "status");

	for (uint32_t i = 0; i < count; i++) {
		alive += children[i].pid > 0;
		memory += children[i].memory_bytes;
		if (children[i].pid == 0 && away == NULL)
			away = &children[i];
	}
	pack_map(p, 8);
	pack_string(p, "node");
	pack_text(p, show_text(o->health, "node"));
	pack_string(p, "status");
	pack_text(p, status.len > 0 ? status : TEXT("unknown"));
	pack_string(p, "processes");
	pack_map(p, 2);
	pack_field_u64(p, "alive", alive);
	pack_field_u64(p, "total", count);
	pack_field_u64(p, "memory_bytes", memory);
	pack_field_u64(p, "uptime_ms", show_u64(o->tree, "up_ms"));
	pack_calls(p, o);
	pack_deaths(p, o);
	pack_string(p, "next");
	pack_text(p, next_of(arena, o, away));
}

/* --- the processes --- */

void
overview_pack_processes(struct packer *p, struct arena *arena, struct text tree)
{
	struct overview_child *children =
	    ARENA_ARRAY(arena, struct overview_child, OVERVIEW_CHILDREN);
	uint32_t count = overview_children(tree, children);
	uint64_t alive = 0, memory = 0;

	pack_map(p, 4);
	pack_string(p, "processes");
	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct overview_child *c = &children[i];

		alive += c->pid > 0;
		memory += c->memory_bytes;
		pack_map(p, 6);
		pack_string(p, "type");
		pack_text(p, c->is_runner ? TEXT("runner") : c->type);
		pack_string(p, "name");
		pack_text(p, show_child_name(arena, c->whole));
		pack_field_bool(p, "alive", c->pid > 0);
		pack_string(p, "state");
		pack_text(p, c->state);
		pack_field_u64(p, "pid", c->pid);
		pack_field_u64(p, "memory_bytes", c->memory_bytes);
	}
	pack_field_u64(p, "total", count);
	pack_field_u64(p, "alive", alive);
	pack_field_u64(p, "memory_bytes", memory);
}
