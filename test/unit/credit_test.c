// SPDX-License-Identifier: MIT
/* credit - how far a stream may run ahead of its reader. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "workers/gateway/credit.h"

enum {
	BUFFER = 4 << 20,
	WINDOW = 64 << 10
};

static const struct credit_rules alone = {WINDOW, BUFFER, 1};

static void
a_stream_opens_small_and_widens_to_its_window(void **state)
{
	struct credit c;

	(void)state;
	credit_open(&c, &alone);
	assert_true(c.left >= CREDIT_LEAST && c.left < WINDOW);
	for (int i = 0; !credit_is_due(&c); i++) {
		assert_true(i < 1000);
		assert_true(credit_take(&c, 1000));
		credit_sent(&c, 1100);
	}
	int64_t left = c.left;
	uint32_t more = credit_renew(&c, &alone);
	assert_int_equal(left + more, WINDOW);
	assert_int_equal(c.left, WINDOW);
	assert_false(credit_is_due(&c));
}

static void
a_chunk_without_credit_is_refused_and_one_may_exceed_it(void **state)
{
	struct credit c;

	(void)state;
	credit_open(&c, &alone);
	assert_true(credit_take(&c, 1 << 20));
	assert_true(c.left < 0);
	assert_false(credit_take(&c, 1));
	/* what was exceeded is paid for by the next window */
	assert_true(credit_is_due(&c));
	uint32_t more = credit_renew(&c, &alone);
	assert_true(c.left > 0 && more > 1 << 20);
}

static void
windows_of_all_streams_fit_into_half_the_buffer_once_grown(void **state)
{
	struct credit_rules rules = {WINDOW, BUFFER, 0};
	struct credit c;

	(void)state;
	for (rules.streams = 1; rules.streams <= 32; rules.streams++) {
		uint32_t growth = 170;

		credit_open(&c, &rules);
		while (!credit_is_due(&c)) {
			assert_true(credit_take(&c, 1));
			credit_sent(&c, growth);
		}
		(void)credit_renew(&c, &rules);
		if (c.left > CREDIT_LEAST)
			assert_true((uint64_t)c.left * growth * rules.streams <=
			    BUFFER / 2 +
				(uint64_t)growth * rules.streams *
				    CREDIT_LEAST);
		assert_true(c.window >= CREDIT_LEAST);
	}
}

/* A node that spends what it has and a reader that takes what comes: whatever
 * the sizes and however many share, the stream never stands still for good. */
static void
no_stream_is_ever_left_without_credit_for_good(void **state)
{
	struct credit_rules rules = {WINDOW, BUFFER, 1};
	struct credit c;

	(void)state;
	srand(1);
	credit_open(&c, &rules);
	for (int i = 0; i < 1000000; i++) {
		uint32_t bytes = 1u << (rand() % 18);

		rules.streams = 1 + (uint32_t)rand() % 600;
		rules.window_bytes = 1024u << (rand() % 8);
		if (credit_take(&c, bytes))
			credit_sent(&c, bytes + 170);
		if (credit_is_due(&c))
			(void)credit_renew(&c, &rules);
		assert_true(c.left > 0);
		assert_true(c.left <= 128 * 1024);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_stream_opens_small_and_widens_to_its_window),
	    cmocka_unit_test(
		a_chunk_without_credit_is_refused_and_one_may_exceed_it),
	    cmocka_unit_test(
		windows_of_all_streams_fit_into_half_the_buffer_once_grown),
	    cmocka_unit_test(no_stream_is_ever_left_without_credit_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
