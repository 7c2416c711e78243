// SPDX-License-Identifier: MIT
/* verdict - the rules of `banyan health`, without a tree. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/verdict.h"

static struct stats_slot slot;

static struct census_process
process(enum role role)
{
	return (struct census_process){.slot = 2,
	    .stats = &slot,
	    .child = {
		.role = (uint32_t)role, .state = CHILD_UP, .wants_up = true}};
}

static void
check(const struct census_process *p, enum verdict wanted, const char *why)
{
	const char *reason = "unset";

	assert_int_equal(verdict_of_process(p, &reason), wanted);
	if (why == NULL)
		assert_null(reason);
	else
		assert_string_equal(reason, why);
}

static void
a_process_that_is_up_is_ok(void **state)
{
	struct census_process p = process(ROLE_puller);

	(void)state;
	check(&p, VERDICT_OK, NULL);
}

static void
a_paused_child_is_degraded(void **state)
{
	struct census_process p = process(ROLE_gateway);

	(void)state;
	p.child.is_paused = true;
	check(&p, VERDICT_DEGRADED, "paused");
}

static void
a_child_on_probation_is_degraded_while_up(void **state)
{
	struct census_process p = process(ROLE_gateway);

	(void)state;
	p.child.is_in_probation = true;
	check(&p, VERDICT_DEGRADED, "probation");
}

static void
a_child_with_hardly_a_descriptor_left_is_degraded(void **state)
{
	struct census_process p = process(ROLE_monitor);

	(void)state;
	p.descriptors = 94; /* nobody has looked at the limit */
	check(&p, VERDICT_OK, NULL);
	p.descriptor_limit = 100;
	check(&p, VERDICT_OK, NULL);
	p.descriptors = 95;
	check(&p, VERDICT_DEGRADED, "descriptors_short");
	p.descriptors = 13;
	p.descriptor_limit = 16;
	check(&p, VERDICT_OK, NULL);
	p.descriptors = 14; /* less than 95 %, and yet */
	check(&p, VERDICT_DEGRADED, "descriptors_short");
}

static void
a_child_that_does_not_run_is_an_error_and_says_who_wanted_it(void **state)
{
	struct census_process p = process(ROLE_gateway);

	(void)state;
	p.child.state = CHILD_RESTING;
	check(&p, VERDICT_ERROR, "not_alive");
	p.child.state = CHILD_DOWN;
	p.child.wants_up = false;
	check(&p, VERDICT_ERROR, "stopped");
}

static void
pools_whose_runners_crash_too_often_are_an_error(void **state)
{
	struct census_process p = process(ROLE_worker_pool);

	(void)state;
	check(&p, VERDICT_OK, NULL);
	stats_set(&slot, COUNTER_worker_pool_pools_unhealthy, 1);
	check(&p, VERDICT_DEGRADED, "pool_unhealthy");
	stats_set(&slot, COUNTER_worker_pool_pools_crashing, 1);
	check(&p, VERDICT_ERROR, "workers_crash");
	stats_set(&slot, COUNTER_worker_pool_pools_unhealthy, 0);
	stats_set(&slot, COUNTER_worker_pool_pools_crashing, 0);
}

static void
a_full_disk_is_degraded_not_dead(void **state)
{
	struct census_process p = process(ROLE_config_db);

	(void)state;
	stats_set(&slot, COUNTER_config_db_is_degraded, 1);
	check(&p, VERDICT_DEGRADED, "disk_refuses_writes");
	stats_set(&slot, COUNTER_config_db_is_degraded, 0);
	check(&p, VERDICT_OK, NULL);
}

static void
a_gateway_that_can_verify_nobody_is_degraded(void **state)
{
	struct census_process p = process(ROLE_gateway);

	(void)state;
	stats_set(&slot, COUNTER_gateway_auth_keys_stale, 1);
	check(&p, VERDICT_DEGRADED, "key_file_broken");
	stats_set(&slot, COUNTER_gateway_auth_is_shut, 1);
	check(&p, VERDICT_DEGRADED, "nobody_can_be_verified");
	stats_set(&slot, COUNTER_gateway_auth_is_shut, 0);
	stats_set(&slot, COUNTER_gateway_auth_keys_stale, 0);
	check(&p, VERDICT_OK, NULL);
}

static void
a_service_that_cannot_be_reached_is_degraded(void **state)
{
	struct census_process p = process(ROLE_puller);

	(void)state;
	stats_set(&slot, COUNTER_puller_services, 2);
	stats_set(&slot, COUNTER_puller_services_up, 1);
	check(&p, VERDICT_DEGRADED, "service_unreachable");
	stats_set(&slot, COUNTER_puller_services_up, 2);
	check(&p, VERDICT_OK, NULL);
}

static void
a_tree_with_a_child_missing_is_degraded(void **state)
{
	const char *reason;

	(void)state;
	assert_int_equal(verdict_of_tree(0, 6, 6, &reason), VERDICT_OK);
	assert_int_equal(verdict_of_tree(0, 6, 5, &reason), VERDICT_DEGRADED);
	assert_string_equal(reason, "partial_failure");
	assert_int_equal(verdict_of_tree(0, 0, 0, &reason), VERDICT_ERROR);
	assert_int_equal(
	    verdict_of_tree(STATS_TREE_STORM, 6, 6, &reason), VERDICT_DEGRADED);
	assert_string_equal(reason, "storm");
}

static void
the_worst_verdict_wins(void **state)
{
	(void)state;
	assert_int_equal(
	    verdict_worst(VERDICT_DEGRADED, VERDICT_OK), VERDICT_DEGRADED);
	assert_int_equal(
	    verdict_worst(VERDICT_DEGRADED, VERDICT_ERROR), VERDICT_ERROR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_process_that_is_up_is_ok),
	    cmocka_unit_test(a_paused_child_is_degraded),
	    cmocka_unit_test(a_child_on_probation_is_degraded_while_up),
	    cmocka_unit_test(a_child_with_hardly_a_descriptor_left_is_degraded),
	    cmocka_unit_test(
		a_child_that_does_not_run_is_an_error_and_says_who_wanted_it),
	    cmocka_unit_test(pools_whose_runners_crash_too_often_are_an_error),
	    cmocka_unit_test(a_full_disk_is_degraded_not_dead),
	    cmocka_unit_test(a_gateway_that_can_verify_nobody_is_degraded),
	    cmocka_unit_test(a_service_that_cannot_be_reached_is_degraded),
	    cmocka_unit_test(a_tree_with_a_child_missing_is_degraded),
	    cmocka_unit_test(the_worst_verdict_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
