// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TABLES_LOGS_H
#define PROTOCOL_TABLES_LOGS_H
// clang-format off

/*
 * logs - what of the log can be switched, and what its lines look like.
 *
 * SC(scope, name, meaning)
 *   a scope turns on debug lines of one matter, whatever the level; an
 *   operator names it whole, by a prefix, or with `banyan.` in front
 * SE(event, scope)
 *   the DEBUG events that are lines of a scope
 * SD(switch, suffix, meaning)
 *   diagnostics for a hunt: lines `[DIAG_<suffix>] key=value …` at WARN,
 *   switched by BANYAN_DEBUG_<suffix>=1 in the environment of banyand, or as
 *   a scope of that name
 * LK(event, kind)
 *   the colour of an event on a terminal, where its level does not say it
 * LB(event, component, title, rows)
 *   the box drawn on a terminal when that happens, see base/log_text.h;
 *   `system` or the component whose log.components.<name>.terminal allows it
 */
#define LOG_SCOPE_TABLE(SC) \
	SC(supervisor_spawn,    "supervisor.spawn",    "which program is started, as what") \
	SC(supervisor_restart,  "supervisor.restart",  "why a child gets another life now, or rests") \
	SC(supervisor_shutdown, "supervisor.shutdown", "the order in which children are asked to end") \
	SC(config_db_store,     "config_db.store",     "what was put into the function table") \
	SC(config_db_persist,   "config_db.persist",   "when it became durable, and how long that took") \
	SC(puller_pull,         "puller.pull",         "what services answered when asked for their functions") \
	SC(puller_registry,     "puller.registry",     "when which service is asked next") \
	SC(rate_limiter_window, "rate_limiter.window", "sweeps of the limit table") \
	SC(rate_limiter_config, "rate_limiter.config", "the limits as they were read") \
	SC(pool_dispatch,       "pool.dispatch",       "calls given to runners, and their ends") \
	SC(pool_queue,          "pool.queue",          "calls that wait for a runner") \
	SC(pool_worker,         "pool.worker",         "pools and how busy their runners are") \
	SC(pool_lifecycle,      "pool.lifecycle",      "which runners are due to be replaced") \
	SC(pool_heartbeat,      "pool.heartbeat",      "answers to heartbeats") \
	SC(pool_capacity,       "pool.capacity",       "runners that take no more calls") \
	SC(relay_group,         "relay.group",         "groups and memberships that come and go") \
	SC(relay_delivery,      "relay.delivery",      "messages relayed and refused") \
	SC(gateway_ws,          "gateway.ws",          "clients that come and go") \
	SC(gateway_decode,      "gateway.decode",      "calls as they were read") \
	SC(gateway_route,       "gateway.route",       "the node a call was given to") \
	SC(gateway_permission,  "gateway.permission",  "who may and who may not") \
	SC(gateway_stream,      "gateway.stream",      "streams that begin and end") \
	SC(monitor_health,      "monitor.health",      "what the health checker finds") \
	SC(monitor_discovery,   "monitor.discovery",   "services as the puller lists them") \
	SC(net_connect,         "net.connect",         "service nodes dialled") \
	SC(net_listen,          "net.listen",          "sockets opened for others to connect to")

#define LOG_SCOPE_EVENTS(SE) \
	SE(relay_group_create,     relay_group) \
	SE(relay_group_delete,     relay_group) \
	SE(relay_member_join,      relay_group) \
	SE(relay_member_leave,     relay_group) \
	SE(relay_member_accept,    relay_group) \
	SE(relay_member_mute,      relay_group) \
	SE(relay_member_unmute,    relay_group) \
	SE(relay_member_down,      relay_group) \
	SE(relay_member_promote,   relay_group) \
	SE(relay_message_sent,     relay_delivery) \
	SE(relay_message_rejected, relay_delivery) \
	SE(limits_cleanup,         rate_limiter_window) \
	SE(heartbeat_ping,         pool_heartbeat) \
	SE(heartbeat_pong,         pool_heartbeat) \
	SE(pool_status,            pool_worker) \
	SE(capacity_reached,       pool_capacity) \
	SE(call_dispatched,        pool_dispatch) \
	SE(request_executed,       pool_dispatch) \
	SE(queue_enqueued,         pool_queue) \
	SE(queue_dequeued,         pool_queue) \
	SE(retry,                  gateway_route)

