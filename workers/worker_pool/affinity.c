// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Sets of eight with twice the room that was asked for: a session is found in
 * one look, and at the limit a set is half full on average, so that hardly
 * any session loses its place before its time. Life and runner are compared by
 * whoever asks: the death of a runner needs no walk over the table.
 */

#include "workers/worker_pool/affinity.h"

#include <stddef.h>

#include "protocol/base/memory.h"

enum {
	WAYS = 8
};

struct affinity_entry {
	uint64_t session; /* 0: free */
	uint64_t used_ms;
	uint64_t life;
	uint32_t runner;
};

void
affinity_init(struct affinity *a, uint64_t ttl_ms, uint32_t most)
{
	*a = (struct affinity){.ttl_ms = ttl_ms, .sets = 1};
	while ((uint64_t)a->sets * WAYS < (uint64_t)most * 2)
		a->sets *= 2;
}

void
affinity_finish(struct affinity *a)
{
	memory_free(a->entries);
	a->entries = NULL;
}

static struct affinity_entry *
set_of(const struct affinity *a, uint64_t session)
{
	return a->entries + (size_t)(session & (a->sets - 1)) * WAYS;
}

static bool
is_live(const struct affinity *a, const struct affinity_entry *e, uint64_t now)
{
	return e->session != 0 && now - e->used_ms < a->ttl_ms;
}

static struct affinity_entry *
entry_of(const struct affinity *a, uint64_t session)
{
	if (a->entries == NULL || session == 0)
		return NULL;
	for (uint32_t i = 0; i < WAYS; i++)
		if (set_of(a, session)[i].session == session)
			return &set_of(a, session)[i];
	return NULL;
}

bool
affinity_find(struct affinity *a, uint64_t session, uint64_t now_ms,
    struct affinity_found *found)
{
	const struct affinity_entry *e = entry_of(a, session);

	if (e == NULL || !is_live(a, e, now_ms))
		return false;
	*found = (struct affinity_found){e->runner, e->life};
	return true;
}

/* place_for: its own, else a free or forgotten one, else the oldest. */
static struct affinity_entry *
place_for(struct affinity *a, uint64_t session, uint64_t now_ms)
{
	struct affinity_entry *own = entry_of(a, session);
	struct affinity_entry *oldest = set_of(a, session);

	if (own != NULL)
		return own;
	for (uint32_t i = 0; i < WAYS; i++) {
		struct affinity_entry *e = &set_of(a, session)[i];

		if (!is_live(a, e, now_ms))
			return e;
		if (e->used_ms < oldest->used_ms)
			oldest = e;
	}
	return oldest;
}

void
affinity_set(struct affinity *a, uint64_t session, uint32_t runner,
    uint64_t life, uint64_t now_ms)
{
	if (session == 0)
		return;
	if (a->entries == NULL)
		a->entries = memory_new(sizeof(*a->entries) * a->sets * WAYS);
	*place_for(a, session, now_ms) =
	    (struct affinity_entry){session, now_ms, life, runner};
}

void
affinity_forget(struct affinity *a, uint64_t session)
{
	struct affinity_entry *e = entry_of(a, session);

	if (e != NULL)
		*e = (struct affinity_entry){0};
}

uint32_t
affinity_count(const struct affinity *a, uint64_t now_ms)
{
	uint32_t count = 0;

	for (size_t i = 0; a->entries != NULL && i < (size_t)a->sets * WAYS;
	     i++)
		count += is_live(a, &a->entries[i], now_ms);
	return count;
}
