// SPDX-License-Identifier: MIT
/* engine - restarts, strategies and shutdowns, by example. */

#include "test/unit/engine_rig.h"

/* ---- intensity ---- */

static void
the_first_restart_is_immediate_and_the_rest_doubles_to_the_cap(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct intensity i = {0};
	uint64_t expected[] = {0, 50, 100, 200, 400, 800};

	(void)state;
	p.jitter_percent = 0;
	for (size_t n = 0; n < COUNT_OF(expected); n++)
		assert_int_equal(intensity_died(&i, &p, 100000 * (n + 1), 0, 0),
		    expected[n]);
	for (int n = 0; n < 20; n++)
		intensity_died(&i, &p, 10000000 + (uint64_t)n * 100000, 0, 0);
	assert_int_equal(intensity_died(&i, &p, 90000000, 0, 0), 30000);
	assert_false(i.is_exhausted); /* far apart: no intensity */
}

static void
jitter_stays_within_its_percent_and_uses_all_of_it(void **state)
{
	struct policy p = POLICY_DEFAULT;
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	for (uint32_t chance = 0; chance < 1000; chance++) {
		struct intensity i = {.failures = 3};
		uint64_t rest = intensity_died(&i, &p, 1, 0, chance * 7919);

		least = rest < least ? rest : least;
		most = rest > most ? rest : most;
	}
	assert_int_equal(least, 160);
	assert_int_equal(most, 240);
}

static void
readiness_for_ten_seconds_forgives(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct intensity i = {0};

	(void)state;
	for (int n = 0; n < 7; n++)
		intensity_died(&i, &p, 1000, 0, 0);
	assert_true(i.is_exhausted);
	assert_int_equal(intensity_died(&i, &p, 60000, 10000, 0), 0);
	assert_false(i.is_exhausted);
}

static void
six_deaths_in_the_period_are_probation_at_the_cap(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct intensity i = {0};
	uint64_t rest = 0;

	(void)state;
	p.jitter_percent = 0;
	for (int n = 0; n < 5; n++)
		intensity_died(&i, &p, 1000 + (uint64_t)n * 6000, 0, 0);
	assert_false(i.is_exhausted);
	rest = intensity_died(&i, &p, 31000, 0, 0);
	assert_true(i.is_exhausted);
	assert_int_equal(rest, 30000);
}

static void
a_failed_fork_rests_from_half_a_second_and_is_no_death(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct intensity i = {0};

	(void)state;
	p.jitter_percent = 0;
	assert_int_equal(intensity_unstarted(&i, &p, 0), 500);
	assert_int_equal(intensity_unstarted(&i, &p, 0), 1000);
	for (int n = 0; n < 20; n++)
		intensity_unstarted(&i, &p, 0);
	assert_int_equal(intensity_unstarted(&i, &p, 0), 30000);
	assert_false(i.is_exhausted);
	assert_int_equal(i.failures, 0);
	intensity_started(&i);
	assert_int_equal(intensity_unstarted(&i, &p, 0), 500);
}

static void
a_storm_is_held_to_twenty_a_second_and_two_hundred_a_minute(void **state)
{
	struct storm s;
	uint64_t wait_ms;
	int second = 0, minute = 0;

	(void)state;
	storm_init(&s, 20, 200, 5000);
	for (uint64_t now = 5000; now < 65000; now++)
		if (storm_take(&s, now, &wait_ms)) {
			minute++;
			second += now < 6000;
		}
	assert_in_range(second, 20, 40);
	assert_in_range(minute, 200, 400);
	storm_init(&s, 0, 0, 0);
	for (int n = 0; n < 1000; n++)
		assert_true(storm_take(&s, 0, &wait_ms));
}

/* ---- strategies by example ---- */

static void
nested_groups_fall_inside_and_escalate_outside(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {
	    .name = "root", .strategy = STRATEGY_REST_FOR_ONE};
	struct group_spec inner = {.name = "inner",
	    .strategy = STRATEGY_ONE_FOR_ALL,
	    .on_exhausted = EXHAUSTED_PROBATION};
	struct child_spec fragile = {.on_exhausted = EXHAUSTED_RESTART_GROUP};
	struct script s;

	(void)state;
	p.starts_per_second = 0;
	p.starts_per_minute = 0;
	p.gap_ms = 0;
	p.intensity = 1;
	script_init(&s, &p, &root);
	struct child *a = add(&s, NULL, "a", (struct child_spec){0});
	struct group *g = tree_add_group(s.tree, NULL, &inner);
	struct child *b = add(&s, g, "b", fragile);
	struct child *c = add(&s, g, "c", fragile);
	struct child *d = add(&s, NULL, "d", (struct child_spec){0});
	tree_start(s.tree, 1000);
	ready_all(&s, 1000);
	assert_true(tree_is_ready(s.tree));
	die(&s, b, 1, 0, 1100); /* inside: c falls with b, a and d stay */
	end_told(&s, 1100);
	ready_all(&s, 1100);
	assert_int_equal(c->life, 2);
	assert_int_equal(a->life, 1);
	assert_int_equal(d->life, 1);
	die(&s, b, 1, 0, 1200); /* too often: the group falls, and d after it */
	assert_int_equal(g->falls, 1);
	end_told(&s, 1200);
	tree_turn(s.tree, 1300);
	ready_all(&s, 1300);
	assert_int_equal(a->life, 1);
	assert_int_equal(b->life, 3);
	assert_int_equal(c->life, 3);
	assert_int_equal(d->life, 2);
	assert_true(tree_is_ready(s.tree));
	tree_destroy(&s.tree);
}

