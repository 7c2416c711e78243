// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_CHOOSE_H
#define WORKERS_GATEWAY_CHOOSE_H

/*
 * choose - which node serves a call, and which ones after it if that fails.
 *
 * Pure: chance and the round-robin counter come from the caller, so the same
 * input always gives the same order.
 *
 * Trust:  `key` is a stranger's bytes, any length; it is only hashed.
 * Owner:  all memory is the caller's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"

enum choose_mode {
	CHOOSE_RANDOM,
	CHOOSE_ROUND_ROBIN,
	CHOOSE_HASH,   /* by `key`: request_id, or the value of {hash: key} */
	CHOOSE_FIRST,  /* `first`, then the others as they stand */
	CHOOSE_STICKY, /* the node a value sticks to: order.c looks it up */
};

struct choose {
	enum choose_mode mode;
	const uint64_t *nodes; /* choose_node_hash of each node's name */
	uint32_t count;
	struct text key;  /* HASH; len 0 (value missing): falls to RANDOM */
	uint64_t counter; /* ROUND_ROBIN: calls of this function before */
	uint64_t chance;  /* RANDOM: 64 random bits */
	uint32_t first;   /* FIRST: a node */
};

/* choose_node_hash is made once per node, from its name. */
uint64_t choose_node_hash(struct text name);

/*
 * choose_order writes a permutation of 0 … count-1 into `order`: the primary
 * first, then the fallbacks. Hash is rendezvous hashing: a node that comes or
 * goes moves only the keys that are its own, and the fallback of a key is as
 * stable as its primary.
 */
void choose_order(const struct choose *, uint32_t *order);

/* choose_live_first moves nodes that are not live behind those that are;
 * otherwise the order stays. `is_live` is indexed by node. */
void choose_live_first(uint32_t *order, uint32_t count, const bool *is_live);

#endif /* WORKERS_GATEWAY_CHOOSE_H */
