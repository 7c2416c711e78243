// SPDX-License-Identifier: MIT
/* pool - calls of one session go to one runner, as its spec says. */

#include "test/unit/pool_rig.h"

/* ---- sessions ------------------------------------------------------------ */

static void
a_session_goes_where_it_was_and_elsewhere_when_that_is_busy(void **state)
{
	struct pool_spec spec = spec_of(3, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	a.session = b.session = 77;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
		assert_int_equal(a.runner, 0);
		pool_end(p, &a, POOL_OK, START);
	}
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_DISPATCH);
	assert_int_not_equal(b.runner, 0);
	assert_int_equal(pool_sessions(p), 1);
	pool_destroy(&p);
}

static void
a_strict_session_waits_for_its_runner_even_when_others_are_free(void **state)
{
	struct pool_spec spec = spec_of(2, 1);
	struct pool_work a = work(), b = work(), c = work();
	struct pool *p;

	(void)state;
	spec.affinity = POOL_STRICT_QUEUE;
	p = ready(&spec);
	a.session = b.session = c.session = 7;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_null(pool_next(p, 1, START));
	assert_int_equal(pool_wants(p, START), POOL_NO_RUNNER);
	pool_end(p, &a, POOL_OK, START);
	/* its own come first */
	assert_int_equal(pool_submit(p, &c, START), POOL_QUEUED);
	assert_int_equal(pool_wants(p, START), 0);
	assert_ptr_equal(pool_next(p, 0, START), &b);
	pool_destroy(&p);
}

static void
a_strict_session_is_told_once_that_its_runner_is_gone(void **state)
{
	struct pool_spec spec = spec_of(2, 1);
	struct pool_work a = work(), b = work();
	struct pool *p;
	bool is_wanted;

	(void)state;
	spec.affinity = POOL_STRICT_QUEUE;
	p = ready(&spec);
	a.session = b.session = 7;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	pool_runner_gone(p, 0, START);
	assert_ptr_equal(pool_lost(p, 0, &is_wanted, START), &a);
	assert_int_equal(due(p, START, &b), POOL_DUE_UNAVAILABLE);
	pool_runner_ready(p, 0, 1, START);
	assert_int_equal(pool_submit(p, &a, START), POOL_SESSION_UNAVAILABLE);
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_counts(p)->unavailable, 2);
	pool_destroy(&p);
}

static void
a_strict_session_may_ask_to_fail_at_once(void **state)
{
	struct pool_spec spec = spec_of(2, 1);
	struct pool_work a = work(), b = work();
	struct pool *p;

	(void)state;
	spec.affinity = POOL_STRICT_FAIL_FAST;
	p = ready(&spec);
	a.session = b.session = 7;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_WORKER_BUSY);
	pool_end(p, &a, POOL_OK, START);
	pool_runner_taint(p, 0, START + 50);
	assert_int_equal(pool_submit(p, &b, START), POOL_SESSION_UNAVAILABLE);
	assert_int_equal(pool_submit(p, &b, START), POOL_SESSION_UNAVAILABLE);
	assert_int_equal(pool_submit(p, &b, START + 50), POOL_DISPATCH);
	assert_int_equal(b.runner, 0);
	pool_destroy(&p);
}

static void
sessions_are_forgotten_after_a_minute_and_the_oldest_first(void **state)
{
	struct affinity a;
	struct affinity_found found;

	(void)state;
	affinity_init(&a, 60000, 100);
	affinity_set(&a, 5, 2, 9, START);
	assert_true(affinity_find(&a, 5, START + 59999, &found));
	assert_int_equal(found.runner, 2);
	assert_int_equal(found.life, 9);
	assert_false(affinity_find(&a, 5, START + 60000, &found));
	for (uint64_t i = 1; i <= 100000; i++)
		affinity_set(&a, i, 0, 1, START);
	assert_in_range(affinity_count(&a, START), 100, 512);
	assert_true(affinity_find(&a, 100000, START, &found));
	affinity_forget(&a, 100000);
	assert_false(affinity_find(&a, 100000, START, &found));
	affinity_finish(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_session_goes_where_it_was_and_elsewhere_when_that_is_busy),
	    cmocka_unit_test(
		a_strict_session_waits_for_its_runner_even_when_others_are_free),
	    cmocka_unit_test(
		a_strict_session_is_told_once_that_its_runner_is_gone),
	    cmocka_unit_test(a_strict_session_may_ask_to_fail_at_once),
	    cmocka_unit_test(
		sessions_are_forgotten_after_a_minute_and_the_oldest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
