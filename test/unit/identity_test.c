// SPDX-License-Identifier: MIT
/* identity - who a session is, shared by all sessions of one token. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "workers/gateway/client.h"
#include "workers/gateway/identity.h"

static struct identity *
anna(void)
{
	struct text roles[] = {TEXT("admin"), TEXT("editor")};
	const struct identity facts = {
	    .user_id = TEXT("anna"),
	    .roles = roles,
	    .role_count = 2,
	    .expires_ms = 5000,
	    .token_id = TEXT("t-1"),
	    .holds = 99,
	};

	return identity_create(&facts);
}

static void
facts_are_copied_and_outlive_their_source(void **state)
{
	struct identity *id = anna();

	(void)state;
	assert_true(text_is(id->user_id, "anna"));
	assert_true(text_is(id->token_id, "t-1"));
	assert_int_equal(id->expires_ms, 5000);
	assert_int_equal(id->holds, 1);
	assert_true(identity_has_role(id, TEXT("admin")));
	assert_true(identity_has_role(id, TEXT("editor")));
	assert_false(identity_has_role(id, TEXT("edit")));
	assert_false(identity_has_role(id, TEXT("")));
	identity_release(&id);
	assert_null(id);
	identity_release(&id);
}

static void
it_lives_as_long_as_somebody_holds_it(void **state)
{
	struct identity *first = anna();
	struct identity *second = identity_hold(first);

	(void)state;
	identity_release(&first);
	assert_true(text_is(second->user_id, "anna"));
	identity_release(&second);
	assert_null(identity_hold(NULL));
}

static void
a_guest_has_a_name_of_its_own_until_it_is_verified(void **state)
{
	struct client c = {.serial = 9};

	(void)state;
	identity_guest(c.guest, 2, 7, c.serial);
	assert_true(text_is(identity_user_of(&c), "guest:2-7-9"));
	c.identity = anna();
	assert_true(text_is(identity_user_of(&c), "anna"));
	identity_release(&c.identity);
	identity_guest(c.guest, UINT32_MAX, UINT64_MAX, UINT64_MAX);
	assert_true(text_is(identity_user_of(&c),
	    "guest:4294967295-18446744073709551615-18446744073709551615"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(facts_are_copied_and_outlive_their_source),
	    cmocka_unit_test(it_lives_as_long_as_somebody_holds_it),
	    cmocka_unit_test(
		a_guest_has_a_name_of_its_own_until_it_is_verified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
