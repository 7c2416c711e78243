// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_SEGMENT_H
#define PROTOCOL_SEGMENT_H

/*
 * segment - memory that outlives every process but the guard: a memfd sealed
 * against shrinking and growing, with a constant header that says what it is.
 *
 * The guard creates the segments once; every life of every child
 * maps the same ones. A mapping checks seals, magic, version, size, layout
 * and the header's checksum, and copies the header: what is written over the
 * shared one later cannot move an index out of bounds. What is wrong is
 * ERR_VERSION (exit 101: the guard makes a new one) or ERR_MALFORMED.
 *
 * Trust:  the body may hold anything (a sibling ran wild, a bit flipped): all
 *         readers in protocol/ mask or check each index they read from it.
 * Owner:  the descriptor is the caller's; the mapping is ours until unmap.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/hash.h"

/* Bits for the segments column of tables/workers.h. */
enum segment_bits {
	SEGMENT_NONE = 0,
	SEGMENT_STATS = 1 << 0,
	SEGMENT_EVENTS = 1 << 1,
	SEGMENT_LIMITS = 1 << 2,
	SEGMENT_ROUTES = 1 << 3,
	SEGMENT_ALL = 15
};

enum {
	SEGMENT_PARAMS = 8,
	SEGMENT_HEADER_BYTES = 128
};

/* What a module says about its segment when it creates or maps one. */
struct segment_shape {
	const char *name; /* "stats": shows as memfd:banyan-stats in maps */
	enum segment_bits kind;
	uint32_t version;
	uint64_t layout; /* hash of the tables that decide where bytes are */
	uint32_t params[SEGMENT_PARAMS]; /* create: the capacities wanted */
	/* body_of tells the size that `params` mean; 0 refuses them. */
	size_t (*body_of)(const uint32_t params[SEGMENT_PARAMS]);
};

/* One mapping, private to this process. */
struct segment {
	void *memory; /* NULL when not mapped */
	size_t bytes;
	uint8_t *body;
	struct hash_seed seed;
	uint32_t params[SEGMENT_PARAMS]; /* checked against the size */
	uint64_t created_wall_ms;
};

/* segment_create makes, sizes, fills and seals; `fd` is CLOEXEC. */
enum err segment_create(const struct segment_shape *, int *fd) MUST_USE;

/* segment_map takes any fd; nothing is mapped unless it returns OK. */
enum err segment_map(
    int fd, const struct segment_shape *, struct segment *) MUST_USE;
void segment_unmap(struct segment *);

/*
 * segment_is_sound looks at the shared header again: false when somebody
 * wrote over it. The kit asks once a second and leaves with 101.
 */
bool segment_is_sound(const struct segment *);

#endif /* PROTOCOL_SEGMENT_H */
