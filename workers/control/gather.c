// SPDX-License-Identifier: MIT
#include "workers/control/gather.h"

#include <string.h>

#include "protocol/base/arena.h"
#include "protocol/pack.h"
#include "protocol/stats_tree.h"
#include "workers/kit/ask.h"
#include "workers/kit/worker.h"

enum {
	ANSWER_MS = 500 /* a page is worth so much waiting for one role */
};

struct gather *
gather_begin(struct command *command, gather_done *done, void *ctx)
{
	struct gather *g = ARENA_NEW(command->arena, struct gather);

	*g = (struct gather){.worker = command->worker,
	    .command = command,
	    .done = done,
	    .ctx = ctx};
	return g;
}

static void
add(struct gather *g, enum role role, uint32_t instance, const char *op,
    const char *reason)
{
	if (g->count == GATHER_MOST)
		return;
	g->part[g->count++] = (struct gather_part){.gather = g,
	    .role = role,
	    .instance = instance,
	    .op = op,
	    .reason = reason};
}

void
gather_ask(struct gather *g, enum role role, const char *op)
{
	const struct stats *stats = worker_stats(g->worker);
	struct stats_child child;
	bool is_up = false;

	for (uint32_t i = STATS_SLOT_FIRST_CHILD; i < STATS_SLOTS; i++) {
		if (stats_child_get(stats, i, &child) != OK ||
		    child.role != (uint32_t)role || child.state != CHILD_UP)
			continue;
		add(g, role, child.instance, op, NULL);
		is_up = true;
	}
	if (!is_up)
		add(g, role, 0, op, "not_started");
}

static void
answered(void *ctx, const struct ask_reply *reply)
{
	struct gather_part *part = ctx;
	struct gather *g = part->gather;

	if (reply->err != OK)
		part->reason = "no_answer";
	else if (!reply->is_ok)
		part->reason = "refused";
	else
		part->answer = arena_text(g->command->arena, reply->result);
	if (--g->open > 0)
		return;
	g->done(g);
	command_finish(g->command);
}

void
gather_go(struct gather *g)
{
	for (uint32_t i = 0; i < g->count; i++)
		g->open += g->part[i].reason == NULL;
	if (g->open == 0) {
		g->done(g);
		return;
	}
	command_park(g->command);
	for (uint32_t i = 0; i < g->count; i++) {
		struct gather_part *part = &g->part[i];

		if (part->reason != NULL)
			continue;
		ask(g->worker,
		    &(struct ask_question){.role = part->role,
			.instance = part->instance,
			.op = part->op,
			.deadline_ms = ANSWER_MS,
			.done = answered,
			.ctx = part});
	}
}

const struct gather_part *
gather_find(const struct gather *g, enum role role, const char *op)
{
	for (uint32_t i = 0; i < g->count; i++)
		if (g->part[i].role == role && strcmp(g->part[i].op, op) == 0)
			return &g->part[i];
	return NULL;
}

void
gather_pack(struct packer *p, const struct gather_part *part)
{
	pack_map(p, 2);
	if (part != NULL && part->answer.len > 0) {
		pack_field_string(p, "status", "ok");
		pack_string(p, "data");
		pack_raw(p, part->answer);
		return;
	}
	pack_field_string(p, "status", "error");
	pack_field_string(p, "reason",
	    part != NULL && part->reason != NULL ? part->reason
						 : "not_started");
}
