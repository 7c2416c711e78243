// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_COUNTERS_H
#define PROTOCOL_TABLES_COUNTERS_H
// clang-format off

/*
 * counters - everything a process counts, one row each.
 *
 * K(role, name, kind, unit, meaning)
 *   role     whose; `process` rows are kept by every process
 *   kind     COUNTER only rises, over all lives; GAUGE is of this life
 *   meaning  what help shows
 * H(role, name, unit, meaning): a log-linear histogram, 1 … 2^32 units
 *
 * Made from it: enum counter (COUNTER_gateway_calls), the slot's bytes, names
 * in `banyan stats`. Used as: stats_add(slot, COUNTER_gateway_calls, 1).
 *
 * F(name, is_error, meaning): what is counted for each function as well; each
 * has the gateway's counter of its name beside it, and over all functions it
 * adds up to that. Made from it: enum function_count (FUNCTION_COUNT_calls).
 * Calls answered have no row: they are those whose time was taken.
 */
#define PROCESS_COUNTERS(K) \
	K(process, turns,             COUNTER, turns,    "turns of the main loop") \
	K(process, commands,          COUNTER, commands, "operators' commands answered") \
	K(process, commands_failed,   COUNTER, commands, "operators' commands answered with an error") \
	K(process, messages,          COUNTER, messages, "other roles' requests answered") \
	K(process, messages_refused,  COUNTER, messages, "requests refused: malformed, too big, wrong peer") \
	K(process, events,            COUNTER, events,   "events noted") \
	K(process, lines_debug,       COUNTER, lines,    "lines for the log at level debug, folded repeats included") \
	K(process, lines_info,        COUNTER, lines,    "… at level info") \
	K(process, lines_warn,        COUNTER, lines,    "… at level warn") \
	K(process, lines_error,       COUNTER, lines,    "… at level error") \
	K(process, lines_fatal,       COUNTER, lines,    "… at level fatal") \
	K(process, log_dropped,       COUNTER, lines,    "log lines nobody could take in time") \
	K(process, reloads,           COUNTER, reloads,  "new settings applied") \
	K(process, lag_worst_ms,      GAUGE,   ms,       "longest turn of this life") \
	K(process, memory_bytes,      GAUGE,   bytes,    "resident memory, as last seen") \
	K(process, descriptors,       GAUGE,   fds,      "open descriptors, as last seen")

#define SUPERVISOR_COUNTERS(K) \
	K(supervisor, restarts,         COUNTER, restarts, "lives begun after a death") \
	K(supervisor, deaths_exit,      COUNTER, deaths,   "children that exited with a code other than 0") \
	K(supervisor, deaths_signal,    COUNTER, deaths,   "children ended by a signal") \
	K(supervisor, deaths_hung,      COUNTER, deaths,   "children killed because their loop stood still") \
	K(supervisor, deaths_start,     COUNTER, deaths,   "children that died or were killed before READY") \
	K(supervisor, deaths_asked,     COUNTER, deaths,   "children that ended as asked") \
	K(supervisor, kills,            COUNTER, kills,    "children deaf to TERM, ended with KILL") \
	K(supervisor, spawns_failed,    COUNTER, attempts, "forks or execs the system refused") \
	K(supervisor, escalations,      COUNTER, times,    "intensity exceeded") \
	K(supervisor, storms,           COUNTER, times,    "the storm guard held restarts back") \
	K(supervisor, records_refused,  COUNTER, records,  "records from children that made no sense") \
	K(supervisor, events_ignored,   COUNTER, events,   "events without a cell in the state table") \
	K(supervisor, children,         GAUGE,   children, "children wanted") \
	K(supervisor, children_up,      GAUGE,   children, "children ready")

#define GUARD_COUNTERS(K) \
	K(guard, supervisor_deaths, COUNTER, deaths,   "supervisors that ended without being asked") \
	K(guard, segments_remade,   COUNTER, segments, "segments made again after damage")

