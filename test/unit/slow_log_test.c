// SPDX-License-Identifier: MIT
/* slow_log - the slowest calls, and no others. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "workers/gateway/slow_log.h"

static struct slow_log slow;

static bool
offer(uint64_t us)
{
	if (!slow_log_wants(&slow, us))
		return false;
	slow_log_take(&slow, &(struct slow_call){.total_us = us});
	return true;
}

static int
falling(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static void
the_slowest_of_many_are_kept_whatever_their_order(void **state)
{
	enum {
		CALLS = 5000
	};
	const struct slow_call *sorted[SLOW_LOG_MOST];
	static uint64_t all[CALLS];
	uint64_t chance = 1;

	(void)state;
	for (int order = 0; order < 3; order++) {
		slow_log_init(&slow, 0);
		for (uint64_t i = 0; i < CALLS; i++) {
			chance = chance * 6364136223846793005u + 1;
			all[i] = order == 0 ? 1 + i
			    : order == 1    ? CALLS - i
					    : 1 + (chance >> 40) % 3000;
			offer(all[i]);
		}
		qsort(all, CALLS, sizeof(all[0]), falling);
		slow_log_sorted(&slow, sorted);
		assert_int_equal(slow.count, SLOW_LOG_MOST);
		for (uint32_t i = 0; i < SLOW_LOG_MOST; i++)
			assert_int_equal(sorted[i]->total_us, all[i]);
	}
}

static void
a_full_log_wants_only_what_is_slower_than_its_fastest(void **state)
{
	(void)state;
	slow_log_init(&slow, 0);
	for (uint64_t us = 1; us <= SLOW_LOG_MOST; us++)
		assert_true(offer(us * 10));
	assert_false(offer(10)); /* as slow as one that is there */
	assert_true(offer(11));
	assert_false(offer(11));
	assert_int_equal(slow.count, SLOW_LOG_MOST);
	slow_log_clear(&slow);
	assert_int_equal(slow.count, 0);
	assert_true(offer(1));
	assert_false(offer(0));
}

static void
nothing_below_the_threshold_is_kept(void **state)
{
	(void)state;
	slow_log_init(&slow, 1000);
	assert_false(offer(999));
	assert_true(offer(1000));
	slow_log_least(&slow, 5000);
	assert_false(offer(4999));
	assert_int_equal(slow.count, 1);
	slow_log_least(&slow, 0);
	assert_true(offer(1));
}

static void
long_names_are_cut_at_a_whole_letter(void **state)
{
	char bytes[SLOW_LOG_WORD + 3];
	struct slow_word word;

	(void)state;
	slow_word_set(&word, TEXT("get_user"));
	assert_true(text_is(slow_word_text(&word), "get_user"));
	slow_word_set(&word, TEXT(""));
	assert_int_equal(slow_word_text(&word).len, 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 'a';
	slow_word_set(&word, (struct text){bytes, sizeof(bytes)});
	assert_int_equal(slow_word_text(&word).len, SLOW_LOG_WORD);
	bytes[SLOW_LOG_WORD - 1] = (char)0xc3; /* two bytes, one too many */
	bytes[SLOW_LOG_WORD] = (char)0xa9;
	slow_word_set(&word, (struct text){bytes, sizeof(bytes)});
	assert_int_equal(slow_word_text(&word).len, SLOW_LOG_WORD - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_slowest_of_many_are_kept_whatever_their_order),
	    cmocka_unit_test(
		a_full_log_wants_only_what_is_slower_than_its_fastest),
	    cmocka_unit_test(nothing_below_the_threshold_is_kept),
	    cmocka_unit_test(long_names_are_cut_at_a_whole_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
