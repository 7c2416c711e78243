// SPDX-License-Identifier: MIT
#include "protocol/verdict.h"

#include <stddef.h>

enum {
	SHORT_PERCENT = 95, /* of the descriptors a process may open */
	FEW = 2
};

const char *
verdict_name(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_OK:
		return "ok";
	case VERDICT_DEGRADED:
		return "degraded";
	case VERDICT_ERROR:
		break;
	}
	return "error";
}

enum verdict
verdict_worst(enum verdict a, enum verdict b)
{
	return a > b ? a : b;
}

/* is_sick: up, and yet of no use to many. */
static const char *
is_sick(const struct census_process *p)
{
	if (p->child.role == ROLE_worker_pool &&
	    stats_get(p->stats, COUNTER_worker_pool_pools_crashing) != 0)
		return "workers_crash";
	return NULL;
}

/* of_role: what a role says of itself in its gauges, while it is up. */
static const char *
of_role(const struct census_process *p)
{
	const struct stats_slot *s = p->stats;

	switch (p->child.role) {
	case ROLE_config_db:
		if (stats_get(s, COUNTER_config_db_is_degraded) != 0)
			return "disk_refuses_writes";
		break;
	case ROLE_relay:
		if (stats_get(s, COUNTER_relay_is_degraded) != 0)
			return "disk_refuses_writes";
		break;
	case ROLE_monitor:
		if (stats_get(s, COUNTER_monitor_is_degraded) != 0)
			return "history_not_kept";
		break;
	case ROLE_puller:
		if (stats_get(s, COUNTER_puller_services_up) <
		    stats_get(s, COUNTER_puller_services))
			return "service_unreachable";
		break;
	case ROLE_worker_pool:
		if (stats_get(s, COUNTER_worker_pool_pools_unhealthy) != 0)
			return "pool_unhealthy";
		break;
	case ROLE_rate_limiter:
		if (stats_get(s, COUNTER_rate_limiter_fullest) >= 100)
			return "limit_table_full";
		break;
	case ROLE_gateway:
		if (stats_get(s, COUNTER_gateway_auth_is_shut) != 0)
			return "nobody_can_be_verified";
		if (stats_get(s, COUNTER_gateway_auth_keys_stale) != 0)
			return "key_file_broken";
		break;
	default:
		break;
	}
	return NULL;
}

bool
verdict_is_short(const struct census_process *p)
{
	/* under a small limit a hundredth is less than one */
	return p->descriptor_limit > 0 &&
	    (p->descriptors * 100 >= p->descriptor_limit * SHORT_PERCENT ||
		p->descriptors + FEW >= p->descriptor_limit);
}

enum verdict
verdict_of_process(const struct census_process *p, const char **reason)
{
	const struct stats_child *c = &p->child;

	*reason = NULL;
	if (c->state == CHILD_DONE)
		return VERDICT_OK; /* a oneshot that did its work */
	if (c->state != CHILD_UP && c->state != CHILD_DRAINING) {
		*reason = c->wants_up ? "not_alive" : "stopped";
		return VERDICT_ERROR;
	}
	*reason = is_sick(p);
	if (*reason != NULL)
		return VERDICT_ERROR;
	if (c->is_paused)
		*reason = "paused";
	else if (c->state == CHILD_DRAINING)
		*reason = "draining";
	else if (c->is_in_probation)
		*reason = "probation";
	else if (verdict_is_short(p))
		*reason = "descriptors_short";
	else
		*reason = of_role(p);
	if (*reason == NULL && c->is_degraded)
		*reason = "degraded";
	return *reason != NULL ? VERDICT_DEGRADED : VERDICT_OK;
}

enum verdict
verdict_of_tree(
    uint64_t flags, uint32_t children, uint32_t running, const char **reason)
{
	*reason = NULL;
	if (children == 0) {
		*reason = "supervisor_not_found";
		return VERDICT_ERROR;
	}
	if (running < children)
		*reason = "partial_failure";
	else if ((flags & STATS_TREE_STOPPING) != 0)
		*reason = "stopping";
	else if ((flags & STATS_TREE_STORM) != 0)
		*reason = "storm";
	else if ((flags & STATS_TREE_DEGRADED) != 0)
		*reason = "degraded";
	return *reason != NULL ? VERDICT_DEGRADED : VERDICT_OK;
}
