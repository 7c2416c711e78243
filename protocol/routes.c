// SPDX-License-Identifier: MIT
/*
 * body of the segment `routes`: `capacity` entries of 16 bytes
 *
 *   0  function   hash, 0 while the entry is free; once set, never changed
 *   8  turns      taken so far
 *
 * Design notes
 *
 * Linear probing over 32 entries; an entry is claimed by one CAS on `function`
 * and never given back: as many as there were functions and versions, sixteen
 * bytes each. A process killed after the CAS leaves a valid entry at turn 0.
 */

#include "protocol/routes.h"

#include <stdatomic.h>
#include <string.h>

enum {
	PROBES = 32,
	LEAST = PROBES,
	MOST = 1 << 20
};

struct entry {
	_Atomic uint64_t function;
	_Atomic uint64_t turns;
};

static size_t
body_of(const uint32_t params[SEGMENT_PARAMS])
{
	uint32_t n = params[0];

	if (n < LEAST || n > MOST || (n & (n - 1)) != 0)
		return 0;
	return (size_t)n * sizeof(struct entry);
}

static struct segment_shape
shape_of(uint32_t capacity)
{
	return (struct segment_shape){.name = "routes",
	    .kind = SEGMENT_ROUTES,
	    .version = 1,
	    .layout = sizeof(struct entry),
	    .params = {capacity},
	    .body_of = body_of};
}

enum err
routes_create(uint32_t functions, int *fd)
{
	struct segment_shape shape;
	uint32_t capacity = LEAST;

	while (capacity < functions && capacity < MOST)
		capacity *= 2;
	shape = shape_of(capacity);
	return segment_create(&shape, fd);
}

enum err
routes_map(int fd, struct routes *routes)
{
	struct segment_shape shape = shape_of(0);
	enum err e = segment_map(fd, &shape, &routes->segment);

	routes->capacity = routes->segment.params[0];
	return e;
}

void
routes_unmap(struct routes *routes)
{
	segment_unmap(&routes->segment);
	routes->capacity = 0;
}

static struct entry *
entries_of(const struct routes *routes)
{
	return (struct entry *)(void *)routes->segment.body;
}

uint64_t
routes_turn(struct routes *routes, uint64_t function)
{
	struct entry *entries = entries_of(routes);
	uint32_t mask = routes->capacity - 1;
	uint32_t at = (uint32_t)(function >> 32) & mask;

	if (function == 0)
		function = 1;
	for (uint32_t i = 0; i < PROBES; i++) {
		struct entry *entry = &entries[(at + i) & mask];
		uint64_t owner = atomic_load_explicit(
		    &entry->function, memory_order_relaxed);

		if (owner == 0 &&
		    atomic_compare_exchange_strong(
			&entry->function, &owner, function))
			owner = function;
		if (owner == function)
			return atomic_fetch_add_explicit(
			    &entry->turns, 1, memory_order_relaxed);
	}
	/* full around here: share the first one's counter */
	return atomic_fetch_add_explicit(
	    &entries[at].turns, 1, memory_order_relaxed);
}

uint32_t
routes_used(const struct routes *routes)
{
	const struct entry *entries = entries_of(routes);
	uint32_t used = 0;

	for (uint32_t i = 0; i < routes->capacity; i++)
		used += atomic_load_explicit(
			    &entries[i].function, memory_order_relaxed) != 0;
	return used;
}
