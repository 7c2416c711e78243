// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_REPORT_H
#define WORKERS_WORKER_POOL_REPORT_H

/*
 * report - the inspector's figures as msgpack maps, with exactly the fields
 * that observability names: commands answer with them, and so will HTTP.
 *
 * Trust:  takes figures of inspect.h; nothing here comes from outside.
 * Owner:  the packer is the caller's.
 */

#include "protocol/pack.h"
#include "workers/worker_pool/inspect.h"

/* get_pool_stats: nine fields, and seven of each worker. */
void report_stats(struct packer *, const struct inspect_pool *);

/* What a person wants to see beside them: then the map has more fields. */
struct report_extras {
	bool is_full; /* config, capacity, memory */
	bool is_detailed;
	const struct inspect_limits *limits; /* recommendations; NULL: none */
};
void report_page(
    struct packer *, const struct inspect_pool *, const struct report_extras *);

/* get_capacity_stats: five fields; thread_info is nil for processes. */
void report_capacity(struct packer *, const struct inspect_pool *);

/* get_memory_stats: its five fields and what is really each one's (PSS). */
void report_memory(struct packer *, const struct inspect_pool *);

/* get_recommendations: a list of texts. */
void report_recommendations(struct packer *, const struct inspect_pool *,
    const struct inspect_limits *);

/* check_saturation: {name, status, utilization_percent, reason}; gives
 * whether it is healthy. */
bool report_saturation(
    struct packer *, const struct inspect_pool *, double threshold_percent);

#endif /* WORKERS_WORKER_POOL_REPORT_H */
