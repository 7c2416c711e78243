// SPDX-License-Identifier: MIT
#include "workers/relay/index.h"

#include <stddef.h>

#include "protocol/base/memory.h"

enum {
	FIRST_SIZE = 64
};

void
index_init(struct index *x)
{
	*x = (struct index){.size = FIRST_SIZE};
	x->buckets = memory_new(FIRST_SIZE * sizeof(struct index_link *));
}

void
index_finish(struct index *x)
{
	memory_free(x->buckets);
	*x = (struct index){.buckets = NULL};
}

static void
put(struct index *x, struct index_link *link)
{
	struct index_link **at = &x->buckets[link->hash & (x->size - 1)];

	link->next = *at;
	*at = link;
}

static void
grow(struct index *x)
{
	struct index old = *x;

	x->size *= 2;
	x->buckets = memory_new(x->size * sizeof(struct index_link *));
	for (uint32_t i = 0; i < old.size; i++) {
		while (old.buckets[i] != NULL) {
			struct index_link *link = old.buckets[i];

			old.buckets[i] = link->next;
			put(x, link);
		}
	}
	memory_free(old.buckets);
}

void
index_add(struct index *x, struct index_link *link, uint64_t hash)
{
	if (x->count == x->size)
		grow(x);
	link->hash = hash;
	put(x, link);
	x->count++;
}

void
index_remove(struct index *x, struct index_link *link)
{
	struct index_link **at = &x->buckets[link->hash & (x->size - 1)];

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	link->next = NULL;
	x->count--;
}

static struct index_link *
seek(struct index_link *link, uint64_t hash)
{
	while (link != NULL && link->hash != hash)
		link = link->next;
	return link;
}

struct index_link *
index_first(const struct index *x, uint64_t hash)
{
	return seek(x->buckets[hash & (x->size - 1)], hash);
}

struct index_link *
index_more(const struct index_link *link)
{
	return seek(link->next, link->hash);
}
