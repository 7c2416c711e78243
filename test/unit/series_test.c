// SPDX-License-Identifier: MIT
/* series - points over hours and days, lived through in a loop. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "workers/monitor/series.h"

enum {
	HOUR_MS = 3600000
};

static const uint32_t sizes[SERIES_RINGS] = {2160, 10080};
static struct series *series;
static int64_t now_ms, wall_ms;

static struct {
	uint32_t count;
	int64_t wall_ms[3000];
	double values[3000];
} seen;

static int
set_up(void **state)
{
	(void)state;
	series_create(&series, sizes);
	now_ms = 5000;
	wall_ms = 1700000000000;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	series_destroy(&series);
	return 0;
}

/* add takes one point, ten seconds after the last. */
static bool
add(uint32_t column, double value)
{
	struct series_point p;

	now_ms += 10000;
	wall_ms += 10000;
	p.at_ms = now_ms;
	p.wall_ms = wall_ms;
	series_blank(&p);
	p.values[column] = (float)value;
	return series_add(series, &p);
}

static void
see(void *ctx, int64_t label_ms, double value)
{
	(void)ctx;
	assert_true(seen.count < 3000);
	seen.wall_ms[seen.count] = label_ms;
	seen.values[seen.count++] = value;
}

static void
look(uint32_t column, int64_t span_ms, int64_t resolution_ms)
{
	const struct series_question q = {.column = column,
	    .now_ms = now_ms,
	    .span_ms = span_ms,
	    .resolution_ms = resolution_ms};

	seen.count = 0;
	series_buckets(series, &q, see, NULL);
}

static void
an_hour_of_points_comes_back_by_the_minute(void **state)
{
	(void)state;
	look(SERIES_latency_ms, HOUR_MS, 60000);
	assert_int_equal(seen.count, 0);
	for (int i = 0; i < 720; i++)
		add(SERIES_latency_ms, i < 360 ? 1000 : i % 6);
	look(SERIES_latency_ms, HOUR_MS - 10000, 60000);
	assert_int_equal(seen.count, 60);
	for (uint32_t i = 0; i < 60; i++)
		assert_true(seen.values[i] == 2.5);
	assert_int_equal(seen.wall_ms[1] - seen.wall_ms[0], 60000);
	look(SERIES_latency_ms, HOUR_MS - 10000, 0);
	assert_int_equal(seen.count, 360);
	look(SERIES_cpu_percent, HOUR_MS, 60000); /* never measured */
	assert_int_equal(seen.count, 0);
}

static void
older_than_six_hours_the_minutes_answer(void **state)
{
	uint32_t coarse = 0;

	(void)state;
	for (int i = 0; i < 8 * 360; i++)
		coarse += add(SERIES_latency_ms, i / 360);
	assert_int_equal(coarse, 8 * 60);
	assert_int_equal(series_count(series, SERIES_FINE), 2160);
	assert_int_equal(series_count(series, SERIES_COARSE), 480);
	look(SERIES_latency_ms, (int64_t)8 * HOUR_MS, HOUR_MS);
	assert_in_range(seen.count, 8, 9);
	assert_true(seen.values[0] == 0);
	assert_true(seen.values[seen.count - 1] == 7);
	look(SERIES_latency_ms, HOUR_MS, 0);
	assert_in_range(seen.count, 360, 361); /* the fine ones again */
}

static void
a_mean_is_of_what_was_measured(void **state)
{
	struct series_point p;

	(void)state;
	for (int i = 0; i < SERIES_COARSE_EVERY; i++)
		add(i == 0 ? SERIES_latency_ms : SERIES_cpu_percent, 12);
	assert_int_equal(series_count(series, SERIES_COARSE), 1);
	series_at(series, SERIES_COARSE, 0, &p);
	assert_true(p.values[SERIES_latency_ms] == 12);
	assert_true(p.values[SERIES_cpu_percent] == 12);
	assert_true(isnan(p.values[SERIES_connections]));
}

static void
the_wall_clock_may_jump_and_only_labels_change(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++) {
		if (i == 30)
			wall_ms -= HOUR_MS;
		add(SERIES_latency_ms, i);
	}
	look(SERIES_latency_ms, HOUR_MS, 0);
	assert_int_equal(seen.count, 60);
	for (uint32_t i = 0; i < 60; i++)
		assert_true(seen.values[i] == i); /* in their order, all */
	assert_int_equal(seen.wall_ms[30] - seen.wall_ms[29], 10000 - HOUR_MS);
}

static void
a_trend_needs_six_points_and_knows_what_is_better(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		add(SERIES_latency_ms, 100);
	assert_int_equal(
	    series_trend(series, SERIES_latency_ms, now_ms, HOUR_MS, false),
	    TREND_INSUFFICIENT);
	assert_string_equal(
	    trend_name(TREND_INSUFFICIENT), "insufficient_data");
	add(SERIES_latency_ms, 100);
	assert_int_equal(
	    series_trend(series, SERIES_latency_ms, now_ms, HOUR_MS, false),
	    TREND_STABLE);
	for (int i = 0; i < 6; i++)
		add(SERIES_latency_ms, 120);
	assert_int_equal(
	    series_trend(series, SERIES_latency_ms, now_ms, HOUR_MS, false),
	    TREND_DEGRADING);
	assert_int_equal(
	    series_trend(series, SERIES_latency_ms, now_ms, HOUR_MS, true),
	    TREND_IMPROVING);
	for (int i = 0; i < 60; i++)
		add(SERIES_latency_ms, 50);
	for (int i = 0; i < 60; i++)
		add(SERIES_latency_ms, 10);
	assert_int_equal(
	    series_trend(series, SERIES_latency_ms, now_ms, HOUR_MS, false),
	    TREND_IMPROVING);
	now_ms += (int64_t)2 * HOUR_MS; /* nothing since */
	assert_int_equal(
	    series_trend(series, SERIES_latency_ms, now_ms, HOUR_MS, false),
	    TREND_INSUFFICIENT);
}

