// SPDX-License-Identifier: MIT
/* records_topology - this node, the service nodes it links to, and the
 * shape of that. */

#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/settings.h"
#include "workers/kit/worker.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/records_facts.h"
#include "workers/monitor/tell.h"

struct map {
	struct graph graph;
	struct graph_shape shape;
	struct records_peer *peers; /* node i + 1 of the graph */
	uint32_t count;
};

/* drawn: this node in the middle; only links that carry calls are edges. */
static struct map *
drawn(struct page *page)
{
	struct map *m = ARENA_NEW(page->arena, struct map);

	m->count = records_peers(records_of(page), page->arena, &m->peers);
	m->graph.nodes = m->count + 1;
	for (uint32_t i = 0; i < m->count; i++)
		if (m->peers[i].is_live)
			m->graph.edge[m->graph.edges++] = (struct graph_edge){
			    .from = 0, .to = (uint16_t)(i + 1)};
	graph_shape(&m->graph, &m->shape);
	return m;
}

/* pack_place: host and port of an address; ipc has neither. */
static void
pack_place(struct packer *p, struct text url)
{
	struct text rest = url;
	uint64_t port;

	for (uint32_t i = 0; i + 3 <= url.len; i++) {
		if (memcmp(url.at + i, "://", 3) != 0)
			continue;
		rest.at = url.at + i + 3;
		rest.len = url.len - i - 3;
		break;
	}
	uint32_t colon = rest.len;
	while (colon > 0 && rest.at[colon - 1] != ':')
		colon--;
	struct text digits = {rest.at + colon, rest.len - colon};
	bool has_port = colon > 0 && text_to_u64(digits, &port) == OK;

	pack_string(p, "host");
	pack_text(p, has_port ? (struct text){rest.at, colon - 1} : rest);
	pack_string(p, "port");
	if (has_port)
		pack_u64(p, port);
	else
		pack_nil(p);
}

static void
pack_own(struct page *page, const struct records *r)
{
	const struct settings *s = worker_settings(r->worker);
	struct packer *p = page->out;

	pack_map(p, 7);
	pack_field_string(p, "node_id", records_node(r));
	pack_field_string(p, "cluster_id", records_node(r));
	pack_field_string(p, "host", settings_string(s, SETTING_gateway_bind));
	pack_field_u64(p, "port", page_transport_port(page, "gateway"));
	tell_score(p, "health_score", r->systems.score);
	pack_field_string(p, "status", grade_name(r->systems.grade));
	tell_seconds(p, "last_seen", r->census.wall_ms);
}

static void
pack_peer(
    struct packer *p, const struct records *r, const struct records_peer *peer)
{
	pack_map(p, 8);
	pack_string(p, "node_id");
	pack_text(p, peer->name);
	pack_field_string(p, "cluster_id", records_node(r));
	pack_place(p, peer->url);
	tell_score(p, "health_score", peer->is_live ? peer->reliability : 0);
	pack_field_string(p, "status", grade_name(records_grade(peer)));
	pack_string(p, "last_seen");
	if (peer->is_live)
		pack_f64(p, (double)r->census.wall_ms / 1000);
	else
		pack_nil(p);
	pack_string(p, "state");
	pack_text(p, peer->state);
}

static void
pack_edges(struct packer *p, const struct records *r, const struct map *m)
{
	const struct system_record *links = &r->systems.of[SYSTEM_federation];

	pack_string(p, "edges");
	pack_array(p, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct records_peer *peer = &m->peers[i];

		pack_map(p, 4);
		pack_field_string(p, "source", records_node(r));
		pack_string(p, "target");
		pack_text(p, peer->name);
		pack_field_string(p, "status", grade_name(records_grade(peer)));
		if (peer->is_live)
			tell_ms(p, "latency_ms", links->average_ms);
		else
			tell_nil(p, "latency_ms");
	}
}

