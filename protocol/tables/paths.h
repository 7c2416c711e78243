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

#define RECORD_PATHS(P)

#define TELEMETRY_PATHS(P)

#define TRACE_PATHS(P)

#define OPERATOR_PATHS(P)

#define LOG_PATHS(P)

#define ALL_PATHS(P) \
	HTTP_PATHS(P) \
	RECORD_PATHS(P) \
	TELEMETRY_PATHS(P) \
	TRACE_PATHS(P) \
	OPERATOR_PATHS(P) \
	LOG_PATHS(P)

// clang-format on
#endif /* PROTOCOL_TABLES_PATHS_H */
