// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_OPTIONS_H
#define WORKERS_WORKER_POOL_OPTIONS_H

/*
 * options - what the settings say about pools, read once at the start.
 *
 * Trust:  settings have been validated by the settings program, with the code
 *         of protocol/pool_spec that reads them again here.
 * Owner:  specs and their texts are the arena's and borrow the settings.
 */

#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/pool_spec.h"
#include "protocol/settings.h"
#include "workers/worker_pool/inspect.h"

struct pool_options {
	struct pool_spec *specs;
	uint32_t count;
	uint64_t startup_timeout_ms;
	uint64_t graceful_timeout_ms;
	uint64_t stop_timeout_ms;
	uint64_t stuck_ms;
	uint64_t affinity_ttl_ms;
	uint32_t max_sessions;
	uint64_t quarantine_ms; /* 0: nothing is ever quarantined */
	uint32_t quarantine_deaths;
	uint64_t crash_window_ms;
	uint32_t crash_unhealthy;
	uint64_t lifecycle_interval_ms;
	uint32_t lifecycle_parallel;
	uint32_t jitter_percent;
	struct inspect_limits limits; /* of recommendations */
	uint64_t advise_ms;           /* between two reports of them; 0: none */
};

void pool_options_read(
    const struct settings *, struct arena *, struct pool_options *);

#endif /* WORKERS_WORKER_POOL_OPTIONS_H */
