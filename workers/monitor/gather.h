// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_GATHER_H
#define WORKERS_MONITOR_GATHER_H

/*
 * gather - what only a role itself can tell (nodes, pools, groups, services),
 * asked every few seconds like an operator would, and kept: no page waits for
 * another role, and a role that is silent leaves its last answer behind.
 *
 * Trust:  the answers passed pack_check; their fields are still looked for.
 * Owner:  the struct is the caller's (start/stop); texts of gather_of live
 *         until the next turn of the loop.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/loop.h"
#include "protocol/base/text.h"
#include "protocol/role.h"

struct ask;
struct gather;
struct worker;

/* G(name, role, op) */
#define GATHER_TABLE(G) \
	G(nodes, gateway, "nodes") \
	G(pools, worker_pool, "pools") \
	G(groups, relay, "relay.health") \
	G(services, puller, "services.list")

enum gathered {
#define G(name, ...) GATHERED_##name,
	GATHER_TABLE(G)
#undef G
	GATHEREDS
};

struct gather_one {
	struct gather *gather;
	struct ask *ask;      /* NULL: nothing is asked */
	struct buffer answer; /* the last one */
	uint64_t at_ms;       /* monotonic, of the answer; 0: none yet */
};

struct gather {
	struct worker *worker;
	struct gather_one of[GATHEREDS];
	struct loop_timer timer;
};

void gather_start(struct gather *, struct worker *);
void gather_stop(struct gather *);

/* gather_of: the last answer, a msgpack value; empty when there is none.
 * gather_is_fresh: it came within the last two rounds. */
struct text gather_of(const struct gather *, enum gathered);
bool gather_is_fresh(const struct gather *, enum gathered);

#endif /* WORKERS_MONITOR_GATHER_H */
