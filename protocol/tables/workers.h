// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_WORKERS_H
#define PROTOCOL_TABLES_WORKERS_H
// clang-format off

/*
 * workers - every role of the tree, in start order; stopped in reverse.
 *
 * W(role, restart, segments, listener, oom, purpose)
 *   restart   RESTART_… of supervisor/engine; all shipped roles are permanent
 *   segments  SEGMENT_… bits of protocol/segment.h it may map
 *   listener  LISTEN_gateway: inherits the clients' port; LISTEN_monitor: the
 *             ports of monitoring and prometheus; LISTEN_none
 *   oom       oom_score_adj, set only where privilege allows
 * Made from it: enum role, role_name(), start order, ipc address, YAML
 * section `workers.<role>`, log field, title, status line.
 */
#define WORKERS(W) \
	W(config_db,    PERMANENT, ALL, none,    -500, "owns the function table and what operators and services set at run time") \
	W(rate_limiter, PERMANENT, ALL, none,    -300, "owns the limit table: settings, sweeping, status") \
	W(worker_pool,  PERMANENT, ALL, none,    -100, "pools of runner processes for local functions, and their supervisor") \
	W(relay,        PERMANENT, ALL, none,    -100, "groups, their members, and what these say to each other") \
	W(puller,       PERMANENT, ALL, none,       0, "fetches functions from services on a schedule") \
	W(monitor,      PERMANENT, ALL, monitor,    0, "counts, remembers and tells: metrics, history, telemetry, the operators' HTTP") \
	W(control,      PERMANENT, ALL, none,    -300, "the operator's door") \
	W(gateway,      PERMANENT, ALL, gateway, -200, "the clients' door: the only process strangers talk to")

/*
 * N(role, needs): role starts only after `needs` was ready once. The rest
 * start side by side.
 */
#define WORKER_NEEDS(N) \
	N(puller,  config_db) \
	N(gateway, config_db) \
	N(gateway, rate_limiter)

/*
 * M(role): told of each death in the tree, by spec.on_sibling_died. Each costs
 * a wake-up beside every restart: only for what a role cannot see by itself.
 */
#define WORKER_MOURNERS(M) \
	M(config_db) /* clears a dead reader's place in the store */ \
	M(relay)     /* ends the sessions of a dead gateway */

// clang-format on
#endif /* PROTOCOL_TABLES_WORKERS_H */
