// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_WORKER_POOL_H
#define WORKERS_WORKER_POOL_WORKER_POOL_H

/*
 * worker_pool - pools of runner processes for local functions, and their
 * supervisor.
 *
 * Glue only: who gets which call is decided by modules that know no socket,
 * no process and no clock.
 *
 * Trust:  runners are other people's programs: each byte of theirs is bounded
 *         and checked, and none of them can harm more than itself.
 * Owner:  the struct is the kit's (worker_state), zeroed at the start.
 */

#include "protocol/base/conn.h"
#include "protocol/tables/commands.h"
#include "workers/kit/route.h"
#include "workers/kit/worker.h"

struct worker_pool {
	struct worker *worker;
	struct conn_hub hub;
};

void worker_pool_start(struct worker *);
void worker_pool_stop(struct worker *);

WORKER_POOL_COMMANDS(DECLARE_COMMAND)

#endif /* WORKERS_WORKER_POOL_WORKER_POOL_H */
