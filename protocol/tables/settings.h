// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_SETTINGS_H
#define PROTOCOL_TABLES_SETTINGS_H
// clang-format off

/*
 * settings - every key of the YAML file, one row each.
 *
 * S(section, key, type, default, min, max, live, role, unit, meaning)
 *   section  the top-level key; `top` when the key itself stands at the top;
 *            a role's own word (puller) stands for workers.<role>;
 *            pools_lifecycle stands for the map lifecycle in pools,
 *            telemetry_bus for bus in telemetry, relay_audit for audit in
 *            relay
 *   type     BOOL, U64, TEXT, CHOICE, TEXTS (list of text), LIST (its items
 *            have rows below), MAPS (list of maps, checked by their owner;
 *            those of pools.list have rows in tables/pools.h)
 *   default  as it would be written in the file
 *   min max  of the number, of a text's bytes, of a list's items
 *   live     LIVE: a reload applies it. RESTART: it needs a restart of `role`
 *   role     who uses it; `none` means every process
 *   unit     of a number; for CHOICE the words, "a|b"; a word behind `!` is
 *            known but not built yet and is refused with that reason
 * In texts ${runtime_dir} and ${state_dir} stand for the folders in force.
 * Made from it: parse, range check, default, banyan.full.yaml, reload rule.
 */
