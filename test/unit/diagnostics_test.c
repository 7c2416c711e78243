// SPDX-License-Identifier: MIT
/* diagnostics - what is thought of two looks at a component; records. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "workers/monitor/analysis.h"
#include "workers/monitor/diagnostics.h"

static struct diagnostics d;

static int
set_up(void **state)
{
	(void)state;
	diagnostics_init(&d);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	diagnostics_finish(&d);
	return 0;
}

static const struct analysis_times second = {.duration_us = 1000000};

static void
a_component_at_rest_has_a_perfect_score(void **state)
{
	const struct component_look look = {
	    .processes = 2, .cpu_us = 7, .memory_bytes = 1000, .calls = 9};
	struct analysis a;

	(void)state;
	analysis_make(&look, &look, &second, &a);
	assert_int_equal(a.bottlenecks, 0);
	assert_true(a.score == 100);
	assert_string_equal(a.severity, "low");
}

static void
each_bottleneck_is_found_and_costs_fifteen(void **state)
{
	const struct component_look before = {
	    .processes = 1, .memory_bytes = 1000};
	const struct component_look after = {.processes = 1,
	    .cpu_us = 810000,
	    .memory_bytes = 1101,
	    .queue = 51,
	    .queue_most = 100};
	const struct analysis_times times = {.duration_us = 1000000,
	    .write_p95_us = 100001,
	    .network_p95_us = 100001};
	struct analysis a;

	(void)state;
	analysis_make(&before, &after, &times, &a);
	for (int i = 0; i < BOTTLENECK_COUNT; i++) {
		assert_true(a.has[i]);
		assert_true(
		    bottleneck_recommendation((enum bottleneck)i)[0] != '\0');
	}
	assert_true(a.score == 25);
	assert_string_equal(a.severity, "high");
}

static void
what_stays_below_its_limit_is_no_bottleneck(void **state)
{
	const struct component_look before = {
	    .processes = 2, .memory_bytes = 1000};
	const struct component_look after = {.processes = 2,
	    .cpu_us = 1590000, /* of two processes */
	    .memory_bytes = 1100,
	    .queue = 50,
	    .queue_most = 100};
	const struct analysis_times times = {.duration_us = 1000000,
	    .write_p95_us = 100000,
	    .network_p95_us = 100000};
	struct analysis a;

	(void)state;
	analysis_make(&before, &after, &times, &a);
	assert_int_equal(a.bottlenecks, 0);
}

static void
the_one_process_that_is_busy_is_found_among_idle_ones(void **state)
{
	struct component_look before = {.processes = 3,
	    .listed = 3,
	    .process = {{.pid = 7, .cpu_us = 500}, {.pid = 8},
		{.pid = 9, .cpu_us = 900000000, .read_bytes = 100}}};
	struct component_look after = {.processes = 3,
	    .listed = 3,
	    .cpu_us = 950000,
	    /* 9 has gone, and 10 has not been seen before */
	    .process = {{.pid = 8, .cpu_us = 10, .written_bytes = 4096},
		{.pid = 7, .cpu_us = 850500, .read_bytes = 512},
		{.pid = 10, .cpu_us = 990000, .io_wait_us = 999999}}};
	struct analysis a;

	(void)state;
	analysis_make(&before, &after, &second, &a);
	assert_true(a.cpu_percent < 40 && a.hottest_percent == 85);
	assert_true(a.has[BOTTLENECK_cpu]);
	assert_false(a.has[BOTTLENECK_disk_io]);
	assert_int_equal(a.read_bytes, 512);
	assert_int_equal(a.written_bytes, 4096);
	after.process[0].io_wait_us = 100001;
	analysis_make(&before, &after, &second, &a);
	assert_true(a.has[BOTTLENECK_disk_io]);
	assert_int_equal(a.bottlenecks, 2);
}

static void
errors_cost_as_much_as_they_are_frequent(void **state)
{
	const struct component_look before = {.calls = 100, .failed = 10};
	struct component_look after = {.calls = 200, .failed = 40};
	struct analysis a;

	(void)state;
	analysis_make(&before, &after, &second, &a);
	assert_true(a.error_rate > 0.299 && a.error_rate < 0.301);
	assert_true(a.score > 69.9 && a.score < 70.1);
	assert_string_equal(a.severity, "medium");
	after.failed = 110;
	analysis_make(&before, &after, &second, &a);
	assert_true(a.score == 0);
	assert_string_equal(a.severity, "critical");
	/* counters of a new life fell: nothing is known */
	after.calls = after.failed = 0;
	analysis_make(&before, &after, &second, &a);
	assert_true(a.score == 100);
}

