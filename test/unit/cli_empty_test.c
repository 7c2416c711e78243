// SPDX-License-Identifier: MIT
/*
 * cli_empty - pages when there is nothing to show. A page's expected text is
 * test/golden/cli/NAME.txt; run with BANYAN_GOLDEN=write to make it anew, then
 * look at the difference.
 */

#include "test/unit/cli_golden_rig.h"

void
cli_complain(const char *hint, const char *fmt, ...)
{
	/* the pages complain through main.c, which is not linked here */
	(void)hint;
	(void)fmt;
}

/* Nothing, or as little as a page may be given. */
static const struct {
	const char *op, *golden, *json;
} cases[] = {
    {"flow", "flow_none", "{\"error\":\"no such function\"}"},
    {"flows", "flows_none", "{\"functions\":[]}"},
    {"debug", "debug_none", "{\"processes\":[],\"ets_tables\":{}}"},
    {"cluster", "cluster_none", "{\"self\":\"n1\"}"},
    {"conns.list", "conns_none", "{\"instances\":[]}"},
    {"calls.list", "calls_none",
	"{\"instances\":[{\"instance\":1,\"error\":\"no answer in "
	"time\"}]}"},
    {"trace.show", "trace_none", "{\"requests\":[]}"},
    {"trace.status", "trace_status_none", "{\"traces\":[]}"},
    {"trace.tail", "trace_tail_none", "{\"records\":[]}"},
    {"history", "history_none", "{\"metrics\":[]}"},
    {"log.scopes", "log_scopes_none", "[]"},
    {"overview", "overview_none", "{}"},
    {"overview", "overview_degraded",
	"{\"node\":\"n1\",\"status\":\"degraded\",\"processes\":{"
	"\"alive\":10,\"total\":11},\"memory_bytes\":5242880,"
	"\"uptime_ms\":61000,\"calls\":{\"total\":9,\"in_flight\":1,"
	"\"per_second\":null},\"last_deaths\":[{\"process\":"
	"\"puller\",\"wall_ms\":1795240000000,\"sentence\":\"life 1 "
	"was ended by SIGKILL\\u001b[2J\"}],\"next\":\"banyan start "
	"relay\"}"},
    {"processes", "processes_none", "{}"},
    {"top", "top_none", "{}"},
    {"relay.audit", "audit_none", "{}"},
    {"relay.audit", "audit_well",
	"{\"status\":\"ok\",\"total_subscriptions\":3,"
	"\"total_emitter_pools\":2,\"gateways\":1,"
	"\"gateways_answered\":1,\"store\":\"compared\","
	"\"check_duration_ms\":4,\"issues\":{},\"summary\":{}}"},
    {"relay.audit", "audit_issues",
	"{\"status\":\"issues\",\"total_subscriptions\":3,"
	"\"total_emitter_pools\":2,\"unconfirmed_subscriptions\":1,"
	"\"gateways\":2,\"gateways_answered\":1,\"store\":"
	"\"behind\",\"check_duration_ms\":2000,\"issues\":{"
	"\"stale_subscriptions\":[{\"group_id\":\"office\","
	"\"user_id\":\"ann\\u001b[2J\",\"reason\":\"channel_gone\","
	"\"client\":7,\"channel\":2}],\"orphaned_pools\":[{"
	"\"group_id\":\"hall\",\"user_id\":null,\"reason\":"
	"\"empty\"}],\"missing_pools\":[{\"group_id\":\"yard\","
	"\"user_id\":null,\"reason\":\"group_not_stored\"}]},"
	"\"summary\":{\"stale_subscription_count\":1,"
	"\"orphaned_pool_count\":1,\"missing_pool_count\":1,"
	"\"total_issues\":3},\"cleanup\":{\"enabled\":false}}"},
    {"relay.audit", "audit_fixed",
	"{\"status\":\"ok\",\"issues\":{\"stale_subscriptions\":[{"
	"\"group_id\":\"office\",\"user_id\":\"ann\",\"reason\":"
	"\"client_gone\",\"client\":7,\"channel\":1}]},\"summary\":{"
	"\"stale_subscription_count\":1,\"total_issues\":1},"
	"\"cleanup\":{\"enabled\":true,\"memberships_ended\":1,"
	"\"groups_deleted\":0,\"store_written\":true}}"},
    {"monitor.status", "monitor_status_none", "{}"},
    {"monitor.status", "monitor_status_degraded",
	"{\"health\":{\"status_code\":200,\"payload\":{"
	"\"health_summary\":{\"overall\":{\"status\":\"degraded\","
	"\"health_score\":0.5},\"cluster_counts\":{\"total\":1}}}},"
	"\"persistence\":{\"status_code\":200,\"payload\":{"
	"\"persistence_snapshots\":{\"enabled\":true,\"mode\":"
	"\"lmdb\",\"data_dir\":\"/var/lib/banyan\",\"fabric\":{"
	"\"snapshot_last_saved_at\":1795240000.5}}}},"
	"\"transport\":{\"status_code\":200,\"payload\":{"
	"\"transport_endpoints\":{\"assignments\":[{},{}]}}},"
	"\"unified\":{\"status_code\":200,\"payload\":{"
	"\"unified_metrics\":{\"overall_health\":{\"status\":"
	"\"healthy\",\"health_score\":0.98}}}}}"},
    {"monitor.status", "monitor_status_half",
	"{\"health\":{\"status_code\":503,\"payload\":{\"status\":"
	"\"error\",\"message\":\"not \\u001b[2J yet\"}},"
	"\"unified\":{\"status_code\":404,\"payload\":7}}"},
    {"monitor.endpoints", "monitor_endpoints_none", "{\"endpoints\":[]}"},
    {"monitor.health", "monitor_health_none",
	"{\"health_summary\":{\"clusters\":[]}}"},
    {"monitor.timeseries", "monitor_timeseries_none",
	"{\"timeseries\":{\"metric\":\"health_score\","
	"\"points\":[]}}"},
    {"discovery.status", "discovery_status_none", "{}"},
    {"discovery.status", "discovery_status",
	"{\"summary\":{\"summary_export\":{\"enabled\":false,"
	"\"per_namespace\":[]}},\"cache\":{\"entries\":0},"
	"\"policy\":{\"rules\":[],\"denied\":0},"
	"\"lag\":{\"lag\":{\"delta_lag_seconds\":null}}}"},
    {"discovery.query", "discovery_query_none",
	"{\"entries\":[],\"next_page_token\":null}"},
    {"discovery.access-audit", "discovery_access_none", "{\"entries\":[]}"},
    {"report.namespace-health", "namespaces_none", "[]"},
    {"report.namespace-health", "namespaces",
	"[{\"namespace\":\"user_service\",\"exports_total\":3,"
	"\"summaries_exported\":12,\"last_export_count\":4,"
	"\"last_export_at\":1795240000.5},{\"namespace\":"
	"\"idle\",\"last_export_at\":null}]"},
    {"report.export-lag", "export_lag_none", "{}"},
    {"report.export-lag", "export_lag",
	"{\"resolver_enabled\":true,\"summary_export_enabled\":true,"
	"\"delta_lag_seconds\":1.25,\"last_delta_at\":1795240000.0,"
	"\"summary_export_lag_seconds\":61.0,"
	"\"last_summary_export_at\":1795239940.0}"},
    {"stats", "stats_none", "{}"},
    {"stats", "stats_functions",
	"{\"banyan\":{\"config_db\":{\"status\":\"ok\",\"count\":2,"
	"\"services\":[{\"service\":\"s\"},{\"service\":\"t\"}]},"
	"\"worker_pool\":{\"status\":\"ok\",\"data\":{\"pools\":[{"
	"\"name\":\"p\",\"circuit\":\"closed\","
	"\"total_tasks_executed\":9}]},\"since_last\":{\"p\":{"
	"\"total_tasks_executed\":4}}},\"relay\":{\"status\":\"error\","
	"\"reason\":\"not_started\"}},\"functions\":[{\"service\":"
	"\"__none__\",\"calls\":7,\"failed\":7},{\"service\":\"s\","
	"\"request_type\":\"rare\",\"calls\":1},{\"service\":\"s\","
	"\"request_type\":\"often\",\"version\":\"1.0.0\",\"calls\":90,"
	"\"answered\":88,\"failed\":2,\"latency_us\":{\"p50\":11,"
	"\"p99\":22,\"p999\":33}},{\"service\":\"s\","
	"\"request_type\":\"never\",\"calls\":0}]}"},
    {"inspect", "inspect_asks",
	"{\"request\":{\"service\":\"s\",\"request_type\":\"f\"},"
	"\"prediction\":{\"outcome\":\"asks_hook\",\"stage\":"
	"\"hooks_before\",\"node\":null,\"candidates\":[],\"asks\":["
	"{\"kind\":\"before_execute\",\"name\":\"b\",\"mfa\":{"
	"\"module\":\"m\",\"function\":\"b\"},\"args\":2,"
	"\"reachable\":true},{\"kind\":\"after_execute\",\"name\":"
	"\"a\",\"mfa\":{\"module\":\"m\",\"function\":\"a\"},"
	"\"args\":3,\"reachable\":false}],\"then\":{\"outcome\":"
	"\"dispatched\",\"stage\":\"execution\",\"node\":\"n1\","
	"\"candidates\":[\"n1\",\"n2\"]}}}"},
};

static void
a_page_of_nothing_is_still_a_page(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check_page(cases[i].op, cases[i].golden, cases[i].json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_page_of_nothing_is_still_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
