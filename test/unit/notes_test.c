// SPDX-License-Identifier: MIT
/* notes - how many lines strangers can cause. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "workers/gateway/notes.h"

static void
so_many_lines_a_second_and_the_next_one_tells_of_the_rest(void **state)
{
	struct notes n = {.second = 0};
	uint64_t unnoted = 99;

	(void)state;
	for (int i = 0; i < NOTES_A_SECOND; i++) {
		assert_true(notes_take(&n, 5000, &unnoted));
		assert_int_equal(unnoted, 0);
	}
	for (int i = 0; i < 7; i++)
		assert_false(notes_take(&n, 5999, &unnoted));
	assert_true(notes_take(&n, 6000, &unnoted));
	assert_int_equal(unnoted, 7);
	assert_true(notes_take(&n, 6001, &unnoted));
	assert_int_equal(unnoted, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		so_many_lines_a_second_and_the_next_one_tells_of_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