#define CONFIG_DB_COUNTERS(K) \
	K(config_db, commits,        COUNTER, commits,   "transactions made durable") \
	K(config_db, added,          COUNTER, functions, "functions added or replaced") \
	K(config_db, unchanged,      COUNTER, functions, "functions sent again without a change") \
	K(config_db, refused,        COUNTER, functions, "functions that broke a rule") \
	K(config_db, removed,        COUNTER, functions, "functions a service dropped or an operator deleted") \
	K(config_db, disk_errors,    COUNTER, errors,    "writes the disk refused") \
	K(config_db, functions,      GAUGE,   functions, "functions kept") \
	K(config_db, failed_configs, GAUGE,   records,   "refusals kept") \
	K(config_db, is_degraded,    GAUGE,   yes,       "1 while the disk refuses writes") \
	K(config_db, saved_at_ms,    GAUGE,   ms,        "wall time of the last commit that is safe on the disk")

#define RATE_LIMITER_COUNTERS(K) \
	K(rate_limiter, sweeps,       COUNTER, sweeps, "times the whole limit table was swept") \
	K(rate_limiter, freed,        COUNTER, keys,   "idle keys given back") \
	K(rate_limiter, repaired,     COUNTER, slots,  "slots with an impossible time, given back") \
	K(rate_limiter, keys_8,       GAUGE,   keys,   "keys with limits up to 8") \
	K(rate_limiter, keys_32,      GAUGE,   keys,   "keys with limits up to 32") \
	K(rate_limiter, keys_128,     GAUGE,   keys,   "keys with limits above 32") \
	K(rate_limiter, fullest,      GAUGE,   percent, "how full the fullest class of the table is") \
	K(rate_limiter, limits,       GAUGE,   limits, "limits in force")

#define WORKER_POOL_COUNTERS(K) \
	K(worker_pool, calls,             COUNTER, calls,    "calls received from gateways") \
	K(worker_pool, dispatched,        COUNTER, calls,    "calls handed to a runner, repeats included") \
	K(worker_pool, answered,          COUNTER, calls,    "calls answered with a result") \
	K(worker_pool, failed,            COUNTER, calls,    "calls whose runner answered with an error") \
	K(worker_pool, unavailable,       COUNTER, calls,    "calls refused or given back: no runner could take them") \
	K(worker_pool, saturated,         COUNTER, calls,    "… because the queue was full") \
	K(worker_pool, queue_timeouts,    COUNTER, calls,    "… because they waited too long") \
	K(worker_pool, expired,           COUNTER, calls,    "calls whose deadline came first") \
	K(worker_pool, unknown_outcome,   COUNTER, calls,    "calls lost with their runner") \
	K(worker_pool, retried,           COUNTER, calls,    "calls lost with their runner and tried again") \
	K(worker_pool, cancelled,         COUNTER, calls,    "calls nobody waited for any more") \
	K(worker_pool, quarantined,       COUNTER, calls,    "calls refused because they kill their runners") \
	K(worker_pool, chunks,            COUNTER, chunks,   "parts of streams passed on") \
	K(worker_pool, late_results,      COUNTER, results,  "answers to calls that were given up") \
	K(worker_pool, stuck,             COUNTER, calls,    "calls that did not come back and cost their runner its life") \
	K(worker_pool, faults,            COUNTER, faults,   "rules of the protocol that runners broke") \
	K(worker_pool, deaths,            COUNTER, deaths,   "ready runners that ended without being asked") \
	K(worker_pool, deaths_start,      COUNTER, deaths,   "runners that could not be started or ended before HELLO") \
	K(worker_pool, deaths_hung,       COUNTER, deaths,   "runners killed because they missed their heartbeats") \
	K(worker_pool, recycled,          COUNTER, runners,  "runners drained and replaced") \
	K(worker_pool, pings,             COUNTER, pings,    "heartbeats asked for") \
	K(worker_pool, heartbeats_missed, COUNTER, pings,    "heartbeats not answered in time") \
	K(worker_pool, lines_dropped,     COUNTER, lines,    "lines of runners that were too many for the log") \
	K(worker_pool, runners,           GAUGE,   runners,  "runners there should be") \
	K(worker_pool, runners_ready,     GAUGE,   runners,  "runners that take calls") \
	K(worker_pool, runners_bytes,     GAUGE,   bytes,    "resident memory of all runners") \
	K(worker_pool, pools_unhealthy,   GAUGE,   pools,    "pools that nobody is ready in, or whose runners crash too often") \
	K(worker_pool, pools_crashing,    GAUGE,   pools,    "… of these, whose runners crash too often") \
	K(worker_pool, pools_full,        GAUGE,   pools,    "pools that are busy and whose queue is full: their calls are refused") \
	K(worker_pool, circuits_open,     GAUGE,   pools,    "pools whose circuit is open: their calls are refused for a while") \
	K(worker_pool, queued,            GAUGE,   calls,    "calls that wait for a runner") \
	K(worker_pool, in_flight,         GAUGE,   calls,    "calls on runners")

