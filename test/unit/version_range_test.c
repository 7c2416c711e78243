// SPDX-License-Identifier: MIT
/* version_range: which versions a constraint lets through. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "workers/monitor/version_range.h"

static bool
lets(const char *constraint, const char *version)
{
	struct version_range r;

	assert_int_equal(version_range_read(text_of(constraint), &r), OK);
	return version_range_has(&r, text_of(version));
}

static void
a_whole_version_is_itself(void **state)
{
	(void)state;
	assert_true(lets("1.2.0", "1.2.0"));
	assert_true(lets("==1.2.0", "1.2.0"));
	assert_true(lets("= 1.2.0", "1.2.0"));
	assert_false(lets("1.2.0", "1.2.1"));
	assert_false(lets("!=1.2.0", "1.2.0"));
	assert_true(lets("!=1.2.0", "1.2.1"));
	assert_true(lets("1.2.0-rc.1", "1.2.0-rc.1"));
}

static void
part_of_a_version_is_all_that_begin_so(void **state)
{
	(void)state;
	assert_true(lets("1", "1.9.3"));
	assert_false(lets("1", "10.0.0"));
	assert_false(lets("1", "2.0.0"));
	assert_true(lets("1.2.*", "1.2.7"));
	assert_true(lets("1.x", "1.0.0-rc.1"));
	assert_false(lets("1.2", "1.3.0-rc.1"));
	assert_true(lets("*", "0.0.1"));
	assert_true(lets("", "7.0.0"));
}

static void
orders_are_of_numbers_not_of_letters(void **state)
{
	(void)state;
	assert_true(lets(">1.9", "1.10.0"));
	assert_false(lets(">1.9.0", "1.9.0"));
	assert_true(lets(">=1.9", "1.9.0"));
	assert_true(lets("<2", "1.99.0"));
	assert_false(lets("<2", "2.0.0"));
	assert_true(lets("<=2.1", "2.1.0"));
	assert_false(lets("<=2.1", "2.1.1"));
}

static void
terms_must_all_hold(void **state)
{
	(void)state;
	assert_true(lets(">=1, <3", "2.5.0"));
	assert_false(lets(">=1, <3", "3.0.0"));
	assert_true(lets(">= 1.0.0 < 3 !=2.0.0", "2.0.1"));
	assert_false(lets(">= 1.0.0 < 3 !=2.0.0", "2.0.0"));
}

static void
carets_and_tildes_end_before_what_may_break(void **state)
{
	(void)state;
	assert_true(lets("^1.2.0", "1.9.0"));
	assert_false(lets("^1.2.0", "1.1.9"));
	assert_false(lets("^1.2.0", "2.0.0"));
	assert_false(lets("^1.2.0", "2.0.0-rc.1"));
	assert_true(lets("^0.2.1", "0.2.9"));
	assert_false(lets("^0.2.1", "0.3.0"));
	assert_true(lets("^0.0.3", "0.0.3"));
	assert_false(lets("^0.0.3", "0.0.4"));
	assert_true(lets("~1.2.3", "1.2.9"));
	assert_false(lets("~1.2.3", "1.3.0"));
	assert_true(lets("~1", "1.9.0"));
	assert_true(lets("~=1.2", "1.2.4"));
	assert_false(lets("^1.2.0-rc.2", "1.2.0-rc.1"));
	assert_true(lets("^1.2.0-rc.2", "1.2.0"));
}

static void
what_is_no_semver_is_only_itself(void **state)
{
	(void)state;
	assert_true(lets("beta", "beta"));
	assert_true(lets("*", ""));
	assert_true(lets("!=1.0.0", ""));
	assert_false(lets(">0", "beta"));
	assert_false(lets("1", ""));
}

static void
what_is_no_constraint_is_refused(void **state)
{
	static const char *const wrong[] = {
	    ">", "!=", "^", "~x", ">=beta", "^1.2-", ">1.*", "<", "^1.2.3.4"};
	char longest[600] = "";
	struct version_range r;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(
		    version_range_read(text_of(wrong[i]), &r), ERR_MALFORMED);
	for (size_t i = 0; i < sizeof(longest) - 1; i++)
		longest[i] = '1';
	assert_int_equal(version_range_read(text_of(longest), &r), ERR_TOO_BIG);
	for (size_t i = 1; i < sizeof(longest) - 1; i += 2)
		longest[i] = ',';
	assert_int_equal(version_range_read(text_of(longest), &r), ERR_TOO_BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_whole_version_is_itself),
	    cmocka_unit_test(part_of_a_version_is_all_that_begin_so),
	    cmocka_unit_test(orders_are_of_numbers_not_of_letters),
	    cmocka_unit_test(terms_must_all_hold),
	    cmocka_unit_test(carets_and_tildes_end_before_what_may_break),
	    cmocka_unit_test(what_is_no_semver_is_only_itself),
	    cmocka_unit_test(what_is_no_constraint_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
