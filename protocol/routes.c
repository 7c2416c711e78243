// SPDX-License-Identifier: MIT
/*
 * body of the segment `routes`: `capacity` entries of 16 bytes
 *
 *   0  function   hash, 0 while the entry is free; once set, never changed
 *   8  turns      taken so far
 *
 * then `sticky_capacity` entries of 16 bytes (sticky.c)
 *
 *   0  name       hash of function, key and value, 0 while the entry is free
 *   8  choice     node << 32 | second it was chosen in; 0: none yet
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
	MOST = 1 << 20,
	STICKY_MOST = 1 << 22
};

struct entry {
	_Atomic uint64_t function;
	_Atomic uint64_t turns;
};

static bool
is_capacity(uint32_t n, uint32_t most)
{
	return n >= LEAST && n <= most && (n & (n - 1)) == 0;
}

static size_t
body_of(const uint32_t params[SEGMENT_PARAMS])
{
	if (!is_capacity(params[0], MOST) ||
	    !is_capacity(params[1], STICKY_MOST))
		return 0;
	return (size_t)params[0] * sizeof(struct entry) +
	    (size_t)params[1] * ROUTES_STICKY_BYTES;
}

static struct segment_shape
shape_of(uint32_t capacity, uint32_t sticky)
{
	return (struct segment_shape){.name = "routes",
	    .kind = SEGMENT_ROUTES,
	    .version = 2,
	    .layout = sizeof(struct entry),
	    .params = {capacity, sticky},
	    .body_of = body_of};
}

static uint32_t
power_of_two(uint32_t wanted, uint32_t most)
{
	uint32_t capacity = LEAST;

	while (capacity < wanted && capacity < most)
		capacity *= 2;
	return capacity;
}

enum err
routes_create(uint32_t functions, uint32_t sticky, int *fd)
{
	struct segment_shape shape = shape_of(
	    power_of_two(functions, MOST), power_of_two(sticky, STICKY_MOST));

	return segment_create(&shape, fd);
}

enum err
routes_map(int fd, struct routes *routes)
{
	struct segment_shape shape = shape_of(0, 0);
	enum err e = segment_map(fd, &shape, &routes->segment);

	routes->capacity = routes->segment.params[0];
	routes->sticky_capacity = routes->segment.params[1];
	return e;
}

void
routes_unmap(struct routes *routes)
{
	segment_unmap(&routes->segment);
	routes->capacity = routes->sticky_capacity = 0;
}

static struct entry *
entries_of(const struct routes *routes)
{
	return (struct entry *)(void *)routes->segment.body;
}

uint8_t *
routes_sticky(const struct routes *routes)
{
	return routes->segment.body + routes->capacity * sizeof(struct entry);
}

uint64_t
routes_look(const struct routes *routes, uint64_t function)
{
	const struct entry *entries = entries_of(routes);
	uint32_t mask = routes->capacity - 1;
	uint32_t at = (uint32_t)(function >> 32) & mask;

	if (function == 0)
		function = 1;
	for (uint32_t i = 0; i < PROBES; i++) {
		const struct entry *entry = &entries[(at + i) & mask];
		uint64_t owner = atomic_load_explicit(
		    &entry->function, memory_order_relaxed);

		if (owner == 0)
			return 0; /* a first call would take this place */
		if (owner == function)
			return atomic_load_explicit(
			    &entry->turns, memory_order_relaxed);
	}
	return atomic_load_explicit(&entries[at].turns, memory_order_relaxed);
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
