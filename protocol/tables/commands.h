// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_COMMANDS_H
#define PROTOCOL_TABLES_COMMANDS_H
// clang-format off

/*
 * commands - what an operator can ask, one row each.
 *
 * C(role, name, noun, verb, who, arguments, help)
 *   role       who answers; a row without `<role>_cmd_<name>` does not link.
 *              `cli` rows are answered by the banyan program itself.
 *   noun verb  what is typed: `banyan NOUN [VERB] ARGS`; verb "" for none
 *   who        READER may only look, ADMIN may change
 *   arguments  as help shows them
 * The wire name (`op`) is "noun" or "noun.verb": {"op":"failed.list"}.
 * Made from it: routing, permission, help, completion, manual.
 */
#define CONTROL_COMMANDS(C) \
	C(control, tree,      "tree",      "",     READER, "",                 "show the tree: every child, its state, pid, life, restarts") \
	C(control, why,       "why",       "",     READER, "ROLE[/N]",         "tell what happened to a child, and why it is as it is") \
	C(control, start,     "start",     "",     ADMIN,  "ROLE[/N]",         "start a stopped child") \
	C(control, stop,      "stop",      "",     ADMIN,  "ROLE[/N]",         "stop a child and leave it down") \
	C(control, restart,   "restart",   "",     ADMIN,  "ROLE[/N]",         "stop a child and start it again") \
	C(control, pause,     "pause",     "",     ADMIN,  "ROLE[/N]",         "rest supervision of a child, for a debugger") \
	C(control, resume,    "resume",    "",     ADMIN,  "ROLE[/N]",         "supervise a paused child again") \
	C(control, drain,     "drain",     "",     ADMIN,  "[ROLE[/N]]",       "finish what is in flight, take nothing new, then stop") \
	C(control, reload,    "reload",    "",     ADMIN,  "",                 "read the settings again; nothing changes if they are broken") \
	C(control, shutdown,  "shutdown",  "",     ADMIN,  "",                 "drain and stop the whole tree") \
	C(control, health,    "health",    "",     READER, "[--check NAME] [--stage N] [--prove] [--max-memory BYTES]", "is everything well? exit 0 ok, 1 degraded, 2 not; --check asks one check only, --stage 1 supervision, 2 processes, 3 parts, 4 the world; --prove kills a canary first and sees it come back") \
	C(control, stats,     "stats",     "",     READER, "[--peek]",         "counters and gauges of every process; --peek leaves what changed since the last time to the next who asks") \
	C(control, debug,     "debug",     "",     READER, "[--limit N] [--stacks]", "processes by memory (the first 20), shared tables, traces; --stacks asks each process where it is") \
	C(control, cluster,   "cluster",   "",     READER, "",                 "this node, its processes, the service nodes it reaches and what each of them provides") \
	C(control, endpoints, "endpoints", "",     READER, "",                 "the real addresses, ports chosen by the kernel included") \
	C(control, settings_show, "settings", "show", READER, "[SECTION]",     "the settings in force") \
	C(control, version,   "version",   "",     READER, "",                 "versions of banyan and of the running tree")

