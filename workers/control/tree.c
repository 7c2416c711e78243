// SPDX-License-Identifier: MIT
#include "protocol/base/arena.h"
#include "protocol/pack.h"
#include "workers/control/census.h"
#include "workers/control/control.h"
#include "workers/kit/worker.h"

enum {
	FIELDS = 16
};

static void
pack_u64_field(struct packer *p, const char *key, uint64_t value)
{
	pack_string(p, key);
	pack_u64(p, value);
}

static void
pack_text_field(struct packer *p, const char *key, const char *value)
{
	pack_string(p, key);
	pack_string(p, value);
}

static void
pack_bool_field(struct packer *p, const char *key, bool value)
{
	pack_string(p, key);
	pack_bool(p, value);
}

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

	pack_text_field(p, "role", role_name((enum role)c->role));
	pack_u64_field(p, "instance", c->instance);
	pack_text_field(
	    p, "state", child_state_name((enum child_state)c->state));
	pack_u64_field(p, "pid", c->pid);
	pack_u64_field(p, "life", c->life);
	pack_u64_field(p, "restarts", c->restarts);
	pack_u64_field(p, "up_ms", since(census, c->ready_ms));
	pack_u64_field(p, "start_took_ms",
	    c->ready_ms > c->started_ms ? c->ready_ms - c->started_ms : 0);
	pack_u64_field(p, "rest_ms", rest_ms);
	pack_u64_field(p, "memory_bytes", process->memory_bytes);
	pack_bool_field(p, "wants_up", c->wants_up);
	pack_bool_field(p, "is_paused", c->is_paused);
	pack_bool_field(p, "is_in_probation", c->is_in_probation);
	pack_bool_field(p, "is_degraded", c->is_degraded);
	pack_text_field(p, "reason", c->reason);
}

/*
 * pack_below packs the children of `slot`, theirs inside them. Depth is that
 * of the tree: a garbled parent can only make a cycle of slots, and those are
 * never reached from the guard.
 */
static void
pack_node(
    struct packer *p, const struct census *census, uint32_t at, uint32_t depth)
{
	const struct census_process *node = &census->process[at];
	uint32_t count = 0;

	pack_map(p, FIELDS);
	pack_child(p, census, node);
	pack_string(p, "children");
	size_t place = pack_open(p);
	for (uint32_t i = 0; i < census->count && depth > 0; i++)
		if (i != at && census->process[i].child.parent == node->slot) {
			pack_node(p, census, i, depth - 1);
			count++;
		}
	pack_close_array(p, place, count);
}

void
control_cmd_tree(struct worker *w, struct command *command)
{
	const struct census *census =
	    census_take(command->arena, worker_stats(w));

	if (census->count == 0) {
		command_fail(command, CLASS_UNAVAILABLE, NULL,
		    "the guard has not described itself yet");
		return;
	}
	pack_node(command->result, census, 0, 8);
}
