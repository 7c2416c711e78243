// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_DISCOVERY_H
#define WORKERS_MONITOR_DISCOVERY_H

/*
 * discovery - which services there are, when each was last heard of, and what
 * has changed: deltas as they are seen, and a summary of all at an interval.
 *
 * A namespace is a service's name. Pure: the puller's list and the time come
 * as arguments.
 *
 * Trust:  the list comes from the puller and passed pack_check; names are a
 *         service's own and bounded here.
 * Owner:  struct discovery is the caller's, without memory outside it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

enum {
	DISCOVERY_SERVICES = 256,
	DISCOVERY_NAME = 128,
	DISCOVERY_CHANGES = 128 /* remembered for who watches */
};

struct discovery_service {
	char name[DISCOVERY_NAME];
	char version[64];
	bool is_up;
	bool is_listed; /* in the last list */
	uint64_t functions;
	uint64_t pulled_at_ms; /* wall; 0: never */
	uint64_t exports;
	uint64_t summaries;
	uint64_t exported_at_ms; /* wall; 0: never */
	uint64_t exported_count;
};

enum discovery_topic {
	DISCOVERY_DELTA,
	DISCOVERY_SUMMARY
};

/* One message of the stream. */
struct discovery_change {
	uint64_t sequence; /* 1, 2, 3 … */
	uint64_t at_ms;    /* wall */
	enum discovery_topic topic;
	char service[DISCOVERY_NAME];
	char version[64];
	uint64_t functions;
	const char *what; /* "added", "changed", "up", "down", "removed" */
};

struct discovery_rules {
	bool exports; /* summaries are made */
	uint64_t interval_ms;
};

struct discovery {
	struct discovery_rules rules;
	struct discovery_service services[DISCOVERY_SERVICES];
	uint32_t count;
	uint64_t deltas;
	uint64_t delta_at_ms; /* wall: a pull that brought or confirmed */
	uint64_t seed_at_ms;  /* wall: the first list */
	char delta_service[DISCOVERY_NAME];
	uint64_t delta_functions; /* of that service then */
	uint64_t prune_at_ms;     /* wall: a service was dropped; 0: never */
	uint64_t prune_count;     /* services dropped then */
	uint64_t prunes;          /* services dropped ever */
	uint64_t lists_invalid;
	uint64_t exports;
	uint64_t summaries;
	uint64_t exported_at_ms;
	uint64_t exported_count;
	uint64_t export_due_ms; /* monotonic */
	uint64_t sequence;
	struct discovery_change changes[DISCOVERY_CHANGES];
};

void discovery_init(struct discovery *, const struct discovery_rules *);

/*
 * discovery_take reads the puller's services list (span of an array).
 * ERR_MALFORMED counts and changes nothing else.
 */
enum err discovery_take(
    struct discovery *, struct text list, uint64_t wall_ms) MUST_USE;

/* discovery_export makes the summaries when they are due. */
void discovery_export(struct discovery *, uint64_t mono_ms, uint64_t wall_ms);

/* discovery_change_at gives the first message behind `after`, or NULL. */
const struct discovery_change *discovery_change_at(
    const struct discovery *, uint64_t after);

#endif /* WORKERS_MONITOR_DISCOVERY_H */
