// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * An entry is two words: the name, and node and time of the choice together,
 * so one CAS changes what holds and no reader sees half of a choice. A process
 * killed between claiming a name and writing the second word leaves an entry
 * that says nothing yet; whoever looks next fills it.
 *
 * An entry that changes hands is emptied first. In between a late reader may
 * put his choice under the new name: then that name sticks to a node it would
 * not have been given. Every candidate is a right answer, so this costs
 * nothing; a lock would cost every call.
 */

#include "protocol/sticky.h"

#include <stdatomic.h>

struct entry {
	_Atomic uint64_t name; /* 0: free */
	_Atomic uint64_t word; /* node << 32 | second of the choice; 0: none */
};

static struct entry *
entries_of(const struct routes *routes)
{
	return (struct entry *)(void *)routes_sticky(routes);
}

uint64_t
sticky_name(const struct routes *routes, uint64_t function, uint64_t key,
    struct text value)
{
	struct hash_seed seed = routes->segment.seed;

	seed.k0 ^= function;
	seed.k1 ^= key;
	uint64_t name = hash_short(seed, value.at, value.len);
	return name != 0 ? name : 1;
}

uint32_t
sticky_node(uint64_t hash)
{
	uint32_t node = (uint32_t)(hash ^ hash >> 32);

	return node != 0 ? node : 1;
}

/* is_over: its time has passed, or it is of a time that has not come. */
static bool
is_over(uint64_t word, uint32_t now_s)
{
	uint32_t since_s = (uint32_t)word;

	return since_s > now_s || now_s - since_s >= STICKY_TTL_S;
}

static struct entry *
place(const struct routes *routes, uint64_t name, uint32_t i, uint32_t *at)
{
	*at = ((uint32_t)(name >> 32) + i) & (routes->sticky_capacity - 1);
	return &entries_of(routes)[*at];
}

static void
look(struct entry *entry, uint32_t at, uint32_t now_s, struct sticky *found)
{
	found->has_entry = true;
	found->entry = at;
	found->word = atomic_load(&entry->word);
	found->node =
	    is_over(found->word, now_s) ? 0 : (uint32_t)(found->word >> 32);
}

void
sticky_find(const struct routes *routes, uint64_t name, uint32_t now_s,
    struct sticky *found)
{
	*found = (struct sticky){.name = name};
	for (uint32_t i = 0; i < STICKY_PROBES; i++) {
		uint32_t at;
		struct entry *entry = place(routes, name, i, &at);

		if (atomic_load_explicit(&entry->name, memory_order_relaxed) !=
		    name)
			continue;
		look(entry, at, now_s, found);
		return;
	}
}

/* evict empties an entry for another name; false when it is in motion. */
static bool
evict(struct entry *entry, uint64_t name)
{
	uint64_t owner = atomic_load(&entry->name);
	uint64_t word = atomic_load(&entry->word);

	return atomic_compare_exchange_strong(&entry->word, &word, 0) &&
	    atomic_compare_exchange_strong(&entry->name, &owner, name);
}

/* claim finds the entry of a name or makes one; NULL: there is none now. */
static struct entry *
claim(struct routes *routes, uint64_t name)
{
	struct entry *oldest = NULL;
	uint32_t oldest_s = UINT32_MAX;

	for (uint32_t i = 0; i < STICKY_PROBES; i++) {
		uint32_t at;
		struct entry *entry = place(routes, name, i, &at);
		uint64_t owner = atomic_load(&entry->name);

		if (owner == 0 &&
		    atomic_compare_exchange_strong(&entry->name, &owner, name))
			return entry;
		if (owner == name)
			return entry;
		uint32_t since_s = (uint32_t)atomic_load(&entry->word);
		if (oldest == NULL || since_s < oldest_s) {
			oldest = entry;
			oldest_s = since_s;
		}
	}
	return evict(oldest, name) ? oldest : NULL;
}

uint32_t
sticky_keep(struct routes *routes, const struct sticky *found, uint32_t node,
    uint32_t now_s)
{
	uint64_t word = found->word;
	uint64_t wanted = (uint64_t)node << 32 | now_s;
	struct entry *entry = NULL;

	if (found->has_entry) {
		entry = &entries_of(
		    routes)[found->entry & (routes->sticky_capacity - 1)];
		if (atomic_load(&entry->name) != found->name)
			entry = NULL; /* it has changed hands since */
	}
	if (entry == NULL) {
		entry = claim(routes, found->name);
		word = 0;
	}
	if (entry == NULL ||
	    atomic_compare_exchange_strong(&entry->word, &word, wanted))
		return node;
	/* somebody else chose: his choice holds if it is one */
	return word != 0 && !is_over(word, now_s) ? (uint32_t)(word >> 32)
						  : node;
}

uint32_t
sticky_sweep(
    struct routes *routes, uint32_t *from, uint32_t count, uint32_t now_s)
{
	uint32_t freed = 0;

	for (uint32_t i = 0; i < count; i++, (*from)++) {
		struct entry *entry =
		    &entries_of(routes)[*from & (routes->sticky_capacity - 1)];
		uint64_t owner = atomic_load(&entry->name);
		uint64_t word = atomic_load(&entry->word);

		/* one without a choice may just be getting it */
		if (owner != 0 && word != 0 && is_over(word, now_s) &&
		    evict(entry, 0))
			freed++;
	}
	return freed;
}

uint32_t
sticky_used(const struct routes *routes)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < routes->sticky_capacity; i++)
		used += atomic_load_explicit(&entries_of(routes)[i].name,
			    memory_order_relaxed) != 0;
	return used;
}