#define CONFIG_DB_COMMANDS(C) \
	C(config_db, functions_list,    "functions", "list",    READER, "[--service S]",                "functions, their versions and states") \
	C(config_db, functions_show,    "functions", "show",    READER, "SERVICE FUNCTION [--version V]", "one function, field by field") \
	C(config_db, functions_add,     "functions", "add",     ADMIN,  "JSON",                         "add a function; refused if it exists") \
	C(config_db, functions_update,  "functions", "update",  ADMIN,  "JSON",                         "add or replace a function") \
	C(config_db, functions_disable, "functions", "disable", ADMIN,  "SERVICE FUNCTION [--version V]", "disable a function; survives what services send") \
	C(config_db, functions_enable,  "functions", "enable",  ADMIN,  "SERVICE FUNCTION [--version V]", "enable a function again") \
	C(config_db, functions_delete,  "functions", "delete",  ADMIN,  "SERVICE FUNCTION [--version V]", "delete a function") \
	C(config_db, functions_clear,   "functions", "clear",   ADMIN,  "",                             "delete every function") \
	C(config_db, functions_export,  "functions", "export",  READER, "[--service S]",                "sample requests for every function, as JSON") \
	C(config_db, config_db_persist, "config_db", "persist", ADMIN,  "",                             "write to the disk now and wait until it is safe there; tells generation and duration, or why not") \
	C(config_db, failed_list,       "failed",    "list",    READER, "[--source S] [--service S] [--limit N] [--order O]", "function configs that were refused, and why") \
	C(config_db, failed_count,      "failed",    "count",   READER, "",                             "how many refused configs are kept") \
	C(config_db, failed_summary,    "failed",    "summary", READER, "",                             "refused configs by source and service") \
	C(config_db, failed_cleanup,    "failed",    "cleanup", ADMIN,  "",                             "drop expired refusals now") \
	C(config_db, failed_clear,      "failed",    "clear",   ADMIN,  "",                             "drop every refusal") \
	C(config_db, revoke,            "revoke",    "",        ADMIN,  "[USER] [--user USER] [--jti ID]", "refuse a user's tokens issued until now, or one token; ends their sessions") \
	C(config_db, log_level,         "log",       "level",   ADMIN,  "[LEVEL] [--for SECONDS]",      "write lines from this level on, in every process; `settings` goes back; by itself after 600 s, --for 0 never") \
	C(config_db, log_scopes,        "log",       "scopes",  READER, "",                             "matters whose debug lines can be turned on one by one") \
	C(config_db, log_scope,         "log",       "scope",   ADMIN,  "ACTION [SCOPE] [--for SECONDS]", "add, remove or list: debug lines of one matter, whatever the level") \
	C(config_db, log_filter,        "log",       "filter",  ADMIN,  "ACTION [PATTERN] [--for SECONDS]", "add, remove or list: mute routine events by name, * as a wildcard; warnings and errors stay") \
	C(config_db, detail_error,      "detail-error", "",     ADMIN,  "[STATE] [--for SECONDS]",      "on or off: tell clients inner reasons of errors, as request.detail_error does; ends by itself after 600 s; needs the admin action change_detail_error") \
	C(config_db, revoke_list,       "revoke",    "list",    READER, "",                             "users and tokens that are revoked") \
	C(config_db, revoke_forget,     "revoke",    "forget",  ADMIN,  "[USER] [--user USER] [--jti ID]", "take a revocation back")

#define PULLER_COMMANDS(C) \
	C(puller, services_list,       "services", "list",       READER, "",          "services, their nodes, versions and functions") \
	C(puller, services_pull,       "services", "pull",       ADMIN,  "[SERVICE]", "fetch functions now, where the version changed") \
	C(puller, services_force_pull, "services", "force-pull", ADMIN,  "[SERVICE]", "fetch functions now, whatever the version")

#define WORKER_POOL_COMMANDS(C) \
	C(worker_pool, pools,           "pools", "",          READER, "", "pools of runners: workers, queue, requests, errors") \
	C(worker_pool, pools_inspect,   "pools", "inspect",   READER, "[--pool P] [--detailed] [--recommendations] [--format FORMAT] [--full]", "the profile inspector: capacity, use, memory; --recommendations says what to do; --format text or json; --full adds to the JSON what the page shows") \
	C(worker_pool, pools_check,     "pools", "check",     READER, "[--threshold PERCENT]", "is a pool near saturation? exit 1 if one has used so much of its capacity (80)") \
	C(worker_pool, pools_recycle,   "pools", "recycle",   ADMIN,  "POOL [N]", "replace a worker, or all of a pool, a few at a time; each finishes its calls first") \
	C(worker_pool, pools_lifecycle, "pools", "lifecycle", READER, "", "workers by pool, those near their age or number of calls, and how many were replaced") \
	C(worker_pool, quarantine_list, "quarantine", "list",  READER, "", "calls that are refused because they killed their workers") \
	C(worker_pool, quarantine_clear, "quarantine", "clear", ADMIN, "[FINGERPRINT]", "let one such call, or all, through again") \
	C(worker_pool, pools_plan,      "pools", "plan",      READER, "--workers N", "the memory of that many workers like those there are")

