// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_INDEX_H
#define WORKERS_RELAY_INDEX_H

/*
 * index - a hash table of things that carry their own link.
 *
 * Knows no keys: the caller hashes, and compares what find gives. Grows by
 * doubling, never shrinks.
 *
 * Trust:  hashes of strangers' names are keyed by the caller (hash.h), so
 *         nobody chooses his bucket.
 * Owner:  init/finish; the entries are the caller's.
 */

#include <stdint.h>

/* First in the struct that is indexed. */
struct index_link {
	struct index_link *next;
	uint64_t hash;
};

struct index {
	struct index_link **buckets;
	uint32_t size; /* a power of two */
	uint32_t count;
};

void index_init(struct index *);
void index_finish(struct index *);

void index_add(struct index *, struct index_link *, uint64_t hash);
void index_remove(struct index *, struct index_link *);

/* index_first gives the first entry of a hash, index_more the next; NULL. */
struct index_link *index_first(const struct index *, uint64_t hash);
struct index_link *index_more(const struct index_link *);

#endif /* WORKERS_RELAY_INDEX_H */
