// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The supervisor's own table says all about its children. Only worker_pool
 * knows its runners: it is asked while it is up, and not for long; a tree
 * without them is better than none.
 */

#include "protocol/base/arena.h"
#include "protocol/pack.h"
#include "protocol/census.h"
#include "workers/control/control.h"
#include "workers/kit/ask.h"
#include "workers/kit/worker.h"

enum {
	FIELDS = 16,
	RUNNERS_MS = 300, /* that worker_pool has for its answer */
	DEEPEST = 8
};

/* A tree that waits for the runners. */
struct growing {
	struct command *command;
	const struct census *census;
	struct text runners; /* msgpack array; empty: nobody has told */
};

/* since gives how long ago a moment was, 0 for one that never was */
static uint64_t
since(const struct census *census, uint64_t moment_ms)
{
	return moment_ms == 0 || moment_ms > census->now_ms
	    ? 0
	    : census->now_ms - moment_ms;
}

static void
pack_child(struct packer *p, const struct census *census,
    const struct census_process *process)
{
	const struct stats_child *c = &process->child;
	uint64_t rest_ms = c->rest_until_ms > census->now_ms
	    ? c->rest_until_ms - census->now_ms
	    : 0;

	pack_field_string(p, "role", role_name((enum role)c->role));
	pack_field_u64(p, "instance", c->instance);
	pack_field_string(
	    p, "state", child_state_name((enum child_state)c->state));
	pack_field_u64(p, "pid", c->pid);
	pack_field_u64(p, "life", c->life);
	pack_field_u64(p, "restarts", c->restarts);
	pack_field_u64(p, "up_ms", since(census, c->ready_ms));
	pack_field_u64(p, "start_took_ms",
	    c->ready_ms > c->started_ms ? c->ready_ms - c->started_ms : 0);
	pack_field_u64(p, "rest_ms", rest_ms);
	pack_field_u64(p, "memory_bytes", process->memory_bytes);
	pack_field_bool(p, "wants_up", c->wants_up);
	pack_field_bool(p, "is_paused", c->is_paused);
	pack_field_bool(p, "is_in_probation", c->is_in_probation);
	pack_field_bool(p, "is_degraded", c->is_degraded);
	pack_field_string(p, "reason", c->reason);
}

/* pack_runners packs what worker_pool told, each a node without children. */
static uint32_t
pack_runners(struct packer *p, struct text runners)
{
	struct unpacker u, one;
	struct text span, value;
	uint32_t count = 0, fields;

	unpack_init(&u, runners);
	if (unpack_array(&u, &count) != OK)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_raw(&u, &span) != OK)
			return i;
		unpack_init(&one, span);
		if (unpack_map(&one, &fields) != OK)
			return i;
		pack_map(p, fields + 1);
		while (fields-- > 0 && unpack_raw(&one, &value) == OK) {
			pack_raw(p, value);
			if (unpack_raw(&one, &value) == OK)
				pack_raw(p, value);
		}
		pack_string(p, "children");
		pack_array(p, 0);
	}
	return count;
}

/*
 * pack_node packs the children of `slot`, theirs inside them. Depth is that
 * of the tree: a garbled parent can only make a cycle of slots, and those are
 * never reached from the guard.
 */
static void
pack_node(
    struct packer *p, const struct growing *g, uint32_t at, uint32_t depth)
{
	const struct census *census = g->census;
	const struct census_process *node = &census->process[at];
	uint32_t count = 0;

	pack_map(p, FIELDS);
	pack_child(p, census, node);
	pack_string(p, "children");
	size_t place = pack_open(p);
	for (uint32_t i = 0; i < census->count && depth > 0; i++)
		if (i != at && census->process[i].child.parent == node->slot) {
			pack_node(p, g, i, depth - 1);
			count++;
		}
	if (node->child.role == ROLE_worker_pool)
		count += pack_runners(p, g->runners);
	pack_close_array(p, place, count);
}

/* told: without an answer the tree is shown without runners. */
static void
told(void *ctx, const struct ask_reply *reply)
{
	struct growing *g = ctx;

	if (reply->err == OK && reply->is_ok)
		g->runners = reply->result;
	pack_node(g->command->result, g, 0, DEEPEST);
	command_finish(g->command);
}

static bool
has_runners(const struct census *census)
{
	for (uint32_t i = 0; i < census->count; i++) {
		const struct stats_child *c = &census->process[i].child;

		if (c->role == ROLE_worker_pool && c->state == CHILD_UP)
			return true;
	}
	return false;
}

void
control_cmd_tree(struct worker *w, struct command *command)
{
	struct growing *g = ARENA_NEW(command->arena, struct growing);

	*g = (struct growing){.command = command,
	    .census = census_take(command->arena, worker_stats(w))};
	if (g->census->count == 0) {
		command_fail(command, CLASS_UNAVAILABLE, NULL,
		    "the guard has not described itself yet");
		return;
	}
	if (!has_runners(g->census)) {
		pack_node(command->result, g, 0, DEEPEST);
		return;
	}
	command_park(command);
	ask(w,
	    &(struct ask_question){.role = ROLE_worker_pool,
		.op = "runners",
		.deadline_ms = RUNNERS_MS,
		.done = told,
		.ctx = g});
}
