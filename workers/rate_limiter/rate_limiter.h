// SPDX-License-Identifier: MIT
#ifndef WORKERS_RATE_LIMITER_RATE_LIMITER_H
#define WORKERS_RATE_LIMITER_RATE_LIMITER_H

/*
 * rate_limiter - the keeper of the limit table: it gives idle keys back and
 * tells operators what the table holds. Gateways decide about calls by
 * themselves, in the table (protocol/limits.h), so its death changes nothing
 * for a client.
 *
 * Trust:  keys in commands come from operators and are hashed, not parsed.
 * Owner:  struct rate_limiter is the kit's state of this worker.
 */

#include <stdint.h>

#include "protocol/base/loop.h"
#include "protocol/limit_rules.h"
#include "protocol/limits.h"
#include "protocol/routes.h"
#include "protocol/tables/commands.h"
#include "workers/kit/route.h"
#include "workers/kit/worker.h"

struct rate_limiter_sweep {
	uint64_t ended_ms; /* monotonic; 0 before the first */
	uint64_t took_us;  /* busy, over all its slices */
	uint32_t looked;
	uint32_t freed;
	uint32_t repaired;
};

struct rate_limiter {
	struct worker *worker;
	struct limits limits;
	struct routes routes; /* only watched: nobody else would */
	struct limit_rules *rules;
	uint32_t interval_ms;
	struct loop_timer timer; /* next slice, or next sweep */
	struct loop_timer watch; /* next look at the segment's header */
	struct limits_sweep sweep;
	uint64_t busy_us; /* of the sweep under way */
	struct rate_limiter_sweep last;
};

void rate_limiter_start(struct worker *);
void rate_limiter_stop(struct worker *);
enum reload_result rate_limiter_on_settings(
    struct worker *, struct worker_reload *);

RATE_LIMITER_COMMANDS(DECLARE_COMMAND)

#endif /* WORKERS_RATE_LIMITER_RATE_LIMITER_H */