#define PULLER_COUNTERS(K) \
	K(puller, pulls,        COUNTER, pulls,    "fetches begun") \
	K(puller, pulls_failed, COUNTER, pulls,    "fetches that failed") \
	K(puller, unchanged,    COUNTER, pulls,    "fetches that ended at an unchanged version") \
	K(puller, services,     GAUGE,   services, "services known") \
	K(puller, services_up,  GAUGE,   services, "services whose last fetch did not fail")

#define CONTROL_COUNTERS(K) \
	K(control, orders,         COUNTER, orders,   "orders passed to the supervisor") \
	K(control, orders_refused, COUNTER, orders,   "orders the supervisor refused") \
	K(control, forwarded,      COUNTER, commands, "commands passed on to other roles") \
	K(control, unanswered,     COUNTER, commands, "passed-on commands whose role did not answer in time")

#define RELAY_COUNTERS(K) \
	K(relay, groups_created,  COUNTER, groups,   "groups created") \
	K(relay, groups_deleted,  COUNTER, groups,   "groups deleted, for being empty too long as well") \
	K(relay, joins,           COUNTER, members,  "memberships begun, waiting ones included") \
	K(relay, leaves,          COUNTER, members,  "memberships their users ended") \
	K(relay, downs,           COUNTER, members,  "memberships that ended with a socket, a channel or a gateway") \
	K(relay, accepts,         COUNTER, members,  "waiting members let in") \
	K(relay, mutes,           COUNTER, members,  "members muted") \
	K(relay, unmutes,         COUNTER, members,  "members no longer muted") \
	K(relay, promotions,      COUNTER, members,  "members that became admins because nobody else was left") \
	K(relay, sent,            COUNTER, messages, "messages relayed") \
	K(relay, recipients,      COUNTER, members,  "members they were for") \
	K(relay, rejected,        COUNTER, messages, "messages refused: no such group, stranger, waiting, muted, too big") \
	K(relay, overloaded,      COUNTER, messages, "messages and long answers refused because a gateway did not take what waited for it") \
	K(relay, dropped,         COUNTER, messages, "messages that still waited for a gateway when the relay was stopped") \
	K(relay, refused,         COUNTER, calls,    "other calls refused") \
	K(relay, commits,         COUNTER, commits,  "transactions made durable") \
	K(relay, disk_errors,     COUNTER, errors,   "writes the disk refused") \
	K(relay, cuts,            COUNTER, clients,  "clients in groups that a gateway cut for reading too slowly or being silent, or lost with messages unsent") \
	K(relay, audits,          COUNTER, audits,   "audits of memberships and groups") \
	K(relay, audit_ended,     COUNTER, members,  "memberships that audits ended: their members were gone") \
	K(relay, audit_issues,    GAUGE,   issues,   "found by the last audit") \
	K(relay, groups,          GAUGE,   groups,   "groups kept") \
	K(relay, members,         GAUGE,   members,  "memberships kept") \
	K(relay, gateways,        GAUGE,   gateways, "gateways that take messages") \
	K(relay, queued_bytes,    GAUGE,   bytes,    "waiting for gateways") \
	K(relay, is_degraded,     GAUGE,   yes,      "1 while the disk refuses writes and groups live in memory only")

