// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_AFFINITY_H
#define WORKERS_WORKER_POOL_AFFINITY_H

/*
 * affinity - which runner a session was served by last.
 *
 * A bounded memory: an entry is forgotten when it was not used for a while,
 * or when more sessions come than it has room for (the longest unused goes).
 * Pure: the time comes as an argument.
 *
 * Trust:  a session is a keyed hash of a stranger's name: nobody outside can
 *         aim two at one place.
 * Owner:  init/finish; the table is taken with the first session.
 */

#include <stdbool.h>
#include <stdint.h>

struct affinity_entry;

struct affinity {
	struct affinity_entry *entries; /* NULL: no session yet */
	uint64_t ttl_ms;
	uint32_t sets; /* a power of two */
};

struct affinity_found {
	uint32_t runner;
	uint64_t life; /* of the runner that served it */
};

void affinity_init(struct affinity *, uint64_t ttl_ms, uint32_t most);
void affinity_finish(struct affinity *);

bool affinity_find(struct affinity *, uint64_t session, uint64_t now_ms,
    struct affinity_found *);

/* affinity_set remembers, or uses once more. */
void affinity_set(struct affinity *, uint64_t session, uint32_t runner,
    uint64_t life, uint64_t now_ms);

void affinity_forget(struct affinity *, uint64_t session);

/* affinity_count walks the table: for people. */
uint32_t affinity_count(const struct affinity *, uint64_t now_ms);

#endif /* WORKERS_WORKER_POOL_AFFINITY_H */
