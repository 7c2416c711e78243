// SPDX-License-Identifier: MIT
#include "workers/gateway/nodes.h"

#include "protocol/base/clock.h"
#include "protocol/link/link_client.h"
#include "protocol/pack.h"
#include "workers/gateway/nodes_private.h"

static void
pack_facts(struct packer *p, const struct node *n)
{
	static const char *const words[] = {
	    [LINK_DOWN] = "down",
	    [LINK_LIVE] = "live",
	    [LINK_DRAINING] = "draining",
	};
	struct link_client_facts facts = {.state = LINK_DOWN};

	if (n->link != NULL)
		link_client_facts(n->link, &facts);
	pack_string(p, "state");
	pack_string(p, n->link == NULL ? "not_dialled" : words[facts.state]);
	pack_string(p, "since_ms");
	if (n->link != NULL)
		pack_u64(p,
		    clock_wall_ms() - (clock_mono_ms() - facts.state_since_ms));
	else
		pack_nil(p);
	pack_string(p, "last_fault");
	pack_string(p, link_fault_name(facts.last_fault));
	pack_string(p, "mode");
	pack_string(p, facts.is_unary ? "unary" : "stream");
	pack_string(p, "in_flight");
	pack_u64(p, facts.in_flight);
	pack_string(p, "generations");
	pack_u64(p, facts.generations);
	pack_string(p, "dials");
	pack_u64(p, facts.dials);
	pack_string(p, "calls");
	pack_u64(p, facts.calls);
	pack_string(p, "lost");
	pack_u64(p, facts.lost);
	pack_string(p, "late");
	pack_u64(p, facts.late);
}

void
nodes_pack(const struct nodes *nodes, struct packer *p)
{
	uint32_t count = 0;

	for (const struct node *n = nodes->first; n != NULL; n = n->next)
		count++;
	pack_array(p, count);
	for (const struct node *n = nodes->first; n != NULL; n = n->next) {
		pack_map(p, 13);
		pack_string(p, "name");
		pack_text(p, n->name);
		pack_string(p, "is_own");
		pack_bool(p, n->kind != NODE_SERVICE);
		pack_string(p, "url");
		pack_string(p, n->url == NULL ? "" : n->url);
		pack_facts(p, n);
	}
}
