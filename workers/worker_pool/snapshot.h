// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_SNAPSHOT_H
#define WORKERS_WORKER_POOL_SNAPSHOT_H

/*
 * snapshot - a pool as it is at this moment, for the inspector.
 *
 * Trust:  /proc of runners may lie about nothing that matters: it is the
 *         kernel's. A runner that is gone meanwhile is `unknown`.
 * Owner:  all is in the caller's arena.
 */

#include "protocol/base/arena.h"
#include "workers/worker_pool/inspect.h"
#include "workers/worker_pool/worker_pool.h"

enum snapshot_depth {
	SNAPSHOT_LOAD, /* no look at memory */
	SNAPSHOT_RSS,
	SNAPSHOT_PSS, /* the kernel walks each runner's mappings */
};

void snapshot_take(const struct crew *, enum snapshot_depth, struct arena *,
    struct inspect_pool *);

#endif /* WORKERS_WORKER_POOL_SNAPSHOT_H */
