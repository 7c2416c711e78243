// SPDX-License-Identifier: MIT
/* log_summary - what came between two readings of the log's counters. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "workers/monitor/log_summary.h"

static struct log_readings readings;

static int
set_up(void **state)
{
	(void)state;
	memset(&readings, 0, sizeof(readings));
	return 0;
}

static void
keep(uint64_t at_ms)
{
	log_summary_keep(
	    &readings, &(struct log_reading){.at_ms = at_ms, .lines = {at_ms}});
}

static void
a_place_is_an_event_of_warning_or_worse(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < LOG_LOUD; i++)
		assert_true(event_level(log_summary_event(i)) >= LOG_WARN);
	assert_int_equal(log_summary_event(LOG_LOUD), EVENT_IDS);
}

static void
readings_are_kept_apart_and_the_right_one_is_found(void **state)
{
	(void)state;
	assert_null(log_summary_since(&readings, 5));
	keep(1000);
	keep(1000 + LOG_READING_MS - 1);
	assert_int_equal(readings.count, 1);
	keep(1000 + LOG_READING_MS);
	assert_int_equal(readings.count, 2);
	assert_int_equal(log_summary_since(&readings, 1001)->at_ms, 1000);
	assert_int_equal(log_summary_since(&readings, 900)->at_ms, 1000);
	assert_int_equal(
	    log_summary_since(&readings, UINT64_MAX)->at_ms, 11000);
}

static void
the_longest_period_is_kept_and_no_more(void **state)
{
	uint64_t now_ms = 0;

	(void)state;
	for (int i = 0; i < 3 * LOG_READINGS; i++)
		keep(now_ms += LOG_READING_MS);
	assert_int_equal(readings.count, LOG_READINGS);
	assert_int_equal(
	    log_summary_since(&readings, now_ms - LOG_PERIOD_S * 1000)->at_ms,
	    now_ms - LOG_PERIOD_S * 1000);
}

static void
levels_errors_and_the_rate_are_differences(void **state)
{
	struct log_reading from = {.at_ms = 1000, .lines = {9, 9, 9, 9, 9}};
	struct log_reading to = {.at_ms = 31000, .lines = {9, 20, 12, 10, 9}};
	struct log_summary s;

	(void)state;
	from.events[0] = to.events[0] = 5; /* nothing new */
	to.events[1] = 1;
	to.events[2] = 3;
	log_summary_make(&from, &to, &s);
	assert_int_equal(s.period_ms, 30000);
	assert_int_equal(s.total, 15);
	assert_int_equal(s.lines[LOG_INFO], 11);
	assert_int_equal(s.lines[LOG_WARN], 3);
	assert_true(s.errors_per_minute == 8);
	assert_int_equal(s.tops, 2);
	assert_int_equal(s.top[0].id, log_summary_event(2));
	assert_int_equal(s.top[0].count, 3);
	assert_int_equal(s.top[1].id, log_summary_event(1));
}

static void
counters_that_fell_count_as_nothing(void **state)
{
	struct log_reading from = {.at_ms = 9, .lines = {0, 0, 7}};
	struct log_reading to = {.at_ms = 9};
	struct log_summary s;

	(void)state;
	from.events[3] = 7;
	log_summary_make(&from, &to, &s);
	assert_int_equal(s.total, 0);
	assert_int_equal(s.tops, 0);
	assert_true(s.errors_per_minute == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_place_is_an_event_of_warning_or_worse),
	    cmocka_unit_test_setup(
		readings_are_kept_apart_and_the_right_one_is_found, set_up),
	    cmocka_unit_test_setup(
		the_longest_period_is_kept_and_no_more, set_up),
	    cmocka_unit_test(levels_errors_and_the_rate_are_differences),
	    cmocka_unit_test(counters_that_fell_count_as_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
