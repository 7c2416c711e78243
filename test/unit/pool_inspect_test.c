// SPDX-License-Identifier: MIT
/* pool_inspect_test - the inspector's figures and what it advises. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/json.h"
#include "protocol/json_out.h"
#include "workers/worker_pool/inspect.h"
#include "workers/worker_pool/report.h"

enum {
	MOST = 300,
	MB = 1 << 20
};

static const struct inspect_limits limits = {90, 80, 20, 100, 200, 4, 32, 200};

static struct inspect_runner runners[MOST];
static struct pool_spec spec;
static struct inspect_pool pool;
static struct inspect_advice advice;

/* made gives a pool of `count` runners, `used` of whose room is taken. */
static void
made(uint32_t count, uint32_t capacity, uint32_t used, uint64_t mb)
{
	memset(runners, 0, sizeof(runners));
	spec = (struct pool_spec){
	    .worker_profile = capacity > 1 ? POOL_THREAD : POOL_PROCESS};
	pool = (struct inspect_pool){.spec = &spec,
	    .is_running = true,
	    .runners = runners,
	    .runner_count = count};
	for (uint32_t i = 0; i < count; i++) {
		uint32_t load = used < capacity ? used : capacity;

		used -= load;
		runners[i] = (struct inspect_runner){.pid = 100 + (int)i,
		    .capacity = capacity,
		    .load = load,
		    .rss_bytes = mb * MB,
		    .pss_bytes = mb * MB / 2,
		    .is_known = true};
	}
}

static const char *
advised(uint32_t count)
{
	inspect_recommend(&pool, &limits, &advice);
	assert_int_equal(advice.count, count);
	return advice.at[0];
}

static void
utilization_is_the_used_share_to_two_decimals(void **state)
{
	struct inspect_stats s;

	(void)state;
	made(3, 1, 1, 10);
	inspect_stats(&pool, &s);
	assert_int_equal(s.worker_count, 3);
	assert_int_equal(s.capacity_total, 3);
	assert_int_equal(s.capacity_available, 2);
	assert_true(s.utilization_percent == 33.33);
	assert_int_equal(s.thread_workers, 0);
	made(0, 1, 0, 0);
	inspect_stats(&pool, &s);
	assert_true(s.utilization_percent == 0.0);
}

static void
only_runners_with_a_process_count(void **state)
{
	struct inspect_stats s;

	(void)state;
	made(4, 1, 2, 10);
	runners[0].pid = 0;
	inspect_stats(&pool, &s);
	assert_int_equal(s.worker_count, 3);
	assert_int_equal(s.capacity_used, 1);
	assert_string_equal(inspect_status(&runners[0]), "unknown");
	assert_string_equal(inspect_status(&runners[1]), "busy");
	assert_string_equal(inspect_status(&runners[2]), "available");
}

static void
threads_are_told_only_where_there_are_some(void **state)
{
	struct inspect_stats s;

	(void)state;
	made(4, 16, 42, 10);
	inspect_stats(&pool, &s);
	assert_int_equal(s.thread_workers, 4);
	assert_int_equal(s.threads_per_worker, 16);
	assert_int_equal(s.total_threads, 64);
	assert_true(s.avg_load_per_worker == 10.5);
	assert_true(s.utilization_percent == 65.63);
}

static void
memory_is_that_of_the_runners_that_could_be_looked_at(void **state)
{
	struct inspect_memory m;

	(void)state;
	made(3, 1, 0, 10);
	runners[1].rss_bytes = 40 * MB;
	runners[2].is_known = false;
	inspect_memory(&pool, &m);
	assert_true(m.total_mb == 50.0);
	assert_true(m.avg_mb == 25.0);
	assert_true(m.max_mb == 40.0);
	assert_true(m.min_mb == 10.0);
	assert_true(m.total_pss_mb == 10.0);
	assert_true(inspect_plan_mb(&m, 200) == 5000.0);
	made(0, 1, 0, 0);
	inspect_memory(&pool, &m);
	assert_true(m.total_mb == 0.0 && m.min_mb == 0.0);
}

static void
a_pool_in_good_shape_gets_no_advice(void **state)
{
	(void)state;
	made(10, 1, 5, 10);
	advised(0);
	made(4, 16, 40, 10);
	advised(0);
	made(10, 1, 0, 10); /* idle, but small */
	advised(0);
}

