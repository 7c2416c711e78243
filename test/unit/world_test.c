// SPDX-License-Identifier: MIT
/* world - rates, windows and latencies from counters that may begin again,
 * of processes that come and go. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "workers/monitor/world.h"

static struct stats_slot slots[STATS_SLOTS];
static struct census census;
static struct world *world;

static int
set_up(void **state)
{
	(void)state;
	memset(slots, 0, sizeof(slots));
	memset(&census, 0, sizeof(census));
	census.now_ms = 1000000;
	census.wall_ms = 1700000000000;
	world_create(&world);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	world_destroy(&world);
	assert_null(world);
	return 0;
}

static struct stats_slot *
process(uint32_t index, enum role role)
{
	census.process[census.count++] = (struct census_process){.slot = index,
	    .stats = &slots[index],
	    .child = {.role = (uint32_t)role, .state = CHILD_UP}};
	return &slots[index];
}

static void
look_after(uint64_t ms)
{
	census.now_ms += ms;
	census.wall_ms += ms;
	world_look(world, &census);
}

static void
what_was_before_the_first_look_is_no_rate(void **state)
{
	struct stats_slot *g = process(3, ROLE_gateway);

	(void)state;
	stats_add(g, COUNTER_gateway_calls, 5000);
	look_after(0);
	assert_int_equal(world_total(world, COUNTER_gateway_calls), 5000);
	assert_int_equal(world_window_ms(world), 0);
	assert_true(world_rate(world, COUNTER_gateway_calls) == 0);
	stats_add(g, COUNTER_gateway_calls, 300);
	look_after(2000);
	assert_int_equal(world_window_ms(world), 2000);
	assert_true(world_rate(world, COUNTER_gateway_calls) == 150);
	assert_int_equal(world_hour(world, COUNTER_gateway_calls), 300);
}

static void
a_rate_is_of_the_last_minute(void **state)
{
	struct stats_slot *g = process(3, ROLE_gateway);

	(void)state;
	look_after(0);
	for (int s = 0; s < 100; s++) {
		stats_add(g, COUNTER_gateway_calls, 10);
		look_after(1000);
	}
	assert_in_range(world_window_ms(world), 56000, 60500);
	assert_true(world_rate(world, COUNTER_gateway_calls) == 10);
	for (int s = 0; s < 61; s++)
		look_after(1000);
	assert_true(world_rate(world, COUNTER_gateway_calls) == 0);
	assert_int_equal(world_hour(world, COUNTER_gateway_calls), 1000);
	for (int s = 0; s < 3700; s++)
		look_after(1000);
	assert_int_equal(world_hour(world, COUNTER_gateway_calls), 0);
}

static void
a_monitor_that_slept_divides_by_the_time_that_went_by(void **state)
{
	struct stats_slot *g = process(3, ROLE_gateway);

	(void)state;
	look_after(0);
	stats_add(g, COUNTER_gateway_calls, 3000);
	look_after(300000);
	assert_int_equal(world_window_ms(world), 300000);
	assert_true(world_rate(world, COUNTER_gateway_calls) == 10);
}

static void
a_counter_that_begins_again_goes_on(void **state)
{
	struct stats_slot *g = process(3, ROLE_gateway);

	(void)state;
	stats_add(g, COUNTER_gateway_calls, 900);
	look_after(0);
	stats_set(g, COUNTER_gateway_calls, 40); /* segments made anew */
	look_after(1000);
	assert_int_equal(world_total(world, COUNTER_gateway_calls), 940);
	assert_true(world_rate(world, COUNTER_gateway_calls) == 40);
	stats_set(g, COUNTER_gateway_calls, UINT64_MAX / 2); /* rubbish */
	look_after(1000);
	assert_int_equal(world_total(world, COUNTER_gateway_calls), 940);
}

static void
processes_come_and_go(void **state)
{
	struct stats_slot *one = process(3, ROLE_gateway);
	struct stats_slot *two;

	(void)state;
	stats_add(one, COUNTER_gateway_calls, 7);
	stats_set(one, COUNTER_gateway_connections, 4);
	look_after(0);
	two = process(4, ROLE_gateway);
	stats_add(two, COUNTER_gateway_calls, 100000); /* of earlier lives */
	stats_set(two, COUNTER_gateway_connections, 2);
	look_after(1000);
	assert_int_equal(world_total(world, COUNTER_gateway_calls), 100007);
	assert_true(world_rate(world, COUNTER_gateway_calls) == 0);
	assert_int_equal(world_gauge(world, COUNTER_gateway_connections), 6);
	stats_add(two, COUNTER_gateway_calls, 10);
	look_after(1000);
	assert_int_equal(world_recent(world, COUNTER_gateway_calls), 10);
	census.process[1].child.state = CHILD_RESTING;
	look_after(1000);
	assert_int_equal(world_gauge(world, COUNTER_gateway_connections), 4);
	assert_true(world_is_up(world, ROLE_gateway));
	assert_false(world_is_up(world, ROLE_relay));
	census.count = 1; /* it is not wanted any more */
	look_after(1000);
	assert_int_equal(world_total(world, COUNTER_gateway_calls), 100017);
}

static void
the_wall_clock_changes_nothing(void **state)
{
	struct stats_slot *g = process(3, ROLE_gateway);

	(void)state;
	look_after(0);
	for (int s = 0; s < 30; s++) {
		stats_add(g, COUNTER_gateway_calls, 20);
		census.wall_ms += s % 2 == 0 ? 3600000 : (uint64_t)-3600000;
		look_after(1000);
		assert_true(world_rate(world, COUNTER_gateway_calls) == 20);
	}
}

static void
latencies_are_of_the_window_alone(void **state)
{
	struct stats_slot *g = process(3, ROLE_gateway);
	struct world_times t;

	(void)state;
	for (int i = 0; i < 1000; i++)
		stats_time(g, HISTOGRAM_gateway_call_us, 1000000);
	look_after(0);
	world_times_of(world, HISTOGRAM_gateway_call_us, &t);
	assert_int_equal(t.count, 0);
	for (uint64_t i = 1; i <= 100; i++)
		stats_time(g, HISTOGRAM_gateway_call_us, i <= 97 ? 4 : 7);
	look_after(1000);
	world_times_of(world, HISTOGRAM_gateway_call_us, &t);
	assert_int_equal(t.count, 100);
	assert_int_equal(t.least, 4);
	assert_int_equal(t.most, 7);
	assert_int_equal(t.p50, 4);
	assert_int_equal(t.p95, 4); /* index round(0.95 · 99) = 94 */
	assert_int_equal(t.p99, 7); /* index 98 */
	assert_true(t.average > 4.08 && t.average < 4.1);
	stats_time(g, HISTOGRAM_gateway_call_us, 7);
	stats_time(g, HISTOGRAM_gateway_call_us, 7);
	look_after(1000);
	world_times_of(world, HISTOGRAM_gateway_call_us, &t);
	assert_int_equal(t.count, 102); /* 97 of 4, then 5 of 7 */
	assert_int_equal(t.p95, 4);     /* index round(0.95 · 101) = 96 */
	for (int s = 0; s < 70; s++)
		look_after(1000);
	world_times_of(world, HISTOGRAM_gateway_call_us, &t);
	assert_int_equal(t.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_was_before_the_first_look_is_no_rate),
	    TEST(a_rate_is_of_the_last_minute),
	    TEST(a_monitor_that_slept_divides_by_the_time_that_went_by),
	    TEST(a_counter_that_begins_again_goes_on),
	    TEST(processes_come_and_go),
	    TEST(the_wall_clock_changes_nothing),
	    TEST(latencies_are_of_the_window_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
