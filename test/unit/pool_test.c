// SPDX-License-Identifier: MIT
/* pool - who gets which call, rule by rule. */

#include "test/unit/pool_rig.h"

static void
a_process_runner_has_one_call_at_a_time(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(a.runner, 0);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_null(pool_next(p, 0, START));
	assert_true(pool_end(p, &a, POOL_OK, START + 1));
	assert_ptr_equal(pool_next(p, 0, START + 1), &b);
	assert_true(b.was_queued);
	assert_true(pool_end(p, &b, POOL_OK, START + 1));
	assert_int_equal(pool_counts(p)->requests, 2);
	assert_int_equal(pool_counts(p)->queued, 1);
	assert_int_equal(pool_counts(p)->executed, 2);
	pool_destroy(&p);
}

static void
nobody_overtakes_those_who_wait(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work(), c = work();

	(void)state;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_true(pool_end(p, &a, POOL_OK, START));
	assert_int_equal(pool_next_ms(p), START); /* there is use for it */
	/* there is room, and somebody was here before */
	assert_int_equal(pool_submit(p, &c, START), POOL_QUEUED);
	assert_ptr_equal(pool_next(p, 0, START), &b);
	pool_destroy(&p);
}

static void
a_thread_runner_has_as_many_as_it_has_threads(void **state)
{
	struct pool_spec spec = spec_of(1, 3);
	struct pool *p = ready(&spec);
	struct pool_work w[4] = {work(), work(), work(), work()};

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pool_submit(p, &w[i], START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &w[3], START), POOL_QUEUED);
	assert_int_equal(pool_runner(p, 0)->load, 3);
	assert_int_equal(pool_available(p), 0);
	pool_destroy(&p);
}

static void
a_runner_never_gets_more_than_the_pool_allows_it(void **state)
{
	struct pool_spec spec = spec_of(1, 4);
	struct pool *p = made(&spec);

	(void)state;
	pool_runner_ready(p, 0, 100, START);
	assert_int_equal(pool_runner(p, 0)->capacity, 4);
	pool_runner_gone(p, 0, START);
	pool_runner_ready(p, 0, 2, START);
	assert_int_equal(pool_runner(p, 0)->capacity, 2);
	pool_destroy(&p);
}

static void
the_profile_strategy_gives_one_call_to_a_runner_with_threads(void **state)
{
	struct pool_spec spec = spec_of(1, 4);
	struct pool_work a = work(), b = work();
	struct pool *p;

	(void)state;
	spec.capacity_strategy = POOL_BY_PROFILE;
	p = ready(&spec);
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	pool_destroy(&p);
}

static void
the_runner_with_the_fewest_calls_is_chosen(void **state)
{
	struct pool_spec spec = spec_of(3, 4);
	struct pool *p = ready(&spec);
	struct pool_work w[7];
	uint32_t chosen;

	(void)state;
	for (int i = 0; i < 6; i++) {
		w[i] = work();
		assert_int_equal(pool_submit(p, &w[i], START), POOL_DISPATCH);
	}
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(pool_runner(p, i)->load, 2);
	chosen = w[4].runner;
	pool_end(p, &w[4], POOL_OK, START);
	w[6] = work();
	assert_int_equal(pool_submit(p, &w[6], START), POOL_DISPATCH);
	assert_int_equal(w[6].runner, chosen);
	pool_destroy(&p);
}

static void
a_freed_runner_is_filled_up_in_one_go(void **state)
{
	struct pool_spec spec = spec_of(1, 3);
	struct pool *p = made(&spec);
	struct pool_work w[4] = {work(), work(), work(), work()};

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pool_submit(p, &w[i], START), POOL_QUEUED);
	pool_runner_ready(p, 0, 3, START + 1);
	assert_int_equal(pool_wants(p, START + 1), 0);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(pool_next(p, 0, START + 1), &w[i]);
	assert_null(pool_next(p, 0, START + 1));
	assert_int_equal(pool_wants(p, START + 1), POOL_NO_RUNNER);
	pool_destroy(&p);
}

static void
a_full_queue_refuses_at_once_and_counts_no_request(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = made(&spec);
	struct pool_work w[5] = {work(), work(), work(), work(), work()};

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pool_submit(p, &w[i], START), POOL_QUEUED);
	assert_int_equal(pool_submit(p, &w[4], START), POOL_SATURATED);
	assert_int_equal(w[4].state, POOL_WORK_OUT);
	assert_int_equal(pool_counts(p)->saturated, 1);
	assert_int_equal(pool_counts(p)->requests, 4);
	assert_int_equal(pool_waiting(p), 4);
	pool_destroy(&p);
}

