// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONTROL_CONTROL_H
#define WORKERS_CONTROL_CONTROL_H

/*
 * control - what the operator's door remembers between two requests.
 *
 * Trust:  requests come from processes of our user; arguments are checked
 *         where they are used.
 * Owner:  the kit holds the state.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/tables/commands.h"
#include "workers/control/orders.h"
#include "workers/control/permit.h"
#include "workers/kit/route.h"

struct figures_pools;
struct figures_seen;

struct control {
	struct orders orders;
	uint64_t health_asked_ms;    /* for "uptime since the last call" */
	struct figures_seen *before; /* what stats told last; NULL: never */
	struct figures_pools *pools_before; /* … and pools; NULL: never */
	int audit_fd;                       /* -1 until first needed */
	uint64_t audit_lost;                /* lines since it refused one */
	bool audit_is_torn; /* its last line ends in the middle */
	struct permit_leases leases;
};

CONTROL_COMMANDS(DECLARE_COMMAND)

void control_start(struct worker *);

#endif /* WORKERS_CONTROL_CONTROL_H */