#define GATEWAY_COUNTERS(K) \
	K(gateway, accepted,         COUNTER, connections, "client connections accepted") \
	K(gateway, refused,          COUNTER, connections, "client connections refused: full, draining, no descriptor") \
	K(gateway, upgrades,         COUNTER, connections, "WebSocket upgrades completed") \
	K(gateway, upgrades_refused, COUNTER, requests,    "HTTP requests that were no acceptable upgrade") \
	K(gateway, closed,           COUNTER, connections, "client connections closed by the client") \
	K(gateway, cut,              COUNTER, connections, "client connections closed by us: protocol, time-out, budget") \
	K(gateway, slow_readers,     COUNTER, connections, "cut because they did not read what they asked for") \
	K(gateway, bytes_in,         COUNTER, bytes,       "bytes from clients") \
	K(gateway, bytes_out,        COUNTER, bytes,       "bytes to clients") \
	K(gateway, frames_in,        COUNTER, frames,      "WebSocket messages from clients") \
	K(gateway, frames_out,       COUNTER, frames,      "WebSocket messages to clients") \
	K(gateway, joins,            COUNTER, joins,       "channels joined") \
	K(gateway, joins_refused,    COUNTER, joins,       "joins refused") \
	K(gateway, heartbeats,       COUNTER, frames,      "Phoenix heartbeats answered") \
	K(gateway, calls,            COUNTER, calls,       "calls received") \
	K(gateway, accepted_calls,   COUNTER, calls,       "calls of the kinds async, none and stream taken") \
	K(gateway, answered,         COUNTER, calls,       "calls answered with a result") \
	K(gateway, failed,           COUNTER, calls,       "calls answered with an error, all kinds") \
	K(gateway, invalid,          COUNTER, calls,       "… because the request or its arguments were wrong") \
	K(gateway, not_found,        COUNTER, calls,       "… because there is no such function, or it is disabled") \
	K(gateway, denied,           COUNTER, calls,       "… because the caller may not") \
	K(gateway, identity_claims,  COUNTER, calls,       "calls whose payload named a user or roles the session does not have; dropped or refused") \
	K(gateway, auth_refused,     COUNTER, connections, "clients and refreshes refused: no token, or none that is good") \
	K(gateway, auth_signatures,  COUNTER, signatures,  "signatures verified") \
	K(gateway, auth_cached,      COUNTER, tokens,      "tokens known to be good already") \
	K(gateway, auth_asked,       COUNTER, questions,   "put to the service that decides about clients") \
	K(gateway, auth_expired,     COUNTER, connections, "sessions ended because their token expired") \
	K(gateway, auth_refreshed,   COUNTER, tokens,      "sessions prolonged by another token of the same user") \
	K(gateway, auth_refresh_refused, COUNTER, tokens,  "refreshes refused, all kinds") \
	K(gateway, sessions_revoked, COUNTER, connections, "closed because their user or token was revoked") \
	K(gateway, kicked,           COUNTER, connections, "closed because an operator said so") \
	K(gateway, auth_keys_broken, COUNTER, times,       "key files that could not be taken; the keys before stay") \
	K(gateway, rate_limited,     COUNTER, calls,       "… because a limit was reached") \
	K(gateway, unavailable,      COUNTER, calls,       "… because no node could take it") \
	K(gateway, expired,          COUNTER, calls,       "… because the node did not answer in time") \
	K(gateway, unknown_outcome,  COUNTER, calls,       "… because its node was lost after dispatch") \
	K(gateway, service_errors,   COUNTER, calls,       "… because the service said so") \
	K(gateway, bad_results,      COUNTER, calls,       "… because the result could not be told in JSON") \
	K(gateway, quarantined,      COUNTER, calls,       "… because such a call has killed its runners") \
	K(gateway, drained,          COUNTER, calls,       "… because this gateway is leaving") \
	K(gateway, discarded,        COUNTER, calls,       "outcomes of calls of the kind none") \
	K(gateway, chunks,           COUNTER, chunks,      "parts of streams passed on") \
	K(gateway, streams_stopped,  COUNTER, streams,     "streams their client stopped") \
	K(gateway, permissions_asked, COUNTER, calls,      "permission callbacks asked of a node") \
	K(gateway, picks_failed,     COUNTER, calls,       "calls whose resolver or chooser named no node") \
	K(gateway, hooks_run,        COUNTER, hooks,       "hooks and result encoders asked about calls") \
	K(gateway, hooks_rejected,   COUNTER, calls,       "calls that a before hook rejected") \
	K(gateway, hooks_replaced,   COUNTER, calls,       "calls whose response an after hook replaced") \
	K(gateway, hooks_failed,     COUNTER, hooks,       "hooks and encoders that failed, were lost, or found no runner") \
	K(gateway, hooks_timed_out,  COUNTER, hooks,       "hooks and encoders that did not answer within hook_timeout") \
	K(gateway, hooks_unregistered, COUNTER, calls,     "calls refused because their function names a hook nobody registered") \
	K(gateway, dispatched,       COUNTER, calls,       "calls handed to a node, repeats included") \
	K(gateway, redispatched,     COUNTER, calls,       "calls handed to another node after the first was lost") \
	K(gateway, retries,          COUNTER, calls,       "attempts after the first, as the function's retry says") \
	K(gateway, retries_exhausted, COUNTER, calls,      "calls that failed after all their attempts") \
	K(gateway, late_results,     COUNTER, results,     "results for calls no longer waiting") \
	K(gateway, client_gone,      COUNTER, calls,       "calls whose client left before the answer, or went with a gateway that was killed") \
	K(gateway, limits_checked,   COUNTER, calls,       "calls held against the limits") \
	K(gateway, limits_full,      COUNTER, calls,       "calls refused because the limit table has no room") \
	K(gateway, limits_unusable,  COUNTER, calls,       "calls that met an unusable limit table") \
	K(gateway, texts_repaired,   COUNTER, texts,       "service texts that were not UTF-8") \
	K(gateway, compiled,         COUNTER, functions,   "functions compiled from the store") \
	K(gateway, links_opened,     COUNTER, links,       "generations of service links begun") \
	K(gateway, links_lost,       COUNTER, links,       "generations of service links lost") \
	K(gateway, auth_keys,        GAUGE,   keys,        "keys tokens are verified with") \
	K(gateway, auth_revoked,     GAUGE,   names,       "users and tokens that are revoked") \
	K(gateway, auth_is_shut,     GAUGE,   yes,         "1 while nobody can be verified: no keys, or no node that decides") \
	K(gateway, auth_keys_stale,  GAUGE,   yes,         "1 while the key file cannot be taken; older keys may be in force") \
	K(gateway, auth_waiting,     GAUGE,   clients,     "waiting to be verified") \
	K(gateway, relay_messages,   COUNTER, messages,    "messages of groups that came for our clients") \
	K(gateway, relay_deliveries, COUNTER, deliveries,  "… given to a client") \
	K(gateway, relay_missed,     COUNTER, deliveries,  "… whose client or channel had just left") \
	K(gateway, slow_told,        COUNTER, connections, "told that they read too slowly, before any cut") \
	K(gateway, connections,      GAUGE,   connections, "client connections open") \
	K(gateway, channels,         GAUGE,   channels,    "channels joined and not left") \
	K(gateway, in_flight,        GAUGE,   calls,       "calls dispatched and not answered") \
	K(gateway, async_calls,      GAUGE,   calls,       "calls of the kinds async and none in flight") \
	K(gateway, streams,          GAUGE,   streams,     "streams under way") \
	K(gateway, links_up,         GAUGE,   links,       "service links that carry calls") \
	K(gateway, services,         GAUGE,   services,    "services with functions that run on service nodes") \
	K(gateway, services_cut_off, GAUGE,   services,    "… of these, with a function none of whose nodes can be reached") \
	K(gateway, traced,           COUNTER, calls,       "recorded stage by stage, because a trace was after them") \
	K(gateway, traces_skipped,   COUNTER, calls,       "a trace was after them, but had its records of that second") \
	K(gateway, functions,        GAUGE,   functions,   "compiled functions held") \
	K(gateway, buffered_bytes,   GAUGE,   bytes,       "bytes waiting for clients and nodes")

