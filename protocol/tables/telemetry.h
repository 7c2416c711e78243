// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_TELEMETRY_H
#define PROTOCOL_TABLES_TELEMETRY_H
// clang-format off

/*
 * telemetry - what those who attach to an event see of it, one row each.
 *
 * T(event, name, category, measurements, metadata)
 *   event         its row in tables/events.h
 *   name          dotted; the thirty of the gateway's contract never change
 *   category      what it may be attached by
 *   measurements  keys of its text that are numbers
 *   metadata      the other keys: `key?` is true or false, `key#` a whole
 *                 number, any other is text
 * Each row of events.h has one here. The text of event_note stays key=value;
 * readers sort the keys by the row (protocol/telemetry.h). A key that stands
 * in no row is metadata, as text. Each event counts itself, always, so its
 * rate is exact while nobody is attached.
 */
#define TELEMETRY_EXECUTOR(T) \
	T(request_start,     "executor.request.start",     executor, "system_time", "request_id correlation_id request_type service user_id") \
	T(request_stop,      "executor.request.stop",      executor, "duration_us", "request_id correlation_id request_type service user_id success? async?") \
	T(request_exception, "executor.request.exception", executor, "duration_us", "request_id correlation_id request_type service user_id kind reason stacktrace") \
	T(retry,             "executor.retry",             executor, "attempt backoff_ms", "mode type nodes# request_id request_type service") \
	T(retry_exhausted,   "executor.retry.exhausted",   executor, "", "request_id mode last_error request_type service attempts# unnoted#") \
	T(permission_denied, "executor.permission.denied", permission, "", "request_id user_id service request_type mode reason unnoted#") \
	T(request_slow,      "executor.request.slow",      executor, "duration_us limit_us", "request_id correlation_id request_type service user_id unnoted#") \
	T(stream_start,      "stream.start",               stream, "system_time", "request_id request_type service user_id") \
	T(stream_stop,       "stream.stop",                stream, "duration_us chunks", "request_id request_type service user_id success? reason")

#define TELEMETRY_HOOKS(T) \
	T(hook_before_start,     "hook.before.start",     hooks, "system_time", "module function type request_id service request_type") \
	T(hook_before_stop,      "hook.before.stop",      hooks, "duration_us", "module function type result request_id service request_type") \
	T(hook_before_exception, "hook.before.exception", hooks, "duration_us", "module function type kind reason stacktrace request_id service request_type unnoted#") \
	T(hook_after_start,      "hook.after.start",      hooks, "system_time", "module function type request_id service request_type") \
	T(hook_after_stop,       "hook.after.stop",       hooks, "duration_us", "module function type result request_id service request_type") \
	T(hook_after_exception,  "hook.after.exception",  hooks, "duration_us", "module function type kind reason stacktrace request_id service request_type unnoted#") \
	T(hook_unregistered,     "hook.unregistered",     hooks, "", "service request_type key hook unnoted#") \
	T(result_encode_exception, "result.encode.exception", hooks, "duration_us", "module function kind reason request_id service request_type unnoted#")

#define TELEMETRY_LIMITS(T) \
	T(limit_check,     "rate_limiter.check",    rate_limiter, "duration_us", "result request_id user_id instance service request_type") \
	T(limit_exceeded,  "rate_limiter.exceeded", rate_limiter, "retry_after_ms", "key scope max_requests# current_requests# request_id user_id") \
	T(limit_reset,     "rate_limiter.reset",    rate_limiter, "", "key scope rate_limit_key service request_type") \
	T(limits_cleanup,  "rate_limiter.cleanup",  rate_limiter, "duration_us cleaned_entries", "global_limits_count# api_limits_count# looked#") \
	T(limits_in_force, "rate_limiter.in_force", rate_limiter, "limits", "enabled interval_ms#") \
	T(limits_full,     "rate_limiter.full",     rate_limiter, "percent", "setting") \
	T(limits_repaired, "rate_limiter.repaired", rate_limiter, "slots", "")

