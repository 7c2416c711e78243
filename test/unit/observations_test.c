// SPDX-License-Identifier: MIT
/* observations - when they are due, and what is kept of them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "workers/monitor/observations.h"

static struct observations all;

static int
tear_down(void **state)
{
	(void)state;
	observations_finish(&all);
	memset(&all, 0, sizeof(all));
	return 0;
}

static void
names_are_found_and_never_given_twice(void **state)
{
	char id[OBSERVE_ID];
	struct observation *o;

	(void)state;
	assert_int_equal(
	    observe_target_find(TEXT("memory_usage")), OBSERVE_memory_usage);
	assert_int_equal(
	    observe_target_find(TEXT("memory")), OBSERVE_TARGET_COUNT);
	o = observations_start(&all, OBSERVE_memory_usage, 100, 5);
	observation_id(o, id);
	assert_string_equal(id, "obs_1");
	assert_ptr_equal(observations_find(&all, TEXT("obs_1")), o);
	assert_null(observations_find(&all, TEXT("obs_0")));
	observation_stop(o);
	assert_null(observations_find(&all, TEXT("obs_1")));
	assert_int_equal(
	    observations_start(&all, OBSERVE_memory_usage, 100, 5)->number, 2);
}

static void
there_are_only_so_many(void **state)
{
	(void)state;
	for (int i = 0; i < OBSERVATIONS; i++)
		assert_non_null(
		    observations_start(&all, OBSERVE_system_metrics, 100, 0));
	assert_null(observations_start(&all, OBSERVE_system_metrics, 100, 0));
}

static void
times_that_passed_are_not_made_up_for(void **state)
{
	struct observation *o;

	(void)state;
	assert_int_equal(observations_next_ms(&all), 0);
	o = observations_start(&all, OBSERVE_system_metrics, 100, 1000);
	assert_ptr_equal(observations_due(&all, 1000), o);
	assert_null(observations_due(&all, 1099));
	assert_ptr_equal(observations_due(&all, 5050), o);
	assert_int_equal(observations_next_ms(&all), 5100);
	assert_null(observations_due(&all, 5099));
}

static uint32_t
points_of(const struct observation *o, struct text *last)
{
	struct text rest = buffer_text(&o->points);
	uint32_t count = 0;

	while (observation_next(&rest, last))
		count++;
	return count;
}

static void
the_newest_points_are_kept(void **state)
{
	static char big[OBSERVE_BYTES / 4];
	struct observation *o;
	struct text last;

	(void)state;
	o = observations_start(&all, OBSERVE_system_metrics, 100, 0);
	for (int i = 0; i < OBSERVE_POINTS + 9; i++)
		assert_int_equal(observation_add(o, TEXT("point")), OK);
	assert_int_equal(o->count, OBSERVE_POINTS);
	assert_int_equal(o->taken, OBSERVE_POINTS + 9);
	assert_int_equal(points_of(o, &last), OBSERVE_POINTS);
	for (int i = 0; i < 9; i++)
		assert_int_equal(
		    observation_add(o, (struct text){big, sizeof(big)}), OK);
	assert_int_equal(o->count, 3);
	assert_int_equal(points_of(o, &last), 3);
	assert_int_equal(last.len, sizeof(big));
	assert_int_equal(
	    observation_add(o, (struct text){big, OBSERVE_BYTES}), ERR_TOO_BIG);
	assert_int_equal(o->count, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(
		names_are_found_and_never_given_twice, tear_down),
	    cmocka_unit_test_teardown(there_are_only_so_many, tear_down),
	    cmocka_unit_test_teardown(
		times_that_passed_are_not_made_up_for, tear_down),
	    cmocka_unit_test_teardown(the_newest_points_are_kept, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
