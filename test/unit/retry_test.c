// SPDX-License-Identifier: MIT
/* retry - how long to wait, how often, and when never. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "workers/gateway/retry.h"

#define LEAST_CHANCE UINT64_C(0)
#define EVEN_CHANCE  (UINT64_C(1) << 63)
#define MOST_CHANCE  UINT64_MAX

static void
the_pause_doubles_from_100_ms_to_its_cap_of_5_s(void **state)
{
	static const uint32_t ms[] = {
	    100, 200, 400, 800, 1600, 3200, 5000, 5000};

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(retry_delay_ms(i + 1, EVEN_CHANCE), ms[i]);
	assert_int_equal(retry_delay_ms(UINT32_MAX, EVEN_CHANCE), 5000);
}

static void
chance_spreads_it_from_a_half_to_less_than_one_and_a_half(void **state)
{
	(void)state;
	assert_int_equal(retry_delay_ms(1, LEAST_CHANCE), 50);
	assert_int_equal(retry_delay_ms(1, MOST_CHANCE), 149);
	assert_int_equal(retry_delay_ms(9, LEAST_CHANCE), 2500);
	assert_int_equal(retry_delay_ms(9, MOST_CHANCE), 7499);
}

static void
n_repetitions_make_1_and_n_attempts(void **state)
{
	struct retry r = {.count = 2, .now_ms = 1000, .deadline_ms = 100000};
	uint64_t at;

	(void)state;
	assert_true(retry_again(&r, RETRY_ANSWERED, EVEN_CHANCE, &at));
	assert_int_equal(at, 1100);
	r.done = 1;
	assert_true(retry_again(&r, RETRY_NOT_RUN, EVEN_CHANCE, &at));
	assert_int_equal(at, 1200);
	r.done = 2;
	assert_false(retry_again(&r, RETRY_ANSWERED, EVEN_CHANCE, &at));
	r = (struct retry){.now_ms = 1000, .deadline_ms = 100000};
	assert_false(retry_again(&r, RETRY_ANSWERED, EVEN_CHANCE, &at));
}

static void
what_may_have_run_is_repeated_only_if_it_may_run_twice(void **state)
{
	struct retry r = {.count = 5, .now_ms = 1000, .deadline_ms = 100000};
	uint64_t at;

	(void)state;
	assert_false(retry_again(&r, RETRY_MAY_HAVE_RUN, EVEN_CHANCE, &at));
	r.is_idempotent = true;
	assert_true(retry_again(&r, RETRY_MAY_HAVE_RUN, EVEN_CHANCE, &at));
}

static void
a_repetition_never_starts_at_or_behind_the_deadline(void **state)
{
	struct retry r = {.count = 5, .now_ms = 1000, .deadline_ms = 1101};
	uint64_t at;

	(void)state;
	assert_true(retry_again(&r, RETRY_ANSWERED, EVEN_CHANCE, &at));
	r.deadline_ms = 1100;
	assert_false(retry_again(&r, RETRY_ANSWERED, EVEN_CHANCE, &at));
	r.deadline_ms = 900;
	assert_false(retry_again(&r, RETRY_ANSWERED, EVEN_CHANCE, &at));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_pause_doubles_from_100_ms_to_its_cap_of_5_s),
	    cmocka_unit_test(
		chance_spreads_it_from_a_half_to_less_than_one_and_a_half),
	    cmocka_unit_test(n_repetitions_make_1_and_n_attempts),
	    cmocka_unit_test(
		what_may_have_run_is_repeated_only_if_it_may_run_twice),
	    cmocka_unit_test(
		a_repetition_never_starts_at_or_behind_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