#define MONITOR_COUNTERS(K) \
	K(monitor, http_requests,    COUNTER, requests,    "HTTP requests answered, whatever with") \
	K(monitor, http_errors,      COUNTER, requests,    "… with 4xx: the asker's mistake") \
	K(monitor, http_failures,    COUNTER, requests,    "… with 5xx") \
	K(monitor, http_refused,     COUNTER, connections, "HTTP connections refused: too many at once") \
	K(monitor, http_pushed_out,  COUNTER, connections, "HTTP connections that said nothing and made room for newer ones") \
	K(monitor, http_slow,        COUNTER, connections, "HTTP connections cut: head, body or reading took too long") \
	K(monitor, series_over,      COUNTER, series,      "series of /metrics that were above prometheus.max_series and summed as __other__") \
	K(monitor, http_waiting,     GAUGE,   connections, "HTTP connections whose head has not come") \
	K(monitor, http_connections, GAUGE,   connections, "HTTP requests being answered") \
	K(monitor, commits,     COUNTER, commits, "transactions of the history made durable") \
	K(monitor, disk_errors, COUNTER, errors,  "writes the disk refused") \
	K(monitor, points,      GAUGE,   points,  "of the history, fine and coarse") \
	K(monitor, look_us,     GAUGE,   us,      "that the last reading of the tree took") \
	K(monitor, is_degraded, GAUGE,   yes,     "1 while the disk refuses the history and it lives in memory only")

