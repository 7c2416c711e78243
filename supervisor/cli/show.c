// SPDX-License-Identifier: MIT
#include "supervisor/cli/show.h"

#include <stdio.h>
#include <string.h>

#include "protocol/json_out.h"
#include "protocol/pack.h"

enum {
	SHOW_JSON_BYTES = 64 << 20
};

static const struct {
	const char *op;
	show_page *page;
} pages[] = {
    {"tree", show_tree},
    {"why", show_why},
    {"overview", show_overview},
    {"processes", show_processes},
    {"top", show_top},
    {"health", show_health},
    {"health.check", show_checkup},
    {"stats", show_stats},
    {"flow", show_flow},
    {"flows", show_flows},
    {"inspect", show_inspect_request},
    {"conns.list", show_conns},
    {"conns.kill", show_conn_killed},
    {"calls.list", show_calls},
    {"calls.kill", show_call_killed},
    {"kick", show_kicked},
    {"debug", show_debug},
    {"cluster", show_cluster},
    {"reload", show_reload},
    {"start", show_order},
    {"stop", show_order},
    {"restart", show_order},
    {"pause", show_order},
    {"resume", show_order},
    {"drain", show_order},
    {"shutdown", show_order},
    {"pools", show_pools},
    {"pools.inspect", show_inspect},
    {"pools.lifecycle", show_lifecycle},
    {"pools.check", show_pools_check},
    {"pools.plan", show_pools_plan},
    {"quarantine.list", show_quarantine},
    {"diagnose.scaling", show_scaling},
    {"trace", show_trace},
    {"trace.show", show_trace},
    {"trace.status", show_trace_status},
    {"trace.tail", show_trace_tail},
    {"history", show_history},
    {"log.summary", show_log_summary},
    {"groups.list", show_groups},
    {"revoke.list", show_revoked},
    {"slow", show_slow},
    {"groups.show", show_group},
    {"relay.audit", show_audit},
    {"monitor.status", show_monitor_status},
    {"report.namespace-health", show_namespaces},
    {"report.export-lag", show_export_lag},
};

show_page *
show_page_of(const char *op)
{
	for (size_t i = 0; i < COUNT_OF(pages); i++)
		if (strcmp(pages[i].op, op) == 0)
			return pages[i].page;
	return show_value;
}

enum cli_exit
show_exit_of(const char *op, struct text result)
{
	struct text status;

	status = show_text(result, "status");
	if (strcmp(op, "diagnose.scaling") == 0)
		return text_is(status, "ok") || text_is(status, "info")
		    ? CLI_OK
		    : CLI_DEGRADED;
	if (strcmp(op, "conns.kill") == 0 || strcmp(op, "calls.kill") == 0)
		return show_was_killed(result) ? CLI_OK : CLI_DEGRADED;
	if (strcmp(op, "kick") == 0)
		return show_was_kicked(result) ? CLI_OK : CLI_DEGRADED;
	if (strcmp(op, "flow") == 0 || strcmp(op, "pools.inspect") == 0)
		return show_text(result, "error").len > 0 ? CLI_DEGRADED
							  : CLI_OK;
	if (strcmp(op, "inspect") == 0)
		return text_is(
			   show_text(show_map(result, "prediction"), "outcome"),
			   "refused")
		    ? CLI_DEGRADED
		    : CLI_OK;
	if (strcmp(op, "pools.check") == 0)
		return text_is(status, "ok") ? CLI_OK : CLI_DEGRADED;
	if (strcmp(op, "health.check") == 0)
		return show_checkup_exit(result);
	if (strcmp(op, "relay.audit") == 0)
		return show_audit_exit(result);
	if (strcmp(op, "health") != 0 && strcmp(op, "overview") != 0)
		return CLI_OK;
	if (text_is(status, "ok"))
		return CLI_OK;
	return text_is(status, "degraded") ? CLI_DEGRADED : CLI_UNHEALTHY;
}

void
show_json(struct text value)
{
	struct buffer json;

	buffer_init(&json, SHOW_JSON_BYTES);
	if (pack_to_json(value, &json, NULL) == OK)
		printf("%.*s\n", TEXT_ARG(buffer_text(&json)));
	else
		cli_complain(NULL, "the answer cannot be told in JSON");
	buffer_finish(&json);
}

struct text
show_text(struct text map, const char *key)
{
	struct text value;

	return unpack_field_text(map, key, &value) == OK ? value : TEXT("");
}

uint64_t
show_u64(struct text map, const char *key)
{
	uint64_t value;

	return unpack_field_u64(map, key, &value) == OK ? value : 0;
}

bool
show_bool(struct text map, const char *key)
{
	bool value;

	return unpack_field_bool(map, key, &value) == OK && value;
}

double
show_f64(struct text map, const char *key)
{
	struct unpacker u;
	struct text span;
	double value;
	uint64_t whole;

	if (unpack_map_find(map, text_of(key), &span) != OK)
		return 0.0;
	unpack_init(&u, span);
	if (unpack_f64(&u, &value) == OK)
		return value;
	return unpack_u64(&u, &whole) == OK ? (double)whole : 0.0;
}

uint32_t
show_array(struct text map, const char *key, struct unpacker *u)
{
	struct text span;
	uint32_t count;

	if (unpack_map_find(map, text_of(key), &span) != OK)
		return 0;
	unpack_init(u, span);
	return unpack_array(u, &count) == OK ? count : 0;
}

struct text
show_map(struct text map, const char *key)
{
	struct text span;

	return unpack_map_find(map, text_of(key), &span) == OK ? span
							       : TEXT("\x80");
}

struct text
show_child_name(struct arena *arena, struct text child)
{
	return show_instance(arena, child, "role");
}

struct text
show_instance(struct arena *arena, struct text child, const char *key)
{
	uint64_t instance = show_u64(child, "instance");
	struct text role = show_text(child, key);

	if (instance == 0)
		return role;
	return arena_printf(
	    arena, "%.*s/%llu", TEXT_ARG(role), (unsigned long long)instance);
}

enum colour
show_state_colour(struct text state)
{
	if (text_is(state, "up") || text_is(state, "ok"))
		return GREEN;
	if (text_is(state, "down") || text_is(state, "held") ||
	    text_is(state, "error"))
		return RED;
	return YELLOW;
}