static void
pools_have_columns_until_there_is_no_room(void **state)
{
	char name[16];
	uint32_t c = series_column(series, TEXT("pool_utilization.default"));

	(void)state;
	assert_int_equal(c, SERIES_FIXED);
	assert_int_equal(
	    series_column(series, TEXT("pool_utilization.default")), c);
	assert_int_equal(
	    series_find(series, TEXT("latency_ms")), SERIES_latency_ms);
	assert_int_equal(series_find(series, TEXT("nothing")), SERIES_NONE);
	assert_int_equal(series_column(series,
			     TEXT("a name that is longer than any column's "
				  "name may ever be")),
	    SERIES_NONE);
	for (int i = 0; i < SERIES_COLUMNS; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		(void)series_column(series, text_of(name));
	}
	assert_int_equal(series_columns(series), SERIES_COLUMNS);
	assert_int_equal(series_column(series, TEXT("one more")), SERIES_NONE);
}

/* moved decodes the newest point in a series with other columns. */
static struct series_point
moved(struct series_decoder *d, struct series_point *p, uint64_t boot)
{
	struct buffer names, bytes;
	struct series_point back;
	uint64_t layout;

	buffer_init(&names, 1 << 16);
	buffer_init(&bytes, 1 << 16);
	assert_int_equal(series_names(series, &names, &layout), OK);
	assert_int_equal(series_encode(series, p, boot, &bytes), OK);
	assert_int_equal(
	    series_decode(d, buffer_text(&bytes), &back), ERR_NOT_FOUND);
	assert_int_equal(
	    series_decode_names(d, layout, buffer_text(&names)), OK);
	assert_int_equal(series_decode(d, buffer_text(&bytes), &back), OK);
	struct text cut = buffer_text(&bytes);
	cut.len--;
	struct series_point none;
	assert_int_equal(series_decode(d, cut, &none), ERR_MALFORMED);
	cut.len = 7;
	assert_int_equal(series_decode(d, cut, &none), ERR_MALFORMED);
	buffer_finish(&names);
	buffer_finish(&bytes);
	return back;
}

static void
a_point_survives_on_disk_though_columns_changed(void **state)
{
	struct series_point p, back;
	struct series *next;
	struct series_decoder d = {
	    .boot = 7, .now_ms = 100000, .now_wall_ms = 1700000100000};

	(void)state;
	series_create(&next, sizes);
	d.series = next;
	(void)series_column(next, TEXT("another"));
	uint32_t c = series_column(series, TEXT("pool_utilization.x"));
	add(c, 12.5);
	series_at(series, SERIES_FINE, 0, &p);
	assert_int_equal(p.sequence, 1);
	p.values[SERIES_latency_ms] = 3;
	back = moved(&d, &p, 7);
	assert_int_equal(back.sequence, 1);
	assert_int_equal(back.at_ms, p.at_ms); /* the same boot */
	assert_int_equal(back.wall_ms, p.wall_ms);
	assert_true(back.values[SERIES_latency_ms] == 3);
	assert_true(isnan(back.values[SERIES_cpu_percent]));
	uint32_t there = series_find(next, TEXT("pool_utilization.x"));
	assert_int_equal(there, c + 1);
	assert_true(back.values[there] == 12.5);
	series_destroy(&next);
}

static void
a_point_of_an_earlier_boot_is_placed_by_its_label(void **state)
{
	struct series_point p, back;
	struct series_decoder d = {.boot = 7,
	    .series = series,
	    .now_ms = 100000,
	    .now_wall_ms = 1700000100000};

	(void)state;
	add(SERIES_latency_ms, 1);
	series_at(series, SERIES_FINE, 0, &p);
	back = moved(&d, &p, 6);
	assert_int_equal(back.at_ms, 100000 - (1700000100000 - p.wall_ms));
	d.now_wall_ms -= HOUR_MS; /* a label of the future is of now */
	d.layout_count = 0;
	back = moved(&d, &p, 6);
	assert_int_equal(back.at_ms, d.now_ms);
	series_restore(series, SERIES_COARSE, &back);
	assert_int_equal(series_newest(series, SERIES_COARSE), 1);
}

static void
names_that_are_no_names_are_refused(void **state)
{
	struct series_decoder d = {.series = series};

	(void)state;
	assert_int_equal(
	    series_decode_names(&d, 1, TEXT("no end")), ERR_MALFORMED);
	assert_int_equal(
	    series_decode_names(&d, 1, TEXT("a\n\n")), ERR_MALFORMED);
	for (int i = 0; i < 16; i++)
		assert_int_equal(
		    series_decode_names(&d, (uint64_t)i, TEXT("a\n")), OK);
	assert_int_equal(series_decode_names(&d, 99, TEXT("a\n")), ERR_FULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_hour_of_points_comes_back_by_the_minute),
	    TEST(older_than_six_hours_the_minutes_answer),
	    TEST(a_mean_is_of_what_was_measured),
	    TEST(the_wall_clock_may_jump_and_only_labels_change),
	    TEST(a_trend_needs_six_points_and_knows_what_is_better),
	    TEST(pools_have_columns_until_there_is_no_room),
	    TEST(a_point_survives_on_disk_though_columns_changed),
	    TEST(a_point_of_an_earlier_boot_is_placed_by_its_label),
	    TEST(names_that_are_no_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
