// SPDX-License-Identifier: MIT
#ifndef WORKERS_KIT_ASK_H
#define WORKERS_KIT_ASK_H

/*
 * ask - one question to another role, one answer or a deadline.
 *
 * The question is the envelope of route.h over nng's REQ wire to
 * ipc://<runtime_dir>/<role>[-N].ipc. It is sent once and never repeated: a
 * role that dies with it answers ERR_CLOSED, a role that is down or silent
 * ERR_TIMEOUT at the deadline. Whoever needs more asks again.
 *
 * Trust:  the other role is of our own user; its answer is still bounded
 *         and passes pack_check.
 * Owner:  the ask is the kit's from ask() to the call of `done`, which
 *         happens exactly once, on the loop, never inside ask() itself -
 *         unless ask_cancel came first.
 */

#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/role.h"

struct ask;
struct worker;

struct ask_reply {
	enum err err; /* OK: an answer came, `is_ok` says which kind */
	bool is_ok;
	struct text result; /* msgpack bytes of one value; is_ok */
	struct text class;  /* not is_ok, or made from err */
	struct text message;
	struct text hint;
	struct text raw; /* the whole reply map, to pass on */
};

typedef void ask_done(void *ctx, const struct ask_reply *);

struct ask_question {
	enum role role;
	uint32_t instance; /* 0 for a role of which there is one */
	const char *op;
	struct text args; /* msgpack bytes of a map; empty for none; copied */
	uint32_t deadline_ms;
	ask_done *done;
	void *ctx;
};

struct ask *ask(struct worker *, const struct ask_question *);

/* ask_cancel forgets the answer; `done` is not called. Takes NULL. */
void ask_cancel(struct ask **);

#endif /* WORKERS_KIT_ASK_H */