#define RATE_LIMITER_COMMANDS(C) \
	C(rate_limiter, limits_status, "limits", "status", READER, "KEY [--limit ID]", "how much of each limit a key has used") \
	C(rate_limiter, limits_global, "limits", "global", READER, "",                 "the limits that hold for every call") \
	C(rate_limiter, limits_config, "limits", "config", READER, "",                 "all limits and the table behind them") \
	C(rate_limiter, limits_reset,  "limits", "reset",  ADMIN,  "[KEY] [--limit ID] [--service S] [--function F] [--all]", "forget what a key has used: of every limit, of one, or of those of a function; --all forgets every key; needs the admin action update_rate_limit_config")

#define RELAY_COMMANDS(C) \
	C(relay, relay_health,  "relay",  "health", READER, "[GROUP]",               "how well messages reach the members of each group, and what went wrong last") \
	C(relay, relay_audit,   "relay",  "audit",  READER, "[--fix] [--last]",      "memberships whose members are gone, groups that are empty, and what is not stored as it should be; --fix ends and repairs what was found; --last shows the last one again") \
	C(relay, groups_list,   "groups", "list",   READER, "[--limit N]",           "groups, their types and how many are in them") \
	C(relay, groups_show,   "groups", "show",   READER, "GROUP",                 "one group: its members, their roles and states") \
	C(relay, groups_create, "groups", "create", ADMIN,  "GROUP TYPE [ADMIN]",    "create a group that stays until it is deleted; ADMIN leads it once there") \
	C(relay, groups_delete, "groups", "delete", ADMIN,  "GROUP",                 "delete a group; its members get nothing more from it") \
	C(relay, groups_kick,   "groups", "kick",   ADMIN,  "GROUP USER",            "end a membership")

#define TELEMETRY_COMMANDS(C) \
	C(monitor, telemetry_events,  "telemetry", "events",  READER, "[--match PATTERN] [--category C]", "every event: its category, its fields, who is attached, how often it happened and happens") \
	C(monitor, telemetry_status,  "telemetry", "status",  READER, "", "who is attached to what, what is let through, how far the feed is") \
	C(monitor, telemetry_attach,  "telemetry", "attach",  ADMIN,  "NAME [--match PATTERN] [--event E] [--category C] [--for SECONDS] [--log]", "record and publish events under a name, by prefix or glob, by name, by category; --log writes them to the log as well") \
	C(monitor, telemetry_detach,  "telemetry", "detach",  ADMIN,  "NAME", "end an attachment") \
	C(monitor, telemetry_lease,   "telemetry", "lease",   READER, "NAME HOLDER [--match PATTERN] [--event E] [--category C] [--end]", "keep an attachment for some seconds: what `telemetry tail` says again and again while it runs") \
	C(monitor, telemetry_control, "telemetry", "control", ADMIN,  "[--toggle on|off] [--sampling RATE] [--pattern PATTERN] [--allow PATTERN] [--deny PATTERN]", "switch telemetry, publish a part of it, allow or deny events; until the tree is restarted or the settings are read again") \
	C(monitor, history,           "history",   "",        READER, "[--metric M] [--duration HOURS] [--resolution MINUTES]", "one metric over time; without --metric which there are") \
	C(monitor, bus_status,        "bus", "status",  READER, "", "is the PUB socket open, who listens, how much was published") \
	C(monitor, bus_enable,        "bus", "enable",  ADMIN,  "", "publish again") \
	C(monitor, bus_disable,       "bus", "disable", ADMIN,  "", "publish nothing until bus enable, or the monitor's next life")

