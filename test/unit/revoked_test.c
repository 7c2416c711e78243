// SPDX-License-Identifier: MIT
/* revoked - what was taken back, and what came after. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "workers/gateway/identity.h"
#include "workers/gateway/revoked.h"

static struct revoked revoked;

static enum err
add(const char *name, bool is_token, uint64_t at_ms)
{
	const struct revocation r = {text_of(name), is_token, at_ms};

	return revoked_add(&revoked, &r);
}

static bool
has(const char *user, const char *token_id, uint64_t issued_ms)
{
	const struct identity who = {
	    .user_id = text_of(user),
	    .token_id = text_of(token_id),
	    .issued_ms = issued_ms,
	};

	return revoked_has(&revoked, &who);
}

static void
tokens_until_the_revocation_are_refused_and_later_ones_not(void **state)
{
	(void)state;
	revoked_init(&revoked);
	assert_false(has("anna", "", 0));
	assert_int_equal(add("t7", true, 1), OK);
	assert_int_equal(add("anna", false, 5500), OK);
	assert_int_equal(add("bert", false, 9000), OK);
	assert_true(has("anna", "", 4000));
	assert_true(has("anna", "", 5000)); /* the same second */
	assert_false(has("anna", "", 6000));
	assert_true(has("anna", "", 0)); /* nobody knows when */
	assert_true(has("bert", "", 6000));
	assert_false(has("ann", "", 0));
	assert_false(has("annaa", "", 0));
	/* one token, whoever has it; a name is no jti and a jti no name */
	assert_true(has("carl", "t7", 99999));
	assert_false(has("t7", "anna", 0));
	revoked_finish(&revoked);
}

static void
a_long_list_is_searched_and_one_out_of_order_refused(void **state)
{
	char name[16];

	(void)state;
	revoked_init(&revoked);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "u%04d", i * 2);
		assert_int_equal(add(name, false, 1000), OK);
	}
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "u%04d", i);
		assert_int_equal(has(name, "", 1000), i % 2 == 0);
	}
	assert_int_equal(add("a", false, 1), ERR_RANGE);
	assert_int_equal(add("u1998", false, 1), ERR_RANGE);
	assert_int_equal(add("z", true, 1), ERR_RANGE);
	assert_int_equal(revoked.count, 1000);
	revoked_finish(&revoked);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		tokens_until_the_revocation_are_refused_and_later_ones_not),
	    cmocka_unit_test(
		a_long_list_is_searched_and_one_out_of_order_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