static uint64_t
top(uint32_t bucket)
{
	return 10 * (bucket + 1);
}

static void
the_p95_is_that_of_the_values_in_between(void **state)
{
	const uint64_t before[4] = {1000, 0, 0, 0};
	uint64_t after[4] = {1000, 0, 0, 0};

	(void)state;
	assert_int_equal(analysis_p95(before, after, 4, top), 0);
	after[1] = 95;
	after[3] = 5;
	assert_int_equal(analysis_p95(before, after, 4, top), 20);
	after[1] = 94;
	after[3] = 6;
	assert_int_equal(analysis_p95(before, after, 4, top), 40);
}

static void
a_hundred_of_each_kind_are_kept_and_found_by_id(void **state)
{
	const struct diagnostics_record *r;
	uint64_t before = UINT64_MAX;
	char id[DIAGNOSTICS_ID];
	uint32_t count = 0;

	(void)state;
	for (uint64_t i = 0; i < 150; i++) {
		diagnostics_name(DIAGNOSTICS_TRACE, i, id);
		diagnostics_keep(&d, DIAGNOSTICS_TRACE, id, i, TEXT("\x80"));
	}
	diagnostics_keep(
	    &d, DIAGNOSTICS_SNAPSHOT, "snapshot_1", 151, TEXT("\x80"));
	assert_null(diagnostics_find(&d, TEXT("trace_0000000000000031")));
	r = diagnostics_find(&d, TEXT("trace_0000000000000032"));
	assert_non_null(r);
	assert_int_equal(r->wall_ms, 50);
	while ((r = diagnostics_next(&d, before)) != NULL) {
		if (count++ == 0)
			assert_string_equal(r->id, "snapshot_1");
		before = r->serial;
	}
	assert_int_equal(count, 101);
}

static void
the_same_error_is_one_group_with_its_frequency(void **state)
{
	const struct error_group *e;
	char text[32];

	(void)state;
	for (uint64_t i = 0; i < 5; i++)
		diagnostics_error(
		    &d, "relay", "child_died", TEXT("why=x"), 1000 + i);
	diagnostics_error(&d, "relay", "child_died", TEXT("why=y"), 2000);
	e = diagnostics_next_error(&d, UINT64_MAX);
	assert_string_equal(e->message, "why=y");
	e = diagnostics_next_error(&d, e->last_serial);
	assert_int_equal(e->frequency, 5);
	assert_int_equal(e->first_ms, 1000);
	assert_int_equal(e->last_ms, 1004);
	assert_null(diagnostics_next_error(&d, e->last_serial));
	diagnostics_error(&d, "monitor", "child_died", TEXT("why=y"), 2500);
	e = diagnostics_next_error(&d, UINT64_MAX);
	assert_string_equal(e->process, "monitor");
	assert_int_equal(e->frequency, 1); /* relay's is another group */
	/* many others push out what was not seen for longest */
	for (int i = 0; i < ERRORS_KEPT; i++) {
		snprintf(text, sizeof(text), "n=%d", i);
		diagnostics_error(&d, "relay", "t", text_of(text), 3000);
	}
	uint64_t before = UINT64_MAX;
	while ((e = diagnostics_next_error(&d, before)) != NULL) {
		assert_string_equal(e->type, "t");
		before = e->last_serial;
	}
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(a_component_at_rest_has_a_perfect_score),
	    CASE(each_bottleneck_is_found_and_costs_fifteen),
	    CASE(what_stays_below_its_limit_is_no_bottleneck),
	    CASE(the_one_process_that_is_busy_is_found_among_idle_ones),
	    CASE(errors_cost_as_much_as_they_are_frequent),
	    CASE(the_p95_is_that_of_the_values_in_between),
	    CASE(a_hundred_of_each_kind_are_kept_and_found_by_id),
	    CASE(the_same_error_is_one_group_with_its_frequency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
