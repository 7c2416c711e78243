// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_STICKY_H
#define PROTOCOL_STICKY_H

/*
 * sticky - which node a value was given to: {sticky: key} of a function. In
 * the segment `routes`, so all gateways know it and none takes it along when
 * it dies.
 *
 * It keeps names as seeded hashes and knows neither nodes nor functions: that
 * the node still exists is for its caller to see, who asks again with
 * sticky_keep when it does not.
 *
 * Trust:  entries may be garbage: a node that comes out of here is one to
 *         look for among the candidates, never one to believe in.
 * Owner:  the mapping is the caller's (struct routes).
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/routes.h"

enum {
	STICKY_TTL_S = 3600, /* from the choice, however often it was used */
	STICKY_PROBES = 32
};

/* sticky_name hashes a value of one key of one function. `function` and `key`
 * are hash_name of theirs. */
uint64_t sticky_name(
    const struct routes *, uint64_t function, uint64_t key, struct text value);

/* sticky_node makes what is kept of a node; `hash` is hash_name of its. */
uint32_t sticky_node(uint64_t hash);

/* What sticky_find saw, for sticky_keep. */
struct sticky {
	uint64_t name;
	uint64_t word; /* as it stood in the entry */
	uint32_t entry;
	bool has_entry;
	uint32_t node; /* 0: none, or its time is over */
};

/* sticky_find: `now_s` is the monotonic clock, in seconds. */
void sticky_find(
    const struct routes *, uint64_t name, uint32_t now_s, struct sticky *);

/*
 * sticky_keep remembers `node` in place of what was found. It gives the node
 * that holds from now on: another gateway may have chosen a moment before. A
 * full neighbourhood forgets its oldest entry.
 */
uint32_t sticky_keep(
    struct routes *, const struct sticky *found, uint32_t node, uint32_t now_s);

/*
 * sticky_sweep looks at `count` entries from `*from` on, gives back those
 * whose time is over and says how many; `*from` moves on, round and round.
 */
uint32_t sticky_sweep(
    struct routes *, uint32_t *from, uint32_t count, uint32_t now_s);

/* sticky_used counts the entries in use. */
uint32_t sticky_used(const struct routes *);

#endif /* PROTOCOL_STICKY_H */