static void
pack_nodes(struct page *page, const struct records *r, const struct map *m)
{
	struct packer *p = page->out;

	pack_string(p, "nodes");
	pack_array(p, m->count + 1);
	pack_own(page, r);
	for (uint32_t i = 0; i < m->count; i++)
		pack_peer(p, r, &m->peers[i]);
}

enum page_status
page_topology(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	const struct map *m = drawn(page);

	pack_map(p, 1);
	pack_string(p, "topology");
	pack_map(p, 5);
	pack_string(p, "summary");
	pack_map(p, 4);
	pack_field_u64(p, "total_nodes", m->graph.nodes);
	pack_field_u64(p, "total_edges", m->graph.edges);
	pack_field_u64(p, "graph_diameter", m->shape.diameter);
	tell_number(p, "clustering_coefficient", m->shape.clustering);
	pack_nodes(page, r, m);
	pack_edges(p, r, m);
	pack_string(p, "clusters");
	pack_map(p, 1);
	pack_string(p, records_node(r));
	pack_map(p, 4);
	pack_field_string(p, "cluster_id", records_node(r));
	pack_field_u64(p, "node_count", m->graph.nodes);
	tell_score(p, "health_score", r->systems.score);
	pack_field_string(p, "status", grade_name(r->systems.grade));
	tell_seconds(p, "snapshot_timestamp", r->census.wall_ms);
	return PAGE_OK;
}

enum page_status
page_topology_graph(struct page *page)
{
	const struct map *m = drawn(page);

	pack_map(page->out, 2);
	pack_string(page->out, "graph_data");
	pack_map(page->out, 3);
	pack_field_u64(page->out, "nodes", m->graph.nodes);
	pack_field_u64(page->out, "edges", m->graph.edges);
	tell_seconds(page->out, "timestamp", clock_wall_ms());
	pack_field_bool(page->out, "visualization_ready", true);
	return PAGE_OK;
}

enum page_status
page_topology_paths(struct page *page)
{
	const struct map *m = drawn(page);

	pack_map(page->out, 1);
	pack_string(page->out, "routing_paths");
	pack_map(page->out, 4);
	pack_field_u64(page->out, "total_paths", m->shape.paths);
	tell_number(page->out, "average_path_length", m->shape.average_path);
	tell_number(page->out, "path_efficiency", m->shape.path_efficiency);
	pack_field_u64(page->out, "redundant_paths", m->shape.redundant);
	return PAGE_OK;
}

/* advise packs what to do about the shape. */
static void
advise(struct page *page, const struct map *m)
{
	struct packer *p = page->out;
	size_t place = pack_open(p);
	uint32_t count = 0;

	if (m->graph.edges == 0 && m->graph.nodes > 1) {
		pack_string(
		    p, "add links: there are nodes, and no link carries calls");
		count++;
	}
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->peers[i].is_live)
			continue;
		pack_text(p,
		    arena_printf(page->arena,
			"missing link: node %.*s is %.*s (%.*s); see `banyan "
			"nodes`",
			TEXT_ARG(m->peers[i].name), TEXT_ARG(m->peers[i].state),
			TEXT_ARG(m->peers[i].url)));
		count++;
	}
	if (m->shape.clustering < 0.3 && m->graph.nodes > 2) {
		pack_string(
		    p, "add redundancy: nodes are linked to this one alone");
		count++;
	}
	pack_close_array(p, place, count);
}

enum page_status
page_topology_analysis(struct page *page)
{
	const struct map *m = drawn(page);
	struct packer *p = page->out;
	const char *health = "healthy";

	if (m->graph.edges == 0)
		health = m->graph.nodes > 1 ? "degraded" : "unavailable";
	pack_map(p, 1);
	pack_string(p, "analysis");
	pack_map(p, 4);
	pack_field_string(p, "cluster_connectivity",
	    m->shape.components == 1 ? "connected" : "partitioned");
	pack_field_string(p, "network_health", health);
	tell_number(p, "topology_score", m->shape.score);
	pack_string(p, "recommendations");
	advise(page, m);
	return PAGE_OK;
}
