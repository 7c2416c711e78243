// SPDX-License-Identifier: MIT
#include "protocol/census.h"

#include "protocol/base/arena.h"
#include "protocol/base/clock.h"
#include "protocol/base/proc.h"

/* read_process: what /proc does not tell stays 0. */
static void
read_process(struct census_process *p)
{
	struct proc_memory memory;
	struct proc_stat stat;

	if (proc_memory((int)p->child.pid, &memory)) {
		p->memory_bytes = memory.rss_bytes;
		p->heap_bytes = memory.data_bytes;
		p->own_bytes = memory.own_bytes;
		p->code_bytes = memory.code_bytes;
	}
	if (proc_stat((int)p->child.pid, &stat)) {
		p->cpu_us = stat.user_us + stat.system_us;
		p->threads = stat.threads;
	}
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

struct census *
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
		read_process(p);
		census->count++;
	}
	return census;
}

void
census_count_descriptors(struct census *census)
{
	for (uint32_t i = 0; i < census->count; i++) {
		struct census_process *p = &census->process[i];
		int64_t open = proc_descriptors((int)p->child.pid);

		if (open < 0)
			continue;
		p->descriptors = (uint64_t)open;
		p->descriptor_limit = proc_descriptor_limit((int)p->child.pid);
	}
}

bool
census_is_child(const struct census_process *p)
{
	return p->slot >= STATS_SLOT_FIRST_CHILD;
}
