// SPDX-License-Identifier: MIT
#include "protocol/census.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/arena.h"
#include "protocol/base/clock.h"
#include "protocol/base/fd.h"

/* read_memory: what /proc does not tell stays 0. */
static void
read_memory(struct census_process *p)
{
	char path[64];
	char line[128];
	size_t bytes;
	unsigned long long resident, data;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	snprintf(path, sizeof(path), "/proc/%u/statm", p->child.pid);
	if (fd_read_file(path, line, sizeof(line), &bytes) != OK ||
	    sscanf(line, "%*u %llu %*u %*u %*u %llu", &resident, &data) != 2)
		return;
	p->memory_bytes = resident * page;
	p->heap_bytes = data * page;
}

/* read_work: the name in brackets may hold anything, so look behind it. */
static void
read_work(struct census_process *p)
{
	char path[64];
	char line[1024];
	size_t bytes;
	unsigned long long user, system, threads;
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);

	snprintf(path, sizeof(path), "/proc/%u/stat", p->child.pid);
	if (fd_read_file(path, line, sizeof(line), &bytes) != OK)
		return;
	const char *at = strrchr(line, ')');
	if (at == NULL ||
	    sscanf(at,
		") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu "
		"%*d %*d %*d %*d %llu",
		&user, &system, &threads) != 3)
		return;
	p->cpu_us = (user + system) * (1000000 / ticks);
	p->threads = threads;
}

/*
 * keeper fills in for guard and supervisor, whom no supervisor describes,
 * from what they say of themselves.
 */
static bool
keeper(const struct stats_slot *slot, enum role role, struct stats_child *child)
{
	uint32_t pid = atomic_load(&slot->pid);

	if (pid == 0)
		return false;
	*child = (struct stats_child){.role = (uint32_t)role,
	    .state = CHILD_UP,
	    .pid = pid,
	    .life = atomic_load(&slot->life),
	    .started_ms = atomic_load(&slot->started_ms),
	    .ready_ms = atomic_load(&slot->started_ms),
	    .wants_up = true,
	    .parent = role == ROLE_guard ? STATS_NO_PARENT : STATS_SLOT_GUARD};
	if (child->life > 0)
		child->restarts = child->life - 1;
	return true;
}

static bool
look(const struct stats *stats, uint32_t index, struct stats_child *child)
{
	const struct stats_slot *slot = stats_slot_at(stats, index);

	if (index == STATS_SLOT_GUARD)
		return keeper(slot, ROLE_guard, child);
	if (index == STATS_SLOT_SUPERVISOR)
		return keeper(slot, ROLE_supervisor, child);
	return stats_child_get(stats, index, child) == OK;
}

const struct census *
census_take(struct arena *arena, const struct stats *stats)
{
	struct census *census = ARENA_NEW(arena, struct census);

	census->now_ms = clock_mono_ms();
	census->wall_ms = clock_wall_ms();
	census->flags = atomic_load(&stats->shared->flags);
	for (uint32_t i = 0; i < STATS_SLOTS; i++) {
		struct census_process *p = &census->process[census->count];

		if (!look(stats, i, &p->child))
			continue;
		p->slot = i;
		p->stats = stats_slot_at(stats, i);
		if (p->child.pid != 0) {
			read_memory(p);
			read_work(p);
		}
		census->count++;
	}
	return census;
}

bool
census_is_child(const struct census_process *p)
{
	return p->slot >= STATS_SLOT_FIRST_CHILD;
}
