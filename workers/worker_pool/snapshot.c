// SPDX-License-Identifier: MIT
#include "workers/worker_pool/snapshot.h"

#include <stdio.h>

#include "protocol/base/proc.h"

static void
look(const struct crew *crew, uint32_t index, enum snapshot_depth depth,
    struct inspect_runner *to)
{
	const struct child *c = crew->runners[index].child;
	const struct pool_runner *pr = pool_runner(crew->pool, index);

	snprintf(to->name, sizeof(to->name), "%s", c->spec.name);
	if (!child_lives(c))
		return;
	to->pid = c->pid;
	to->is_known = true;
	to->load = pr->load;
	if (pr->state != POOL_RUNNER_ABSENT)
		to->capacity = pr->capacity;
	if (depth >= SNAPSHOT_RSS) {
		to->rss_bytes = proc_rss_bytes(c->pid);
		to->is_known = to->rss_bytes > 0;
	}
	if (depth == SNAPSHOT_PSS)
		to->pss_bytes = proc_pss_bytes(c->pid);
}

void
snapshot_take(const struct crew *crew, enum snapshot_depth depth,
    struct arena *arena, struct inspect_pool *to)
{
	struct inspect_runner *runners =
	    ARENA_ARRAY(arena, struct inspect_runner, crew->runner_count);

	*to = (struct inspect_pool){.spec = crew->spec,
	    .runners = runners,
	    .runner_count = crew->runner_count,
	    .memory_recycles = crew->recycled_memory};
	for (uint32_t i = 0; i < crew->runner_count; i++) {
		look(crew, i, depth, &runners[i]);
		to->is_running |= runners[i].pid != 0;
	}
}
