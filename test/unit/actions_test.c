// SPDX-License-Identifier: MIT
/* actions - what needs a permission, and what is written down. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/actions.h"
#include "protocol/command.h"
#include "protocol/pack.h"
#include "protocol/tables/actions.h"

static struct text
list_of(struct buffer *b, const char *const words[], uint32_t count)
{
	struct packer p;

	buffer_truncate(b, 0);
	pack_init(&p, b);
	pack_array(&p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_string(&p, words[i]);
	assert_int_equal(pack_finish(&p), OK);
	return buffer_text(b);
}

#define N(action, what) #action,
static const char *const names[] = {ADMIN_ACTION_NAMES(N)};
#undef N

static void
nothing_is_allowed_by_an_empty_or_a_broken_list(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 4096);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_false(action_is_allowed(list_of(&b, NULL, 0), names[i]));
		assert_false(action_is_allowed(TEXT(""), names[i]));
		assert_false(action_is_allowed(TEXT("\xa3"
						    "all"),
		    names[i]));
		/* an array that says five and holds none */
		assert_false(action_is_allowed(TEXT("\x95"), names[i]));
		assert_false(action_is_allowed(TEXT("\x91\x01"), names[i]));
	}
	buffer_finish(&b);
}

static void
one_action_never_brings_another(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 4096);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		for (size_t k = 0; k < COUNT_OF(names); k++)
			assert_int_equal(
			    action_is_allowed(
				list_of(&b, &names[k], 1), names[i]),
			    i == k);
	assert_true(
	    action_is_allowed(list_of(&b, names, COUNT_OF(names)), names[4]));
	assert_false(action_is_allowed(
	    list_of(&b, (const char *const[]){"enable_tracin", "*", "all"}, 3),
	    "enable_tracing"));
	buffer_finish(&b);
}

static void
every_row_names_a_known_action_and_a_known_verb(void **state)
{
	(void)state;
#define A(action, op) \
	assert_true(action_is_known(TEXT(#action))); \
	assert_non_null(command_find(TEXT(op))); \
	assert_string_equal(action_needed(TEXT(op)), #action);
	ADMIN_ACTIONS(A)
#undef A
#define L(op) \
	assert_non_null(command_find(TEXT(op))); \
	assert_int_equal(command_find(TEXT(op))->who, COMMAND_READER); \
	assert_true(action_is_look(TEXT(op)));
	AUDITED_LOOKS(L)
#undef L
	assert_null(action_needed(TEXT("tree")));
	assert_null(action_needed(TEXT("restart")));
	assert_null(action_needed(TEXT("detail-error ")));
	assert_false(action_is_look(TEXT("tree")));
}

#define ONE(op_)           +text_is(op, op_)
#define ACTED(action, op_) +text_is(op, op_)

static int
is_gated(struct text op)
{
	return 0 ADMIN_ACTIONS(ACTED);
}

static int
is_open(struct text op)
{
	return 0 OPEN_CHANGES(ONE);
}

static void
every_change_needs_an_action_or_is_marked_as_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count; i++) {
		const struct command_info *info = &command_infos[i];
		struct text op = text_of(info->op);
		int marks = is_gated(op) + is_open(op);

		if (marks != (info->who == COMMAND_ADMIN))
			fail_msg("%s: %s", info->op,
			    marks > 1       ? "in two rows of actions.h"
				: marks > 0 ? "a look has no action"
					    : "a change without a row in "
					      "actions.h");
		/* what the program answers by itself passes no gate */
		assert_true(
		    info->role != ROLE_cli || info->who == COMMAND_READER);
	}
#define O(op) assert_non_null(command_find(TEXT(op)));
	OPEN_CHANGES(O)
#undef O
}

static void
an_action_has_a_verb_or_is_said_to_have_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct text name = text_of(names[i]);
		int verbs = 0, none = 0;

#define A(action, op) verbs += text_is(name, #action);
		ADMIN_ACTIONS(A)
#undef A
#define V(action) none += text_is(name, #action);
		ACTIONS_WITHOUT_VERB(V)
#undef V
		assert_int_equal(none, verbs == 0);
	}
}

static void
a_look_with_a_changing_flag_is_a_change_whatever_its_value(void **state)
{
	(void)state;
#define F(op, flag) \
	assert_int_equal(command_find(TEXT(op))->who, COMMAND_READER); \
	assert_non_null(strstr(command_find(TEXT(op))->arguments, "--" flag));
	CHANGING_FLAGS(F)
#undef F
	struct text audit = TEXT("relay.audit");
	assert_false(action_is_change(audit, TEXT("")));
	assert_false(action_is_change(audit, TEXT("\x80")));
	assert_false(action_is_change(audit, TEXT("\x81\xa4last\xc3")));
	assert_true(action_is_change(audit,
	    TEXT("\x81\xa3"
		 "fix\xc3")));
	assert_true(action_is_change(audit,
	    TEXT("\x81\xa3"
		 "fix\xa0")));
	assert_true(action_is_change(audit,
	    TEXT("\x82\xa4last\xc3\xa3"
		 "fix\xc3")));
	assert_false(action_is_change(TEXT("tree"),
	    TEXT("\x81\xa3"
		 "fix\xc3")));
}

static void
a_misspelt_action_is_unknown_and_the_one_meant_is_found(void **state)
{
	(void)state;
	assert_false(action_is_known(TEXT("enable_tracng")));
	assert_string_equal(
	    action_closest(TEXT("enable_tracng")), "enable_tracing");
	assert_null(action_closest(TEXT("zzzzzzzzzzzzzzzz")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_allowed_by_an_empty_or_a_broken_list),
	    cmocka_unit_test(one_action_never_brings_another),
	    cmocka_unit_test(every_row_names_a_known_action_and_a_known_verb),
	    cmocka_unit_test(every_change_needs_an_action_or_is_marked_as_open),
	    cmocka_unit_test(an_action_has_a_verb_or_is_said_to_have_none),
	    cmocka_unit_test(
		a_look_with_a_changing_flag_is_a_change_whatever_its_value),
	    cmocka_unit_test(
		a_misspelt_action_is_unknown_and_the_one_meant_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
