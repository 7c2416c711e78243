// SPDX-License-Identifier: MIT
/* version - the order in which versions of a function stand. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/version.h"

/* Ascending; each is below all that follow. */
static const char *const ladder[] = {
    "0.0.0-alpha",
    "", /* not semver: ranks as 0.0.0, then by its bytes */
    "0.0.0",
    "1.0",
    "latest",
    "0.0.1",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.0+build",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "9.0.0",
    "10.0.0",
    "123456789012345678901234567890.0.0",
};

static void
ten_is_above_nine_and_a_release_above_its_candidates(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ladder); i++) {
		for (size_t j = 0; j < COUNT_OF(ladder); j++) {
			int order = version_compare(
			    text_of(ladder[i]), text_of(ladder[j]));

			if ((order > 0) - (order < 0) != (i > j) - (i < j))
				fail_msg("'%s' against '%s': %d", ladder[i],
				    ladder[j], order);
		}
	}
}

static void
only_whole_semver_is_semver(void **state)
{
	(void)state;
	assert_true(version_is_semver(TEXT("1.2.3")));
	assert_true(version_is_semver(TEXT("1.2.3-rc.1+x.007")));
	assert_false(version_is_semver(TEXT("1.2")));
	assert_false(version_is_semver(TEXT("1.2.3.4")));
	assert_false(version_is_semver(TEXT("01.2.3")));
	assert_false(version_is_semver(TEXT("1.2.3-01")));
	assert_false(version_is_semver(TEXT("1.2.3-")));
	assert_false(version_is_semver(TEXT("1.2.3+")));
	assert_false(version_is_semver(TEXT("v1.2.3")));
	assert_false(version_is_semver(TEXT("1.2.3-a..b")));
}

static void
the_sentinel_and_nothing_both_mean_no_version(void **state)
{
	(void)state;
	assert_true(version_is_none(TEXT("0.0.0")));
	assert_true(version_is_none((struct text){0}));
	assert_false(version_is_none(TEXT("0.0.1")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		ten_is_above_nine_and_a_release_above_its_candidates),
	    cmocka_unit_test(only_whole_semver_is_semver),
	    cmocka_unit_test(the_sentinel_and_nothing_both_mean_no_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