static void
who_waits_too_long_is_told_and_never_run(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = made(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	b.deadline_ms = START + 40;
	assert_int_equal(pool_submit(p, &a, START), POOL_QUEUED);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_int_equal(pool_next_ms(p), START + 40);
	assert_int_equal(due(p, START + 39, NULL), POOL_DUE_NONE);
	assert_int_equal(due(p, START + 40, &b), POOL_DUE_EXPIRED);
	assert_int_equal(due(p, START + 100, &a), POOL_DUE_QUEUE_TIMEOUT);
	assert_int_equal(due(p, START + 100, NULL), POOL_DUE_NONE);
	pool_runner_ready(p, 0, 1, START + 101);
	assert_null(pool_next(p, 0, START + 101));
	assert_int_equal(pool_counts(p)->queue_timeouts, 1);
	assert_int_equal(pool_counts(p)->expired, 1);
	assert_int_equal(pool_next_ms(p), 0);
	pool_destroy(&p);
}

static void
nothing_is_handed_out_after_its_deadline(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = made(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	a.deadline_ms = START + 10;
	assert_int_equal(pool_submit(p, &a, START), POOL_QUEUED);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	pool_runner_ready(p, 0, 1, START + 10);
	/* nobody asked pool_due yet */
	assert_ptr_equal(pool_next(p, 0, START + 10), &b);
	assert_int_equal(due(p, START + 10, &a), POOL_DUE_EXPIRED);
	a = work();
	a.deadline_ms = START + 10;
	assert_int_equal(pool_submit(p, &a, START + 10), POOL_LATE);
	assert_int_equal(a.state, POOL_WORK_OUT);
	pool_destroy(&p);
}

static void
a_call_that_overruns_keeps_its_room_and_drops_its_answer(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	a.deadline_ms = START + 10;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_int_equal(due(p, START + 10, &a), POOL_DUE_OVERRUN);
	assert_null(pool_next(p, 0, START + 10));
	assert_int_equal(pool_runner(p, 0)->abandoned, 1);
	assert_int_equal(due(p, START + 59, NULL), POOL_DUE_NONE);
	assert_int_equal(due(p, START + 60, &a), POOL_DUE_STUCK);
	assert_int_equal(due(p, START + 70, NULL), POOL_DUE_NONE);
	assert_false(pool_end(p, &a, POOL_OK, START + 70));
	assert_int_equal(pool_runner(p, 0)->abandoned, 0);
	assert_ptr_equal(pool_next(p, 0, START + 70), &b);
	pool_destroy(&p);
}

static void
who_hangs_up_while_waiting_is_dropped_and_while_running_frees_the_runner(
    void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work(), c = work();

	(void)state;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_int_equal(pool_submit(p, &c, START), POOL_QUEUED);
	assert_true(pool_cancel(p, &b, START));
	assert_int_equal(pool_waiting(p), 1);
	assert_false(pool_cancel(p, &a, START));
	assert_false(pool_cancel(p, &a, START));
	assert_int_equal(pool_counts(p)->cancelled, 2);
	assert_false(pool_end(p, &a, POOL_OK, START + 1));
	assert_ptr_equal(pool_next(p, 0, START + 1), &c);
	pool_destroy(&p);
}

static void
a_lost_runner_gives_its_calls_back_once(void **state)
{
	struct pool_spec spec = spec_of(1, 3);
	struct pool *p = ready(&spec);
	struct pool_work w[3] = {work(), work(), work()};
	bool is_wanted;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pool_submit(p, &w[i], START), POOL_DISPATCH);
	assert_false(pool_cancel(p, &w[1], START));
	pool_runner_gone(p, 0, START + 1);
	assert_int_equal(pool_ready(p), 0);
	for (int i = 0; i < 3; i++) {
		assert_ptr_equal(pool_lost(p, 0, &is_wanted, START + 1), &w[i]);
		assert_int_equal(is_wanted, i != 1);
	}
	assert_null(pool_lost(p, 0, &is_wanted, START + 1));
	assert_int_equal(pool_counts(p)->lost, 3);
	pool_runner_ready(p, 0, 3, START + 2);
	assert_int_equal(pool_runner(p, 0)->life, 2);
	pool_destroy(&p);
}

static void
a_lost_call_may_be_tried_again_after_a_pause(void **state)
{
	struct pool_spec spec = spec_of(2, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work();
	bool is_wanted;

	(void)state;
	a.deadline_ms = START + 100;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	pool_runner_gone(p, a.runner, START);
	assert_ptr_equal(pool_lost(p, a.runner, &is_wanted, START), &a);
	assert_false(pool_retry(p, &a, 100, START));
	assert_int_equal(a.state, POOL_WORK_OUT);
	assert_true(pool_retry(p, &a, 50, START));
	assert_int_equal(due(p, START + 50, &a), POOL_DUE_RETRY);
	assert_int_equal(pool_submit(p, &a, START + 50), POOL_DISPATCH);
	assert_int_equal(a.tries, 2);
	assert_int_equal(pool_counts(p)->requests, 1);
	pool_destroy(&p);
}

static void
a_tainted_runner_is_never_chosen(void **state)
{
	struct pool_spec spec = spec_of(2, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	pool_runner_taint(p, 0, START + 60);
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(a.runner, 1);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_int_equal(pool_next_ms(p), START + 60);
	assert_int_equal(pool_wants(p, START + 60), 0);
	assert_ptr_equal(pool_next(p, 0, START + 60), &b);
	pool_destroy(&p);
}

static void
a_draining_runner_gets_no_more(void **state)
{
	struct pool_spec spec = spec_of(1, 2);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	pool_runner_drain(p, 0);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_true(pool_end(p, &a, POOL_OK, START));
	assert_null(pool_next(p, 0, START));
	assert_int_equal(pool_runner(p, 0)->load, 0);
	pool_destroy(&p);
}

static void
without_any_runner_to_come_calls_are_refused_at_once(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = made(&spec);
	struct pool_work a = work();

	(void)state;
	pool_doom(p, true);
	assert_int_equal(pool_submit(p, &a, START), POOL_NOT_INITIALIZED);
	pool_runner_ready(p, 0, 1, START);
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	pool_destroy(&p);
}

static void
calls_that_wait_end_when_nobody_is_to_come_any_more(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = made(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	assert_int_equal(pool_submit(p, &a, START), POOL_QUEUED);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	pool_doom(p, false);
	assert_int_equal(due(p, START, &a), POOL_DUE_NONE);
	pool_doom(p, true);
	assert_int_equal(pool_next_ms(p), START); /* at once */
	assert_int_equal(due(p, START, &a), POOL_DUE_DOOMED);
	assert_int_equal(due(p, START, &b), POOL_DUE_DOOMED);
	assert_int_equal(due(p, START, &b), POOL_DUE_NONE);
	assert_int_equal(pool_counts(p)->uninitialized, 2);
	pool_runner_ready(p, 0, 1, START);
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	pool_destroy(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_process_runner_has_one_call_at_a_time),
	    cmocka_unit_test(nobody_overtakes_those_who_wait),
	    cmocka_unit_test(a_thread_runner_has_as_many_as_it_has_threads),
	    cmocka_unit_test(a_runner_never_gets_more_than_the_pool_allows_it),
	    cmocka_unit_test(
		the_profile_strategy_gives_one_call_to_a_runner_with_threads),
	    cmocka_unit_test(the_runner_with_the_fewest_calls_is_chosen),
	    cmocka_unit_test(a_freed_runner_is_filled_up_in_one_go),
	    cmocka_unit_test(
		a_full_queue_refuses_at_once_and_counts_no_request),
	    cmocka_unit_test(who_waits_too_long_is_told_and_never_run),
	    cmocka_unit_test(nothing_is_handed_out_after_its_deadline),
	    cmocka_unit_test(
		a_call_that_overruns_keeps_its_room_and_drops_its_answer),
	    cmocka_unit_test(
		who_hangs_up_while_waiting_is_dropped_and_while_running_frees_the_runner),
	    cmocka_unit_test(a_lost_runner_gives_its_calls_back_once),
	    cmocka_unit_test(a_lost_call_may_be_tried_again_after_a_pause),
	    cmocka_unit_test(a_tainted_runner_is_never_chosen),
	    cmocka_unit_test(a_draining_runner_gets_no_more),
	    cmocka_unit_test(
		without_any_runner_to_come_calls_are_refused_at_once),
	    cmocka_unit_test(
		calls_that_wait_end_when_nobody_is_to_come_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
