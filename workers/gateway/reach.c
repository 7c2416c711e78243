// SPDX-License-Identifier: MIT
#include "workers/gateway/reach.h"

#include "workers/gateway/gateway.h"
#include "workers/gateway/nodes.h"

bool
reach_is_remote(const struct compiled *f)
{
	return f->node_count > 0 && !f->is_resolved &&
	    !nodes_is_own(f->nodes[0]);
}

bool
reach_has_node(const struct compiled *f)
{
	for (uint32_t i = 0; i < f->node_count; i++)
		if (nodes_is_live(f->nodes[i]))
			return true;
	return false;
}

/* The table is sorted by service, so each service is one run of it. */
void
reach_on_second(struct gateway *g)
{
	const struct compiled *last = NULL;
	uint64_t services = 0, cut_off = 0;
	bool is_counted = false; /* the service of `last`, as cut off */

	for (uint32_t i = 0; i < g->functions.count; i++) {
		const struct compiled *f = g->functions.all[i];

		if (f->is_disabled || f->is_denied || !reach_is_remote(f))
			continue;
		if (last == NULL || !text_eq(last->service, f->service)) {
			services++;
			is_counted = false;
		}
		last = f;
		if (is_counted || reach_has_node(f))
			continue;
		is_counted = true;
		cut_off++;
	}
	stats_set(g->slot, COUNTER_gateway_services, services);
	stats_set(g->slot, COUNTER_gateway_services_cut_off, cut_off);
}