#define TELEMETRY_CONFIG(T) \
	T(pull_start,        "config.pull.start",        config, "system_time", "service") \
	T(pull_stop,         "config.pull.stop",         config, "duration_us count", "service version result") \
	T(config_push,       "config.push",              config, "count", "service version") \
	T(config_add,        "config.add",               config, "", "service request_type version") \
	T(config_batch_add,  "config.batch_add",         config, "count", "service") \
	T(config_delete,     "config.delete",            config, "", "service request_type version") \
	T(config_clear,      "config.clear",             config, "", "service request_type version") \
	T(config_disable,    "config.disable",           config, "", "service request_type version") \
	T(config_enable,     "config.enable",            config, "", "service request_type version") \
	T(service_failed,    "config.service.failed",    config, "", "service why") \
	T(service_recovered, "config.service.recovered", config, "failures", "service") \
	T(service_renamed,   "config.service.renamed",   config, "functions", "service") \
	T(pull_recovered,    "config.pull.recovered",    config, "services", "") \
	T(store_refused,     "config.store.refused",     config, "", "reason") \
	T(persist_failed,    "config.persist.failed",    config, "", "reason") \
	T(store_writes,      "config.store.writes",      config, "", "generation#") \
	T(store_unreadable,  "config.store.unreadable",  config, "", "error")

#define TELEMETRY_RELAY(T) \
	T(relay_group_create,     "relay.group.create",     relay, "", "group_id group_type") \
	T(relay_group_delete,     "relay.group.delete",     relay, "", "group_id group_type") \
	T(relay_member_join,      "relay.member.join",      relay, "", "group_id group_type user_id status") \
	T(relay_member_leave,     "relay.member.leave",     relay, "", "group_id group_type user_id status") \
	T(relay_member_accept,    "relay.member.accept",    relay, "", "group_id group_type user_id status") \
	T(relay_member_mute,      "relay.member.mute",      relay, "", "group_id group_type user_id status") \
	T(relay_member_unmute,    "relay.member.unmute",    relay, "", "group_id group_type user_id status") \
	T(relay_member_down,      "relay.member.down",      relay, "", "group_id group_type user_id status") \
	T(relay_member_promote,   "relay.member.promote",   relay, "", "group_id group_type user_id status") \
	T(relay_message_sent,     "relay.message.sent",     relay, "recipients duration_us", "group_id group_type user_id status") \
	T(relay_message_rejected, "relay.message.rejected", relay, "recipients duration_us", "group_id group_type user_id status") \
	T(relay_gateway,          "relay.gateway.up",       relay, "clients", "gateway# life#") \
	T(relay_gateway_left,     "relay.gateway.left",     relay, "", "gateway# life#") \
	T(relay_gateway_gone,     "relay.gateway.down",     relay, "", "gateway# life# reason") \
	T(relay_audit,            "relay.audit",            relay, "memberships groups stale orphaned missing unconfirmed duration_us", "store") \
	T(relay_audit_found,      "relay.audit.found",      relay, "stale orphaned missing memberships_ended groups_deleted", "is_fixed?") \
	T(relay_store_aside,      "relay.store.aside",      relay, "", "path") \
	T(relay_store_refused,    "relay.store.refused",    relay, "", "reason") \
	T(relay_store_writes,     "relay.store.writes",     relay, "groups", "")

#define TELEMETRY_MONITOR(T) \
	T(handler_detached, "telemetry.handler.detached", monitor, "failures", "handler reason") \
	T(history_loaded,  "monitor.history.loaded",  monitor, "fine coarse", "") \
	T(history_aside,   "monitor.history.aside",   monitor, "", "path") \
	T(history_refused, "monitor.history.refused", monitor, "", "reason") \
	T(history_writes,  "monitor.history.writes",  monitor, "points", "")

#define TELEMETRY_NODES(T) \
	T(link_up,         "node.up",                  node, "", "node for") \
	T(link_lost,       "node.down",                node, "", "node reason for") \
	T(node_refused,    "node.refused",             node, "", "node url for reason") \
	T(client_cut,      "connection.cut",           connection, "unsent", "peer reason user why") \
	T(client_slow,     "connection.slow",          connection, "unsent budget", "peer") \
	T(listener_paused, "connection.accept.paused", connection, "clients descriptors", "") \
	T(call_killed,     "call.killed",              executor, "", "id service type") \
	T(kicked,          "connection.kicked",        connection, "closed", "user") \
	T(identity_claimed, "auth.identity.claimed",   auth, "", "peer user claimed roles") \
	T(auth_none,        "auth.none",               auth, "", "mode") \
	T(auth_keys,        "auth.keys",               auth, "keys skipped", "file") \
	T(auth_keys_broken, "auth.keys.broken",        auth, "kept", "file reason") \
	T(auth_refused,     "auth.refused",            auth, "", "peer reason unnoted#")

