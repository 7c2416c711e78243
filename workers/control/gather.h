// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONTROL_GATHER_H
#define WORKERS_CONTROL_GATHER_H

/*
 * gather - several roles asked at once for a page that shows them side by
 * side. Nobody is waited for long: who is down, silent or refuses is shown as
 * that, and the page comes all the same.
 *
 * Trust:  answers are bounded and checked by the ask; they are other roles'
 *         words and are only passed on.
 * Owner:  in the command's arena.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/role.h"

struct command;
struct packer;
struct worker;

enum {
	GATHER_MOST = 24
};

struct gather;

struct gather_part {
	struct gather *gather;
	enum role role;
	uint32_t instance;
	const char *op;
	struct text answer; /* msgpack; len 0: none came */
	const char *reason; /* why not: "not_started", "no_answer", "refused" */
};

typedef void gather_done(struct gather *);

struct gather {
	struct worker *worker;
	struct command *command;
	gather_done *done;
	void *ctx;
	uint32_t count, open;
	struct gather_part part[GATHER_MOST];
};

struct gather *gather_begin(struct command *, gather_done *, void *ctx);

/* gather_ask asks a role, or every running instance of one that has some. */
void gather_ask(struct gather *, enum role, const char *op);

/* gather_go: `done` is called exactly once, the command parked until then. */
void gather_go(struct gather *);

/* gather_find gives the part of a role and op; NULL when nobody was asked. */
const struct gather_part *gather_find(
    const struct gather *, enum role, const char *op);

/* gather_pack packs {status: ok, data} or {status: error, reason}. */
void gather_pack(struct packer *, const struct gather_part *);

#endif /* WORKERS_CONTROL_GATHER_H */
