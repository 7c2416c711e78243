// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_EVENTS_H
#define PROTOCOL_TABLES_EVENTS_H
// clang-format off

/*
 * events - everything worth a line, one row each.
 *
 * E(name, level, when, meaning)
 *   level    of the log line: DEBUG INFO WARN ERROR FATAL
 *   when     LIFE    always in the ring: life and death, and what explains it
 *            MASKED  in the ring while its bit of the attach mask is set
 *   meaning  what an operator should make of it
 * Used as: event_note(EVENT_ready, "after_ms=%u", ms). The ring keeps the last
 * records of every process; a dead one's end up in its obituary. How those
 * who attach to it see an event stands in tables/telemetry.h: one row more.
 */
#define EVENTS(E) \
	/* every process */ \
	E(starting,           INFO,  LIFE,   "a life begins") \
	E(ready,              INFO,  LIFE,   "it takes work") \
	E(stopping,           INFO,  LIFE,   "it was asked to stop") \
	E(draining,           INFO,  LIFE,   "it finishes what is in flight and takes nothing new") \
	E(stopped,            INFO,  LIFE,   "a life ends as asked") \
	E(cannot_start,       FATAL, LIFE,   "the world is wrong: the exit code and the text say how") \
	E(invariant,          FATAL, LIFE,   "we are wrong: please report it with the obituary") \
	E(crashed,            FATAL, LIFE,   "a signal ended it; the backtrace follows") \
	E(settings_applied,   INFO,  LIFE,   "new settings are in force") \
	E(settings_refused,   WARN,  LIFE,   "new settings were not taken; the old ones stay") \
	E(segment_unusable,   ERROR, LIFE,   "a segment is not what it should be") \
	E(loop_lagged,        WARN,  LIFE,   "a turn took too long") \
	E(resource_usage,     WARN,  LIFE,   "memory or processes are over a threshold of health.thresholds") \
	E(memory_high,        WARN,  LIFE,   "memory is near its limit") \
	E(command,            DEBUG, MASKED, "an operator's command was answered") \
	E(command_failed,     DEBUG, MASKED, "an operator's command could not be answered") \
	E(message_refused,    WARN,  MASKED, "another process sent what makes no sense") \
	E(log_line,           DEBUG, MASKED, "a line of the log, while somebody reads along: `banyan log tail` prints it") \
	/* tracing: only of requests that an operator's trace is after */ \
	E(trace_hop,          DEBUG, MASKED, "a stage of a traced request; `banyan trace show` orders them") \
	E(traces_full,        WARN,  LIFE,   "names of traces and tracer keys are too many or too long together; what was in force stays") \
	E(tracer_degraded,    WARN,  LIFE,   "the disk does not take the request tracer's lines: they wait, then they are lost and counted") \
	E(trace_facts,        DEBUG, MASKED, "a piece of what a traced request is about") \
	/* guard and supervisor */ \
	E(tree_starting,      INFO,  LIFE,   "the tree is being started") \
	E(tree_ready,         INFO,  LIFE,   "every child that should be is up") \
	E(tree_stopping,      INFO,  LIFE,   "the tree is being stopped") \
	E(tree_stopped,       INFO,  LIFE,   "no child is left") \
	E(supervision_proven, INFO, LIFE,  "a canary was killed and is back: deaths are seen and followed by another life") \
	E(supervision_unproven, ERROR, LIFE, "a canary did not come back: deaths may go unseen, or nothing can be started") \
	E(guard_died,         ERROR, LIFE,   "the guard is gone; the tree goes on without it") \
	E(supervisor_hung,    ERROR, LIFE,   "the supervisor's loop stood still and it was killed") \
	E(takeover,           WARN,  LIFE,   "an earlier guard is gone; its tree is asked to end") \
	E(supervisor_died,    ERROR, LIFE,   "the guard starts another supervisor") \
	E(listening,          INFO,  LIFE,   "the clients' port is open") \
	E(monitor_listening,  INFO,  LIFE,   "the operators' HTTP is open") \
	E(monitor_port_taken, WARN,  LIFE,   "the operators' HTTP takes a free port instead of the one the settings name") \
	E(monitor_not_listening, WARN, LIFE, "no port for the operators' HTTP: the tree runs without; see monitoring.host") \
	E(bus_not_listening,  WARN,  LIFE,   "an address of the bus cannot be listened at; all else goes on") \
	E(handler_detached,   WARN,  LIFE,   "a handler of telemetry.handlers failed five times in a row: it gets no more events until the settings are read again") \
	E(bus_failed,         WARN,  LIFE,   "a message could not be published; from now on they are only counted") \
	E(page_failed,        ERROR, LIFE,   "a page of the monitor could not be told") \
	E(child_spawned,      INFO,  LIFE,   "a child was exec'ed") \
	E(child_ready,        INFO,  LIFE,   "a child takes work") \
	E(child_died,         WARN,  LIFE,   "a child ended; the obituary has why") \
	E(child_stopped,      INFO,  LIFE,   "a child ended as asked") \
	E(child_resting,      INFO,  LIFE,   "a child rests before its next life") \
	E(child_hung,         WARN,  LIFE,   "a child's loop stood still and it was killed") \
	E(child_starved,      WARN,  LIFE,   "a child wants the processor and does not get it: slow, not hung") \
	E(child_deaf,         WARN,  LIFE,   "a child did not end on TERM") \
	E(child_start_failed, WARN,  LIFE,   "a child did not say READY in time") \
	E(child_given_up,     ERROR, LIFE,   "a child stays down until an operator or new settings say otherwise") \
	E(child_probation,    ERROR, LIFE,   "a child dies too often and is tried at long intervals") \
	E(child_recycled,     INFO,  LIFE,   "a child that is too big or too old is drained and replaced") \
	E(child_paused,       INFO,  LIFE,   "supervision of a child rests for a debugger") \
	E(child_resumed,      INFO,  LIFE,   "a paused child is supervised again") \
	E(spawn_failed,       ERROR, LIFE,   "the system refused a fork or an exec") \
	E(escalated,          ERROR, LIFE,   "restarts exceeded the intensity") \
	E(storm,              ERROR, LIFE,   "restarts are held back: too many at once") \
	E(storm_over,         INFO,  LIFE,   "restarts go on") \
	E(gap,                WARN,  LIFE,   "the supervisor itself stood still; deadlines were moved") \
	E(order,              INFO,  LIFE,   "an operator's order was taken") \
	E(order_refused,      WARN,  LIFE,   "an operator's order could not be taken") \
	E(reload,             INFO,  LIFE,   "the settings are read again") \
	E(reload_done,        INFO,  LIFE,   "what came of new settings") \
	E(reload_failed,      WARN,  LIFE,   "the settings are broken; nothing changed") \
	E(obituary_unwritten, WARN,  LIFE,   "an obituary could not be kept on disk") \
	E(endpoints_unwritten, WARN, LIFE,   "endpoints.json could not be written") \
	E(record_refused,     WARN,  LIFE,   "a record from a child made no sense") \
	E(target_denied,      WARN,  LIFE,   "a function is not callable: security.allowed_targets no longer allows what it runs") \
	/* control */ \
	E(admin_denied,       WARN,  LIFE,   "an operator asked for what security.admin_actions does not allow") \
	/* gateway */ \
	E(listener_paused,    WARN,  LIFE,   "no descriptor is left for clients: they wait in the kernel") \
	E(client_cut,         INFO,  MASKED, "a client was closed by us, and why") \
	E(identity_claimed,   INFO,  MASKED, "a verified client named another user or roles in a call; once for each client") \
	E(request_start,      DEBUG, MASKED, "a call came in") \
	E(request_stop,       DEBUG, MASKED, "a call was answered, well or with an error; success says which") \
	E(request_exception,  DEBUG, MASKED, "a call ended in an error, and which") \
	E(request_slow,       WARN,  MASKED, "a call took longer than telemetry.slow_request_us; 20 lines a second, the rest is counted") \
	E(stream_start,       DEBUG, MASKED, "a stream was begun") \
	E(stream_stop,        DEBUG, MASKED, "a stream ended, and why") \
	E(limit_check,        DEBUG, MASKED, "the limits of a call were looked at") \
	E(limit_exceeded,     DEBUG, MASKED, "a call was refused by a limit") \
	E(retry,              DEBUG, MASKED, "a call that failed is tried again") \
	E(retry_exhausted,    WARN,  MASKED, "a call failed after all its attempts; 20 lines a second, the rest is counted") \
	E(permission_denied,  WARN,  MASKED, "a caller may not call that function; 20 lines a second, the rest is counted") \
	E(auth_none,          INFO,  LIFE,   "auth.mode is none: nobody is asked who he is, every session is unverified") \
	E(auth_keys,          INFO,  LIFE,   "tokens are verified with these keys from now on") \
	E(auth_keys_broken,   WARN,  LIFE,   "the key file cannot be taken; the keys before stay, without any every token is refused") \
	E(call_killed,        WARN,  LIFE,   "an operator ended a call") \
	E(kicked,             INFO,  LIFE,   "an operator closed the sockets of a user, or all") \
	E(auth_refused,       INFO,  MASKED, "a client was not let in, or not refreshed, and why") \
	E(hook_before_start,     DEBUG, MASKED, "a before hook was asked about a call") \
	E(hook_before_stop,      DEBUG, MASKED, "a before hook answered: the call goes on or is rejected") \
	E(hook_before_exception, WARN,  MASKED, "a before hook failed or took too long: its call is rejected") \
	E(hook_after_start,      DEBUG, MASKED, "an after hook was shown a response") \
	E(hook_after_stop,       DEBUG, MASKED, "an after hook answered: it kept or replaced the response") \
	E(hook_after_exception,  WARN,  MASKED, "an after hook failed or took too long: the response stays as it was") \
	E(result_encode_exception, WARN, MASKED, "a result encoder failed or took too long: its call fails") \
	E(hook_unregistered,     WARN,  MASKED, "a function names a hook that `hooks` does not have: its calls are refused") \
	E(client_slow,        INFO,  MASKED, "a client reads too slowly and was told; at its budget it is cut") \
	E(store_unreadable,   WARN,  LIFE,   "the function table could not be read; the last good one is used") \
	E(link_up,            INFO,  LIFE,   "a service node carries calls") \
	E(link_lost,          WARN,  LIFE,   "a service node is gone, and why; calls it had are settled") \
	E(node_refused,       WARN,  LIFE,   "a node may not be dialled: see security.node_urls") \
	/* config_db */ \
	E(store_refused,      ERROR, LIFE,   "the disk refuses writes; the last good function table is kept") \
	E(persist_failed,     ERROR, LIFE,   "an operator asked for the disk, and it refused") \
	E(store_writes,       INFO,  LIFE,   "the disk takes writes again") \
	E(config_push,        DEBUG, MASKED, "a service pushed its functions") \
	E(config_add,         DEBUG, MASKED, "a function was added or replaced") \
	E(config_batch_add,   DEBUG, MASKED, "the functions of a service came together") \
	E(config_delete,      DEBUG, MASKED, "a function was deleted") \
	E(config_clear,       DEBUG, MASKED, "every function was deleted") \
	E(config_disable,     DEBUG, MASKED, "a function was disabled") \
	E(config_enable,      DEBUG, MASKED, "a function was enabled again") \
	/* puller */ \
	E(pull_start,         DEBUG, MASKED, "a service is asked for its functions") \
	E(pull_stop,          DEBUG, MASKED, "that ended; result says how") \
	E(service_failed,     WARN,  LIFE,   "the functions of a service cannot be fetched; those kept stay usable") \
	E(service_recovered,  INFO,  LIFE,   "the functions of a service can be fetched again") \
	E(service_renamed,    WARN,  LIFE,   "functions named another service than their own; corrected") \
	E(pull_recovered,     INFO,  LIFE,   "after rounds in which every service failed, one answered") \
	/* relay */ \
	E(relay_group_create,     DEBUG, MASKED, "a group was created") \
	E(relay_group_delete,     DEBUG, MASKED, "a group was deleted, or was empty for too long") \
	E(relay_member_join,      DEBUG, MASKED, "a member joined; its status says whether it waits") \
	E(relay_member_leave,     DEBUG, MASKED, "a member left, or an operator ended it") \
	E(relay_member_accept,    DEBUG, MASKED, "a waiting member was let in") \
	E(relay_member_mute,      DEBUG, MASKED, "a member was muted") \
	E(relay_member_unmute,    DEBUG, MASKED, "a member is no longer muted") \
	E(relay_member_down,      DEBUG, MASKED, "a membership ended with its socket, channel or gateway") \
	E(relay_member_promote,   DEBUG, MASKED, "a member became an admin because the group had lost its last") \
	E(relay_message_sent,     DEBUG, MASKED, "a message went to a group") \
	E(relay_message_rejected, DEBUG, MASKED, "a message was refused; status says why") \
	E(relay_gateway,          INFO,  LIFE,   "a gateway takes messages for its clients") \
	E(relay_gateway_left,     INFO,  LIFE,   "a gateway left as it was asked to, and with it its clients' memberships") \
	E(relay_gateway_gone,     WARN,  LIFE,   "a gateway's life is over, and with it its clients' memberships") \
	E(relay_audit,            DEBUG, MASKED, "memberships and groups were held against what gateways have and what is stored") \
	E(relay_audit_found,      WARN,  LIFE,   "an audit found what should not be: see `banyan relay audit`") \
	E(relay_store_aside,      ERROR, LIFE,   "the store of groups was damaged; it was moved aside and a new one begun") \
	E(relay_store_refused,    ERROR, LIFE,   "the disk refuses writes; groups live in memory until it takes them") \
	E(relay_store_writes,     INFO,  LIFE,   "the disk takes writes again; all groups are on it") \
	/* monitor */ \
	E(history_loaded,     INFO,  LIFE,   "the history of earlier lives was read") \
	E(history_aside,      ERROR, LIFE,   "the store of the history was damaged; it was moved aside and a new one begun") \
	E(history_refused,    ERROR, LIFE,   "the disk refuses the history, or does not answer; it lives in memory until it is taken") \
	E(history_writes,     INFO,  LIFE,   "the disk takes the history again; all of it is there") \
	/* rate_limiter */ \
	E(limits_in_force,    INFO,  LIFE,   "the limits that hold from now on") \
	E(limits_cleanup,     DEBUG, MASKED, "the limit table was swept") \
	E(limit_reset,        DEBUG, MASKED, "what a key had used was forgotten") \
	E(limits_full,        WARN,  LIFE,   "the limit table is nearly full: calls of new keys will be refused") \
	E(limits_repaired,    WARN,  LIFE,   "slots with impossible times were given back") \
	/* worker_pool: runners */ \
	E(pool_init_started,  INFO,  LIFE,   "the pools and their runners are being started") \
	E(pool_started,       INFO,  LIFE,   "a pool has its runners started") \
	E(pool_stopped,       INFO,  LIFE,   "a pool ends with its runners") \
	E(pool_init_complete, INFO,  LIFE,   "every runner that could start has") \
	E(pool_recommendation, INFO, LIFE,   "what the inspector would change about a pool, every pools.recommendations.report_interval_s") \
	E(pool_warning,       WARN,  LIFE,   "a pool is not what its settings asked for, and why") \
	E(pool_door_closed,   WARN,  LIFE,   "no runner of a pool is ready, and none will be soon: its calls are refused at once") \
	E(worker_spawned,     INFO,  LIFE,   "a runner was exec'ed") \
	E(worker_ready,       INFO,  LIFE,   "a runner said HELLO and takes calls") \
	E(worker_terminated,  INFO,  LIFE,   "a runner ended as asked") \
	E(worker_died,        WARN,  LIFE,   "a runner ended; the obituary has why") \
	E(worker_resting,     INFO,  LIFE,   "a runner rests before its next life") \
	E(worker_recycled,    INFO,  LIFE,   "a runner is drained and replaced: age, calls, memory, or an operator") \
	E(worker_crash,       WARN,  LIFE,   "a runner crashed, and what kind of crash it was") \
	E(worker_tainted,     WARN,  LIFE,   "a runner gets no calls for a while after its crash") \
	E(worker_restarted,   INFO,  LIFE,   "a tainted runner is ready again") \
	E(worker_health_check_failed, WARN, LIFE, "a runner could not be looked at") \
	E(runner_fault,       WARN,  LIFE,   "a runner broke the protocol and is killed") \
	E(runner_stuck,       WARN,  LIFE,   "a runner does not come back from its calls and is killed") \
	E(runner_output,      INFO,  MASKED, "a line that a runner printed") \
	E(strangers_killed,   WARN,  LIFE,   "processes that a dead runner had left behind") \
	E(heartbeat_ping,     DEBUG, MASKED, "a runner is asked whether it lives") \
	E(heartbeat_pong,     DEBUG, MASKED, "a runner answered its heartbeat") \
	E(heartbeat_timeout,  WARN,  MASKED, "a runner missed a heartbeat") \
	E(heartbeat_failure,  WARN,  LIFE,   "a runner missed too many heartbeats") \
	/* worker_pool: calls */ \
	E(pool_status,        DEBUG, MASKED, "a pool's queue and workers, every 10 s") \
	E(pool_saturated,     WARN,  MASKED, "a pool refused calls: its queue is full (once a second at most)") \
	E(capacity_reached,   DEBUG, MASKED, "a runner has as many calls as it takes") \
	E(call_dispatched,    DEBUG, MASKED, "a call was given to a runner") \
	E(request_executed,   DEBUG, MASKED, "a call ended on its runner, or was given up") \
	E(local_call_failed,  INFO,  MASKED, "a local function failed: the code and text that clients do not see") \
	E(call_retried,       INFO,  MASKED, "a call that was lost with its runner is tried again") \
	E(pool_not_found,     WARN,  MASKED, "a function names a pool that is not in pools.list") \
	E(task_start,         DEBUG, MASKED, "a call is run by a pool") \
	E(task_stop,          DEBUG, MASKED, "a call ended well on its runner") \
	E(task_exception,     DEBUG, MASKED, "a call failed on its runner, or with it; kind says how") \
	E(task_rejected,      DEBUG, MASKED, "a pool took no call: its circuit breaker is open") \
	E(task_queued,        DEBUG, MASKED, "a call waits in a pool") \
	E(pool_rejected,      DEBUG, MASKED, "a pool took no call, and why") \
	E(queue_enqueued,     DEBUG, MASKED, "a call waits for a runner") \
	E(queue_dequeued,     DEBUG, MASKED, "a call that waited was given to a runner") \
	E(queue_timeout,      WARN,  MASKED, "a call waited too long and was refused") \
	E(circuit_breaker_opened, WARN, LIFE, "too many failures in a row: no calls for a while") \
	E(circuit_breaker_closed, INFO, LIFE, "a trial call went well: calls go on") \
	E(quarantined,        WARN,  LIFE,   "a call that kills its runners is refused from now on")

// clang-format on
#endif /* PROTOCOL_TABLES_EVENTS_H */
