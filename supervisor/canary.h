// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CANARY_H
#define SUPERVISOR_CANARY_H

/*
 * canary - the proof that supervision itself works: a child without a job is
 * started, killed behind the engine's back as a crash would, and must be READY
 * in a second life. Then it is taken down again.
 *
 * It is kept by a keeper of its own in this process: the same engine, loop,
 * fork, exec, pidfd and rests as every worker's, but its deaths are in no
 * counter, no obituary, no storm, and never make the tree unready.
 * It proves nothing about a worker's own job: the workers' checks do that.
 *
 * Trust:  no input but orders of control.
 * Owner:  struct canary is the supervisor's; what runs is ours until it is
 *         down again.
 */

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/engine/keeper.h"

struct supervisor;

struct canary {
	struct keeper keeper;
	struct child *child;
	bool is_out;    /* the keeper is in use */
	bool is_over;   /* the verdict is told; it only has to go */
	bool is_killed; /* its first life was */
	uint64_t began_us;
	uint64_t give_up_ms;
	uint64_t order_id; /* 0: the schedule's own */
	uint64_t order_life;
};

/* canary_prove begins a proof; the order is answered when it has ended. */
void canary_prove(struct supervisor *, uint64_t order_id, uint64_t life);

/* canary_look, once a turn: ends proofs, begins those that are due. */
void canary_look(struct supervisor *);

#endif /* SUPERVISOR_CANARY_H */