#define SETTINGS_TABLE(S) \
	S(top, node,        TEXT, "banyan", 1, 64, RESTART, none, "", "the name of this gateway among others") \
	S(top, runtime_dir, TEXT, "\"\"", 0, 80, RESTART, guard, "path", "sockets and endpoints.json; empty: /run/banyan for root, else $XDG_RUNTIME_DIR/banyan") \
	S(top, state_dir,   TEXT, "\"\"", 0, 255, RESTART, guard, "path", "what survives a stop; empty: /var/lib/banyan for root, else $XDG_STATE_HOME/banyan") \
	\
	S(log, level,  CHOICE, "info", 0, 0, LIVE, none, "debug|info|warn|error|fatal", "lines below this level are not written") \
	S(log, format, CHOICE, "text", 0, 0, LIVE, none, "text|logfmt|json", "how a line looks; text is coloured on a terminal") \
	S(log, color,  CHOICE, "auto", 0, 0, LIVE, none, "auto|always|never", "of text; auto: on a terminal, unless NO_COLOR is set") \
	S(log, fold_ms, U64, "5000", 0, 3600000, LIVE, none, "ms", "the same warning or error again is counted, and the count written after so long; 0: every line is written") \
	S(log, debug_scopes, TEXTS, "[]", 0, 64, LIVE, none, "scope", "whose debug lines are written whatever the level; see `banyan log scopes`") \
	\
	S(supervisor, strategy,           CHOICE, "one_for_one", 0, 0, RESTART, supervisor, "one_for_one|one_for_all|rest_for_one", "which siblings fall when a child dies") \
	S(supervisor, on_exhausted,       CHOICE, "probation", 0, 0, RESTART, supervisor, "probation|restart_group|restart_supervisor|shutdown|give_up", "what follows when a child dies more often than its intensity allows") \
	S(supervisor, auto_shutdown,      CHOICE, "never", 0, 0, RESTART, supervisor, "never|any|all", "stop the tree when significant children end by themselves") \
	S(supervisor, restarts,           U64, "5",      0, 1000,    LIVE, supervisor, "restarts", "allowed within window_ms; one more is exhaustion") \
	S(supervisor, window_ms,          U64, "30000",  100, 3600000, LIVE, supervisor, "ms", "the time in which restarts are counted") \
	S(supervisor, rest_first_ms,      U64, "50",     1, 60000,   LIVE, supervisor, "ms", "pause before the second restart; doubles each time") \
	S(supervisor, rest_cap_ms,        U64, "30000",  1, 3600000, LIVE, supervisor, "ms", "no pause between two lives is longer") \
	S(supervisor, jitter_percent,     U64, "20",     0, 100,     LIVE, supervisor, "percent", "each pause varies by this much, up or down") \
	S(supervisor, unstarted_rest_ms,  U64, "500",    1, 60000,   LIVE, supervisor, "ms", "first pause after a fork or exec that failed") \
	S(supervisor, healthy_after_ms,   U64, "10000",  1, 3600000, LIVE, supervisor, "ms", "ready for this long: earlier deaths are forgiven") \
	S(supervisor, start_timeout_ms,   U64, "10000",  100, 120000, LIVE, supervisor, "ms", "from exec to READY") \
	S(supervisor, start_most_ms,      U64, "120000", 100, 600000, LIVE, supervisor, "ms", "the same with every extension a child asked for") \
	S(supervisor, drain_timeout_ms,   U64, "10000",  0, 600000,  LIVE, supervisor, "ms", "to finish what is in flight before TERM") \
	S(supervisor, stop_timeout_ms,    U64, "2000",   1, 600000,  LIVE, supervisor, "ms", "between TERM and KILL") \
	S(supervisor, stop_budget_ms,     U64, "30000",  100, 600000, LIVE, supervisor, "ms", "to stop the whole tree; what is left then is killed") \
	S(supervisor, hang_timeout_ms,    U64, "1500",   600, 600000, LIVE, supervisor, "ms", "without a turn of its loop a child counts as hung") \
	S(supervisor, abort_timeout_ms,   U64, "500",    1, 60000,   LIVE, supervisor, "ms", "between ABRT (for a backtrace) and KILL of a hung child") \
	S(supervisor, gap_ms,             U64, "1000",   100, 60000, LIVE, supervisor, "ms", "when the supervisor itself was away longer, deadlines move") \
	S(supervisor, parallel_starts,    U64, "4",      1, 64,      LIVE, supervisor, "children", "that may be starting at the same time") \
	S(supervisor, starts_per_second,  U64, "20",     0, 10000,   LIVE, supervisor, "starts", "of the whole tree; 0 is no guard against storms") \
	S(supervisor, starts_per_minute,  U64, "200",    0, 100000,  LIVE, supervisor, "starts", "of the whole tree; 0 is no guard against storms") \
	S(supervisor, prove_every_ms,     U64, "300000", 0, 86400000, LIVE, supervisor, "ms", "a canary is killed and must come back, to prove that supervision works; 0: only when asked by `banyan health --prove`") \
	S(supervisor, obituaries,         U64, "100",    1, 1000,    LIVE, supervisor, "files", "kept for each child in state_dir/supervisor") \
	\
	S(gateway, port,                  U64, "4000",   0, 65535,   RESTART, guard, "", "where clients connect; 0 lets the kernel choose") \
	S(gateway, bind,                  TEXT, "127.0.0.1", 2, 45,  RESTART, guard, "address", "IPv4 or IPv6 address to listen on; 0.0.0.0 for all") \
	S(gateway, backlog,               U64, "1024",   1, 65535,   RESTART, guard, "connections", "that wait in the kernel to be accepted") \
	S(gateway, mount,                 TEXT, "/socket", 1, 128,   LIVE, gateway, "path", "clients open <mount>/websocket") \
	S(gateway, channels,              LIST, "[{topic: \"api:*\"}]", 0, 64, LIVE, gateway, "", "topics that may be joined") \
	S(gateway, origins,               TEXTS, "[]",   0, 64,      LIVE, gateway, "origin", "allowed Origin headers, * as a wildcard; empty: all") \
	S(gateway, idle_timeout_ms,       U64, "60000",  1000, 86400000, LIVE, gateway, "ms", "a client that sends nothing for this long is closed, and one that takes nothing of what waits for it") \
	S(gateway, header_timeout_ms,     U64, "10000",  100, 600000, LIVE, gateway, "ms", "for the whole HTTP head") \
	S(gateway, frame_timeout_ms,      U64, "10000",  100, 600000, LIVE, gateway, "ms", "from the first to the last byte of a message") \
	S(gateway, meet_timeout_ms,       U64, "100",    0, 60000,   RESTART, gateway, "ms", "a new gateway waits for the first word of its nodes before it takes clients") \
	S(gateway, drain_timeout_ms,      U64, "10000",  0, 600000,  LIVE, gateway, "ms", "to finish calls in flight, then to spread the closes") \
	S(gateway, max_connections,       U64, "15000",  1, 1000000, LIVE, gateway, "clients", "of one gateway; more are refused with 503") \
	S(gateway, max_channels,          U64, "100",    1, 10000,   LIVE, gateway, "channels", "one client may join") \
	S(gateway, max_calls_per_client,  U64, "1000",   1, 1000000, LIVE, gateway, "calls", "of one client in flight; more are refused") \
	S(gateway, max_calls,             U64, "100000", 1, 4000000, LIVE, gateway, "calls", "of one gateway in flight; more are refused") \
	S(gateway, max_async,             U64, "10000",  0, 4000000, LIVE, gateway, "calls", "of the kinds async and none in flight in one gateway; more are refused") \
	S(gateway, max_streams,           U64, "500",    0, 1000000, LIVE, gateway, "streams", "of one gateway; more are refused") \
	S(gateway, stream_window_bytes,   U64, "65536",  1024, 16777216, LIVE, gateway, "bytes", "of chunks the node of one stream may send ahead of its client") \
	S(gateway, client_buffer_bytes,   U64, "4194304", 65536, 268435456, LIVE, gateway, "bytes", "waiting for one client that reads slowly; more closes it") \
	S(gateway, node_buffer_bytes,     U64, "16777216", 65536, 1073741824, LIVE, gateway, "bytes", "waiting for one service node; more refuses the call") \
	S(gateway, total_buffer_bytes,    U64, "268435456", 1048576, 17179869184, LIVE, gateway, "bytes", "waiting for all clients of one gateway") \
	S(gateway, sticky_entries,        U64, "100000", 1024, 4194304, RESTART, guard, "values", "that stick to a node, of all functions ({sticky: key}); the oldest is forgotten") \
	S(gateway, function_statistics,   U64, "1024",   16, 4096,   RESTART, guard, "functions", "with figures of their own in `stats`, /metrics/functions and /metrics; those beyond are summed as __other__") \
	S(gateway, default_timeout_ms,    U64, "5000",   100, 300000, LIVE, gateway, "ms", "a call's deadline when its function names none") \
	S(gateway, infinite_timeout_ms,   U64, "25000",  100, 300000, LIVE, gateway, "ms", "a call's deadline when its function says infinity") \
	\
	S(auth, mode,            CHOICE, "none", 0, 0, RESTART, gateway, "none|jwt|function", "how clients prove who they are; none: every session is unverified") \
	S(auth, allow_anonymous, BOOL, "false", 0, 0,      LIVE, gateway, "", "true: a client that brings no token is let in, unverified; a bad token never is") \
	S(auth, token_parameter, TEXT, "token", 1, 64,     LIVE, gateway, "", "of the URL's query, for clients that can neither set a header nor a subprotocol") \
	S(auth, expiring_ms,     U64, "60000", 0, 86400000, LIVE, gateway, "ms", "before a session's end, token_expiring is pushed on its channels; 0: never") \
	S(auth, revoked_ms,      U64, "31536000000", 0, 315360000000, LIVE, config_db, "ms", "a revocation ends this long after it was made; has to be longer than any token lives. 0: never") \
	S(auth, max_waiting,     U64, "1024", 1, 1000000,  LIVE, gateway, "clients", "of one gateway waiting to be verified; more are refused with 503") \
	S(auth, nodes,           TEXTS, "[]", 0, 16,       LIVE, gateway, "name or URL", "in mode function: the service nodes that decide, or local; asked by turns") \
	S(auth, module,          TEXT, "\"\"", 0, 128,      LIVE, gateway, "", "of the function that decides") \
	S(auth, function,        TEXT, "authenticate", 1, 128, LIVE, gateway, "", "that decides: gets {params, headers, token, peer, user_id}, answers {user_id, roles, expires_in_ms} or nil") \
	S(auth, headers,         TEXTS, "[]", 0, 32,       LIVE, gateway, "header", "of the upgrade that the function is told") \
	S(auth, timeout_ms,      U64, "3000", 100, 60000,  LIVE, gateway, "ms", "for the function's answer; none is a refusal") \
	S(auth, cached_tokens,   U64, "10000", 0, 1000000, LIVE, gateway, "tokens", "known to be good, of one gateway; 0: each is verified each time") \
	S(auth, jwt_keys,        TEXT, "\"\"", 0, 1024,     LIVE, gateway, "path", "the JWK Set tokens are verified with; read again when it changes") \
	S(auth, jwt_issuer,      TEXT, "\"\"", 0, 1024,     LIVE, gateway, "", "the iss a token must have; empty: any") \
	S(auth, jwt_audiences,   TEXTS, "[]", 0, 32,       LIVE, gateway, "audience", "a token's aud must name one of them; empty: any") \
	S(auth, jwt_user_claim,  TEXT, "sub", 1, 128,      LIVE, gateway, "claim", "that names the user: a string or an integer") \
	S(auth, jwt_roles_claim, TEXT, "roles", 0, 128,    LIVE, gateway, "claim", "that lists the roles, or holds them in one string with blanks between; realm_access.roles is one inside an object; empty: no roles") \
	S(auth, jwt_leeway_ms,   U64, "5000", 0, 300000,   LIVE, gateway, "ms", "by which clocks may differ: for exp, nbf and iat") \
	S(auth, jwt_needs_expiry, BOOL, "true", 0, 0,      LIVE, gateway, "", "false: a token without exp is good for ever") \
	\
	S(top, services,  LIST, "[]", 0, 1024,  LIVE, puller, "", "services whose functions are fetched") \
	S(top, nodes,     LIST, "[]", 0, 4096,  LIVE, none, "", "names of service nodes and their URLs") \
	S(top, hooks,     LIST, "[]", 0, 256,   LIVE, none, "", "hooks that functions may name: functions of this tree's pools") \
	S(top, functions, MAPS, "[]", 0, 10000, LIVE, config_db, "", "functions written here by hand") \
	\
	S(puller, interval_ms,       U64, "30000", 100, 86400000, LIVE, puller, "ms", "between two rounds over all services") \
	S(puller, timeout_ms,        U64, "5000",  100, 300000,   LIVE, puller, "ms", "for one answer of one node") \
	S(puller, first_ms,          U64, "1000",  0, 60000,      LIVE, puller, "ms", "after the start, to the first round") \
	S(puller, retry_ms,          U64, "1000",  50, 60000,     LIVE, puller, "ms", "between attempts while a service was never found") \
	S(puller, max_delay_ms,      U64, "300000", 1000, 86400000, LIVE, puller, "ms", "no back-off of a failing round is longer") \
	S(puller, parallel,          U64, "8",     1, 256,        LIVE, puller, "services", "asked at the same time") \
	\
	S(rate_limiter, enabled,          BOOL, "true", 0, 0, LIVE, none, "", "false: every call passes") \
	S(rate_limiter, fail_open,        BOOL, "true", 0, 0, LIVE, gateway, "", "a limit that cannot be checked lets the call pass; a full table never does") \
	S(rate_limiter, cleanup_interval_ms, U64, "60000", 100, 3600000, LIVE, rate_limiter, "ms", "between sweeps of expired keys") \
	S(rate_limiter, keys_small,       U64, "0", 0, 4194304, RESTART, guard, "keys", "room for limits up to 8; 0 is the default size") \
	S(rate_limiter, keys_medium,      U64, "0", 0, 4194304, RESTART, guard, "keys", "room for limits up to 32; 0 is the default size") \
	S(rate_limiter, keys_large,       U64, "0", 0, 4194304, RESTART, guard, "keys", "room for limits above 32; 0 is the default size") \
	S(rate_limiter, global_limits,    LIST, "[]", 0, 256,   LIVE, none, "", "limits that hold for every call") \
	S(rate_limiter, api_limits,       LIST, "[]", 0, 4096,  LIVE, none, "", "limits of one function") \
	\
	S(pools, list,                MAPS, "[]", 0, 32, RESTART, worker_pool, "", "pools of runners for local functions; empty: one pool named default") \
	S(pools, max_queue_size,      U64, "1000",   0, 1000000, RESTART, worker_pool, "calls", "that may wait for a runner of one pool; more are refused at once") \
	S(pools, queue_timeout_ms,    U64, "10000",  1, 3600000, RESTART, worker_pool, "ms", "that a call may wait for a runner") \
	S(pools, startup_timeout_ms,  U64, "10000",  100, 600000, RESTART, worker_pool, "ms", "from the start of a runner until it is ready") \
	S(pools, graceful_timeout_ms, U64, "6000",   0, 600000, RESTART, worker_pool, "ms", "that a runner to be replaced may finish its calls; then TERM") \
	S(pools, stop_timeout_ms,     U64, "2000",   1, 600000, RESTART, worker_pool, "ms", "between TERM and KILL of a runner") \
	S(pools, stuck_ms,            U64, "2000",   10, 600000, RESTART, worker_pool, "ms", "a call this long past its deadline: its runner counts as hung") \
	S(pools, affinity_ttl_ms,     U64, "60000",  1, 86400000, RESTART, worker_pool, "ms", "an unused session forgets its runner") \
	S(pools, max_sessions,        U64, "10000",  1, 1000000, RESTART, worker_pool, "sessions", "of one pool remembered; the longest unused is forgotten first") \
	S(pools, quarantine_ms,       U64, "600000", 0, 604800000, RESTART, worker_pool, "ms", "that a call which kills its runners is refused; 0: never") \
	S(pools, quarantine_deaths,   U64, "2",      1, 100, RESTART, worker_pool, "deaths", "in a row of runners that had the same call") \
	S(pools, crash_window_ms,     U64, "60000",  1000, 3600000, RESTART, worker_pool, "ms", "the time in which crashes of a pool's runners are counted") \
	S(pools, crash_unhealthy,     U64, "10",     1, 10000, RESTART, worker_pool, "crashes", "in that time: the pool is unhealthy") \
	S(pools_lifecycle, check_interval_ms, U64, "60000", 10, 86400000, RESTART, worker_pool, "ms", "between two looks at the age and memory of runners") \
	S(pools_lifecycle, concurrency,    U64, "8",  1, 1000, RESTART, worker_pool, "runners", "of one pool that may be on their way out together") \
	S(pools_lifecycle, jitter_percent, U64, "10", 0, 100, RESTART, worker_pool, "percent", "a runner may get older than worker_ttl, so that not all go together") \
	S(pools_recommendations, util_critical, U64, "90", 1, 100, RESTART, worker_pool, "percent", "used capacity from which workers must be added") \
	S(pools_recommendations, util_warning,  U64, "80", 1, 100, RESTART, worker_pool, "percent", "used capacity from which more workers should be planned") \
	S(pools_recommendations, util_low,      U64, "20", 0, 100, RESTART, worker_pool, "percent", "used capacity below which a pool of more than 10 may shrink") \
	S(pools_recommendations, mem_avg_mb,    U64, "100", 1, 1048576, RESTART, worker_pool, "MB", "of a runner on average that look like a leak") \
	S(pools_recommendations, mem_peak_mb,   U64, "200", 1, 1048576, RESTART, worker_pool, "MB", "of one runner from which recycling is advised") \
	S(pools_recommendations, min_threads,   U64, "4",  1, 1024, RESTART, worker_pool, "threads", "of a runner; fewer are too few for the thread profile") \
	S(pools_recommendations, max_threads,   U64, "32", 1, 1024, RESTART, worker_pool, "threads", "of a runner; more spend their time switching") \
	S(pools_recommendations, report_interval_s, U64, "0", 0, 31536000, RESTART, worker_pool, "seconds", "between two reports of what to change, if there is something; 0: none") \
	S(pools_recommendations, max_process_workers, U64, "200", 1, 1000, RESTART, worker_pool, "runners", "of the process profile; more should be threads") \
	\
	S(relay, max_groups,        U64, "10000",  1, 1000000,  LIVE, relay, "groups", "kept; one more lets the longest empty one go") \
	S(relay, max_members,       U64, "10000",  1, 250000,   LIVE, relay, "members", "of one group") \
	S(relay, max_groups_per_client, U64, "100", 1, 100000,  LIVE, relay, "groups", "one client may be in") \
	S(relay, max_id_bytes,      U64, "255",    1, 1024,     LIVE, relay, "bytes", "of a group's id") \
	S(relay, max_message_bytes, U64, "65536",  64, 1000000, LIVE, relay, "bytes", "of one message, as msgpack") \
	S(relay, orphan_grace_ms,   U64, "60000",  0, 86400000, LIVE, relay, "ms", "a group without an active member waits for its last one to come back; then the next one leads it") \
	S(relay, empty_group_ms,    U64, "3600000", 0, 31536000000, LIVE, relay, "ms", "a group without members is kept; 0: for ever") \
	S(relay, reattach_ms,       U64, "5000",   100, 600000, LIVE, relay, "ms", "a gateway that was lost has to come back; then its clients' memberships end") \
	S(relay, gateway_buffer_bytes, U64, "16777216", 65536, 1073741824, LIVE, relay, "bytes", "waiting for one gateway; then messages for its clients are refused") \
	S(relay_audit, audit_interval_ms, U64, "60000",  0, 86400000, LIVE, relay, "ms", "between two audits of memberships and groups; 0: only when `banyan relay audit` asks") \
	S(relay_audit, cleanup,     BOOL, "false", 0, 0,        LIVE, relay, "", "true: those audits end memberships whose members are gone, and delete groups that stayed empty for relay.orphan_grace_ms") \
	\
	S(request, max_payload_bytes, U64,  "1000000", 1024, 16777216, LIVE, gateway, "bytes", "of one message of a client") \
	S(request, detail_error,      BOOL, "false", 0, 0,     LIVE, gateway, "", "true: answers tell inner reasons to clients") \
	\
	S(arguments, string_max_bytes, U64, "3000", 1, 16777216, LIVE, none, "bytes", "of a text argument whose type names no limit") \
	S(arguments, list_max_items,   U64, "1000", 1, 65536,   LIVE, none, "items", "of a list argument whose type names no limit") \
	S(arguments, map_max_items,    U64, "1000", 1, 65536,   LIVE, none, "items", "of a map argument whose type names no limit") \
	\
	S(tracer, enabled,          BOOL, "false", 0, 0, LIVE, monitor, "", "write calls of the request types and users below to files") \
	S(tracer, log_dir,          TEXT, "${state_dir}/traces", 1, 300, LIVE, monitor, "path", "where; made with mode 0700") \
	S(tracer, max_file_bytes,   U64, "50000000", 1024, 1000000000000, LIVE, monitor, "bytes", "then a file is moved to .1") \
	S(tracer, max_backup_files, U64, "5", 0, 100, LIVE, monitor, "files", "kept of each, .1 … .N") \
	S(tracer, log_level,        CHOICE, "debug", 0, 0, LIVE, monitor, "debug|info|notice|warning|warn|error|critical|alert|emergency", "log lines below it are left out of the files") \
	S(tracer, request_types,    TEXTS, "[]", 0, 32, LIVE, monitor, "request type", "whose calls are written, of any service") \
	S(tracer, user_ids,         TEXTS, "[]", 0, 32, LIVE, monitor, "user", "whose calls are written") \
	\
	S(security, admin_actions,   TEXTS, "[]", 0, 64, LIVE, control, "action", "what operators may do of what needs permission (protocol/tables/actions.h); empty: none of it") \
	S(security, node_urls,       TEXTS, "[\"ipc://${runtime_dir}/*\", \"tcp://127.0.0.1:*\", \"tcp://localhost:*\", \"tcp://[::1]:*\"]", 0, 256, LIVE, none, "URL", "what a gateway may dial, * as a wildcard; all else is a failed config") \
	S(security, masked_keys,     TEXTS, "[\"password\", \"passwd\", \"secret\", \"token\", \"authorization\", \"api_key\", \"apikey\", \"credential\", \"cookie\", \"private_key\"]", 0, 64, LIVE, none, "word", "what stands under a key that holds one of these words, in any case, is [MASKED] in traces, the audit and the log") \
	S(security, allowed_targets, TEXTS, "[]", 0, 1024, LIVE, none, "module.function", "what a function or hook may call, * as a wildcard; empty: all but os file code erlang net rpc global inet, which only an entry without a wildcard allows") \
	\
	S(telemetry, enabled,           BOOL,  "true", 0, 0,     LIVE, monitor, "", "false: nothing is attached or published but life and death") \
	S(telemetry, attach,            TEXTS, "[]",   0, 64,    LIVE, monitor, "prefix or glob", "events that are always recorded and published: executor.request, pool.*") \
	S(telemetry, sampling,          TEXT,  "1.0", 1, 16, LIVE, monitor, "0.0 to 1.0", "the part of the events that is published; life and death always are") \
	S(telemetry, sampling_patterns, TEXTS, "[]",   0, 64,    LIVE, monitor, "prefix or glob", "events that sampling is for; empty: all") \
	S(telemetry, allow,             TEXTS, "[]",   0, 64,    LIVE, monitor, "prefix or glob", "events that may be published; empty: all") \
	S(telemetry, deny,              TEXTS, "[]",   0, 64,    LIVE, monitor, "prefix or glob", "events that are never published") \
	S(telemetry, records_per_s,     U64,   "200", 1, 1000000, LIVE, monitor, "records", "of one event in one process, on average; what is over it is counted, as ever, and not told one by one") \
	S(telemetry, slow_log_us,       U64,   "0", 0, 3600000000, LIVE, gateway, "us", "a call that takes less is not kept among the slowest (banyan slow)") \
	S(telemetry, handlers,          LIST, "[]",    0, 16,    LIVE, monitor, "", "functions of this tree's pools that are called with batches of events; one that fails five times in a row is detached until the settings are read again") \
	S(telemetry, slow_request_us,   U64,   "1000000", 0, 3600000000, LIVE, gateway, "us", "a call that takes longer is warned of by name and duration; 0: none is") \
	S(telemetry, publish,           TEXTS, "[]",   0, 8,     RESTART, monitor, "URL", "where the monitor's PUB socket listens beside telemetry.ipc: ipc://, tcp://") \
	S(telemetry_bus, enabled,             BOOL, "true",  0, 0,   LIVE, monitor, "", "false: nothing is published, and nothing fails because of it") \
	S(telemetry_bus, secret,              TEXT, "\"\"",  0, 256, LIVE, monitor, "", "signs each message with HMAC-SHA256; empty: $SECRET_KEY_BASE, or unsigned") \
	S(telemetry_bus, health_interval_ms,  U64, "30000", 100, 86400000, LIVE, monitor, "ms", "between two rounds of health on the bus: cluster, node, components") \
	S(telemetry_bus, metrics_interval_ms, U64, "60000", 100, 86400000, LIVE, monitor, "ms", "between two rounds of metrics on the bus: throughput, latency, resources") \
	\
	S(history, interval_ms,   U64, "10000", 100, 600000, RESTART, monitor, "ms", "between two points; six make one of the coarse ring") \
	S(history, fine_points,   U64, "2160",  6, 100000,   RESTART, monitor, "points", "kept of these: 6 hours") \
	S(history, coarse_points, U64, "10080", 6, 100000,   RESTART, monitor, "points", "kept of the coarse ones: 7 days") \
	\
	S(health, interval_ms,     U64, "30000", 100, 86400000, LIVE, monitor, "ms", "between two rounds of the health checker") \
	S(health, ping_timeout_ms, U64, "1000", 10, 60000,      LIVE, monitor, "ms", "to answer a ping; longer is unhealthy") \
	S(health, slow_ms,         U64, "250",  1, 60000,       LIVE, monitor, "ms", "a slower answer is degraded") \
	S(health_thresholds, warning,  U64, "75", 0, 100,       LIVE, monitor, "percent", "of memory or processes used: a warning") \
	S(health_thresholds, critical, U64, "90", 0, 100,       LIVE, monitor, "percent", "the same: an error") \
	\
	S(discovery, summary_export,     BOOL, "false", 0, 0,   LIVE, monitor, "", "true: a summary of every service at an interval, for who watches") \
	S(discovery, summary_interval_s, U64,  "30", 1, 86400,  LIVE, monitor, "seconds", "between two summaries") \
	S(discovery, scope,              CHOICE, "global", 0, 0, LIVE, monitor, "local|zone|region|global", "how far summaries are meant to go") \
	\
	S(monitoring, enabled, BOOL, "true", 0, 0, RESTART, guard, "", "false: no HTTP for operators; banyan shows the same") \
	S(monitoring, host, TEXT, "127.0.0.1", 2, 45, RESTART, guard, "address", "IPv4 or IPv6 address it listens on; there are no passwords: anything but loopback lets the network read") \
	S(monitoring, port, U64, "0", 0, 65535, RESTART, guard, "", "of the monitor's HTTP; 0, or one in use: a free one of 50000 to 55000") \
	S(monitoring, cors, BOOL, "true", 0, 0, LIVE, monitor, "", "pages of other origins may read it: Access-Control-Allow-Origin is *") \
	S(monitoring, max_connections, U64, "64", 8, 4096, RESTART, monitor, "connections", "answered at once; more get 503. 8 more are kept for /livez, /readyz and /startupz") \
	S(monitoring, max_per_address, U64, "48", 1, 4096, LIVE, monitor, "connections", "of those, from one address; more get 429") \
	S(monitoring, header_timeout_ms, U64, "10000", 100, 600000, LIVE, monitor, "ms", "for the whole head of a request") \
	S(monitoring, request_timeout_ms, U64, "30000", 100, 600000, LIVE, monitor, "ms", "for the rest: its body, the answer, and the time to read it") \
	\
	S(prometheus, enabled, BOOL, "true", 0, 0, LIVE, monitor, "", "false: /metrics answers 503 to Prometheus") \
	S(prometheus, port, U64, "0", 0, 65535, RESTART, guard, "", "another port on monitoring.host, for /metrics and the probes alone; 0: none") \
	S(prometheus, prefix, TEXT, "banyan", 1, 64, LIVE, monitor, "", "of every metric's name: letters, digits, _") \
	S(prometheus, max_series, U64, "10000", 100, 1000000, LIVE, monitor, "series", "in one answer; of what is over, each name is summed as __other__")

