// SPDX-License-Identifier: MIT
/* systems - scores and words, by the formulas. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "workers/monitor/systems.h"

static struct stats_slot gateway, relay, pool, config_db;
static struct census census;
static struct world *world;
static struct systems systems;
static uint32_t nodes;

static void
add(struct stats_slot *slot, enum role role)
{
	memset(slot, 0, sizeof(*slot));
	census.process[census.count] =
	    (struct census_process){.slot = census.count + 2,
		.stats = slot,
		.child = {.role = (uint32_t)role, .state = CHILD_UP}};
	census.count++;
}

static int
set_up(void **state)
{
	(void)state;
	memset(&census, 0, sizeof(census));
	nodes = 0;
	add(&gateway, ROLE_gateway);
	add(&relay, ROLE_relay);
	add(&pool, ROLE_worker_pool);
	add(&config_db, ROLE_config_db);
	world_create(&world);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	world_destroy(&world);
	return 0;
}

static void
look(void)
{
	census.now_ms += 1000;
	world_look(world, &census);
	systems_read(world, nodes, &systems);
}

#define NEAR(a, b) assert_true((a) > (b)-0.0001 && (a) < (b) + 0.0001)

static void
scores_follow_the_formula(void **state)
{
	(void)state;
	NEAR(system_score(0, 0), 1);
	NEAR(system_score(50, 0), 0.7);
	NEAR(system_score(0, 2500), 0.8);
	NEAR(system_score(100, 5000), 0);
	NEAR(system_score(1000, 99999), 0);
	assert_int_equal(grade_of_score(0.8), GRADE_HEALTHY);
	assert_int_equal(grade_of_score(0.79), GRADE_DEGRADED);
	assert_int_equal(grade_of_score(0.6), GRADE_DEGRADED);
	assert_int_equal(grade_of_score(0.59), GRADE_CRITICAL);
	assert_int_equal(grade_of_errors(5), GRADE_HEALTHY);
	assert_int_equal(grade_of_errors(15), GRADE_DEGRADED);
	assert_int_equal(grade_of_errors(15.1), GRADE_CRITICAL);
	assert_string_equal(grade_name(GRADE_UNAVAILABLE), "unavailable");
}

static void
a_system_that_is_off_is_left_out(void **state)
{
	(void)state;
	look();
	assert_false(systems.of[SYSTEM_queue].is_on);
	assert_false(systems.of[SYSTEM_federation].is_on);
	assert_int_equal(systems.counts[GRADE_HEALTHY], 3);
	assert_int_equal(systems.counts[GRADE_UNAVAILABLE], 2);
	NEAR(systems.score, 1);
	assert_int_equal(systems.grade, GRADE_HEALTHY);
}

static void
a_system_that_is_on_and_down_counts_with_nothing(void **state)
{
	(void)state;
	census.process[0].child.state = CHILD_RESTING;
	look();
	assert_true(systems.of[SYSTEM_rpc].is_on);
	assert_true(systems.of[SYSTEM_rpc].is_down);
	NEAR(systems.score, 2.0 / 3);
	assert_int_equal(systems.grade, GRADE_DEGRADED);
	stats_set(&pool, COUNTER_worker_pool_runners, 2); /* none is ready */
	look();
	assert_true(systems.of[SYSTEM_queue].is_down);
	NEAR(systems.score, 0.5);
	assert_int_equal(systems.grade, GRADE_CRITICAL);
}

static void
no_process_at_all_is_unavailable(void **state)
{
	(void)state;
	census.count = 0;
	look();
	NEAR(systems.score, 0);
	assert_int_equal(systems.counts[GRADE_UNAVAILABLE], SYSTEMS);
}

static void
errors_move_the_whole_from_healthy_over_degraded_to_critical(void **state)
{
	(void)state;
	stats_set(&pool, COUNTER_worker_pool_runners, 2);
	stats_set(&pool, COUNTER_worker_pool_runners_ready, 2);
	look();
	assert_int_equal(systems.grade, GRADE_HEALTHY);
	stats_add(&gateway, COUNTER_gateway_calls, 100);
	stats_add(&gateway, COUNTER_gateway_failed, 100);
	stats_add(&pool, COUNTER_worker_pool_calls, 100);
	stats_add(&pool, COUNTER_worker_pool_failed, 100);
	look();
	NEAR(systems.of[SYSTEM_rpc].error_percent, 100);
	NEAR(systems.of[SYSTEM_rpc].score, 0.4);
	NEAR(systems.of[SYSTEM_rpc].per_second, 100);
	assert_int_equal(systems.of[SYSTEM_rpc].last_hour, 100);
	assert_int_equal(systems.of[SYSTEM_rpc].grade, GRADE_CRITICAL);
	NEAR(systems.score, (0.4 + 0.4 + 1 + 1) / 4);
	assert_int_equal(systems.grade, GRADE_DEGRADED);
	stats_add(&gateway, COUNTER_gateway_calls, 900);
	stats_add(&gateway, COUNTER_gateway_failed, 900);
	stats_add(&gateway, COUNTER_gateway_not_found, 900);
	look();
	NEAR(systems.of[SYSTEM_cache].error_percent, 90);
	NEAR(systems.score, (0.4 + 0.4 + 0.46 + 1) / 4);
	assert_int_equal(systems.grade, GRADE_CRITICAL);
	for (int i = 0; i < 62; i++)
		look();
	assert_int_equal(systems.grade, GRADE_HEALTHY);
}

static void
links_count_what_is_neither_local_nor_relayed(void **state)
{
	(void)state;
	nodes = 1;
	look();
	assert_true(systems.of[SYSTEM_federation].is_down); /* no link is up */
	NEAR(systems.score, 0.75);
	stats_set(&gateway, COUNTER_gateway_links_up, 1);
	stats_add(&gateway, COUNTER_gateway_dispatched, 100);
	stats_add(&gateway, COUNTER_gateway_expired, 12);
	stats_add(&pool, COUNTER_worker_pool_calls, 30);
	stats_add(&pool, COUNTER_worker_pool_expired, 5);
	stats_add(&relay, COUNTER_relay_sent, 0);
	look();
	NEAR(systems.of[SYSTEM_federation].per_second, 70);
	NEAR(systems.of[SYSTEM_federation].error_percent, 10);
	assert_int_equal(systems.of[SYSTEM_federation].grade, GRADE_DEGRADED);
}

static void
latencies_are_told_in_milliseconds(void **state)
{
	(void)state;
	look();
	for (int i = 0; i < 10; i++)
		stats_time(&gateway, HISTOGRAM_gateway_call_us, 3);
	look();
	NEAR(systems.of[SYSTEM_rpc].average_ms, 0.003);
	NEAR(systems.of[SYSTEM_rpc].p95_ms, 0.003);
	for (int i = 0; i < 10; i++) /* failing takes time, too */
		stats_time(&gateway, HISTOGRAM_gateway_failed_us, 5);
	look();
	NEAR(systems.of[SYSTEM_rpc].average_ms, 0.004);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(scores_follow_the_formula),
	    TEST(a_system_that_is_off_is_left_out),
	    TEST(a_system_that_is_on_and_down_counts_with_nothing),
	    TEST(no_process_at_all_is_unavailable),
	    TEST(errors_move_the_whole_from_healthy_over_degraded_to_critical),
	    TEST(links_count_what_is_neither_local_nor_relayed),
	    TEST(latencies_are_told_in_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
