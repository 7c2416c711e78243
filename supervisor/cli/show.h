// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_SHOW_H
#define SUPERVISOR_CLI_SHOW_H

/*
 * show - one page for each answer. A page is made from the msgpack result and
 * nothing else, so a test can make it from bytes.
 *
 * Trust:  results have passed pack_check; fields that are missing or of
 *         another type show as empty: an older tree must stay readable.
 * Owner:  no memory but the view's.
 */

#include "supervisor/cli/cli.h"
#include "supervisor/cli/view.h"

typedef enum cli_exit show_page(struct view *, struct text result);

/* show_page_of finds the page of an op; every op has one. */
show_page *show_page_of(const char *op);

/* exit_of gives the exit code an answer means, shown or printed as JSON. */
enum cli_exit show_exit_of(const char *op, struct text result);

show_page show_tree;     /* show_tree.c */
show_page show_overview; /* show_overview.c */
show_page show_processes;
show_page show_top;
show_page show_why;     /* show_why.c */
show_page show_health;  /* show_health.c */
show_page show_checkup; /* show_checkup.c */
enum cli_exit show_checkup_exit(struct text result);
show_page show_stats; /* show_stats.c */
/* show_functions adds the functions' figures to it; show_functions.c */
void show_functions(struct view *, struct text result);
show_page show_debug; /* show_debug.c */
show_page show_cluster;
show_page show_flow; /* show_flow.c */
show_page show_flows;
show_page show_inspect_request;
show_page show_conns; /* show_inflight.c */
show_page show_calls;
show_page show_conn_killed;
show_page show_call_killed;
show_page show_kicked;
show_page show_reload; /* show_orders.c */
show_page show_order;
show_page show_pools; /* show_pools.c */
show_page show_lifecycle;
show_page show_pools_check;
show_page show_pools_plan;
show_page show_quarantine;
show_page show_inspect; /* show_inspect.c */
show_page show_scaling; /* show_scaling.c */
show_page show_revoked; /* show_revoked.c */
show_page show_groups;  /* show_groups.c */
show_page show_group;
show_page show_audit; /* show_relay.c */
enum cli_exit show_audit_exit(struct text result);
show_page show_slow;        /* show_slow.c */
show_page show_history;     /* show_history.c */
show_page show_log_summary; /* show_log.c */
show_page show_trace;       /* show_traces.c */
show_page show_trace_status;
show_page show_trace_tail;
show_page show_monitor_status; /* show_monitor.c */
show_page show_namespaces;
show_page show_export_lag;
show_page show_value; /* show_value.c: any shape, as a table or a list */

/* show_json prints a value as one line of JSON on standard output. */
void show_json(struct text value);

/* show_health_next: what to type about the worst of health's checks. */
struct text show_health_next(struct text checks);

/* show_was_killed: one of the gateways had what was to be ended. */
bool show_was_killed(struct text result);

/* show_was_kicked: somebody was there to be; of everybody nobody needs be. */
bool show_was_kicked(struct text result);

/* Fields with a default, for pages. */
struct text show_text(struct text map, const char *key);
uint64_t show_u64(struct text map, const char *key);
bool show_bool(struct text map, const char *key);
double show_f64(struct text map, const char *key);
/* show_array opens an array field; 0 items when it is none. */
struct unpacker;
uint32_t show_array(struct text map, const char *key, struct unpacker *);
struct text show_map(struct text map, const char *key);
struct text show_child_name(struct arena *, struct text child);
/* The same with the role under another key. */
struct text show_instance(struct arena *, struct text child, const char *key);
enum colour show_state_colour(struct text state);

#endif /* SUPERVISOR_CLI_SHOW_H */
