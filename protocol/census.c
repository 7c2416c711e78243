// SPDX-License-Identifier: MIT
#include "protocol/census.h"

#include <stdio.h>
#include <unistd.h>

#include "protocol/base/arena.h"
#include "protocol/base/clock.h"
#include "protocol/base/fd.h"

static uint64_t
memory_of(uint32_t pid)
{
	char path[64];
	char line[128];
	size_t bytes;
	unsigned long long all, resident;

	snprintf(path, sizeof(path), "/proc/%u/statm", pid);
	if (pid == 0 || fd_read_file(path, line, sizeof(line), &bytes) != OK ||
	    sscanf(line, "%llu %llu", &all, &resident) != 2)
		return 0;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
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
		p->memory_bytes = memory_of(p->child.pid);
		census->count++;
	}
	return census;
}

bool
census_is_child(const struct census_process *p)
{
	return p->slot >= STATS_SLOT_FIRST_CHILD;
}