#define MONITOR_COMMANDS(C) \
	TELEMETRY_COMMANDS(C) \
	C(monitor, health_check, "health", "check", READER, "", "pings every process and runs the five checks of the health checker, now; exit 1 degraded, 2 unhealthy") \
	C(monitor, monitor_show, "monitor", "show", READER, "", "what the monitor knows of itself") \
	C(monitor, log_summary, "log", "summary", READER, "[--period SECONDS]", "lines of all processes by level, the events of warnings and errors that came most, and how many of them a minute; over the last hour, or so many seconds") \
	C(monitor, log_lease,   "log", "lease",   READER, "", "let processes record their lines for some seconds: what `log tail` says again and again while it runs") \
	C(monitor, observe_start, "observe", "start", ADMIN,  "TARGET [--interval MS]", "look at system_metrics, process_metrics or memory_usage again and again (1000 ms); gives an id") \
	C(monitor, observe_list,  "observe", "list",  READER, "",                       "what is observed: its target, points, and for how long") \
	C(monitor, observe_data,  "observe", "data",  READER, "ID [--limit N]",         "the newest points of an observation (100); 600 are kept") \
	C(monitor, observe_stop,  "observe", "stop",  ADMIN,  "ID",                     "end an observation; its points are gone") \
	/* the debugger's records */ \
	C(monitor, diag_trace,    "diag", "trace",    READER, "COMPONENT [--duration MS]", "what a component (a role, or role/N) did for a while: calls, memory, queue; kept as a record") \
	C(monitor, diag_analyze,  "diag", "analyze",  READER, "COMPONENT [--duration MS]", "bottlenecks of a component, what to do, and a score; kept as a record") \
	C(monitor, diag_snapshot, "diag", "snapshot", READER, "",                          "memory and the largest processes; kept as a record") \
	C(monitor, diag_list,     "diag", "list",     READER, "[--limit N]",               "the records kept, a hundred of each kind") \
	C(monitor, diag_show,     "diag", "show",     READER, "ID",                        "one of those records, whole") \
	C(monitor, diag_errors,   "diag", "errors",   READER, "[--limit N]",               "warnings and errors, each once, with frequency, first_seen and last_seen") \
	/* tracing */ \
	C(monitor, trace_start,  "trace", "start",  ADMIN,  "[TARGET] [--user U] [--function F] [--request ID] [--process P] [--flags LIST] [--rate N] [--count N] [--for MS]", "trace calls or processes; needs the admin action enable_tracing. TARGET: all (processes and sockets), processes (of the tree), ports (sockets of clients and links), existing, existing_processes, existing_ports (those there when it starts), new, new_processes, new_ports (those that come later), ROLE, ROLE/N or a pid. F: service/request_type, module.function, module.function/2, module.function/_, {module, :function, 1} (as a service sees its functions) or all. LIST: call (hops to the node), return_to (hops back), return_trace (the answer's code and size), procs (processes, pools, runners), ports (sockets, links), timestamp (time of day), cpu_timestamp (processor time), arity (number of arguments, not the arguments), silent (count only); without it call,return_to,procs. The monitor is the tracer: `trace tail` and `trace show` read it. It ends by itself: N records a second (1000), N in all (100000), MS (60000)") \
	C(monitor, trace_stop,   "trace", "stop",   ADMIN,  "[ID]",               "end a trace by its id or what it was started with, or all; needs the admin action disable_tracing") \
	C(monitor, trace_status, "trace", "status", READER, "",                   "traces, running and ended, and why they ended") \
	C(monitor, trace_tail,   "trace", "tail",   READER, "[--after N] [--limit N]", "the newest records of all traces") \
	C(monitor, trace_show,   "trace", "show",   READER, "ID",                 "the hops of one request, in order over all processes; ID: request id or trace id") \
	C(monitor, trace,        "trace", "",       READER, "ID",                 "the same as trace show") \
	C(monitor, tracer_enable,    "tracer", "enable",    ADMIN,  "[KIND] [KEY]", "write calls of a request type or user to a file (`request-type get_user`, `user u7`), or switch the request tracer on; needs enable_tracing") \
	C(monitor, tracer_disable,   "tracer", "disable",   ADMIN,  "[KIND] [KEY]", "the contrary; needs disable_tracing") \
	C(monitor, tracer_status,    "tracer", "status",    READER, "",             "the request tracer: keys, files, sizes") \
	C(monitor, tracer_clear,     "tracer", "clear",     ADMIN,  "",             "forget all request types and users; needs disable_tracing") \
	C(monitor, tracer_flush,     "tracer", "flush",     READER, "",             "write all lines that wait") \
	C(monitor, tracer_configure, "tracer", "configure", ADMIN,  "[--log-dir PATH] [--max-file-bytes N] [--max-backup-files N]", "for files opened from now on; needs enable_tracing")