static void
use_is_advised_on_at_ninety_eighty_and_below_twenty(void **state)
{
	(void)state;
	made(10, 1, 9, 10);
	assert_string_equal(
	    advised(1), "CRITICAL: utilization is 90.00 %: add workers now");
	made(10, 1, 8, 10);
	assert_string_equal(
	    advised(1), "WARNING: utilization is 80.00 %: plan more workers");
	made(20, 1, 3, 10);
	assert_string_equal(advised(1),
	    "INFO: utilization is 15.00 % with 20 workers: shrink the pool");
	made(20, 1, 4, 10);
	advised(0);
}

static void
memory_is_advised_on_by_average_else_by_peak(void **state)
{
	(void)state;
	made(4, 1, 2, 100);
	assert_string_equal(advised(1),
	    "WARNING: 100.00 MB per worker on average: look for a leak");
	made(4, 1, 2, 50);
	runners[3].rss_bytes = 210 * MB;
	assert_string_equal(advised(1),
	    "WARNING: one worker holds 210.00 MB: enable recycling "
	    "(worker_ttl, worker_max_requests, memory_threshold_mb)");
}

static void
the_profile_is_advised_on_by_threads_and_by_workers(void **state)
{
	(void)state;
	made(4, 3, 6, 10);
	assert_string_equal(
	    advised(1), "INFO: 3 threads per worker: raise threads_per_worker");
	made(4, 33, 66, 10);
	assert_string_equal(advised(1),
	    "INFO: 33 threads per worker: lower threads_per_worker, context "
	    "switching costs more");
	made(201, 1, 100, 10);
	assert_string_equal(advised(1),
	    "INFO: 201 single-threaded workers: consider the thread profile");
	made(200, 1, 100, 10);
	advised(0);
}

static void
the_worst_comes_first(void **state)
{
	(void)state;
	made(250, 1, 240, 120);
	advised(3);
	assert_memory_equal(advice.at[0], "CRITICAL: utilization", 21);
	assert_memory_equal(advice.at[1], "WARNING: 120.00 MB", 18);
	assert_memory_equal(advice.at[2], "INFO: 250 single", 16);
}

static void
a_pool_is_saturated_from_the_threshold_on(void **state)
{
	struct inspect_stats s;

	(void)state;
	made(10, 1, 8, 10);
	inspect_stats(&pool, &s);
	assert_true(inspect_is_saturated(&s, 80.0));
	assert_false(inspect_is_saturated(&s, 80.01));
}

static void
bands_begin_at_their_figure(void **state)
{
	(void)state;
	assert_string_equal(inspect_band(90.0), "CRITICAL");
	assert_string_equal(inspect_band(89.99), "HIGH");
	assert_string_equal(inspect_band(80.0), "HIGH");
	assert_string_equal(inspect_band(60.0), "GOOD");
	assert_string_equal(inspect_band(59.99), "LOW");
}

/* ---- as maps ------------------------------------------------------------- */

static struct buffer bytes, json;

/* told compares what was packed, as JSON. */
static void
told(const struct packer *p, const char *expected)
{
	assert_int_equal(pack_finish(p), OK);
	buffer_init(&json, 1 << 20);
	assert_int_equal(pack_to_json(buffer_text(&bytes), &json, NULL), OK);
	assert_int_equal(buffer_append(&json, "", 1), OK);
	assert_string_equal((const char *)buffer_at(&json), expected);
	buffer_finish(&json);
	buffer_finish(&bytes);
}

static struct packer
packer(void)
{
	struct packer p;

	buffer_init(&bytes, 1 << 20);
	pack_init(&p, &bytes);
	return p;
}

