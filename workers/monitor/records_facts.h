// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_RECORDS_FACTS_H
#define WORKERS_MONITOR_RECORDS_FACTS_H

/*
 * records_facts - what several pages of records tell alike.
 *
 * Trust:  answers of other roles are looked through field by field.
 * Owner:  no memory; texts live as long as the page's arena.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/events.h"
#include "workers/monitor/graph.h"
#include "workers/monitor/records.h"

#define RECORDS_FEDERATION_MODE "disabled" /* until there are peers */

/* records_node: the name of this node, which is the cluster's id, too. */
const char *records_node(const struct records *);

/* records_is_node: is {id} of the path this node? */
bool records_is_node(const struct page *);
enum page_status records_no_node(struct page *);

struct records_connections {
	uint64_t total;         /* accepted since the first life */
	uint64_t active;        /* now */
	double success_percent; /* of the attempts of the last minute */
};

void records_connections(const struct records *, struct records_connections *);

/* A service node as a gateway sees it. */
struct records_peer {
	struct text name, url, state; /* "live" carries calls */
	uint64_t in_flight, calls, lost, generations;
	bool is_live;
	double reliability; /* 0 … 1: calls that were not lost */
};

/* records_peers fills up to GRAPH_NODES - 1 and gives how many there are. */
uint32_t records_peers(
    const struct records *, struct arena *, struct records_peer **);

/*
 * records_nodes gives those and the nodes of the settings, each once: a link
 * has the name the settings have for its URL.
 */
uint32_t records_nodes(
    const struct records *, struct arena *, struct records_peer **);

/* records_pack_kinds packs queues, caches, cache_profiles, nodes: how many. */
void records_pack_kinds(struct page *);

/* records_word: "healthy" while usable, else by its reliability. */
enum grade records_grade(const struct records_peer *);

/* records_events: how often an event happened, over all processes. */
uint64_t records_events(const struct records *, enum event);

/* records_pack_system: a system record, or nil when it is off. */
void records_pack_system(struct packer *, const struct records *, enum system);

/* records_pack_transports: a map endpoint → snapshot. */
void records_pack_transports(struct page *);

/* records_pack_overall: health_score, status, systems_…: 5 or 6 fields. */
void records_pack_overall(
    struct packer *, const struct records *, bool with_unavailable);

void records_pack_collection(struct packer *, const struct records *);

#endif /* WORKERS_MONITOR_RECORDS_FACTS_H */