static void
exhaustion_escalates_as_the_policy_says(void **state)
{
	static const enum exhausted ways[] = {EXHAUSTED_PROBATION,
	    EXHAUSTED_RESTART_SUPERVISOR, EXHAUSTED_SHUTDOWN,
	    EXHAUSTED_GIVE_UP};
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};

	(void)state;
	p.gap_ms = 0;
	p.intensity = 0;
	for (size_t n = 0; n < COUNT_OF(ways); n++) {
		struct script s;

		script_init(&s, &p, &root);
		struct child *a = add(&s, NULL, "a",
		    (struct child_spec){.on_exhausted = ways[n]});
		tree_start(s.tree, 1000);
		ready_all(&s, 1000);
		die(&s, a, 1, 0, 1100);
		bool told = ways[n] == EXHAUSTED_RESTART_SUPERVISOR ||
		    ways[n] == EXHAUSTED_SHUTDOWN;
		assert_int_equal(s.escalations, told);
		if (told)
			assert_int_equal(s.escalated, ways[n]);
		assert_int_equal(a->state,
		    ways[n] == EXHAUSTED_GIVE_UP ? CHILD_HELD : CHILD_RESTING);
		assert_true(tree_is_degraded(s.tree));
		tree_destroy(&s.tree);
	}
}

static void
a_oneshot_ends_before_its_dependants_start(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	script_init(&s, &p, &root);
	struct child *a =
	    add(&s, NULL, "a", (struct child_spec){.restart = RESTART_ONESHOT});
	struct child *b = add(&s, NULL, "b", (struct child_spec){0});
	tree_start(s.tree, 1000);
	tree_child_ready(s.tree, a, 1000);
	assert_int_equal(b->state, CHILD_QUEUED);
	die(&s, a, 1, 0, 1010); /* not yet */
	tree_turn(s.tree, 1011);
	assert_int_equal(a->state, CHILD_STARTING);
	assert_int_equal(b->state, CHILD_QUEUED);
	die(&s, a, 0, 0, 1020);
	assert_int_equal(a->state, CHILD_DONE);
	assert_int_equal(b->state, CHILD_STARTING);
	tree_destroy(&s.tree);
}

static void
significant_children_that_end_stop_the_tree(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct script s;

	(void)state;
	for (int all = 0; all <= 1; all++) {
		struct group_spec root = {.name = "root",
		    .auto_shutdown =
			all ? AUTO_SHUTDOWN_ALL : AUTO_SHUTDOWN_ANY};
		struct child_spec job = {
		    .restart = RESTART_TRANSIENT, .is_significant = true};

		script_init(&s, &p, &root);
		struct child *a = add(&s, NULL, "a", job);
		struct child *b = add(&s, NULL, "b", job);
		tree_start(s.tree, 1000);
		ready_all(&s, 1000);
		die(&s, a, 0, 0, 1100);
		assert_int_equal(s.escalations, !all);
		die(&s, b, 0, 0, 1200);
		assert_true(s.escalations >= 1);
		assert_int_equal(s.escalated, EXHAUSTED_SHUTDOWN);
		tree_destroy(&s.tree);
	}
}

