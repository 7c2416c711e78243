// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LINK_CALLS_H
#define PROTOCOL_LINK_CALLS_H

/*
 * calls - the calls of one link that wait for their answer, found by id.
 *
 * Ids are life << 48 | counter: never reused, so an answer that comes too
 * late finds nothing instead of somebody else's call.
 *
 * Trust:  ids in look-ups come from the peer; one it made up finds nothing.
 * Owner:  init/finish; entries move when others come or go, so a pointer is
 *         good until the next change.
 */

#include <stdbool.h>
#include <stdint.h>

struct link_entry {
	uint64_t id; /* 0: free */
	void *call;
	uint64_t ends_at; /* byte of the stream behind its message; 0: waits */
	uint64_t chunks;  /* received so far */
	int64_t credit;   /* bytes of chunks that may still come, or be sent */
	uint32_t deadline_ms;
	bool is_stream; /* its CALL gave credit */
};

struct link_calls {
	struct link_entry *entries; /* open addressing, a power of two */
	uint32_t size;
	uint32_t count;
	uint64_t life;     /* of the gateway, 16 bits: in front of each id */
	uint64_t next;     /* the number behind it */
	uint32_t furthest; /* an entry stands from its home, at most */
};

void link_calls_init(struct link_calls *, uint64_t life);
void link_calls_finish(struct link_calls *);

struct link_entry *link_calls_add(struct link_calls *, void *call);

/* link_calls_put enters an id the other end chose; not 0, not there yet. */
struct link_entry *link_calls_put(struct link_calls *, uint64_t id, void *call);
struct link_entry *link_calls_find(const struct link_calls *, uint64_t id);
void link_calls_remove(struct link_calls *, struct link_entry *);

/* link_calls_was_issued: whether this id has ever been given out. */
bool link_calls_was_issued(const struct link_calls *, uint64_t id);

/* link_calls_any gives some entry, or NULL when there is none. */
struct link_entry *link_calls_any(const struct link_calls *, uint32_t *hint);

#endif /* PROTOCOL_LINK_CALLS_H */
