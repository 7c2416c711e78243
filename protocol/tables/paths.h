// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_PATHS_H
#define PROTOCOL_TABLES_PATHS_H
// clang-format off

/*
 * paths - what the monitor's HTTP answers, one row each.
 *
 * P(method, path, handler, params, description)
 *   method       GET (HEAD comes with it) or POST
 *   path         {id} stands for one whole segment; rows above win
 *   handler      page_<handler> of workers/monitor/page.h; a row without it
 *                does not link
 *   params       of the query or the body, as `/endpoints` shows them
 *   description  the same
 * Made from it: dispatch, `/`, `/endpoints`, 405 with its Allow. The order is
 * the order in which they are listed.
 */
#define HTTP_PATHS(P) \
	P(GET, "/",          index,     "", "what this server is, and its paths") \
	P(GET, "/endpoints", endpoints, "", "every path, its method and what it tells") \
	P(GET, "/livez",     livez,     "verbose, check=NAME, format=json", "200 while a new start would not help") \
	P(GET, "/readyz",    readyz,    "verbose, check=NAME, format=json", "200 while clients are served") \
	P(GET, "/startupz",  startupz,  "verbose, check=NAME, format=json", "200 once every child was up") \
	P(GET, "/metrics",            metrics,            "", "all metrics: Prometheus text, OpenMetrics or JSON, as Accept says") \
	P(GET, "/metrics/prometheus", metrics_prometheus, "", "the same as text, whatever Accept says") \
	P(GET, "/pools",                      pools,                "", "every pool of runners by its name: figures and workers") \
	P(GET, "/pools/{id}",                 pool,                 "", "one pool: its nine figures and its workers") \
	P(GET, "/pools/{id}/capacity",        pool_capacity,        "", "one pool: what it can take, and its threads") \
	P(GET, "/pools/{id}/memory",          pool_memory,          "", "one pool: the memory of its workers") \
	P(GET, "/pools/{id}/saturation",      pool_saturation,      "threshold=80", "one pool: is it near its capacity?") \
	P(GET, "/pools/{id}/recommendations", pool_recommendations, "", "one pool: what to change; empty: nothing") \
	P(GET, "/transport/endpoints", transport_endpoints, "", "every address the tree listens at, with its real port") \
	P(GET, "/config",              config,              "", "settings in force, secrets masked, and how the file differs") \
	P(GET, "/config/policies",     config_policies,     "", "rules an operator may set, and which are active") \
	P(GET, "/config/validation",   config_validation,   "", "what is wrong with the settings file as it is now")

#define RECORD_PATHS(P) \
	P(GET, "/health",                 health,            "", "how the tree is, as one cluster among others") \
	P(GET, "/health/summary",         health_summary,    "", "the same, with a row a cluster") \
	P(GET, "/health/clusters",        health_clusters,   "", "every cluster: status, score, nodes") \
	P(GET, "/health/clusters/{id}",   health_clusters_id, "", "one cluster; its id is the node's name") \
	P(GET, "/health/components",      health_components, "", "every process of the tree: healthy, degraded or unhealthy, and why") \
	P(GET, "/health/components/{id}", health_component,  "", "one process or role: relay, gateway, gateway-1") \
	P(GET, "/health/nodes",           health_nodes,      "", "every node: load, memory, disk, and its processes as checks") \
	P(GET, "/health/cluster",         health_cluster,    "", "nodes that are well and those that are not; the quorum") \
	P(GET, "/health/checks",          health_checks,     "history=0", "the last result of each health check; history: among the last so many") \
	P(GET, "/health/subscriptions",   health_subscriptions, "", "groups and whether somebody gets their messages") \
	P(GET, "/metrics/federation",     metrics_federation, "", "what /metrics tells who asks for JSON") \
	P(GET, "/metrics/unified",        metrics_unified,   "", "all systems, how they work together, one score") \
	P(GET, "/metrics/rpc",            metrics_rpc,       "", "the gateways: calls of clients") \
	P(GET, "/metrics/pubsub",         metrics_pubsub,    "", "relay: messages to groups") \
	P(GET, "/metrics/queue",          metrics_queue,     "", "worker_pool: local functions; null without pools") \
	P(GET, "/metrics/cache",          metrics_cache,     "", "lookups of functions and limits") \
	P(GET, "/metrics/transport",      metrics_transport, "", "the clients' door and each link to a service node") \
	P(GET, "/metrics/persistence",    metrics_persistence, "", "the store of functions: where, how much, last saved and restored") \
	P(GET, "/metrics/performance",    metrics_performance, "", "throughput, latency, reliability, trend") \
	P(GET, "/metrics/connections",    metrics_connections, "", "clients' connections") \
	P(GET, "/metrics/functions",      metrics_functions, "", "each function: calls, errors by class, percentiles; since its figures began") \
	P(GET, "/metrics/throughput",     metrics_throughput, "", "each operation: how many in the last minute") \
	P(GET, "/metrics/latency",        metrics_latency,   "", "each operation: percentiles of the last minute") \
	P(GET, "/metrics/resources",      metrics_resources, "", "processors, memory, disk, network") \
	P(GET, "/metrics/timeseries",     metrics_timeseries, "metric=health_score, duration=1 (hours), resolution=1 (minutes)", "one metric over time, up to 7 days") \
	P(GET, "/telemetry/health",       telemetry_health,  "", "streams, subscriptions, consistency, cluster: graded") \
	P(GET, "/telemetry/metrics",      telemetry_metrics, "", "the counters behind it, since the last reset") \
	P(POST, "/telemetry/reset",       telemetry_reset,   "", "let the counters of /telemetry begin at 0") \
	P(GET, "/topology",               topology,          "", "nodes and links") \
	P(GET, "/topology/graph",         topology_graph,    "", "how many of each") \
	P(GET, "/topology/paths",         topology_paths,    "", "how far apart nodes are, and what could be lost") \
	P(GET, "/topology/analysis",      topology_analysis, "", "what the shape says, and what to do about it") \
	P(GET, "/performance",            performance,       "", "everything about speed and load in one record") \
	P(GET, "/performance/bottlenecks", performance_bottlenecks, "", "what is narrow: processors, memory, network, links") \
	P(GET, "/performance/trends",     performance_trends, "", "better, stable or worse, over the last hour") \
	P(GET, "/performance/clusters/{id}", performance_clusters_id, "", "usage of one cluster")