#define ALL_COUNTERS(K) \
	PROCESS_COUNTERS(K) \
	SUPERVISOR_COUNTERS(K) \
	GUARD_COUNTERS(K) \
	CONFIG_DB_COUNTERS(K) \
	RATE_LIMITER_COUNTERS(K) \
	WORKER_POOL_COUNTERS(K) \
	PULLER_COUNTERS(K) \
	RELAY_COUNTERS(K) \
	CONTROL_COUNTERS(K) \
	MONITOR_COUNTERS(K) \
	GATEWAY_COUNTERS(K)

#define ALL_HISTOGRAMS(H) \
	H(process,   turn_us,   us, "length of a turn that had work") \
	H(gateway,   call_us,   us, "from the call's arrival to its answer, streams aside") \
	H(gateway,   stream_us, us, "from a stream's call to its last part") \
	H(gateway,   failed_us, us, "from the call's arrival to its error") \
	H(gateway,   node_us,   us, "from dispatch to the node's result") \
	H(gateway,   stage_decode_ns,     ns, "reading a request; of the stages one call in 64 is timed") \
	H(gateway,   stage_lookup_ns,     ns, "who calls, and finding the function") \
	H(gateway,   stage_permission_ns, ns, "is it allowed; callbacks aside") \
	H(gateway,   stage_limit_ns,      ns, "the limits") \
	H(gateway,   stage_arguments_ns,  ns, "checking and converting the arguments") \
	H(gateway,   stage_dispatch_ns,   ns, "choosing a node and handing the call to its link") \
	H(gateway,   stage_encode_ns,     ns, "writing a result for its client") \
	H(config_db, commit_us, us, "length of a durable commit") \
	H(gateway,   limit_us,  us, "length of a check of the limits; one in 64 is timed") \
	H(relay,     commit_us, us, "length of a durable commit") \
	H(relay,     send_us,   us, "from a message's arrival to its being on the way to all members") \
	H(monitor,   commit_us, us, "length of a durable commit") \
	H(puller,    pull_us,   us, "from the begin of a fetch to its end") \
	H(monitor,   http_us,   us, "from an HTTP request's head to its answer") \
	H(worker_pool, call_us, us, "from a local call's arrival to its end on the runner") \
	H(worker_pool, heartbeat_us, us, "from a heartbeat to its answer")

#define FUNCTION_COUNTERS(F) \
	F(calls,           false, "calls that found the function") \
	F(client_gone,     false, "… whose client left before the answer") \
	F(discarded,       false, "… of the kind none that came to an end") \
	F(invalid,         true,  "… answered with an error: wrong arguments") \
	F(not_found,       true,  "… the function cannot be had") \
	F(denied,          true,  "… the caller may not") \
	F(rate_limited,    true,  "… a limit was reached") \
	F(unavailable,     true,  "… no node could take it") \
	F(expired,         true,  "… the node did not answer in time") \
	F(unknown_outcome, true,  "… its node was lost after dispatch") \
	F(service_errors,  true,  "… the service said so") \
	F(bad_results,     true,  "… the result could not be told in JSON") \
	F(quarantined,     true,  "… such a call has killed its runners") \
	F(drained,         true,  "… the gateway was leaving")

// clang-format on
#endif /* PROTOCOL_TABLES_COUNTERS_H */