static void
a_shutdown_goes_in_reverse_kin_together_and_ends_within_its_budget(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	p.gap_ms = 0;
	script_init(&s, &p, &root);
	add(&s, NULL, "a", (struct child_spec){.role = 1});
	add(&s, NULL, "b", (struct child_spec){.role = 2});
	add(&s, NULL, "c", (struct child_spec){.role = 3});
	add(&s, NULL, "C", (struct child_spec){.role = 3});
	tree_start(s.tree, 1000);
	ready_all(&s, 1000);
	tree_shutdown(s.tree, false, 2000);
	assert_string_equal(s.order, "Cc"); /* kin drain side by side */
	die(&s, s.tree->children[3], 0, 0, 2100);
	assert_string_equal(s.order, "Cc");
	die(&s, s.tree->children[2], 0, 0, 2200);
	assert_string_equal(s.order, "Ccb");
	/* b and a are deaf: the budget of 30 s ends it all with KILL */
	for (uint64_t now = 2200; now < 32100; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(s.last_signal[1], SIGKILL);
	assert_int_equal(s.last_signal[0], SIGKILL);
	die(&s, s.tree->children[1], -1, SIGKILL, 32200);
	die(&s, s.tree->children[0], -1, SIGKILL, 32200);
	assert_true(tree_is_down(s.tree));
	tree_destroy(&s.tree);
}

static void
our_own_absence_moves_every_deadline(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	script_init(&s, &p, &root);
	struct child *a = add(&s, NULL, "a", (struct child_spec){0});
	struct child *b = add(&s, NULL, "b", (struct child_spec){0});
	tree_start(s.tree, 1000);
	tree_child_ready(s.tree, a, 1000);
	s.has_beat = true;
	s.beat.beat_ms = 1000;
	s.facts.state = 'S';
	tree_turn(s.tree, 61000); /* a minute: VM pause */
	assert_int_equal(s.tree->gaps, 1);
	assert_int_equal(a->state, CHILD_UP);
	assert_int_equal(b->state, CHILD_STARTING);
	for (uint64_t now = 61100; now < 62400; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(a->state, CHILD_UP); /* a new 1.5 s */
	for (uint64_t now = 62400; now <= 62700; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(a->state, CHILD_ABORTING);
	tree_destroy(&s.tree);
}

static void
a_paused_child_is_left_alone_and_shows_as_degraded(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	script_init(&s, &p, &root);
	struct child *a = add(&s, NULL, "a", (struct child_spec){0});
	tree_start(s.tree, 1000);
	ready_all(&s, 1000);
	tree_order_pause(s.tree, a);
	assert_true(tree_is_degraded(s.tree));
	s.has_beat = true;
	s.beat.beat_ms = 1000;
	s.facts.state = 't';
	for (uint64_t now = 1100; now < 20000; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(a->state, CHILD_UP);
	assert_int_equal(s.signals[0], 0);
	die(&s, a, 1, 0, 20000);
	tree_turn(s.tree, 20100);
	assert_int_equal(a->state, CHILD_DOWN);
	tree_order_resume(s.tree, a, 20200);
	assert_int_equal(a->state, CHILD_STARTING);
	tree_destroy(&s.tree);
}

/* ---- a tree of strangers: many, in groups ---- */

static void
three_hundred_children_in_groups_start_and_one_that_dies_is_replaced(
    void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	p.parallel_starts = 16;
	p.starts_per_second = 0;
	p.starts_per_minute = 0;
	script_init(&s, &p, &root);
	for (int n = 0; n < 300; n++) {
		static struct group *g;
		char name[16];

		if (n % GROUP_MOST == 0)
			g = tree_add_group(s.tree, NULL,
			    &(struct group_spec){.name = "pool", .kin = 1});
		snprintf(name, sizeof(name), "pool/%d", n + 1);
		add(&s, g, name, (struct child_spec){.role = 1, .instance = n});
	}
	tree_start(s.tree, 1000);
	assert_int_equal(s.next_pid, 16); /* no more at once */
	ready_all(&s, 1001);
	assert_true(tree_is_ready(s.tree));
	assert_int_equal(s.next_pid, 300);
	struct child *c = s.tree->children[277];
	tree_child_sick(s.tree, c, REASON_FAULT, 1002);
	assert_int_equal(c->state, CHILD_KILLING);
	die(&s, c, 0, SIGKILL, 1003);
	assert_int_equal(c->last.reason, REASON_FAULT);
	assert_int_equal(c->state, CHILD_STARTING); /* at once */
	assert_int_equal(c->intensity.failures, 1); /* it counts */
	tree_shutdown(s.tree, false, 1004);
	for (uint32_t i = 0; i < s.tree->count; i++)
		assert_true(s.tree->children[i]->is_leaving); /* together */
	end_told(&s, 1005);
	tree_turn(s.tree, 1006);
	assert_true(tree_is_down(s.tree));
	tree_destroy(&s.tree);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_first_restart_is_immediate_and_the_rest_doubles_to_the_cap),
	    cmocka_unit_test(
		jitter_stays_within_its_percent_and_uses_all_of_it),
	    cmocka_unit_test(readiness_for_ten_seconds_forgives),
	    cmocka_unit_test(six_deaths_in_the_period_are_probation_at_the_cap),
	    cmocka_unit_test(
		a_failed_fork_rests_from_half_a_second_and_is_no_death),
	    cmocka_unit_test(
		a_storm_is_held_to_twenty_a_second_and_two_hundred_a_minute),
	    cmocka_unit_test(nested_groups_fall_inside_and_escalate_outside),
	    cmocka_unit_test(exhaustion_escalates_as_the_policy_says),
	    cmocka_unit_test(a_oneshot_ends_before_its_dependants_start),
	    cmocka_unit_test(significant_children_that_end_stop_the_tree),
	    cmocka_unit_test(
		three_hundred_children_in_groups_start_and_one_that_dies_is_replaced),
	    cmocka_unit_test(
		a_shutdown_goes_in_reverse_kin_together_and_ends_within_its_budget),
	    cmocka_unit_test(our_own_absence_moves_every_deadline),
	    cmocka_unit_test(
		a_paused_child_is_left_alone_and_shows_as_degraded),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
