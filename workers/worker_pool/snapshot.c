// SPDX-License-Identifier: MIT
#include "workers/worker_pool/snapshot.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/fd.h"

enum {
	FILE_BYTES = 2048 /* smaps_rollup has some twenty short lines */
};

static bool
read_rss(struct inspect_runner *r)
{
	char path[64], line[128];
	size_t bytes;
	unsigned long long all, resident;

	snprintf(path, sizeof(path), "/proc/%lld/statm", (long long)r->pid);
	if (fd_read_file(path, line, sizeof(line), &bytes) != OK ||
	    sscanf(line, "%llu %llu", &all, &resident) != 2)
		return false;
	r->rss_bytes = resident * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

/* read_pss leaves 0 where the kernel does not tell. */
static void
read_pss(struct inspect_runner *r)
{
	char path[64], text[FILE_BYTES];
	size_t bytes;
	unsigned long long kilobytes;
	const char *at;

	snprintf(
	    path, sizeof(path), "/proc/%lld/smaps_rollup", (long long)r->pid);
	if (fd_read_file(path, text, sizeof(text), &bytes) != OK)
		return;
	at = strstr(text, "\nPss:");
	if (at != NULL && sscanf(at, "\nPss: %llu", &kilobytes) == 1)
		r->pss_bytes = kilobytes * 1024;
}

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
	if (depth >= SNAPSHOT_RSS)
		to->is_known = read_rss(to);
	if (depth == SNAPSHOT_PSS)
		read_pss(to);
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