#define GATEWAY_COMMANDS(C) \
	C(gateway, nodes, "nodes", "", READER, "", "service nodes: address, link state, calls in flight") \
	C(gateway, flow,  "flow",  "", READER, "SERVICE FUNCTION [--version V]", "what becomes of a call, step by step: nodes, permission, limits, hooks, retry") \
	C(gateway, flows, "flows", "", READER, "[--all] [--detail] [--service S] [--limit N]", "every function a client may call; --all shows disabled ones too, --detail gives --json the whole flow of each") \
	C(gateway, inspect, "inspect", "", READER, "JSON [--user USER] [--roles ROLES] [--unverified] [--topic TOPIC] [--ip ADDRESS]", "a dry run of one request, as a client would send it: what would be answered, or which node would get it; nothing is called or counted") \
	C(gateway, conns_list, "conns", "list", READER, "[--user USER] [--state STATE] [--older MS] [--limit N]", "clients of all gateways: who, from where, since when, what waits for them") \
	C(gateway, conns_kill, "conns", "kill", ADMIN,  "ID [--reason TEXT]", "close one client's socket, with a reason") \
	C(gateway, calls_list, "calls", "list", READER, "[--user USER] [--service S] [--function F] [--state STATE] [--older MS] [--limit N]", "calls in flight on all gateways: running, waiting, retrying, asking") \
	C(gateway, calls_kill, "calls", "kill", ADMIN,  "ID", "end one call with an error; its client is told whether it may have run") \
	C(gateway, slow,       "slow", "",      READER, "[--limit N]", "the slowest calls since they were cleared, 128 of each gateway: total, the gateway's part, the node's, the answer") \
	C(gateway, slow_clear, "slow", "clear", ADMIN,  "",            "forget the slowest calls, to see new ones") \
	C(gateway, kick,  "kick",  "", ADMIN,  "USER|all", "close every socket of a user, or of everybody; they may come back")

/* Any one live instance answers these for all: what they tell is the same. */
#define COMMANDS_OF_ANY(O) \
	O("flow") \
	O("flows") \
	O("inspect")