/*
 * Sections whose capability is not built yet: N(section, what). The key is
 * known; anything in it is refused with that reason, never half-honoured.
 */
#define SETTINGS_NOT_BUILT(N) \
	N(alerts,     "alerts") \
	N(cluster,    "clusters")

/*
 * What can be said of each role under workers.<role>, one row each.
 *
 * P(key, type, inherit, default, min, max, live, unit, meaning)
 *   live     LIVE: the supervisor applies it. RESTART: it needs a restart of
 *            the role. TREE: of the supervisor, who builds the tree
 *   inherit  SETTING_… whose value holds when the key is absent; `none`: the
 *            default does
 * A key log_X stands in the file as log.components.<role>.X.
 */
#define WORKER_SETTINGS_TABLE(P) \
	P(instances,        U64, none, "1",  1, 16,         TREE, "processes", "of this role; only gateway can have several") \
	P(restart,          CHOICE, none, "permanent", 0, 0, TREE, "permanent|transient|temporary|oneshot", "which deaths are followed by another life") \
	P(significant,      BOOL, none, "false", 0, 0,      TREE, "", "counts for supervisor.auto_shutdown") \
	P(restarts,         U64, supervisor_restarts,         "5", 0, 1000,     LIVE, "restarts", "allowed within window_ms") \
	P(window_ms,        U64, supervisor_window_ms,        "30000", 100, 3600000, LIVE, "ms", "the time in which restarts are counted") \
	P(start_timeout_ms, U64, supervisor_start_timeout_ms, "10000", 100, 120000, LIVE, "ms", "from exec to READY") \
	P(drain_timeout_ms, U64, supervisor_drain_timeout_ms, "10000", 0, 600000, LIVE, "ms", "to finish what is in flight before TERM") \
	P(stop_timeout_ms,  U64, supervisor_stop_timeout_ms,  "2000", 1, 600000, LIVE, "ms", "between TERM and KILL") \
	P(hang_timeout_ms,  U64, supervisor_hang_timeout_ms,  "1500", 600, 600000, LIVE, "ms", "without a turn of its loop it counts as hung") \
	P(nofile,           U64, none, "0", 0, 1048576,     RESTART, "descriptors", "RLIMIT_NOFILE; 0: as many as the system allows") \
	P(memory_bytes,     U64, none, "0", 0, 1099511627776, RESTART, "bytes", "RLIMIT_AS; 0: no limit") \
	P(core_bytes,       U64, none, "0", 0, 1099511627776, RESTART, "bytes", "RLIMIT_CORE") \
	P(nice,             U64, none, "0", 0, 19,          RESTART, "", "added to the niceness") \
	P(max_rss_bytes,    U64, none, "0", 0, 1099511627776, LIVE, "bytes", "of memory held for 30 s: drained and replaced; 0: never") \
	P(max_age_ms,       U64, none, "0", 0, 31536000000, LIVE, "ms", "since READY, +-10 %: drained and replaced; 0: never") \
	P(max_descriptors,  U64, none, "0", 0, 1048576,     LIVE, "descriptors", "held: drained and replaced; 0: never") \
	P(log_level,        CHOICE, log_level, "info", 0, 0, LIVE, "debug|info|warn|error|fatal", "lines of this component below this level are not written") \
	P(log_actions,      BOOL, none, "true", 0, 0,       LIVE, "", "false: no lines about who did what; warnings and errors stay") \
	P(log_health,       BOOL, none, "true", 0, 0,       LIVE, "", "false: no lines about how it fares; warnings and errors stay") \
	P(log_terminal,     BOOL, none, "false", 0, 0,       LIVE, "", "draw boxes on a terminal when it, or a runner of it, starts and ends")