static void
the_maps_have_the_fields_observability_names(void **state)
{
	struct packer p = packer();

	(void)state;
	made(2, 1, 1, 10);
	spec.name = TEXT("a");
	memcpy(runners[0].name, "a/1", 4);
	runners[1].pid = 0;
	report_stats(&p, &pool);
	told(&p,
	    "{\"pool_name\":\"a\",\"profile\":\"process\","
	    "\"worker_count\":1,\"capacity_total\":1,\"capacity_used\":1,"
	    "\"capacity_available\":0,\"utilization_percent\":100.0,"
	    "\"memory_recycles\":0,\"workers\":[{\"worker_id\":\"a/1\","
	    "\"pid\":100,\"profile\":\"process\",\"capacity\":1,\"load\":1,"
	    "\"memory_mb\":10.0,\"status\":\"busy\"}]}");
	p = packer();
	report_capacity(&p, &pool);
	told(&p,
	    "{\"total_capacity\":1,\"used_capacity\":1,"
	    "\"available_capacity\":0,\"utilization_percent\":100.0,"
	    "\"thread_info\":null}");
	p = packer();
	report_memory(&p, &pool);
	told(&p,
	    "{\"total_memory_mb\":10.0,\"avg_memory_per_worker_mb\":10.0,"
	    "\"max_memory_worker_mb\":10.0,\"min_memory_worker_mb\":10.0,"
	    "\"total_pss_mb\":5.0,\"workers\":[{\"worker_id\":\"a/1\","
	    "\"memory_mb\":10.0,\"pss_mb\":5.0}]}");
	p = packer();
	assert_false(report_saturation(&p, &pool, 80.0));
	told(&p,
	    "{\"name\":\"a\",\"status\":\"warning\","
	    "\"reason\":\"approaching_saturation\","
	    "\"utilization_percent\":100.0}");
	p = packer();
	assert_true(report_saturation(&p, &pool, 100.01));
	told(&p,
	    "{\"name\":\"a\",\"status\":\"ok\",\"reason\":\"healthy\","
	    "\"utilization_percent\":100.0}");
}

static void
a_page_has_more_when_it_is_asked_for(void **state)
{
	struct report_extras extras = {
	    .is_full = true, .is_detailed = true, .limits = &limits};
	struct packer p = packer();

	(void)state;
	made(1, 4, 4, 10);
	spec.name = TEXT("t");
	spec.pool_size = 1;
	spec.threads_per_worker = 4;
	runners[0].pid = 0;
	report_page(&p, &pool, &extras);
	told(&p,
	    "{\"pool_name\":\"t\",\"profile\":\"thread\","
	    "\"worker_count\":0,\"capacity_total\":0,\"capacity_used\":0,"
	    "\"capacity_available\":0,\"utilization_percent\":0.0,"
	    "\"memory_recycles\":0,\"workers\":[],\"is_detailed\":true,"
	    "\"config\":{\"pool_size\":1,\"max_workers\":0,"
	    "\"threads_per_worker\":4,\"thread_safety_checks\":false,"
	    "\"startup_batch_size\":0,\"capacity_strategy\":\"pool\","
	    "\"affinity\":\"hint\",\"worker_ttl_ms\":0,"
	    "\"worker_max_requests\":0,\"adapter\":\"native\"},"
	    "\"capacity\":{\"total_capacity\":0,\"used_capacity\":0,"
	    "\"available_capacity\":0,\"utilization_percent\":0.0,"
	    "\"thread_info\":null},\"memory\":{\"total_memory_mb\":0.0,"
	    "\"avg_memory_per_worker_mb\":0.0,\"max_memory_worker_mb\":0.0,"
	    "\"min_memory_worker_mb\":0.0,\"total_pss_mb\":0.0,"
	    "\"workers\":[]},\"recommendations\":[]}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(utilization_is_the_used_share_to_two_decimals),
	    cmocka_unit_test(only_runners_with_a_process_count),
	    cmocka_unit_test(threads_are_told_only_where_there_are_some),
	    cmocka_unit_test(
		memory_is_that_of_the_runners_that_could_be_looked_at),
	    cmocka_unit_test(a_pool_in_good_shape_gets_no_advice),
	    cmocka_unit_test(
		use_is_advised_on_at_ninety_eighty_and_below_twenty),
	    cmocka_unit_test(memory_is_advised_on_by_average_else_by_peak),
	    cmocka_unit_test(
		the_profile_is_advised_on_by_threads_and_by_workers),
	    cmocka_unit_test(the_worst_comes_first),
	    cmocka_unit_test(a_pool_is_saturated_from_the_threshold_on),
	    cmocka_unit_test(bands_begin_at_their_figure),
	    cmocka_unit_test(the_maps_have_the_fields_observability_names),
	    cmocka_unit_test(a_page_has_more_when_it_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