#define LOG_SWITCH_TABLE(SD) \
	SD(peer_dial,        "PEER_DIAL",        "each attempt to reach a service node, and how it ended") \
	SD(peer_dial_policy, "PEER_DIAL_POLICY", "how long a lost node is left alone, and why") \
	SD(discovery_loop,   "DISCOVERY_LOOP",   "which services the puller asks, once a second at most") \
	SD(catalog_snapshot, "CATALOG_SNAPSHOT", "the function table as gateways read it") \
	SD(pool_queue,       "POOL_QUEUE",       "queues and room of each pool") \
	SD(heartbeat,        "HEARTBEAT",        "heartbeats of runners, missed ones too") \
	SD(pull,             "PULL",             "each question to a service, and its answer")

#define LOG_KINDS(LK) \
	LK(starting,           SUCCESS) \
	LK(ready,              SUCCESS) \
	LK(listening,          SUCCESS) \
	LK(tree_starting,      SUCCESS) \
	LK(tree_ready,         SUCCESS) \
	LK(child_spawned,      SUCCESS) \
	LK(child_ready,        SUCCESS) \
	LK(link_up,            SUCCESS) \
	LK(pool_init_started,  SUCCESS) \
	LK(pool_started,       SUCCESS) \
	LK(pool_stopped,       FAILURE) \
	LK(pool_init_complete, SUCCESS) \
	LK(worker_spawned,     ACTIVATION) \
	LK(worker_ready,       ACTIVATION) \
	LK(worker_restarted,   ACTIVATION) \
	LK(stopping,           FAILURE) \
	LK(stopped,            FAILURE) \
	LK(tree_stopping,      FAILURE) \
	LK(tree_stopped,       FAILURE) \
	LK(child_stopped,      FAILURE) \
	LK(worker_terminated,  FAILURE) \
	LK(draining,           ACTION) \
	LK(command,            ACTION) \
	LK(order,              ACTION) \
	LK(reload,             ACTION) \
	LK(reload_done,        ACTION) \
	LK(kicked,             ACTION) \
	LK(child_recycled,     ACTION) \
	LK(worker_recycled,    ACTION) \
	LK(settings_applied,   ACTION) \
	LK(relay_message_sent, ACTION) \
	LK(call_dispatched,    ACTION) \
	LK(pool_status,        HEALTH) \
	LK(heartbeat_ping,     HEALTH) \
	LK(heartbeat_pong,     HEALTH) \
	LK(heartbeat_timeout,  HEALTH) \
	LK(loop_lagged,        HEALTH) \
	LK(memory_high,        HEALTH) \
	LK(child_starved,      HEALTH)

#define LOG_BOX_TABLE(LB) \
	LB(tree_ready,   system, "SYSTEM STARTED", "message==every child is up,Components=children,Max Restarts=max_restarts,PID=@pid") \
	LB(tree_stopped, system, "SYSTEM STOPPED", "message==no child is left,Components=children,Reason=reason,PID=@pid") \
	LB(pool_started, worker_pool, "POOL STARTED", "Pool Name=pool_name,Store ID=@who,Topic=mode,Workers=workers,PID=@pid") \
	LB(pool_stopped, worker_pool, "POOL STOPPED", "Pool Name=pool_name,Store ID=@who,Topic=mode,Reason=reason,PID=@pid") \
	LB(worker_ready, worker_pool, "WORKER ACTIVATED", "Topic=pool_name,Store=@who,Scheduler=mode,PID=worker_pid,Subscriber=worker_id") \
	LB(worker_terminated, worker_pool, "WORKER TERMINATED", "Reason=reason,Store=@who,Selector=pool_name,Subscriber=worker_id,PID=worker_pid") \
	LB(worker_died,  worker_pool, "WORKER TERMINATED", "Reason=reason,Store=@who,Selector=pool_name,Subscriber=worker_id,PID=worker_pid")

// clang-format on
#endif /* PROTOCOL_TABLES_LOGS_H */
