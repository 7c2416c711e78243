// SPDX-License-Identifier: MIT
/*
 * why_runner - what happened to a runner: worker_pool says how it is, its
 * obituaries lie where those of the tree's own children do.
 */

#include "protocol/base/arena.h"
#include "protocol/base/clock.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"
#include "workers/control/target.h"
#include "workers/control/why.h"
#include "workers/kit/ask.h"
#include "workers/kit/worker.h"

enum {
	ASK_MS = 2000
};

/* pack_runner adds what control knows to a map that worker_pool made. */
static enum err
pack_runner(struct command *command, struct text span)
{
	struct packer *p = command->result;
	struct unpacker u;
	uint32_t count;
	uint64_t instance = 0;
	struct text name, value;
	enum err e = unpack_field_text(span, "role", &name);

	if (e == OK)
		e = unpack_field_u64(span, "instance", &instance);
	unpack_init(&u, span);
	if (e == OK)
		e = unpack_map(&u, &count);
	if (e != OK)
		return e;
	pack_map(p, count + 2);
	for (uint32_t i = 0; i < 2 * count && e == OK; i++) {
		e = unpack_raw(&u, &value);
		if (e == OK)
			pack_raw(p, value);
	}
	pack_string(p, "obituaries");
	why_pack_obituaries(command->worker, command, name, (uint32_t)instance);
	pack_string(p, "events");
	pack_array(p, 0); /* a runner has no ring: it gets no segments */
	return e;
}

static void
told(void *ctx, const struct ask_reply *reply)
{
	struct command *command = ctx;
	struct packer *p = command->result;
	struct unpacker u;
	struct text runner;
	uint32_t count = 0;
	enum err e = OK;

	if (reply->err != OK || !reply->is_ok) {
		/* no pool of this name, or nobody who would know */
		target_fail(command);
		command_finish(command);
		return;
	}
	unpack_init(&u, reply->result);
	if (unpack_array(&u, &count) != OK)
		count = 0;
	pack_map(p, 2);
	pack_field_u64(p, "now_ms", clock_wall_ms());
	pack_string(p, "children");
	pack_array(p, count);
	for (uint32_t i = 0; i < count && e == OK; i++) {
		e = unpack_raw(&u, &runner);
		if (e == OK)
			e = pack_runner(command, runner);
	}
	if (e != OK)
		command_fail(command, CLASS_INTERNAL, NULL,
		    "worker_pool's answer makes no sense: %s", err_name(e));
	command_finish(command);
}

void
why_runner(struct worker *w, struct command *command)
{
	command_park(command);
	ask(w,
	    &(struct ask_question){.role = ROLE_worker_pool,
		.op = "runners",
		.args = command->args,
		.deadline_ms = ASK_MS,
		.done = told,
		.ctx = command});
}
