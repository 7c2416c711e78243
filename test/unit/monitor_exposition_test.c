// SPDX-License-Identifier: MIT
/* exposition - what Prometheus is told, byte for byte. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/base/clock.h"
#include "protocol/stats.h"
#include "workers/monitor/exposition.h"

static struct buffer out;
static struct exposition e;

static int
begin(void **state)
{
	(void)state;
	buffer_finish(&out);
	buffer_init(&out, 64 << 20);
	exposition_init(&e, &out, "banyan", false, 1000);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	buffer_finish(&out);
	return 0;
}

static void
value(const char *name, struct text of, double number)
{
	const struct exposition_label label = {name, of};

	exposition_value(&e, (struct exposition_labels){&label, 1}, number);
}

static void
told(const char *wanted)
{
	assert_int_equal(exposition_finish(&e), OK);
	assert_int_equal(buffer_append(&out, "", 1), OK);
	assert_string_equal((const char *)buffer_at(&out), wanted);
}

static void
counters_and_gauges_are_told_with_help_and_type(void **state)
{
	(void)state;
	exposition_family(&e, "calls", EXPOSITION_COUNTER, "calls \"made\"\\");
	value("role", TEXT("gateway"), 12345678901234);
	value("role", TEXT("relay"), 0);
	exposition_family(&e, "load", EXPOSITION_GAUGE, "of it");
	exposition_value(&e, (struct exposition_labels){0}, -0.25);
	exposition_value(&e, (struct exposition_labels){0}, NAN);
	exposition_value(&e, (struct exposition_labels){0}, INFINITY);
	told("# HELP banyan_calls_total calls \"made\"\\\\\n"
	     "# TYPE banyan_calls_total counter\n"
	     "banyan_calls_total{role=\"gateway\"} 12345678901234\n"
	     "banyan_calls_total{role=\"relay\"} 0\n"
	     "# HELP banyan_load of it\n"
	     "# TYPE banyan_load gauge\n"
	     "banyan_load -0.25\nbanyan_load NaN\nbanyan_load +Inf\n");
}

static void
openmetrics_names_the_family_without_total_and_ends(void **state)
{
	(void)state;
	exposition_init(&e, &out, "b", true, 10);
	exposition_family(&e, "calls", EXPOSITION_COUNTER, "a \"b\"");
	exposition_value(&e, (struct exposition_labels){0}, 1);
	told("# HELP b_calls a \\\"b\\\"\n# TYPE b_calls counter\n"
	     "b_calls_total 1\n# EOF\n");
}

static void
a_label_may_hold_anything(void **state)
{
	static char big[300];

	(void)state;
	memset(big, 'a', sizeof(big));
	memcpy(big + 127, "\xc3\xa4", 2); /* the cut would go through it */
	exposition_family(&e, "x", EXPOSITION_GAUGE, "");
	value("k", TEXT("a\"b\\c\nd\r"), 1);
	value("k",
	    TEXT("\xff"
		 "a\xc3\xa4"),
	    2);
	value("k", TEXT("\xc3\xa4"), 3);
	value("k", (struct text){big, sizeof(big)}, 4);
	value("k", TEXT(""), 5);
	big[127] = '\0';
	char wanted[600];
	snprintf(wanted, sizeof(wanted),
	    "# HELP banyan_x \n# TYPE banyan_x gauge\n"
	    "banyan_x{k=\"a\\\"b\\\\c\\nd?\"} 1\n"
	    "banyan_x{k=\"?a??\"} 2\n"
	    "banyan_x{k=\"\xc3\xa4\"} 3\n"
	    "banyan_x{k=\"%s\"} 4\n"
	    "banyan_x{k=\"\"} 5\n",
	    big);
	told(wanted);
}

