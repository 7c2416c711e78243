// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_ROUTES_H
#define PROTOCOL_ROUTES_H

/*
 * routes - whose turn it is: a round-robin counter per function, shared by
 * all gateways and kept when any of them dies. Behind the counters lies the
 * memory of sticky.h.
 *
 * A full table makes functions share counters: turns are still taken fairly
 * over time, only not per function.
 *
 * Trust:  the counters may be garbage; every value is a valid turn.
 * Owner:  struct routes is the caller's (map/unmap).
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/segment.h"

struct routes {
	struct segment segment;
	uint32_t capacity;        /* of counters; power of two */
	uint32_t sticky_capacity; /* of sticky entries; power of two */
};

enum {
	ROUTES_DEFAULT_FUNCTIONS = 4096,
	ROUTES_DEFAULT_STICKY = 100000,
	ROUTES_STICKY_BYTES = 16 /* of a sticky entry */
};

/* routes_create rounds both up to powers of two, ≤ 1 Mi and ≤ 4 Mi. */
enum err routes_create(uint32_t functions, uint32_t sticky, int *fd) MUST_USE;
enum err routes_map(int fd, struct routes *) MUST_USE;
void routes_unmap(struct routes *);

/*
 * routes_turn gives 0, 1, 2 … of the function; the caller takes it modulo its
 * nodes. `function` is hash_name of service, name and version.
 */
uint64_t routes_turn(struct routes *, uint64_t function);

/* routes_look gives what routes_turn would, and takes no turn. */
uint64_t routes_look(const struct routes *, uint64_t function);

/* routes_sticky: where the sticky entries begin. */
uint8_t *routes_sticky(const struct routes *);

/* routes_used counts the functions that have a counter of their own. */
uint32_t routes_used(const struct routes *);

#endif /* PROTOCOL_ROUTES_H */