#define TELEMETRY_PATHS(P)

#define TRACE_PATHS(P) \
	P(GET,  "/diagnostics",          diagnostics,          "limit",              "the debugger's records, the newest first") \
	P(GET,  "/diagnostics/errors",   diagnostics_errors,   "limit",              "warnings and errors, each once: how often, first and last seen") \
	P(POST, "/diagnostics/trace",    diagnostics_trace,    "component duration", "what a component did for so many ms (1000)") \
	P(POST, "/diagnostics/analyze",  diagnostics_analyze,  "component duration", "bottlenecks of a component in so many ms (5000), and what to do") \
	P(POST, "/diagnostics/snapshot", diagnostics_snapshot, "",                   "memory and processes now") \
	P(GET,  "/diagnostics/{id}",     diagnostic,           "",                   "one record")

#define OPERATOR_PATHS(P) \
	P(POST, "/health/run",       health_run,        "", "a round of the health checker, now") \
	P(GET, "/discovery/summary", discovery_summary, "", "summaries of all services, if they are made") \
	P(GET, "/discovery/cache",   discovery_cache,   "", "what is known of functions, services and nodes") \
	P(GET, "/discovery/policy",  discovery_policy,  "", "what services may register, and who was refused") \
	P(GET, "/discovery/lag",     discovery_lag,     "", "seconds since services were last heard of") \
	P(GET, "/discovery/query",   discovery_query,   "entry_type, namespace, scope, capability, resource, tag, cluster_id, node_id, function_name, function_id, version_constraint, queue_name, topic, viewer_cluster_id, viewer_tenant_id, limit, page_token", "the catalogue: functions, nodes, queues, topics, caches, cache_profiles; several tags, capabilities or resources have a comma between") \
	P(GET, "/discovery/cluster-map", discovery_cluster_map, "scope, cluster_id", "the nodes of the cluster, which is this one, and their load") \
	P(GET, "/discovery/peers",   discovery_peers,   "scope, cluster_id, target_cluster", "other trees this one knows: there are none yet") \
	P(GET, "/discovery/access",  discovery_access,  "limit", "configs that were refused") \
	P(GET, "/discovery/changes", discovery_changes, "after", "what has changed behind a sequence number") \
	P(GET, "/routing/trace",     routing_trace,     "destination, avoid", "the routes to a destination; 503 without peers") \
	P(GET, "/routing/link-state", routing_link_state, "", "link state between nodes; 503 without peers") \
	P(GET, "/dns/metrics",       dns_metrics,       "", "the DNS gateway: there is none")

#define LOG_PATHS(P) \
	P(GET, "/log/summary", log_summary, "period=3600 (seconds)", "lines of the log by level, the errors that came most, how many a minute")

#define ALL_PATHS(P) \
	HTTP_PATHS(P) \
	RECORD_PATHS(P) \
	TELEMETRY_PATHS(P) \
	TRACE_PATHS(P) \
	OPERATOR_PATHS(P) \
	LOG_PATHS(P)

// clang-format on
#endif /* PROTOCOL_TABLES_PATHS_H */
