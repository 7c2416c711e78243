// SPDX-License-Identifier: MIT
/*
 * cli_pools - the pages about pools and their runners. A page's expected text
 * is test/golden/cli/NAME.txt; run with BANYAN_GOLDEN=write to make it anew,
 * then look at the difference.
 */

#include "test/unit/cli_golden_rig.h"

void
cli_complain(const char *hint, const char *fmt, ...)
{
	/* the pages complain through main.c, which is not linked here */
	(void)hint;
	(void)fmt;
}

static void
pools_are_told_in_a_few_lines_each(void **state)
{
	(void)state;
	check_page("pools", "pools",
	    "{\"pools\":[{\"name\":\"async_pool\",\"profile\":\"process\","
	    "\"workers\":4,\"available\":3,\"busy\":1,\"queued\":2,"
	    "\"requests\":120,\"errors\":5,\"queue_timeouts\":1,"
	    "\"pool_saturated\":7,\"circuit\":\"closed\"},"
	    "{\"name\":\"stream_pool\",\"profile\":\"thread\",\"workers\":0,"
	    "\"circuit\":\"half_open\"}]}");
	check_page("pools", "pools_none", "{\"pools\":[]}");
}

#define PROCESS_POOL \
	"{\"pool_name\":\"default\",\"profile\":\"process\"," \
	"\"worker_count\":3,\"capacity_total\":3,\"capacity_used\":2," \
	"\"capacity_available\":1,\"utilization_percent\":66.67," \
	"\"memory_recycles\":1,\"is_detailed\":true,\"workers\":[" \
	"{\"worker_id\":\"default/1\",\"pid\":101,\"profile\":\"process\"," \
	"\"capacity\":1,\"load\":1,\"memory_mb\":12.5,\"status\":\"busy\"}," \
	"{\"worker_id\":\"default/2\",\"pid\":102,\"profile\":\"process\"," \
	"\"capacity\":1,\"load\":0,\"memory_mb\":2,\"status\":" \
	"\"available\"}," \
	"{\"worker_id\":\"a_name_that_is_much_too_long/3\",\"pid\":103," \
	"\"capacity\":1,\"load\":1,\"memory_mb\":0.0," \
	"\"status\":\"unknown\"}]," \
	"\"config\":{\"pool_size\":3,\"startup_batch_size\":10," \
	"\"worker_ttl_ms\":3600000,\"worker_max_requests\":500}," \
	"\"memory\":{\"total_memory_mb\":14.5," \
	"\"avg_memory_per_worker_mb\":7.25,\"max_memory_worker_mb\":12.5," \
	"\"min_memory_worker_mb\":2.0}," \
	"\"recommendations\":[\"INFO: 3 of them\"]}"

#define THREAD_POOL(utilization) \
	"{\"pool_name\":\"hpc\",\"profile\":\"thread\",\"worker_count\":4," \
	"\"capacity_total\":64,\"capacity_used\":42," \
	"\"capacity_available\":22,\"utilization_percent\":" utilization "," \
	"\"memory_recycles\":0,\"workers\":[]," \
	"\"config\":{\"pool_size\":4,\"threads_per_worker\":16," \
	"\"thread_safety_checks\":true}," \
	"\"capacity\":{\"thread_info\":{\"workers\":4," \
	"\"threads_per_worker\":16,\"total_threads\":64," \
	"\"avg_load_per_worker\":10.5}},\"memory\":{}," \
	"\"recommendations\":[]}"

static void
the_inspector_shows_every_pool_and_what_is_not_running(void **state)
{
	(void)state;
	check_page("pools.inspect", "inspect",
	    "{\"default\":" PROCESS_POOL ",\"hpc\":" THREAD_POOL(
		"65.63") ","
			 "\"gone\":{\"pool_name\":\"gone\","
			 "\"error\":\"pool_not_running\"}}");
}

static void
one_pool_is_shown_alone_in_its_band(void **state)
{
	(void)state;
	check_page("pools.inspect", "inspect_critical", THREAD_POOL("90.0"));
	check_page("pools.inspect", "inspect_high", THREAD_POOL("80.0"));
	check_page("pools.inspect", "inspect_low", THREAD_POOL("59.99"));
}

static void
one_pool_that_is_not_running_is_told_by_its_name(void **state)
{
	(void)state;
	assert_int_equal(
	    check_page("pools.inspect", "inspect_gone",
		"{\"pool_name\":\"gone\",\"error\":\"pool_not_running\"}"),
	    CLI_DEGRADED);
}

static void
a_look_at_lives_counts_those_near_their_end(void **state)
{
	(void)state;
	check_page("pools.lifecycle", "lifecycle",
	    "{\"total_workers\":6,\"workers_near_ttl\":2,"
	    "\"workers_near_max_requests\":1,\"total_requests\":900,"
	    "\"pools\":[{\"name\":\"async_pool\",\"workers\":4,"
	    "\"workers_near_ttl\":2,\"workers_near_max_requests\":1,"
	    "\"requests\":900,\"recycles\":7,\"memory_recycles\":3},"
	    "{\"name\":\"stream_pool\",\"workers\":2}]}");
}

static void
a_check_that_warns_exits_with_one(void **state)
{
	(void)state;
	assert_int_equal(
	    check_page("pools.check", "pools_check",
		"{\"status\":\"warning\",\"pools\":[{\"name\":\"a\","
		"\"status\":\"ok\",\"utilization_percent\":12.5},"
		"{\"name\":\"b\",\"status\":\"warning\","
		"\"utilization_percent\":93.75},"
		"{\"name\":\"c\",\"status\":\"error\","
		"\"reason\":\"pool_not_running\","
		"\"utilization_percent\":0.0}]}"),
	    CLI_DEGRADED);
	assert_int_equal(check_page("pools.check", "pools_check_none",
			     "{\"status\":\"ok\",\"pools\":[]}"),
	    CLI_OK);
}

static void
a_plan_tells_the_memory_of_more_workers(void **state)
{
	(void)state;
	check_page("pools.plan", "pools_plan",
	    "{\"workers\":200,\"pools\":[{\"name\":\"a\",\"worker_count\":4,"
	    "\"avg_memory_per_worker_mb\":12.34,\"planned_mb\":2468.0}]}");
}

static void
quarantine_tells_what_is_refused_and_how_to_let_it_out(void **state)
{
	(void)state;
	check_page("quarantine.list", "quarantine",
	    "{\"entries\":[{\"fingerprint\":\"00000000000000ff\","
	    "\"pool\":\"async_pool\",\"service\":\"users\","
	    "\"function\":\"get\\u001b[2J\",\"deaths\":2,\"refused\":17,"
	    "\"left_ms\":590000}]}");
	check_page("quarantine.list", "quarantine_none", "{\"entries\":[]}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pools_are_told_in_a_few_lines_each),
	    cmocka_unit_test(
		the_inspector_shows_every_pool_and_what_is_not_running),
	    cmocka_unit_test(one_pool_is_shown_alone_in_its_band),
	    cmocka_unit_test(one_pool_that_is_not_running_is_told_by_its_name),
	    cmocka_unit_test(a_look_at_lives_counts_those_near_their_end),
	    cmocka_unit_test(a_check_that_warns_exits_with_one),
	    cmocka_unit_test(a_plan_tells_the_memory_of_more_workers),
	    cmocka_unit_test(
		quarantine_tells_what_is_refused_and_how_to_let_it_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
