// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_AUDIT_REPORT_H
#define WORKERS_RELAY_AUDIT_REPORT_H

/*
 * audit_report - what an audit has found, as one map: the fields that
 * observers know from elsewhere; what is called a pool there is a group.
 *
 * Trust:  ids and users are strangers', bounded by the worker.
 * Owner:  an outcome borrows all it points to.
 */

#include "protocol/pack.h"
#include "workers/relay/judge.h"
#include "workers/relay/lanes.h"

struct audit_outcome {
	const struct findings *findings;
	struct text node;
	uint64_t wall_ms;
	uint64_t took_us;
	uint32_t memberships; /* when its end was judged */
	uint32_t groups;
	uint32_t gateways; /* attached when it began, and still */
	uint32_t answered; /* of them */
	const char *store; /* keeping_compare's word */
	struct judged ended;
	bool is_fixing;
	bool is_store_written;
};

uint32_t audit_issues(const struct findings *);

/* audit_count_lanes counts who was asked in this audit, and who answered. */
void audit_count_lanes(
    const struct lanes *, uint64_t number, struct audit_outcome *);

void audit_report(struct packer *, const struct audit_outcome *);

#endif /* WORKERS_RELAY_AUDIT_REPORT_H */
