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
	estimate_add(&e, 1000);
	assert_int_equal(estimate_us(&e), 1000);
	for (int i = 0; i < 100; i++)
		estimate_add(&e, 10);
	assert_in_range(estimate_us(&e), 9, 20);
	estimate_add(&e, 800); /* one slow call */
	assert_in_range(estimate_us(&e), 90, 130);
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
		estimate_add(&e, UINT64_MAX);
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
	    cmocka_unit_test(calls_of_no_time_are_not_taken_for_unknown),
	    cmocka_unit_test(a_sample_of_years_does_not_overflow),
	    cmocka_unit_test(
		short_batches_stay_with_their_reader_and_long_ones_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
