// SPDX-License-Identifier: MIT
/* function - what it may run: its target, its hooks, and what is denied. */

#include "test/unit/function_rig.h"

/* assert_with_hooks: what a function is told where two hooks are. */
static void
assert_with_hooks(const char *fields, const char *text)
{
	const struct hook_entry entries[] = {
	    {TEXT("stamp"), TEXT("hooks"), TEXT("stamp"), TEXT("")},
	    {TEXT("audit"), TEXT("Hooks"), TEXT("note"), TEXT("quick")},
	};
	const struct function_rules rules = {.hooks = {entries, 2}};
	struct problems p = {.count = 0};
	struct function f = read_one(fields);

	function_check_all(&f, &rules, &arena, &p);
	if (text == NULL) {
		assert_int_equal(p.count, 0);
		return;
	}
	assert_int_equal(p.count, 1);
	assert_string_equal(arena_string(&arena, p.at[0]), text);
}

static void
a_function_may_only_name_hooks_that_are_registered(void **state)
{
	(void)state;
	assert_with_hooks(GOOD(",'before_execute':'stamp'"), NULL);
	assert_with_hooks(
	    GOOD(",'before_execute':{'hook':'stamp','args':[1,'x']}"), NULL);
	assert_with_hooks(GOOD(",'after_execute':{'hook':'audit','args':null},"
			       "'result_encoder':'audit'"),
	    NULL);
	assert_with_hooks(
	    GOOD(",'after_execute':{'module':'Hooks','function':'note'}"),
	    NULL);
	assert_with_hooks(GOOD(",'result_encoder':['Hooks','note',[1]]"), NULL);
	assert_with_hooks(GOOD(",'before_execute':'stmap'"),
	    "before_execute: no hook \"stmap\" is registered; did you mean "
	    "\"stamp\"?");
	assert_with_hooks(GOOD(",'after_execute':'os_cmd'"),
	    "after_execute: no hook \"os_cmd\" is registered: see hooks in "
	    "the gateway's settings");
	assert_with_hooks(GOOD(",'result_encoder':['Hooks','other',[1]]"),
	    "result_encoder: {Hooks, :other, [1]} is not registered as a hook: "
	    "see hooks in the gateway's settings");
	assert_with_hooks(
	    GOOD(",'response_type':'stream','result_encoder':'stamp'"),
	    "result_encoder does not apply to a stream");
}

static void
a_hook_is_read_by_name_or_by_target_and_its_arguments_are_its_extras(
    void **state)
{
	struct function f =
	    read_one("{'before_execute':{'hook':'stamp','args':[1,2]},"
		     "'after_execute':['m','f',[3]],'hook_timeout':70}");

	(void)state;
	assert_int_equal(f.before_execute.option, FUNCTION_GIVEN);
	assert_true(text_is(f.before_execute.name, "stamp"));
	assert_int_equal(f.before_execute.target.arg_count, 2);
	assert_int_equal(f.after_execute.name.len, 0);
	assert_true(text_is(f.after_execute.target.function, "f"));
	assert_int_equal(f.after_execute.target.arg_count, 1);
	assert_int_equal(f.result_encoder.option, FUNCTION_ABSENT);
	assert_int_equal(f.hook_timeout_ms, 70);
	f = read_one("{'before_execute':'','after_execute':{'hook':5},"
		     "'result_encoder':{'hook':'x','args':1}}");
	assert_int_equal(f.before_execute.option, FUNCTION_BROKEN);
	assert_int_equal(f.after_execute.option, FUNCTION_BROKEN);
	assert_int_equal(f.result_encoder.option, FUNCTION_BROKEN);
}

static void
a_function_may_run_only_while_all_it_runs_is_allowed(void **state)
{
	const struct text list[] = {TEXT("good.*")};
	const struct function_rules some = {.allow = list, .allow_count = 1};
	const struct function_target good = {
	    .module = TEXT("good"), .function = TEXT("f"), .is_valid = true};
	const struct function_target other = {
	    .module = TEXT("other"), .function = TEXT("f"), .is_valid = true};
	const struct function_target os = {
	    .module = TEXT("os"), .function = TEXT("cmd"), .is_valid = true};
	struct function f = {.target = good};

	(void)state;
	assert_true(function_may_run(&f, &some));
	struct function_target *const places[] = {
	    &f.target, &f.callback, &f.resolver, &f.chooser};
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		const struct function_target kept = *places[i];

		*places[i] = other;
		assert_false(function_may_run(&f, &some));
		assert_true(function_may_run(&f, &no_rules));
		*places[i] = os;
		assert_false(function_may_run(&f, &some));
		assert_false(function_may_run(&f, &no_rules));
		*places[i] = kept;
	}
	assert_true(function_may_run(&f, &some));
}

static void
dangerous_modules_are_denied_unless_the_pair_is_allowed(void **state)
{
	const struct text list[] = {TEXT("MyApp.*"), TEXT("Users"),
	    TEXT("os.timestamp"), TEXT("file.*")};
	const struct function_rules some = {
	    .allow = list, .allow_count = COUNT_OF(list)};
	const struct {
		const char *module, *function;
		bool by_default, by_list;
	} rows[] = {
	    {"MyApp.Api", "get_user", true, true},
	    {"Other", "get_user", true, false},
	    {"Users", "anything", true, true},
	    {"os", "cmd", false, false},
	    {":os", "cmd", false, false},
	    {"os", "timestamp", false, true},
	    {"file", "delete", false, false},
	    {"erlang", "halt", false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct function_target t = {.module = text_of(rows[i].module),
		    .function = text_of(rows[i].function),
		    .is_valid = true};

		assert_int_equal(
		    target_is_allowed(&no_rules, &t), rows[i].by_default);
		assert_int_equal(target_is_allowed(&some, &t), rows[i].by_list);
	}
}

static void
a_denied_target_is_named_first_and_as_people_write_it(void **state)
{
	static const struct row rows[] = {
	    {"'mfa':{'module':'os','function':'cmd','args':['ls',1]}",
		"MFA not allowed: {:os, :cmd, [\"ls\", 1]}"},
	    {"'mfa':{'module':'rpc','function':'Call it'}",
		"MFA not allowed: {:rpc, :\"Call it\", []}"},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_function_may_only_name_hooks_that_are_registered),
	    cmocka_unit_test(
		a_hook_is_read_by_name_or_by_target_and_its_arguments_are_its_extras),
	    cmocka_unit_test(
		a_function_may_run_only_while_all_it_runs_is_allowed),
	    cmocka_unit_test(
		dangerous_modules_are_denied_unless_the_pair_is_allowed),
	    cmocka_unit_test(
		a_denied_target_is_named_first_and_as_people_write_it),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
