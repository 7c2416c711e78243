// SPDX-License-Identifier: MIT
/* permission - who may call what, mode by mode. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "test/unit/notation.h"
#include "workers/gateway/permission.h"

static struct arena arena;

static int
start(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

/* asks: is `user` with `role` (either may be NULL) allowed these arguments? */
static bool
asks(const char *permission, const char *user, const char *role,
    const char *args)
{
	char notation[1024];
	struct function f;
	struct permission p;
	struct text roles[2] = {TEXT("guest"), TEXT("")};
	struct permission_facts facts = {.roles = roles};

	snprintf(notation, sizeof(notation),
	    "{'check_permission':%s,'arg_types':{'a':'map','b':'map',"
	    "'user_id':'any'}}",
	    permission);
	assert_int_equal(
	    function_read(pack_notation(&arena, notation), &arena, &f), OK);
	permission_compile(&f, &arena, &p);
	if (user != NULL)
		facts.user_id = text_of(user);
	if (role != NULL) {
		roles[1] = text_of(role);
		facts.role_count = 2;
	}
	if (args != NULL)
		facts.args = pack_notation(&arena, args);
	return permission_allows(&p, &facts);
}

/* owns: the same for {arg: user_id} of a function that takes one map. */
static bool
owns(const char *user, const char *args)
{
	char more[512];

	snprintf(more, sizeof(more), "{'arg':'user_id'},'arg_orders':'map'");
	return asks(more, user, NULL, args);
}

static void
false_lets_everybody_pass(void **state)
{
	(void)state;
	assert_true(asks("false", NULL, NULL, NULL));
	assert_true(asks("false", "u1", "admin", "{'user_id':'u2'}"));
}

static void
any_authenticated_wants_a_user_the_session_vouches_for(void **state)
{
	(void)state;
	assert_true(asks("'any_authenticated'", "u1", NULL, NULL));
	assert_false(asks("'any_authenticated'", "", NULL, NULL));
	assert_false(
	    asks("'any_authenticated'", NULL, "admin", "{'user_id':'u1'}"));
}

static void
arg_wants_the_argument_to_be_the_user(void **state)
{
#define ARG "{'arg':'user_id'}"
	(void)state;
	assert_true(asks(ARG, "u1", NULL, "{'x':1,'user_id':'u1'}"));
	assert_false(asks(ARG, "u1", NULL, "{'user_id':'u2'}"));
	assert_false(asks(ARG, "u1", NULL, "{'user_id':'u11'}"));
	assert_false(asks(ARG, "u1", NULL, "{'user_id':null}"));
	assert_false(asks(ARG, "7", NULL, "{'user_id':7}"));
	assert_false(asks(ARG, "u1", NULL, "{'user_id':['u1']}"));
	assert_false(asks(ARG, "u1", NULL, "{}"));
	assert_false(asks(ARG, "u1", NULL, NULL));
	assert_false(asks(ARG, "", NULL, "{'user_id':''}"));
	assert_false(asks(ARG, NULL, NULL, "{'user_id':''}"));
	/* nested names count only for functions that take one map */
	assert_false(asks(ARG, "u1", NULL, "{'a':{'user_id':'u1'}}"));
}

static void
a_map_is_searched_one_level_down_and_the_first_match_decides(void **state)
{
	(void)state;
	assert_true(owns("u1", "{'user_id':'u1'}"));
	assert_true(owns("u1", "{'n':1,'a':{'user_id':'u1'}}"));
	assert_true(owns("u1", "{'a':{'x':1},'b':{'user_id':'u1'}}"));
	assert_false(owns("u1", "{'a':{'user_id':'u2'},'b':{'user_id':'u1'}}"));
	assert_false(owns("u1",
	    "{'a':{'user_id':null},"
	    "'b':{'user_id':'u1'}}"));
	/* the top level is preferred, even where it does not match */
	assert_false(owns("u1", "{'user_id':'u2','a':{'user_id':'u1'}}"));
	assert_false(owns("u1", "{'user_id':null,'a':{'user_id':'u1'}}"));
	/* two levels down is too far, and lists are no maps */
	assert_false(owns("u1", "{'a':{'b':{'user_id':'u1'}}}"));
	assert_false(owns("u1", "{'a':[{'user_id':'u1'}]}"));
}

static void
a_name_given_twice_is_nobodys(void **state)
{
	(void)state;
	assert_false(asks(ARG, "u1", NULL, "{'user_id':'u2','user_id':'u1'}"));
	assert_false(asks(ARG, "u1", NULL, "{'user_id':'u1','user_id':'u1'}"));
	assert_false(owns("u1", "{'a':{'user_id':'u1','user_id':'u2'}}"));
	assert_false(owns("u1", "{'a':{'user_id':'u1'},'a':{'user_id':'u2'}}"));
	assert_false(owns("u1", "{'a':{'user_id':'u1'},'a':{'x':'u2'}}"));
}

static void
role_wants_one_in_common(void **state)
{
#define ROLE "{'role':['admin','editor']}"
	(void)state;
	assert_true(asks(ROLE, "u1", "editor", NULL));
	assert_true(asks(ROLE, "u1", "admin", NULL));
	assert_false(asks(ROLE, "u1", "Admin", NULL));
	assert_false(asks(ROLE, "u1", NULL, NULL));
	assert_false(asks("{'role':[]}", "u1", "admin", NULL));
	assert_false(asks("{'role':['']}", "u1", "", NULL));
	assert_true(asks("{'role':[5,'admin']}", "u1", "admin", NULL));
	assert_false(asks("{'role':[5]}", "u1", "5", NULL));
	assert_false(asks(ROLE, NULL, NULL, "{'user_roles':['admin']}"));
}

static void
what_is_no_mode_denies(void **state)
{
	(void)state;
	assert_false(asks("true", "u1", "admin", NULL));
	assert_false(asks("'everybody'", "u1", "admin", NULL));
}

int
main(void)
{
#define EACH(t) cmocka_unit_test_setup_teardown(t, start, finish)
	const struct CMUnitTest tests[] = {
	    EACH(false_lets_everybody_pass),
	    EACH(any_authenticated_wants_a_user_the_session_vouches_for),
	    EACH(arg_wants_the_argument_to_be_the_user),
	    EACH(a_map_is_searched_one_level_down_and_the_first_match_decides),
	    EACH(a_name_given_twice_is_nobodys),
	    EACH(role_wants_one_in_common),
	    EACH(what_is_no_mode_denies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