static void
a_histogram_has_its_buckets_sum_and_count(void **state)
{
	static const double bounds[] = {0.015, 0.5};
	static const uint64_t at_most[] = {1, 3};
	const struct exposition_label label = {"role", TEXT("g")};

	(void)state;
	exposition_family(&e, "call_seconds", EXPOSITION_HISTOGRAM, "how long");
	exposition_times(&e, (struct exposition_labels){&label, 1},
	    &(struct exposition_times){bounds, at_most, 2, 4, 2.5});
	told("# HELP banyan_call_seconds how long\n"
	     "# TYPE banyan_call_seconds histogram\n"
	     "banyan_call_seconds_bucket{role=\"g\",le=\"0.015\"} 1\n"
	     "banyan_call_seconds_bucket{role=\"g\",le=\"0.5\"} 3\n"
	     "banyan_call_seconds_bucket{role=\"g\",le=\"+Inf\"} 4\n"
	     "banyan_call_seconds_sum{role=\"g\"} 2.5\n"
	     "banyan_call_seconds_count{role=\"g\"} 4\n");
}

static void
what_is_above_the_ceiling_is_summed_and_counted(void **state)
{
	(void)state;
	exposition_init(&e, &out, "b", false, 2);
	exposition_family(&e, "x", EXPOSITION_COUNTER, "h");
	value("k", TEXT("1"), 1);
	value("k", TEXT("2"), 2);
	value("k", TEXT("3"), 30);
	value("k", TEXT("4"), 400);
	exposition_family(&e, "y", EXPOSITION_GAUGE, "h");
	value("k", TEXT("5"), 5);
	exposition_value(&e, (struct exposition_labels){0}, 7);
	told("# HELP b_x_total h\n# TYPE b_x_total counter\n"
	     "b_x_total{k=\"1\"} 1\nb_x_total{k=\"2\"} 2\n"
	     "b_x_total{k=\"__other__\"} 430\n"
	     "# HELP b_y h\n# TYPE b_y gauge\nb_y 7\n"
	     "b_y{k=\"__other__\"} 5\n");
	assert_int_equal(e.series, 3);
	assert_int_equal(e.over, 3);
}

static void
histograms_above_the_ceiling_are_added_bucket_by_bucket(void **state)
{
	static const double bounds[] = {1};
	static const uint64_t few[] = {1}, many[] = {10};
	const struct exposition_label label = {"k", TEXT("v")};
	const struct exposition_labels labels = {&label, 1};

	(void)state;
	exposition_init(&e, &out, "b", false, 3);
	exposition_family(&e, "x", EXPOSITION_HISTOGRAM, "h");
	exposition_times(
	    &e, labels, &(struct exposition_times){bounds, few, 1, 2, 3});
	exposition_times(
	    &e, labels, &(struct exposition_times){bounds, many, 1, 20, 30});
	told("# HELP b_x h\n# TYPE b_x histogram\n"
	     "b_x_bucket{k=\"__other__\",le=\"1\"} 11\n"
	     "b_x_bucket{k=\"__other__\",le=\"+Inf\"} 22\n"
	     "b_x_sum{k=\"__other__\"} 33\nb_x_count{k=\"__other__\"} 22\n");
	assert_int_equal(e.over, 8);
}

static void
what_a_teller_does_not_tell_apart_joins_what_is_above(void **state)
{
	const struct exposition_label label = {"k", TEXT("any")};
	const struct exposition_labels labels = {&label, 1};

	(void)state;
	exposition_init(&e, &out, "b", false, 1);
	exposition_family(&e, "x", EXPOSITION_COUNTER, "h");
	exposition_rest(&e, labels, 1000);
	value("k", TEXT("1"), 1);
	value("k", TEXT("2"), 2);
	exposition_family(&e, "y", EXPOSITION_GAUGE, "h");
	told("# HELP b_x_total h\n# TYPE b_x_total counter\n"
	     "b_x_total{k=\"1\"} 1\nb_x_total{k=\"__other__\"} 1002\n"
	     "# HELP b_y h\n# TYPE b_y gauge\n");
	assert_int_equal(e.over, 1);
}