#define TELEMETRY_POOL_CALLS(T) \
	T(task_start,      "worker_pool.task.start",     worker_pool, "system_time", "pool_name worker_id command") \
	T(task_stop,       "worker_pool.task.stop",      worker_pool, "duration_us", "pool_name worker_id command") \
	T(task_exception,  "worker_pool.task.exception", worker_pool, "duration_us", "pool_name kind reason stacktrace worker_id command") \
	T(task_rejected,   "worker_pool.task.rejected",  worker_pool, "system_time", "pool_name reason command") \
	T(task_queued,     "worker_pool.task.queued",    worker_pool, "system_time queue_size", "pool_name command") \
	T(circuit_breaker_opened, "worker_pool.circuit_breaker.open",  worker_pool, "", "pool_name consecutive_failures# breaker cooldown_ms#") \
	T(circuit_breaker_closed, "worker_pool.circuit_breaker.close", worker_pool, "", "pool_name consecutive_failures# breaker cooldown_ms#") \
	T(pool_rejected,    "pool.rejected",         pool, "queue_size max_queue_size", "pool reason command") \
	T(pool_saturated,   "pool.saturated",        pool, "queue_size max_queue_size", "pool available_workers# busy_workers#") \
	T(capacity_reached, "pool.capacity_reached", pool, "capacity load", "pool worker_pid# profile rejected?") \
	T(call_dispatched,  "pool.call.dispatched",  pool, "system_time", "pool worker_id command queued?") \
	T(request_executed, "request.executed",      pool, "duration_us", "pool worker_id command success? aborted? streaming? reason") \
	T(queue_enqueued,   "pool.queue.enqueued",   pool, "queue_size", "pool command") \
	T(queue_dequeued,   "pool.queue.dequeued",   pool, "waited_ms", "pool command") \
	T(queue_timeout,    "pool.queue.timeout",    pool, "", "pool command reason") \
	T(pool_status,      "pool.status",           pool, "queue_depth available_workers busy_workers total_workers", "pool") \
	T(pool_not_found,   "pool.not_found",        pool, "", "command pool") \
	T(local_call_failed, "pool.call.failed",     pool, "", "pool worker_id command code error untold#") \
	T(call_retried,     "pool.call.retried",     pool, "attempt delay_ms", "pool command") \
	T(quarantined,      "pool.quarantined",      pool, "deaths for_ms", "pool command")

#define TELEMETRY_POOL_WORKERS(T) \
	T(pool_init_started,  "pool.init_started",      pool, "total_workers count", "") \
	T(pool_started,       "pool.started",           pool, "workers", "pool_name mode") \
	T(pool_stopped,       "pool.stopped",           pool, "", "pool_name mode reason") \
	T(pool_init_complete, "pool.init_complete",     pool, "duration_ms total_workers count ready", "") \
	T(pool_recommendation, "pool.recommendation",   pool, "", "pool_name what") \
	T(pool_warning,       "pool.warning",           pool, "", "pool what") \
	T(pool_door_closed,   "pool.door_closed",       pool, "workers", "pool") \
	T(worker_spawned,     "pool.worker.spawned",    worker, "", "worker_id life# mode pool_name worker_pid#") \
	T(worker_ready,       "pool.worker_ready",      worker, "after_ms", "worker_id pool_name worker_pid# mode life#") \
	T(worker_terminated,  "pool.worker.terminated", worker, "lifetime_ms total_commands", "worker_id reason pool_name worker_pid# planned? what") \
	T(worker_died,        "worker.died",            worker, "lifetime_ms total_commands", "worker_id reason pool_name worker_pid# planned? what") \
	T(worker_resting,     "worker.resting",         worker, "rest_ms", "worker_id probation?") \
	T(worker_recycled,    "worker.recycled",        worker, "count memory_mb", "worker_id pool reason uptime_seconds# request_count# memory_threshold_mb#") \
	T(worker_crash,       "worker.crash",           worker, "", "worker_id pool reason exit_code# device") \
	T(worker_tainted,     "worker.tainted",         worker, "duration_ms", "worker_id pool reason") \
	T(worker_restarted,   "worker.restarted",       worker, "", "worker_id pool") \
	T(worker_health_check_failed, "worker.health_check_failed", worker, "count", "worker_id pool reason") \
	T(runner_fault,       "worker.fault",           worker, "", "runner fault what") \
	T(runner_stuck,       "worker.stuck",           worker, "calls", "runner command") \
	T(runner_output,      "worker.output",          worker, "", "runner text") \
	T(strangers_killed,   "worker.strangers_killed", worker, "processes", "") \
	T(heartbeat_ping,     "heartbeat.ping_sent",     heartbeat, "missed_heartbeats", "worker_id worker_pid# dependent?") \
	T(heartbeat_pong,     "heartbeat.pong_received", heartbeat, "missed_heartbeats latency_ms latency_us", "worker_id worker_pid# dependent?") \
	T(heartbeat_timeout,  "heartbeat.heartbeat_timeout", heartbeat, "missed_heartbeats", "worker_id worker_pid# dependent?") \
	T(heartbeat_failure,  "heartbeat.monitor_failure",   heartbeat, "missed_heartbeats", "worker_id worker_pid# dependent? failure_reason")

