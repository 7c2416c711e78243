// SPDX-License-Identifier: MIT
/* pool - runners and pools that fail are left alone for a while. */

#include "test/unit/pool_rig.h"

/* ---- breakers ------------------------------------------------------------ */

static void
five_failures_in_a_row_close_a_runner_out(void **state)
{
	struct pool_spec spec = spec_of(2, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work();

	(void)state;
	a.session = 3; /* so that it goes to the same one */
	for (int i = 0; i < 5; i++) {
		assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
		assert_int_equal(a.runner, 0);
		pool_end(p, &a, POOL_FAILED, START);
	}
	assert_int_equal(pool_runner_breaker_turn(p, 0), BREAKER_OPENED);
	assert_int_equal(pool_runner_breaker_turn(p, 0), BREAKER_STAYED);
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(a.runner, 1);
	pool_end(p, &a, POOL_OK, START);
	pool_destroy(&p);
}

static void
a_cooled_breaker_of_a_busy_runner_wakes_nobody(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
		pool_end(p, &a, POOL_FAILED, START);
	}
	/* the probe is out and takes long; its end is what all wait for */
	assert_int_equal(pool_submit(p, &a, START + 1000), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START + 1001), POOL_QUEUED);
	assert_int_equal(pool_next_ms(p), START + 1101); /* b's own time */
	pool_destroy(&p);
}

static void
an_error_that_a_function_answers_is_no_failure(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work();

	(void)state;
	for (int i = 0; i < 50; i++) {
		assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
		pool_end(p, &a, POOL_ANSWERED_ERROR, START);
	}
	assert_int_equal(pool_counts(p)->errors, 50);
	assert_int_equal(pool_runner(p, 0)->succeeded, 0);
	pool_destroy(&p);
}

static void
ten_failures_open_the_pool_and_one_probe_closes_it(void **state)
{
	struct pool_spec spec = spec_of(20, 1);
	struct pool *p = ready(&spec);
	struct pool_work w[20], a = work(), b = work();

	(void)state;
	for (int i = 0; i < 20; i++) {
		w[i] = work();
		assert_int_equal(pool_submit(p, &w[i], START), POOL_DISPATCH);
	}
	assert_int_equal(pool_submit(p, &a, START), POOL_QUEUED);
	for (int i = 0; i < 10; i++)
		pool_end(p, &w[i], POOL_FAILED, START);
	assert_int_equal(pool_breaker_turn(p), BREAKER_OPENED);
	assert_null(pool_next(p, 0, START));
	assert_int_equal(due(p, START, &a), POOL_DUE_CIRCUIT);
	assert_int_equal(pool_submit(p, &a, START + 999), POOL_CIRCUIT_OPEN);
	assert_int_equal(pool_submit(p, &a, START + 1000), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START + 1000), POOL_CIRCUIT_OPEN);
	pool_end(p, &a, POOL_FAILED, START + 1000);
	assert_int_equal(pool_submit(p, &a, START + 1999), POOL_CIRCUIT_OPEN);
	assert_int_equal(pool_submit(p, &a, START + 2000), POOL_DISPATCH);
	pool_end(p, &a, POOL_OK, START + 2000);
	assert_int_equal(pool_breaker_turn(p), BREAKER_CLOSES);
	assert_int_equal(pool_submit(p, &a, START + 2000), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START + 2000), POOL_DISPATCH);
	pool_destroy(&p);
}

static void
one_death_is_one_failure_however_many_calls_it_takes(void **state)
{
	struct pool_spec spec = spec_of(1, 30);
	struct pool *p = ready(&spec);
	struct pool_work w[30];
	bool is_wanted;

	(void)state;
	for (int i = 0; i < 30; i++) {
		w[i] = work();
		assert_int_equal(pool_submit(p, &w[i], START), POOL_DISPATCH);
	}
	pool_runner_gone(p, 0, START);
	while (pool_lost(p, 0, &is_wanted, START) != NULL)
		;
	assert_int_equal(pool_breaker(p)->failures, 1);
	assert_int_equal(breaker_state(pool_breaker(p), START), BREAKER_CLOSED);
	pool_destroy(&p);
}

static void
a_probe_that_comes_back_unused_lets_another_try(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 1, 100);
	assert_int_equal(breaker_failure(&b, START), BREAKER_OPENED);
	assert_string_equal(breaker_word(breaker_state(&b, START)), "open");
	assert_false(breaker_allows(&b, START + 99));
	assert_true(breaker_allows(&b, START + 100));
	breaker_begin(&b, START + 100);
	assert_false(breaker_allows(&b, START + 100));
	breaker_void(&b);
	assert_true(breaker_allows(&b, START + 100));
	assert_string_equal(
	    breaker_word(breaker_state(&b, START + 100)), "half_open");
	/* answers of before say nothing while nothing was tried */
	assert_int_equal(breaker_success(&b), BREAKER_STAYED);
	breaker_begin(&b, START + 100);
	assert_int_equal(breaker_success(&b), BREAKER_CLOSES);
	assert_string_equal(breaker_word(breaker_state(&b, 0)), "closed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(five_failures_in_a_row_close_a_runner_out),
	    cmocka_unit_test(a_cooled_breaker_of_a_busy_runner_wakes_nobody),
	    cmocka_unit_test(an_error_that_a_function_answers_is_no_failure),
	    cmocka_unit_test(
		ten_failures_open_the_pool_and_one_probe_closes_it),
	    cmocka_unit_test(
		one_death_is_one_failure_however_many_calls_it_takes),
	    cmocka_unit_test(a_probe_that_comes_back_unused_lets_another_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
