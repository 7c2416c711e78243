// SPDX-License-Identifier: MIT
/* How many threads of a native runner a batch is worth. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "workers/worker_pool/native_runner/estimate.h"

static void
a_function_never_seen_is_shared_out(void **state)
{
	struct estimate e = {0};

	(void)state;
	assert_int_equal(estimate_us(&e), ESTIMATE_UNKNOWN_US);
	assert_true(ESTIMATE_UNKNOWN_US >= ESTIMATE_SHARE_US);
}

static void
the_mean_follows_and_the_first_sample_counts_whole(void **state)
{
	struct estimate e = {0};

	(void)state;
	estimate_add_both(&e, 1000, 10, true);
	assert_int_equal(estimate_us(&e), 1000);
	for (int i = 0; i < 100; i++)
		estimate_add_both(&e, 10, 10, true);
	assert_in_range(estimate_us(&e), 9, 20);
	estimate_add_both(&e, 800, 1, true); /* one slow call */
	assert_in_range(estimate_us(&e), 90, 130);
}

static void
a_thread_put_aside_does_not_make_its_function_slow(void **state)
{
	struct estimate e = {0};

	(void)state;
	assert_true(estimate_wants_both(&e)); /* nothing is known yet */
	for (int i = 0; i < 20; i++)
		estimate_add_both(&e, 5000, 2, false);
	assert_in_range(estimate_us(&e), 1, 3);
	assert_false(estimate_wants_both(&e));
	estimate_add(&e, 5000); /* put aside, or slow? */
	assert_in_range(estimate_us(&e), 1, 3);
	assert_true(estimate_wants_both(&e));
	estimate_add_both(&e, 4000, 2, false);
	assert_in_range(estimate_us(&e), 1, 3);
	assert_false(estimate_wants_both(&e));
}

static void
a_function_that_becomes_slow_is_found_out(void **state)
{
	struct estimate e = {0};
	int calls = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		estimate_add(&e, 2);
	for (; estimate_us(&e) < ESTIMATE_SHARE_US; calls++)
		if (estimate_wants_both(&e))
			estimate_add_both(&e, 10000, 5, true);
		else
			estimate_add(&e, 10000);
	assert_in_range(calls, 1, 4);
}

static void
calls_of_no_time_are_not_taken_for_unknown(void **state)
{
	struct estimate e = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		estimate_add(&e, 0);
	assert_int_equal(estimate_us(&e), 0);
}

static void
a_sample_of_years_does_not_overflow(void **state)
{
	struct estimate e = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		estimate_add_both(&e, UINT64_MAX, 0, true);
	assert_in_range(estimate_us(&e), 50000000, 60000000);
}

static void
short_batches_stay_with_their_reader_and_long_ones_spread(void **state)
{
	(void)state;
	assert_int_equal(estimate_helpers(16 * 1, 16, 15), 0);
	assert_int_equal(estimate_helpers(16 * 30, 16, 15), 4);
	assert_int_equal(estimate_helpers(16 * 10000, 16, 15), 15);
	assert_int_equal(estimate_helpers(16 * 10000, 16, 3), 3);
	assert_int_equal(estimate_helpers(1000000, 1, 15), 0); /* its own */
	assert_int_equal(estimate_helpers(1000000, 0, 15), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_function_never_seen_is_shared_out),
	    cmocka_unit_test(
		the_mean_follows_and_the_first_sample_counts_whole),
	    cmocka_unit_test(
		a_thread_put_aside_does_not_make_its_function_slow),
	    cmocka_unit_test(a_function_that_becomes_slow_is_found_out),
	    cmocka_unit_test(calls_of_no_time_are_not_taken_for_unknown),
	    cmocka_unit_test(a_sample_of_years_does_not_overflow),
	    cmocka_unit_test(
		short_batches_stay_with_their_reader_and_long_ones_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