#define TELEMETRY_PROCESSES(T) \
	T(starting,         "process.starting",         process, "", "") \
	T(ready,            "process.ready",            process, "after_ms", "") \
	T(stopping,         "process.stopping",         process, "", "signal from_pid# reason") \
	T(draining,         "process.draining",         process, "allowed_ms", "") \
	T(stopped,          "process.stopped",          process, "after_ms", "exit#") \
	T(cannot_start,     "process.cannot_start",     process, "", "exit# reason what error why") \
	T(invariant,        "process.invariant",        process, "", "") \
	T(crashed,          "process.crashed",          process, "", "") \
	T(settings_applied, "process.settings.applied", process, "", "generation#") \
	T(settings_refused, "process.settings.refused", process, "", "reason") \
	T(segment_unusable, "process.segment.unusable", process, "", "segment hint") \
	T(log_line,         "process.log.line",         process, "", "level event fields") \
	T(loop_lagged,      "process.loop.lagged",      process, "turn_ms", "") \
	T(resource_usage, "process.resource_usage", process, "", "level what") \
	T(memory_high,      "process.memory.high",      process, "", "") \
	T(command,          "process.command",          process, "", "op peer_uid# peer_pid#") \
	T(command_failed,   "process.command.failed",   process, "", "op peer_uid# peer_pid#") \
	T(message_refused,  "process.message.refused",  process, "", "reason uid#")

