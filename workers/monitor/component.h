// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_COMPONENT_H
#define WORKERS_MONITOR_COMPONENT_H

/*
 * component - healthy, degraded or unhealthy: one process of the tree, a
 * node, a cluster.
 *
 * Three sources: what verdict.h says of the supervisor's table and the
 * process's own gauges, its heartbeat, and the last ping of the health
 * checker. The worst counts.
 *
 * Pure: census, checks and time are brought along.
 *
 * Trust:  as census.h and checks.h.
 * Owner:  no memory; reasons are literals or the check's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/census.h"
#include "workers/monitor/checks.h"

enum component_status {
	COMPONENT_HEALTHY,
	COMPONENT_DEGRADED,
	COMPONENT_UNHEALTHY
};

enum {
	COMPONENT_NAME = 48,
	COMPONENT_SILENT_MS = 1500, /* an idle loop beats every 500 */
	COMPONENT_CHECK_MS = 120000 /* an older ping says nothing */
};

struct component {
	const struct census_process *process;
	enum component_status status;
	const char *reason; /* NULL: healthy */
	uint64_t beat_age_ms;
	const struct check *ping;  /* its last, of this life; NULL: none */
	char name[COMPONENT_NAME]; /* "relay", "gateway/1" */
};

const char *component_status_name(enum component_status); /* "healthy" */
enum component_status component_worst(
    enum component_status, enum component_status);

/* component_judge fills `to`; `checks` may be NULL. */
void component_judge(const struct census_process *, const struct checks *,
    uint64_t now_ms, struct component *to);

/* component_is: is it meant by that name? "gateway", "gateway/1" and
 * "gateway-1" all mean the first gateway. */
bool component_is(const struct component *, struct text name);

/*
 * component_cluster: by the number of nodes: quorum is more than half of
 * those configured; without it unhealthy, with any that is not well degraded.
 */
enum component_status component_cluster(
    uint32_t total, uint32_t healthy, uint32_t degraded, bool *has_quorum);

#endif /* WORKERS_MONITOR_COMPONENT_H */
