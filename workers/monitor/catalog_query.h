// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_CATALOG_QUERY_H
#define WORKERS_MONITOR_CATALOG_QUERY_H

/*
 * catalog_query - which entries of the catalogue somebody asked for, and a
 * page of them.
 *
 * An entry is a map. What is asked of it must be there: a queue has neither a
 * version nor a function's name. The keys looked at:
 *
 *     namespace          service, or one of services, begins with it
 *     function_name      request_type
 *     function_id        service/request_type, or that with @version
 *     version_constraint version, of functions (version_range.h)
 *     queue_name         name, of queues
 *     topic              topic, of topics; `*` there stands for anything
 *     node_id            one of nodes; name or url, of nodes; of what has no
 *                        nodes, or `local`: this node
 *     tag                source, state, response_type, or one of tags
 *     capability         response_type, or one of capabilities
 *     resource           one of resources
 *
 * tag, capability and resource may be several, a comma between: all must be
 * there. cluster_id is this node's name; scope and viewer_cluster_id say how
 * far away somebody looks from, and are held against how far entries go.
 *
 * Trust:  the query comes from strangers, entries from other roles; both are
 *         read field by field. Owner: texts borrow, no memory.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/pack.h"
#include "workers/monitor/version_range.h"

/* How far entries go, and from how far away one looks. */
enum catalog_scope {
	CATALOG_LOCAL,
	CATALOG_ZONE,
	CATALOG_REGION,
	CATALOG_GLOBAL,
	CATALOG_SCOPES
};

enum catalog_kind {
	CATALOG_FUNCTIONS,
	CATALOG_NODES,
	CATALOG_QUEUES,
	CATALOG_TOPICS,
	CATALOG_CACHES,
	CATALOG_CACHE_PROFILES,
	CATALOG_KINDS
};

struct catalog_query {
	enum catalog_kind kind;
	enum catalog_scope scope; /* asked from; LOCAL: right here */
	struct text space;        /* "" in these: not asked */
	struct text function_name, function_id;
	struct text queue_name, topic;
	struct text cluster_id, node_id;
	struct text viewer_cluster_id;
	struct text tags, capabilities, resources;
	bool has_versions;
	struct version_range versions;
	uint64_t limit; /* entries of a page */
	uint64_t from;  /* the page token: entries to pass over */
};

/* Where the entries are. */
struct catalog_place {
	struct text node;         /* which is the cluster's name, too */
	enum catalog_scope scope; /* how far they go */
};

/* CATALOG_KINDS and CATALOG_SCOPES for a word that is none. */
enum catalog_kind catalog_kind_of(struct text word);
enum catalog_scope catalog_scope_of(struct text word);

bool catalog_query_meets(const struct catalog_query *,
    const struct catalog_place *, struct text entry);

/*
 * catalog_query_page packs 3 fields: items, total (all that meet the query)
 * and next_page_token (nil behind the last). What is no list has no entries.
 */
void catalog_query_page(const struct catalog_query *,
    const struct catalog_place *, struct text list, struct packer *);

/*
 * catalog_spaces packs, as an array, each service of `functions` and of
 * `services` once, in order; gives how many. Both are lists of maps with a
 * field `service`.
 */
uint32_t catalog_spaces(
    struct text functions, struct text services, struct packer *);

#endif /* WORKERS_MONITOR_CATALOG_QUERY_H */
