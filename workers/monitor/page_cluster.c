// SPDX-License-Identifier: MIT
/*
 * page_cluster - /discovery/cluster-map and /discovery/peers: who else there
 * is. The cluster is this one tree; what is told of others are no guesses.
 */

#include "protocol/settings.h"
#include "workers/monitor/catalog_query.h"
#include "workers/monitor/discovery_page.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/records_facts.h"
#include "workers/monitor/tell.h"

enum {
	DEGRADED_SCORE = 1000 /* as much as so many clients */
};

#define NO_PEERS \
	"this tree has no peers: trees do not know of each other yet. " \
	"Service " \
	"nodes are no peers; see banyan nodes"

/* read_scope: from how far away one looks; CATALOG_LOCAL when not said. */
static enum page_status
read_scope(struct page *page, enum catalog_scope *to)
{
	struct text typed;

	*to = CATALOG_LOCAL;
	if (page_text(page, "scope", &typed) == OK)
		*to = catalog_scope_of(typed);
	if (*to != CATALOG_SCOPES)
		return PAGE_OK;
	return page_fail(page, PAGE_BAD,
	    "scope is one of local, zone (or cluster), region, global");
}

static enum catalog_scope
own_scope(const struct page *page, char *word, size_t size)
{
	return catalog_scope_of(text_of(settings_choice_word(
	    discovery_settings(page), SETTING_discovery_scope, word, size)));
}

/* pack_load: the score is what C11 makes of it; a status told now is never
 * old. What nobody counts is nil. */
static void
pack_load(struct packer *p, const struct records *r)
{
	bool is_ok = r->systems.grade == GRADE_HEALTHY;
	uint64_t clients = world_gauge(r->world, COUNTER_gateway_connections);

	pack_string(p, "load");
	pack_map(p, 9);
	pack_field_u64(p, "active_clients", clients);
	pack_field_u64(p, "peer_count", 0);
	pack_field_string(p, "status", is_ok ? "ok" : "degraded");
	tell_seconds(p, "status_timestamp", r->census.wall_ms);
	pack_field_u64(p, "messages_processed",
	    world_gauge(r->world, COUNTER_gateway_calls));
	pack_string(p, "rpc_responses_skipped");
	pack_nil(p);
	pack_string(p, "server_messages");
	pack_nil(p);
	pack_string(p, "other_messages");
	pack_nil(p);
	pack_field_u64(p, "load_score", clients + (is_ok ? 0 : DEGRADED_SCORE));
}

static void
pack_own(struct page *page, const char *scope)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	struct text url = page_transport_url(page, "gateway");

	pack_map(p, 7);
	pack_field_string(p, "node", records_node(r));
	pack_field_string(p, "cluster_id", records_node(r));
	pack_field_filled(p, "url", url);
	pack_string(p, "advertised_urls");
	pack_array(p, url.len > 0);
	if (url.len > 0)
		pack_text(p, url);
	pack_field_string(p, "scope", scope);
	tell_seconds(p, "last_seen", r->census.wall_ms);
	pack_load(p, r);
}

enum page_status
page_discovery_cluster_map(struct page *page)
{
	const char *node = records_node(records_of(page));
	struct packer *p = page->out;
	enum catalog_scope from;
	struct text cluster = TEXT("");
	char scope[16];

	if (read_scope(page, &from) != PAGE_OK)
		return PAGE_BAD;
	if (page_text(page, "cluster_id", &cluster) != OK)
		cluster = TEXT("");
	bool is_seen = from <= own_scope(page, scope, sizeof(scope)) &&
	    (cluster.len == 0 || text_is(cluster, node));
	pack_map(p, 2);
	pack_string(p, "cluster_map");
	pack_map(p, 3);
	pack_field_string(p, "cluster_id", node);
	pack_string(p, "nodes");
	pack_array(p, is_seen);
	if (is_seen)
		pack_own(page, scope);
	pack_field_u64(p, "total", is_seen);
	pack_field_string(p, "note", NO_PEERS);
	return PAGE_OK;
}

enum page_status
page_discovery_peers(struct page *page)
{
	enum catalog_scope from;

	if (read_scope(page, &from) != PAGE_OK)
		return PAGE_BAD;
	pack_map(page->out, 3);
	pack_string(page->out, "peers");
	pack_array(page->out, 0);
	pack_field_u64(page->out, "total", 0);
	pack_field_string(page->out, "note", NO_PEERS);
	return PAGE_OK;
}
