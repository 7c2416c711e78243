// SPDX-License-Identifier: MIT
/* nodes_tell - for those who hunt a node that cannot be reached. */

#include "protocol/log_rules.h"
#include "workers/gateway/nodes_private.h"

void
nodes_tell(const struct node *n, enum link_state state, enum link_fault fault)
{
	const char *outcome = state == LINK_LIVE ? "live"
	    : state == LINK_DRAINING             ? "draining"
						 : "down";
	struct link_client_facts facts;

	if (n->link == NULL ||
	    (!scope_is_on(SCOPE_net_connect) && !scope_is_on(DIAG_peer_dial) &&
		!scope_is_on(DIAG_peer_dial_policy)))
		return;
	link_client_facts(n->link, &facts);
	scope_note(SCOPE_net_connect, "node=%.*s outcome=%s fault=%s",
	    TEXT_ARG(n->name), outcome, link_fault_name(fault));
	diag_note(DIAG_peer_dial, NULL,
	    "node=%.*s outcome=%s peer=%s dial=%llu failures=%llu error=%s",
	    TEXT_ARG(n->name), outcome, n->url != NULL ? n->url : "-",
	    (unsigned long long)facts.dials,
	    (unsigned long long)(facts.dials - facts.generations),
	    link_fault_name(fault));
	diag_note(DIAG_peer_dial_policy, NULL,
	    "mode=%s node=%.*s failures=%llu rest_ms=%u",
	    state == LINK_DOWN ? "steady" : "fast", TEXT_ARG(n->name),
	    (unsigned long long)(facts.dials - facts.generations),
	    state == LINK_DOWN ? facts.rest_ms : 0);
}
