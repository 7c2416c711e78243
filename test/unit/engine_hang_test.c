// SPDX-License-Identifier: MIT
/* engine - what hangs or grows sick is told apart and replaced. */

#include "test/unit/engine_rig.h"

/* ---- hang ---- */

static bool
facts_of(void *ctx, struct hang_facts *facts)
{
	*facts = *(struct hang_facts *)ctx;
	return true;
}

/* judge_after lets `ms` go by in state with this much processor and waiting. */
static enum hang_verdict
judge_after(
    char proc_state, uint64_t ms, uint32_t cpu_percent, uint32_t wait_percent)
{
	struct hang h;
	struct hang_beat beat = {.beat_ms = 1000};
	struct hang_facts facts = {.state = proc_state};
	enum hang_verdict verdict = HANG_FINE;

	hang_reset(&h, 0);
	for (uint64_t now = 1000; now <= 1000 + ms; now += 100) {
		facts.cpu_ns = (now - 1000) * 10000 * cpu_percent;
		facts.waiting_ns = (now - 1000) * 10000 * wait_percent;
		enum hang_verdict v = hang_check(
		    &h, &beat, 1500, now, (struct hang_look){facts_of, &facts});
		if (v == HANG_HUNG || v == HANG_STOPPED)
			return v;
		if (v == HANG_STARVED)
			verdict = v;
	}
	return verdict;
}

static void
hung_starved_stopped_and_fine_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(judge_after('S', 1400, 0, 0), HANG_FINE);
	assert_int_equal(judge_after('S', 1600, 0, 0), HANG_HUNG);
	assert_int_equal(judge_after('T', 1600, 0, 0), HANG_STOPPED);
	assert_int_equal(judge_after('R', 1600, 100, 0), HANG_HUNG);
	assert_int_equal(judge_after('R', 1600, 2, 0), HANG_STARVED);
	assert_int_equal(judge_after('S', 1600, 5, 80), HANG_STARVED);
	/* starved for long is still not hung, unless it burned its limit */
	assert_int_equal(judge_after('R', 20000, 2, 0), HANG_STARVED);
	assert_int_equal(judge_after('R', 20000, 30, 0), HANG_HUNG);
}

static void
one_that_is_stopped_before_it_is_ready_is_killed_and_a_slow_one_is_not(
    void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	script_init(&s, &p, &root);
	struct child *a = add(&s, NULL, "a", (struct child_spec){0});
	tree_start(s.tree, 1000);
	s.facts.state = 'S'; /* no beat yet, and none is asked for */
	uint64_t now = 1000;
	for (; now < 6000; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(a->state, CHILD_STARTING);
	s.facts.state = 'T'; /* for a moment: a shell's job control */
	for (; now < 6500; now += 100)
		tree_turn(s.tree, now);
	s.facts.state = 'R';
	for (; now < 7000; now += 100)
		tree_turn(s.tree, now);
	s.facts.state = 'T';
	for (; now < 7700; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(a->state, CHILD_STARTING);
	for (; now < 8500; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(a->state, CHILD_KILLING);
	die(&s, a, -1, SIGKILL, now);
	assert_int_equal(a->last.reason, REASON_HANG);
	tree_destroy(&s.tree);
}

static void
a_lease_is_honoured_but_never_beyond_a_minute(void **state)
{
	struct hang h;
	struct hang_facts facts = {.state = 'D'};
	struct hang_look look = {facts_of, &facts};
	struct hang_beat beat = {.beat_ms = 1000, .busy_until_ms = 31000};
	struct hang_beat mad = {.beat_ms = 1000, .busy_until_ms = UINT64_MAX};

	(void)state;
	hang_reset(&h, 0);
	assert_int_equal(hang_check(&h, &beat, 1500, 30000, look), HANG_FINE);
	hang_check(&h, &beat, 1500, 32000, look);
	assert_int_equal(hang_check(&h, &beat, 1500, 32600, look), HANG_HUNG);
	hang_reset(&h, 0);
	assert_int_equal(hang_check(&h, &mad, 1500, 60000, look), HANG_FINE);
	hang_check(&h, &mad, 1500, 62000, look);
	assert_int_equal(hang_check(&h, &mad, 1500, 62600, look), HANG_HUNG);
}

static void
a_child_is_recycled_for_lasting_weight_age_or_descriptors(void **state)
{
	struct recycle r = {0};
	struct recycle_rule none = {0};
	struct recycle_rule rule = {
	    .rss_bytes = 100, .age_ms = 100000, .descriptors = 50};
	struct recycle_facts f = {
	    .life = 1, .ready_ms = 1000, .rss_bytes = 101, .descriptors = 50};

	(void)state;
	assert_int_equal(recycle_judge(&r, &none, &f, UINT32_MAX, 0), 0);
	assert_int_equal(recycle_judge(&r, &rule, &f, 2000, 0), RECYCLE_NOT);
	assert_int_equal(recycle_judge(&r, &rule, &f, 31999, 0), RECYCLE_NOT);
	assert_int_equal(recycle_judge(&r, &rule, &f, 32000, 0), RECYCLE_RSS);
	f.rss_bytes = 100; /* a peak passes, and the count starts anew */
	assert_int_equal(recycle_judge(&r, &rule, &f, 32500, 0), RECYCLE_NOT);
	f.rss_bytes = 101;
	assert_int_equal(recycle_judge(&r, &rule, &f, 63000, 0), RECYCLE_NOT);
	f.rss_bytes = 1;
	assert_int_equal(recycle_judge(&r, &rule, &f, 90999, 0), RECYCLE_NOT);
	assert_int_equal(recycle_judge(&r, &rule, &f, 91000, 0), RECYCLE_AGE);
	f.life = 2; /* the latest of its chances: 110 s */
	assert_int_equal(
	    recycle_judge(&r, &rule, &f, 110999, 20000), RECYCLE_NOT);
	assert_int_equal(recycle_judge(&r, &rule, &f, 111000, 0), RECYCLE_AGE);
	f.ready_ms = 111000;
	f.descriptors = 51;
	assert_int_equal(
	    recycle_judge(&r, &rule, &f, 111000, 0), RECYCLE_DESCRIPTORS);
}

static void
a_child_that_is_down_cannot_be_sick(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	script_init(&s, &p, &root);
	struct child *c = add(&s, NULL, "a", (struct child_spec){0});
	tree_child_sick(s.tree, c, REASON_FAULT, 1000);
	assert_int_equal(c->state, CHILD_DOWN);
	assert_int_equal(c->cause, REASON_NONE);
	tree_destroy(&s.tree);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_child_that_is_down_cannot_be_sick),
	    cmocka_unit_test(hung_starved_stopped_and_fine_are_told_apart),
	    cmocka_unit_test(
		one_that_is_stopped_before_it_is_ready_is_killed_and_a_slow_one_is_not),
	    cmocka_unit_test(a_lease_is_honoured_but_never_beyond_a_minute),
	    cmocka_unit_test(
		a_child_is_recycled_for_lasting_weight_age_or_descriptors),
	};

	return cmocka_run_group_tests_name("engine_hang", tests, NULL, NULL);
}
