// SPDX-License-Identifier: MIT
#include "workers/control/forward.h"

#include "protocol/actions.h"
#include "protocol/command.h"
#include "protocol/pack.h"
#include "protocol/stats_tree.h"
#include "workers/kit/ask.h"
#include "workers/kit/worker.h"

enum {
	READ_MS = 4500, /* below the 5 s an nngcat line waits */
	CHANGE_MS = 30000,
	INSTANCES_MOST = 16
};

/* One passed-on command; lives in the command's arena. */
struct forward {
	struct command *command;
	enum role role;
	bool is_alone;  /* one answers, and its answer is passed on as it is */
	uint32_t open;  /* answers still out */
	uint32_t count; /* of instances; 0: a role with only one process */
	struct forward_part {
		struct forward *forward;
		uint32_t instance;
		struct text answer; /* a packed result, or what was wrong */
		struct text class;  /* of an error */
		struct text raw;    /* an error as it was answered */
		bool is_ok;
	} part[INSTANCES_MOST];
};

/* --- answers --- */

static void
fail_of(struct forward *f, const struct ask_reply *reply)
{
	struct command *command = f->command;
	struct text hint = arena_printf(command->arena,
	    "`banyan why %s` tells what happened to it", role_name(f->role));

	stats_add(worker_slot(command->worker), COUNTER_control_unanswered, 1);
	command_fail(command,
	    reply->err == ERR_TIMEOUT ? CLASS_TIMEOUT : CLASS_UNAVAILABLE,
	    hint.at, "%s: %.*s", role_name(f->role), TEXT_ARG(reply->message));
}

static void
one_answered(void *ctx, const struct ask_reply *reply)
{
	struct forward *f = ctx;

	if (reply->err != OK)
		fail_of(f, reply);
	else
		command_raw_reply(f->command, reply->raw);
	command_finish(f->command);
}

static void
pack_instances(struct forward *f)
{
	struct packer *p = f->command->result;

	pack_map(p, 1);
	pack_string(p, "instances");
	pack_array(p, f->count);
	for (uint32_t i = 0; i < f->count; i++) {
		pack_map(p, 2);
		pack_string(p, "instance");
		pack_u64(p, f->part[i].instance);
		pack_string(p, f->part[i].is_ok ? "result" : "error");
		if (f->part[i].is_ok)
			pack_raw(p, f->part[i].answer);
		else
			pack_text(p, f->part[i].answer);
	}
}

/* is_refused_by_all: for the same reason, which is then the answer's. */
static bool
is_refused_by_all(const struct forward *f)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (f->part[i].raw.len == 0 ||
		    !text_eq(f->part[i].class, f->part[0].class))
			return false;
	return true;
}

static void
part_answered(void *ctx, const struct ask_reply *reply)
{
	struct forward_part *part = ctx;
	struct forward *f = part->forward;

	part->is_ok = reply->err == OK && reply->is_ok;
	part->answer = arena_text(
	    f->command->arena, part->is_ok ? reply->result : reply->message);
	part->class = arena_text(f->command->arena, reply->class);
	if (reply->err == OK && !part->is_ok)
		part->raw = arena_text(f->command->arena, reply->raw);
	if (--f->open > 0)
		return;
	if (is_refused_by_all(f))
		command_raw_reply(f->command, f->part[0].raw);
	else
		pack_instances(f);
	command_finish(f->command);
}

/* --- questions --- */

static void
question(struct forward *f, struct forward_part *part, uint32_t deadline_ms)
{
	struct command *command = f->command;

	ask(command->worker,
	    &(struct ask_question){.role = f->role,
		.instance = part->instance,
		.op = arena_string(command->arena, command->op),
		.args = command->args,
		.deadline_ms = deadline_ms,
		.done = f->is_alone ? one_answered : part_answered,
		.ctx = f->is_alone ? (void *)f : (void *)part});
}

static void
fail_down(struct forward *f, const struct stats_child *child)
{
	const char *role = role_name(f->role);
	struct text hint =
	    arena_printf(f->command->arena, "see `banyan why %s`", role);

	if (child == NULL)
		command_fail(f->command, CLASS_UNAVAILABLE,
		    "`banyan tree` lists the children", "this tree has no %s",
		    role);
	else
		command_fail(f->command, CLASS_UNAVAILABLE, hint.at, "%s is %s",
		    role, child_state_name((enum child_state)child->state));
}

/* find_up collects the instances that run; `last` is any of the role. */
static bool
find_up(struct forward *f, struct stats_child *last, bool *is_single)
{
	struct stats *stats = worker_stats(f->command->worker);
	struct stats_child child;
	bool is_known = false;

	*is_single = false;
	for (uint32_t i = STATS_SLOT_FIRST_CHILD; i < STATS_SLOTS; i++) {
		if (stats_child_get(stats, i, &child) != OK ||
		    child.role != (uint32_t)f->role)
			continue;
		*last = child;
		is_known = true;
		if (child.state != CHILD_UP || f->count == INSTANCES_MOST)
			continue;
		*is_single = child.instance == 0;
		f->part[f->count++] = (struct forward_part){
		    .forward = f, .instance = child.instance};
	}
	return is_known;
}

void
forward_command(struct worker *w, struct command *command)
{
	const struct command_info *info = command_find(command->op);
	struct forward *f = ARENA_NEW(command->arena, struct forward);
	struct stats_child last;
	bool is_single;
	uint32_t deadline_ms = READ_MS;

	f->command = command;
	f->role = info->role;
	if (info->role == ROLE_cli) {
		command_fail(command, CLASS_INVALID, "type it: `banyan help`",
		    "`%s` is answered by the banyan program itself", info->op);
		return;
	}
	if (info->who == COMMAND_ADMIN ||
	    action_is_change(command->op, command->args))
		deadline_ms = CHANGE_MS;
	bool is_known = find_up(f, &last, &is_single);
	if (f->count == 0) {
		fail_down(f, is_known ? &last : NULL);
		return;
	}
	stats_add(worker_slot(w), COUNTER_control_forwarded, 1);
	command_park(command);
	f->is_alone = is_single || command_is_of_any(info);
	f->open = f->is_alone ? 1 : f->count;
	for (uint32_t i = 0; i < f->open; i++)
		question(f, &f->part[i], deadline_ms);
}