/* Answered by the program in the operator's hand. */
#define CLI_COMMANDS(C) \
	C(cli, check,      "check",      "", READER, "FILE",                    "read a settings file as banyand would, and say what is wrong") \
	C(cli, call,       "call",       "", READER, "SERVICE FUNCTION [JSON] [--version V] [--url URL] [--topic TOPIC] [--event EVENT] [--timeout MS] [--token-file FILE] [--follow]", "call a function as a client would; --follow stays, prints what others push, and makes each line typed a call") \
	C(cli, diagnose_scaling, "diagnose", "scaling", READER, "[--skip-spawn]", "seven tests of how many workers this machine could have, and what breaks first; --skip-spawn starts no processes") \
	C(cli, doctor,     "doctor",     "", READER, "[FILE]",                  "one line for each thing a tree needs and what to do about it: programs, libraries, folders, ports, limits, and what a running tree says of itself; exit 1 when something is wrong") \
	C(cli, overview,   "overview",   "", READER, "",                        "the tree at a glance: health, processes, memory, calls a second, last deaths; exit codes of health") \
	C(cli, processes,  "processes",  "", READER, "",                        "every process by type: alive, pid, memory, and totals") \
	C(cli, top,        "top",        "", READER, "[--sort KEY] [--limit N] [--once]", "the processes that use most (the first 10), every 2 s on a terminal, one page in a pipe; --sort memory, cpu, turns or queue") \
	C(cli, config_show, "config", "show", READER, "[SECTION]",              "every setting in force and where it comes from: the file, the default, or what banyand was started with") \
	C(cli, settings_diff, "settings", "diff", READER, "[FILE]",             "what a reload would change") \
	C(cli, telemetry_tail, "telemetry", "tail", READER, "[--match PATTERN] [--event E] [--category C] [--count N] [--for SECONDS] [--secret-file FILE]", "print events as they happen, one a line; in a pipe as JSON") \
	C(cli, log_tail, "log", "tail", READER, "[--level LEVEL] [--match PATTERN] [--component ROLE] [--count N] [--for SECONDS] [--secret-file FILE]", "print the lines of all processes as they are written, from half a second on; PATTERN: names of events, by prefix or glob. Which lines are written `log level`, `log scope` and `log filter` say") \
	C(cli, observe_bench, "observe", "bench", READER, "SERVICE FUNCTION [JSON] [--count N] [--for SECONDS] [--version V] [--url URL] [--topic TOPIC] [--event EVENT] [--timeout MS] [--token-file FILE]", "call a function N times (1000; 1000000 at most), one call after the other, as a client would: total time, average, calls a second, percentiles, errors by class; ends after --for SECONDS (60). These are real calls: they do what the function does and count against limits; exit 1 when one failed") \
	C(cli, bus_tail, "bus", "tail", READER, "CHANNEL[/TOPIC] [--count N] [--for SECONDS] [--secret-file FILE]", "print what the monitor publishes, one a line: health, metrics, alerts, diagnostics, lifecycle, logging, telemetry, or all") \
	C(cli, monitor_status,      "monitor", "status",      READER, "[--cluster ID] [--detail] [--output FORMAT] [--url URL]", "health, persistence, listeners and systems at a glance; --output table or json") \
	C(cli, monitor_endpoints,   "monitor", "endpoints",   READER, "[--url URL]", "every page of the monitor's HTTP") \
	C(cli, monitor_health,      "monitor", "health",      READER, "[--cluster ID] [--summary] [--detail] [--url URL]", "how the nodes are") \
	C(cli, monitor_health_watch, "monitor", "health-watch", READER, "[--interval SECONDS] [--cluster ID] [--summary] [--detail] [--url URL]", "the same, again and again") \
	C(cli, monitor_metrics,     "monitor", "metrics",     READER, "[--system SYSTEM] [--url URL]", "figures of a system: unified, rpc, pubsub, queue, cache, transport, federation") \
	C(cli, monitor_metrics_watch, "monitor", "metrics-watch", READER, "[--interval SECONDS] [--system SYSTEM] [--url URL]", "the same, again and again") \
	C(cli, monitor_persistence, "monitor", "persistence", READER, "[--url URL]", "what is kept on disk, and since when") \
	C(cli, monitor_persistence_watch, "monitor", "persistence-watch", READER, "[--interval SECONDS] [--url URL]", "the same, again and again") \
	C(cli, monitor_transport_endpoints, "monitor", "transport-endpoints", READER, "[--url URL]", "every listener with its real port") \
	C(cli, monitor_link_state,  "monitor", "link-state",  READER, "[--url URL]", "link state between nodes") \
	C(cli, monitor_route_trace, "monitor", "route-trace", READER, "--destination D [--avoid A] [--url URL]", "the routes to a destination") \
	C(cli, monitor_dns,         "monitor", "dns",         READER, "[--url URL]", "the DNS gateway") \
	C(cli, monitor_dns_watch,   "monitor", "dns-watch",   READER, "[--interval SECONDS] [--url URL]", "the same, again and again") \
	C(cli, monitor_timeseries,  "monitor", "timeseries",  READER, "[--metric M] [--duration HOURS] [--resolution MINUTES] [--url URL]", "a metric over time") \
	C(cli, monitor_trends,      "monitor", "trends",      READER, "[--url URL]", "what improves and what degrades") \
	C(cli, monitor_topology,    "monitor", "topology",    READER, "[--graph] [--paths] [--analysis] [--url URL]", "nodes and the links between them") \
	C(cli, discovery_status,    "discovery", "status",    READER, "[--url URL]", "summary, cache, policy and lag in one") \
	C(cli, discovery_summary,   "discovery", "summary",   READER, "[--url URL]", "summaries of all services") \
	C(cli, discovery_cache,     "discovery", "cache",     READER, "[--url URL]", "what is known of functions, services and nodes") \
	C(cli, discovery_policy,    "discovery", "policy",    READER, "[--url URL]", "what services may register, and who was refused") \
	C(cli, discovery_lag,       "discovery", "lag",       READER, "[--url URL]", "seconds since services were last heard of") \
	C(cli, discovery_query,     "discovery", "query",     READER, "[--entry-type TYPE] [--namespace PREFIX] [--scope SCOPE] [--capability C] [--resource R] [--tag T] [--cluster-id ID] [--node-id NODE] [--function-name NAME] [--function-id ID] [--version-constraint RANGE] [--queue-name NAME] [--topic TOPIC] [--viewer-cluster-id ID] [--viewer-tenant-id ID] [--limit N] [--page-token T] [--url URL]", "the catalogue: functions (or nodes, queues, topics, caches, cache_profiles), those that have all that is asked for. RANGE: 1.2.0, 1.x, ^1.2, ~1.2.3 or \">=1, <3\"; ID of a function: service/request_type, @version behind it or not; SCOPE: from how far away one looks: local, zone, region, global; tags are source, state and response type. --tag, --capability and --resource may be repeated: all must be there. There are no tenants: each sees what all see") \
	C(cli, discovery_cluster_map, "discovery", "cluster-map", READER, "[--scope SCOPE] [--cluster-id ID] [--url URL]", "the nodes of the cluster, which is this tree, and their load") \
	C(cli, discovery_peers,     "discovery", "peers",     READER, "[--scope SCOPE] [--cluster-id ID] [--target-cluster ID] [--url URL]", "other trees this one knows: none yet, and it says so") \
	C(cli, peers,               "peers", "",              READER, "[--scope SCOPE] [--cluster-id ID] [--target-cluster ID] [--url URL]", "as `discovery peers`") \
	C(cli, client_list_peers,   "client", "list-peers",   READER, "[--scope SCOPE] [--cluster-id ID] [--target-cluster ID] [--url URL]", "as `discovery peers`") \
	C(cli, client_cluster_map,  "client", "cluster-map",  READER, "[--scope SCOPE] [--cluster-id ID] [--url URL]", "as `discovery cluster-map`") \
	C(cli, client_resolver_cache_stats, "client", "resolver-cache-stats", READER, "[--url URL]", "as `discovery cache`") \
	C(cli, discovery_watch,     "discovery", "watch",     READER, "[--summary] [--delta] [--namespace PREFIX] [--duration SECONDS] [--count N] [--url URL]", "changes as they come, a line of JSON each") \
	C(cli, discovery_access_audit, "discovery", "access-audit", READER, "[--limit N] [--url URL]", "configs that were refused") \
	C(cli, report_namespace_health, "report", "namespace-health", READER, "[--output FORMAT] [--namespace PREFIX] [--limit N] [--url URL]", "services by how often they were summarised") \
	C(cli, report_export_lag,   "report", "export-lag",   READER, "[--output FORMAT] [--url URL]", "how old what is known of services is") \
	C(cli, completion, "completion", "", READER, "bash|zsh",                "print shell completion") \
	C(cli, help,       "help",       "", READER, "[NOUN]",                  "explain the commands")

#define ALL_COMMANDS(C) \
	CONTROL_COMMANDS(C) \
	CONFIG_DB_COMMANDS(C) \
	PULLER_COMMANDS(C) \
	RATE_LIMITER_COMMANDS(C) \
	WORKER_POOL_COMMANDS(C) \
	RELAY_COMMANDS(C) \
	MONITOR_COMMANDS(C) \
	GATEWAY_COMMANDS(C) \
	CLI_COMMANDS(C)

// clang-format on
#endif /* PROTOCOL_TABLES_COMMANDS_H */