static void
a_full_buffer_is_an_error_and_not_half_a_line(void **state)
{
	(void)state;
	buffer_finish(&out);
	buffer_init(&out, 8000);
	exposition_family(&e, "x", EXPOSITION_GAUGE, "h");
	for (int i = 0; i < 1000; i++)
		value("k", TEXT("v"), i);
	assert_int_equal(exposition_finish(&e), ERR_FULL);
	assert_int_equal(buffer_at(&out)[buffer_used(&out) - 1], '\n');
}

static void
named(const char *name, const char *unit, const char *wanted, double divisor)
{
	char made[EXPOSITION_NAME];
	double scale;

	exposition_name("gateway", name, unit, made, &scale);
	assert_string_equal(made, wanted);
	assert_true(scale == divisor);
}

static void
a_name_has_its_base_unit(void **state)
{
	(void)state;
	named("call_us", "us", "gateway_call_seconds", 1e6);
	named("lag_worst_ms", "ms", "gateway_lag_worst_seconds", 1e3);
	named("lag", "ms", "gateway_lag_seconds", 1e3);
	named("memory_bytes", "bytes", "gateway_memory_bytes", 1);
	named("memory", "bytes", "gateway_memory_bytes", 1);
	named("calls", "calls", "gateway_calls", 1);
}

/* What promtool would say of a name, so that a new row fails here. */
static void
every_row_of_the_table_makes_a_sound_name(void **state)
{
	static const char *const endings[] = {
	    "_count", "_sum", "_bucket", "_info", "_created"};

	(void)state;
	for (uint32_t id = 0; id < COUNTERS; id++) {
		const struct counter_info *info =
		    counter_info((enum counter)id);
		char name[EXPOSITION_NAME];
		double scale;

		exposition_name(
		    info->role, info->name, info->unit, name, &scale);
		for (const char *c = name; *c != '\0'; c++)
			assert_true((*c >= 'a' && *c <= 'z') || *c == '_' ||
			    (*c >= '0' && *c <= '9'));
		assert_null(strstr(name, "_total"));
		for (size_t i = 0; info->is_gauge && i < COUNT_OF(endings);
		     i++) {
			size_t n = strlen(name), k = strlen(endings[i]);

			if (n > k && strcmp(name + n - k, endings[i]) == 0)
				fail_msg("%s ends with %s", name, endings[i]);
		}
		assert_true(strlen(info->meaning) > 0);
	}
}

static void
ten_thousand_series_take_milliseconds(void **state)
{
	char name[32];
	uint64_t began_us, best_us = UINT64_MAX;

	(void)state;
	for (int round = 0; round < 5; round++) {
		begin(state);
		exposition_init(&e, &out, "banyan", false, 20000);
		began_us = clock_mono_us();
		exposition_family(&e, "x", EXPOSITION_COUNTER, "h");
		for (int i = 0; i < 10000; i++) {
			int n = snprintf(name, sizeof(name), "function_%d", i);

			value("name", (struct text){name, (uint32_t)n}, i);
		}
		assert_int_equal(exposition_finish(&e), OK);
		if (clock_mono_us() - began_us < best_us)
			best_us = clock_mono_us() - began_us;
	}
	assert_int_equal(e.series, 10000);
	/* 50 ms is the promise; a machine that is ten times slower holds it */
	print_message("10 000 series: %llu us\n", (unsigned long long)best_us);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(counters_and_gauges_are_told_with_help_and_type),
	    TEST(openmetrics_names_the_family_without_total_and_ends),
	    TEST(a_label_may_hold_anything),
	    TEST(a_histogram_has_its_buckets_sum_and_count),
	    TEST(what_is_above_the_ceiling_is_summed_and_counted),
	    TEST(histograms_above_the_ceiling_are_added_bucket_by_bucket),
	    TEST(what_a_teller_does_not_tell_apart_joins_what_is_above),
	    TEST(a_full_buffer_is_an_error_and_not_half_a_line),
	    TEST(a_name_has_its_base_unit),
	    TEST(every_row_of_the_table_makes_a_sound_name),
	    TEST(ten_thousand_series_take_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
