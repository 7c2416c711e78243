// SPDX-License-Identifier: MIT
/* puller - when services are asked, and which node is asked what. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "workers/puller/pull.h"
#include "workers/puller/schedule.h"

static struct schedule
a_schedule(void)
{
	struct schedule s;

	schedule_init(&s, 1000);
	schedule_set(&s, 30000, 300000);
	return s;
}

/* round lives through one over `services`, of which `good` succeed. */
static void
round_of(struct schedule *s, uint32_t services, uint32_t good)
{
	uint64_t now = s->next_ms;

	assert_true(schedule_is_due(s, now));
	schedule_begin(s, services, now);
	for (uint32_t i = 0; i < services; i++)
		schedule_finish_one(s, i < good, now + 10);
}

static void
the_first_round_is_after_one_second_then_every_thirty(void **state)
{
	struct schedule s = a_schedule();

	(void)state;
	assert_false(schedule_is_due(&s, 999));
	assert_true(schedule_is_due(&s, 1000));
	round_of(&s, 2, 2);
	assert_int_equal(s.next_ms, 1010 + 30000);
}

static void
the_pause_doubles_to_its_cap_only_while_every_service_fails(void **state)
{
	static const uint64_t pauses[] = {
	    60000, 120000, 240000, 300000, 300000};
	struct schedule s = a_schedule();

	(void)state;
	round_of(&s, 3, 1);
	assert_int_equal(schedule_delay(&s), 30000);
	for (size_t i = 0; i < COUNT_OF(pauses); i++) {
		round_of(&s, 3, 0);
		assert_int_equal(schedule_delay(&s), pauses[i]);
	}
	for (int i = 0; i < 100; i++)
		round_of(&s, 3, 0);
	assert_int_equal(schedule_delay(&s), 300000);
	round_of(&s, 3, 1);
	assert_int_equal(schedule_delay(&s), 30000);
}

static void
a_recovery_is_told_once(void **state)
{
	struct schedule s = a_schedule();

	(void)state;
	round_of(&s, 1, 0);
	schedule_begin(&s, 1, s.next_ms);
	assert_true(schedule_finish_one(&s, true, s.next_ms));
	schedule_begin(&s, 1, s.next_ms);
	assert_false(schedule_finish_one(&s, true, s.next_ms));
}

static void
pulling_by_hand_moves_the_next_round_and_adds_none(void **state)
{
	struct schedule s = a_schedule();

	(void)state;
	round_of(&s, 1, 1);
	schedule_now(&s, 5000);
	schedule_now(&s, 5000);
	schedule_now(&s, 6000);
	assert_true(schedule_is_due(&s, 5000));
	round_of(&s, 1, 1);
	assert_int_equal(s.next_ms, 5010 + 30000);
	/* asked for during a round: one more follows it */
	schedule_begin(&s, 1, 40000);
	schedule_now(&s, 40005);
	assert_false(schedule_is_due(&s, 40006));
	schedule_finish_one(&s, true, 40010);
	assert_true(schedule_is_due(&s, 40010));
}

static void
an_unchanged_version_skips_the_fetch(void **state)
{
	struct pull p = {.node_count = 1, .checks_version = true};

	(void)state;
	assert_int_equal(pull_begin(&p), PULL_ASK_VERSION);
	assert_int_equal(pull_version_came(&p, TEXT("v1")), PULL_ASK_CONFIG);
	assert_int_equal(pull_config_came(&p), PULL_STORE);
	assert_int_equal(pull_stored(&p, true), PULL_DONE);
	pull_begin(&p);
	assert_int_equal(pull_version_came(&p, TEXT("v1")), PULL_SKIPPED);
	pull_begin(&p);
	assert_int_equal(pull_version_came(&p, TEXT("v2")), PULL_ASK_CONFIG);
	pull_config_came(&p);
	pull_stored(&p, true);
	pull_begin(&p);
	assert_int_equal(pull_version_came(&p, TEXT("v2")), PULL_SKIPPED);
	/* force_pull */
	pull_forget(&p);
	pull_begin(&p);
	assert_int_equal(pull_version_came(&p, TEXT("v2")), PULL_ASK_CONFIG);
}

static void
a_version_that_was_not_kept_is_asked_for_again(void **state)
{
	struct pull p = {.node_count = 1, .checks_version = true};

	(void)state;
	pull_begin(&p);
	pull_version_came(&p, TEXT("v1"));
	pull_config_came(&p);
	assert_int_equal(pull_stored(&p, false), PULL_FAILED);
	pull_begin(&p);
	assert_int_equal(pull_version_came(&p, TEXT("v1")), PULL_ASK_CONFIG);
}

static void
a_failed_version_check_falls_back_to_a_full_fetch(void **state)
{
	struct pull p = {.node_count = 2, .checks_version = true};

	(void)state;
	pull_begin(&p);
	pull_version_came(&p, TEXT("v1"));
	pull_config_came(&p);
	pull_stored(&p, true);
	pull_begin(&p);
	assert_int_equal(pull_node_failed(&p), PULL_ASK_VERSION);
	assert_int_equal(p.node, 1);
	assert_int_equal(pull_node_failed(&p), PULL_ASK_CONFIG);
	assert_int_equal(p.node, 0);
	pull_config_came(&p);
	assert_int_equal(pull_stored(&p, true), PULL_DONE);
	/* the stored version is still the old one */
	pull_begin(&p);
	assert_int_equal(pull_version_came(&p, TEXT("v1")), PULL_SKIPPED);
}

static void
every_node_is_asked_before_a_fetch_fails(void **state)
{
	struct pull p = {.node_count = 3};

	(void)state;
	assert_int_equal(pull_begin(&p), PULL_ASK_CONFIG);
	assert_int_equal(pull_node_failed(&p), PULL_ASK_CONFIG);
	assert_int_equal(p.node, 1);
	assert_int_equal(pull_node_failed(&p), PULL_ASK_CONFIG);
	assert_int_equal(p.node, 2);
	assert_int_equal(pull_node_failed(&p), PULL_FAILED);
	/* the second told its version, then died: first and third are asked */
	p = (struct pull){.node_count = 3, .checks_version = true};
	pull_begin(&p);
	pull_node_failed(&p);
	pull_version_came(&p, TEXT("v1"));
	assert_int_equal(p.node, 1);
	assert_int_equal(pull_node_failed(&p), PULL_ASK_CONFIG);
	assert_int_equal(p.node, 2);
	assert_int_equal(pull_node_failed(&p), PULL_ASK_CONFIG);
	assert_int_equal(p.node, 0);
	assert_int_equal(pull_node_failed(&p), PULL_FAILED);
}

static void
a_service_without_nodes_fails_at_once(void **state)
{
	struct pull p = {.node_count = 0};

	(void)state;
	assert_int_equal(pull_begin(&p), PULL_FAILED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_first_round_is_after_one_second_then_every_thirty),
	    cmocka_unit_test(
		the_pause_doubles_to_its_cap_only_while_every_service_fails),
	    cmocka_unit_test(a_recovery_is_told_once),
	    cmocka_unit_test(
		pulling_by_hand_moves_the_next_round_and_adds_none),
	    cmocka_unit_test(an_unchanged_version_skips_the_fetch),
	    cmocka_unit_test(a_version_that_was_not_kept_is_asked_for_again),
	    cmocka_unit_test(a_failed_version_check_falls_back_to_a_full_fetch),
	    cmocka_unit_test(every_node_is_asked_before_a_fetch_fails),
	    cmocka_unit_test(a_service_without_nodes_fails_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
