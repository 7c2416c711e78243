// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Linear probing from the low bits of the counter: calls come and go nearly in
 * order, so nearly every probe hits at once. Removal shifts what follows back
 * instead of leaving tombstones; it looks no further than any entry was ever
 * put from its home, for calls in order stand in one long run without a gap.
 */

#include "protocol/link/calls.h"

#include <string.h>

#include "protocol/base/memory.h"

enum {
	SMALLEST = 64,
	LIFE_SHIFT = 48
};

void
link_calls_init(struct link_calls *c, uint64_t life)
{
	*c = (struct link_calls){.life = life & 0xffff, .next = 1};
}

void
link_calls_finish(struct link_calls *c)
{
	memory_free(c->entries);
	c->entries = NULL;
	c->size = c->count = 0;
}

static uint32_t
home(const struct link_calls *c, uint64_t id)
{
	return (uint32_t)id & (c->size - 1);
}

static struct link_entry *
place(struct link_calls *c, uint64_t id)
{
	uint32_t i = home(c, id), steps = 0;

	while (c->entries[i].id != 0) {
		i = (i + 1) & (c->size - 1);
		steps++;
	}
	if (steps > c->furthest)
		c->furthest = steps;
	return &c->entries[i];
}

static void
grow(struct link_calls *c)
{
	struct link_entry *old = c->entries;
	uint32_t old_size = c->size;

	c->size = old_size > 0 ? old_size * 2 : SMALLEST;
	c->furthest = 0;
	c->entries = memory_new(c->size * sizeof(*c->entries));
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i].id != 0)
			*place(c, old[i].id) = old[i];
	memory_free(old);
}

struct link_entry *
link_calls_put(struct link_calls *c, uint64_t id, void *call)
{
	if (c->count >= c->size / 2)
		grow(c);
	struct link_entry *entry = place(c, id);
	*entry = (struct link_entry){.id = id, .call = call};
	c->count++;
	return entry;
}

struct link_entry *
link_calls_add(struct link_calls *c, void *call)
{
	return link_calls_put(c, c->life << LIFE_SHIFT | c->next++, call);
}

struct link_entry *
link_calls_find(const struct link_calls *c, uint64_t id)
{
	if (c->count == 0 || id == 0)
		return NULL;
	for (uint32_t i = home(c, id);; i = (i + 1) & (c->size - 1)) {
		if (c->entries[i].id == id)
			return &c->entries[i];
		if (c->entries[i].id == 0)
			return NULL;
	}
}

void
link_calls_remove(struct link_calls *c, struct link_entry *entry)
{
	uint32_t mask = c->size - 1;
	uint32_t hole = (uint32_t)(entry - c->entries);

	c->count--;
	for (uint32_t i = (hole + 1) & mask;
	     c->entries[i].id != 0 && ((i - hole) & mask) <= c->furthest;
	     i = (i + 1) & mask) {
		uint32_t from = home(c, c->entries[i].id);

		/* it may move into the hole only if it does not jump its home
		 */
		if (((i - from) & mask) < ((i - hole) & mask))
			continue;
		c->entries[hole] = c->entries[i];
		hole = i;
	}
	memset(&c->entries[hole], 0, sizeof(*entry));
	if (c->count == 0)
		c->furthest = 0;
}

bool
link_calls_was_issued(const struct link_calls *c, uint64_t id)
{
	uint64_t counter = id & ((UINT64_C(1) << LIFE_SHIFT) - 1);

	return id >> LIFE_SHIFT == c->life && counter > 0 && counter < c->next;
}

struct link_entry *
link_calls_any(const struct link_calls *c, uint32_t *hint)
{
	if (c->count == 0)
		return NULL;
	while (c->entries[*hint & (c->size - 1)].id == 0)
		(*hint)++;
	return &c->entries[*hint & (c->size - 1)];
}