/*
 * What an item of a LIST holds: I(list, field, type, presence, default, min,
 * max, unit, meaning). REQUIRED fields have no default. ANY is any value.
 */
#define SETTINGS_ITEMS(I) \
	I(gateway_channels, topic,  TEXT, REQUIRED, "", 1, 255, "", "exact, or a prefix with * at its end") \
	I(gateway_channels, event,  TEXT, OPTIONAL, "phoenix_gen_api", 1, 255, "", "the event of calls and of what is pushed") \
	I(gateway_channels, require_verified_user_id, BOOL, OPTIONAL, "true", 0, 0, "", "refuse calls of sessions without a verified user") \
	I(gateway_channels, override_user_id,         BOOL, OPTIONAL, "true", 0, 0, "", "a verified user replaces user_id in the payload") \
	\
	I(services, service,          TEXT,  REQUIRED, "", 1, 128, "", "its name; unique here") \
	I(services, nodes,            TEXTS, REQUIRED, "", 1, 64, "name or URL", "asked in this order") \
	I(services, module,           TEXT,  OPTIONAL, "\"\"", 0, 128, "", "of the function that answers its functions") \
	I(services, function,         TEXT,  OPTIONAL, "get_config", 1, 128, "", "that answers its functions") \
	I(services, args,             ANY,   OPTIONAL, "[]", 0, 0, "", "list of its arguments") \
	I(services, version_module,   TEXT,  OPTIONAL, "\"\"", 0, 128, "", "of the function that answers its version") \
	I(services, version_function, TEXT,  OPTIONAL, "get_config_version", 0, 128, "", "that answers its version; empty: always fetch all") \
	I(services, version_args,     ANY,   OPTIONAL, "[]", 0, 0, "", "list of its arguments") \
	\
	I(nodes, name, TEXT, REQUIRED, "", 1, 128, "", "as functions and services name it; unique here") \
	I(nodes, url,  TEXT, REQUIRED, "", 1, 255, "URL", "ipc://, tcp:// or tls+tcp://") \
	\
	I(hooks, name,     TEXT, REQUIRED, "", 1, 128, "", "as functions name it; unique here") \
	I(hooks, module,   TEXT, REQUIRED, "", 1, 128, "", "of the function that runs") \
	I(hooks, function, TEXT, REQUIRED, "", 1, 128, "", "that runs") \
	I(hooks, pool,     TEXT, OPTIONAL, "\"\"", 0, 64, "", "it runs in; empty: as for other functions with nodes: local") \
	\
	I(telemetry_handlers, match,    TEXT, REQUIRED, "", 1, 255, "", "prefixes or globs, a comma between them: executor.request, pool.*") \
	I(telemetry_handlers, module,   TEXT, REQUIRED, "", 1, 128, "", "of the function that is called") \
	I(telemetry_handlers, function, TEXT, REQUIRED, "", 1, 128, "", "that is called with a list of events") \
	I(telemetry_handlers, pool,     TEXT, OPTIONAL, "\"\"", 0, 64, "", "it runs in; empty: as for other functions with nodes: local") \
	I(telemetry_handlers, name,     TEXT, OPTIONAL, "\"\"", 0, 64, "", "as it is shown; empty: module.function") \
	\
	I(rate_limiter_global_limits, key,          TEXT, REQUIRED, "", 1, 128, "", "user_id, device_id, ip_address, or the name of an argument") \
	I(rate_limiter_global_limits, max_requests, U64,  REQUIRED, "", 0, 8000000, "calls", "admitted in any window; 0 refuses all") \
	I(rate_limiter_global_limits, window_ms,    U64,  REQUIRED, "", 1, 86400000, "ms", "the sliding window") \
	\
	I(rate_limiter_api_limits, service,      TEXT, REQUIRED, "", 1, 128, "", "of the function") \
	I(rate_limiter_api_limits, request_type, TEXT, REQUIRED, "", 1, 128, "", "the function's name") \
	I(rate_limiter_api_limits, key,          TEXT, REQUIRED, "", 1, 128, "", "user_id, device_id, ip_address, or the name of an argument") \
	I(rate_limiter_api_limits, max_requests, U64,  REQUIRED, "", 0, 8000000, "calls", "admitted in any window; 0 refuses all") \
	I(rate_limiter_api_limits, window_ms,    U64,  REQUIRED, "", 1, 86400000, "ms", "the sliding window")

// clang-format on
#endif /* PROTOCOL_TABLES_SETTINGS_H */