#define TELEMETRY_SUPERVISION(T) \
	T(tree_starting,       "supervision.tree.starting",       supervision, "", "life# generation#") \
	T(tree_ready,          "supervision.tree.ready",          supervision, "children max_restarts", "") \
	T(tree_stopping,       "supervision.tree.stopping",       supervision, "children", "") \
	T(tree_stopped,        "supervision.tree.stopped",        supervision, "children", "exit# reason") \
	T(guard_died,          "supervision.guard.died",          supervision, "", "") \
	T(supervisor_hung,     "supervision.supervisor.hung",     supervision, "", "signal") \
	T(takeover,            "supervision.takeover",            supervision, "", "supervisor#") \
	T(supervisor_died,     "supervision.supervisor.died",     supervision, "", "life# pid# exit# signal#") \
	T(listening,           "supervision.listening",           supervision, "", "runtime_dir state_dir") \
	T(monitor_listening,   "supervision.monitoring.listening", supervision, "", "url") \
	T(monitor_port_taken,  "supervision.monitoring.port_taken", supervision, "", "port# why") \
	T(monitor_not_listening, "supervision.monitoring.not_listening", supervision, "", "host why") \
	T(bus_not_listening,   "monitor.bus.not_listening",       supervision, "", "url why") \
	T(bus_failed,          "monitor.bus.failed",              supervision, "", "topic") \
	T(page_failed,         "monitor.page.failed",             supervision, "", "path error") \
	T(child_spawned,       "process.spawned",                 supervision, "restart_count", "child life# pid#") \
	T(child_ready,         "process.started",                 supervision, "after_ms restart_count", "child life# pid#") \
	T(child_died,          "process.died",                    supervision, "restart_count", "child pid# reason obituary") \
	T(child_stopped,       "process.ended",                   supervision, "restart_count", "child pid# reason obituary") \
	T(child_resting,       "process.restart",                 supervision, "rest_ms restart_count", "child") \
	T(child_hung,          "process.hung",                    supervision, "", "child life# pid# signal") \
	T(child_starved,       "process.starved",                 supervision, "", "child pid#") \
	T(child_deaf,          "process.deaf",                    supervision, "", "child life# pid#") \
	T(child_start_failed,  "process.start_failed",            supervision, "", "child life# pid#") \
	T(child_given_up,      "process.given_up",                supervision, "restart_count", "child reason") \
	T(child_probation,     "process.probation",               supervision, "rest_ms restart_count", "child") \
	T(child_recycled,      "process.recycled",                supervision, "", "child life# why") \
	T(child_paused,        "process.paused",                  supervision, "", "child") \
	T(child_resumed,       "process.resumed",                 supervision, "", "child") \
	T(spawn_failed,        "process.spawn_failed",            supervision, "restart_count", "child pid# reason obituary program why") \
	T(escalated,           "supervision.escalated",           supervision, "", "child to") \
	T(supervision_proven,   "supervision.proven",             supervision, "took_us", "life# state") \
	T(supervision_unproven, "supervision.unproven",           supervision, "took_us", "life# state") \
	T(storm,               "supervision.storm",               supervision, "waits_ms", "") \
	T(storm_over,          "supervision.storm_over",          supervision, "put_off", "") \
	T(gap,                 "supervision.gap",                 supervision, "ms gaps", "") \
	T(order,               "supervision.order",               supervision, "", "order# role instance#") \
	T(target_denied,       "executor.target.denied",          executor, "", "service request_type") \
	T(admin_denied,        "supervision.admin.denied",        supervision, "", "op action uid# pid#") \
	T(order_refused,       "supervision.order.refused",       supervision, "", "") \
	T(reload,              "supervision.reload",              supervision, "", "file") \
	T(reload_done,         "supervision.reload.done",         supervision, "", "") \
	T(reload_failed,       "supervision.reload.failed",       supervision, "", "why") \
	T(obituary_unwritten,  "supervision.obituary.unwritten",  supervision, "", "child error why") \
	T(endpoints_unwritten, "supervision.endpoints.unwritten", supervision, "", "file error") \
	T(record_refused,      "supervision.record.refused",      supervision, "refused", "child to order#")

#define TELEMETRY_TRACES(T) \
	T(trace_hop,   "trace.hop",   trace, "us", "trace span stage") \
	T(traces_full, "trace.full", trace, "", "when") \
	T(tracer_degraded, "trace.tracer.degraded", trace, "", "folder") \
	T(trace_facts, "trace.facts", trace, "", "trace span at# of# text")

#define TELEMETRY(T) \
	TELEMETRY_EXECUTOR(T) \
	TELEMETRY_HOOKS(T) \
	TELEMETRY_LIMITS(T) \
	TELEMETRY_CONFIG(T) \
	TELEMETRY_RELAY(T) \
	TELEMETRY_MONITOR(T) \
	TELEMETRY_NODES(T) \
	TELEMETRY_POOL_CALLS(T) \
	TELEMETRY_POOL_WORKERS(T) \
	TELEMETRY_PROCESSES(T) \
	TELEMETRY_SUPERVISION(T) \
	TELEMETRY_TRACES(T)

/* Categories, in the order in which they are listed. */
#define TELEMETRY_CATEGORIES(C) \
	C(executor) C(permission) C(stream) C(rate_limiter) C(hooks) \
	C(worker_pool) C(config) C(relay) C(monitor) C(node) C(connection) C(auth) \
	C(pool) C(worker) C(heartbeat) C(process) C(supervision) C(trace)

// clang-format on
#endif /* PROTOCOL_TABLES_TELEMETRY_H */
