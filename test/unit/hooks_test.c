// SPDX-License-Identifier: MIT
/* hooks - what a function's hooks are, and what their answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "notation.h"
#include "protocol/function.h"
#include "workers/gateway/hook_answer.h"
#include "workers/gateway/hook_set.h"
#include "workers/gateway/hook_words.h"

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

static struct text
pack(const char *notation)
{
	return pack_notation(&arena, notation);
}

static void
assert_packs(struct text span, const char *notation)
{
	assert_true(text_eq(span, pack(notation)));
}

static struct hook_before
before(const char *notation)
{
	struct hook_before b;

	hook_read_before(pack(notation), &b);
	return b;
}

static void
a_before_hook_that_says_anything_else_changes_nothing(void **state)
{
	static const char *const answers[] = {"null", "true", "false", "5",
	    "'ok'", "'error'", "[]", "[1,2]", "['error']", "['error','a','b']",
	    "['fine',{'args':{}}]", "{'ok':{'args':{}}}", "{'error':'no'}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++)
		assert_int_equal(before(answers[i]).verdict, HOOK_CONTINUES);
}

static void
a_before_hook_may_reject_with_any_reason(void **state)
{
	struct hook_before b = before("['error','not today']");

	(void)state;
	assert_int_equal(b.verdict, HOOK_REJECTS);
	assert_packs(b.reason, "'not today'");
	b = before("['error',{'why':[1]}]");
	assert_int_equal(b.verdict, HOOK_REJECTS);
	assert_packs(b.reason, "{'why':[1]}");
}

static void
it_may_change_arguments_device_and_time_and_nothing_else(void **state)
{
	struct hook_before b =
	    before("['ok',{'args':{'a':1},'device_id':'d','user_id':'root',"
		   "'user_roles':['admin'],'service':'x','request_type':'y'},"
		   "{'timeout':200,'nodes':['evil'],'mfa':['os','cmd',[]],"
		   "'check_permission':false}]");

	(void)state;
	assert_int_equal(b.verdict, HOOK_CHANGES);
	assert_packs(b.args, "{'a':1}");
	assert_true(b.has_device_id && text_is(b.device_id, "d"));
	assert_int_equal(b.timeout_ms, 200);
	b = before("['ok',{}]");
	assert_int_equal(b.verdict, HOOK_CHANGES);
	assert_int_equal(b.args.len, 0);
	assert_false(b.has_device_id);
	assert_int_equal(b.timeout_ms, 0);
	b = before("['ok',{'args':null,'device_id':null},null]");
	assert_int_equal(b.verdict, HOOK_CHANGES);
	assert_int_equal(b.args.len, 0);
	assert_true(b.has_device_id && b.device_id.at == NULL);
	b = before("['ok',{},{'timeout':'infinity'}]");
	assert_int_equal(b.timeout_ms, FUNCTION_NO_TIMEOUT);
}

static void
an_ok_without_a_request_or_with_a_broken_one_is_no_answer(void **state)
{
	static const char *const answers[] = {"['ok']", "['ok',1]",
	    "['ok',null]", "['ok',[1]]", "['ok',{'args':[1]}]",
	    "['ok',{'args':'x'}]", "['ok',{'args':{1:2}}]",
	    "['ok',{'device_id':5}]", "['ok',{},1]", "['ok',{},{'timeout':99}]",
	    "['ok',{},{'timeout':300001}]", "['ok',{},{'timeout':'ever'}]",
	    "['ok',{},{},{}]"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++)
		assert_int_equal(
		    before(answers[i]).verdict, HOOK_ANSWERS_WRONG);
}

static void
an_encoder_answers_the_new_result_or_why_there_is_none(void **state)
{
	struct text reason;

	(void)state;
	assert_true(hook_read_encoded(pack("{'a':1}"), &reason));
	assert_true(hook_read_encoded(pack("null"), &reason));
	assert_true(hook_read_encoded(pack("['ok',1]"), &reason));
	assert_true(hook_read_encoded(pack("['error',1,2]"), &reason));
	assert_false(hook_read_encoded(pack("['error','x']"), &reason));
	assert_packs(reason, "'x'");
}

static struct hook_response
success(const char *notation)
{
	return (struct hook_response){.is_success = true,
	    .shape = ANSWER_FINAL,
	    .result = pack(notation)};
}

static struct hook_response
limited(void)
{
	return (struct hook_response){.code = ANSWER_rate_limited,
	    .error = TEXT("too fast"),
	    .retry_after_ms = 700};
}

static struct text
shown(const struct hook_response *r)
{
	struct buffer b;
	struct packer p;

	buffer_init(&b, 4096);
	pack_init(&p, &b);
	hook_put_response(&p, TEXT("r1"), r);
	assert_int_equal(pack_finish(&p), OK);
	struct text t = arena_text(&arena, buffer_text(&b));
	buffer_finish(&b);
	return t;
}

static void
a_hook_is_shown_the_response_its_client_would_get(void **state)
{
	struct hook_response r = success("[1]");

	(void)state;
	assert_packs(shown(&r),
	    "{'request_id':'r1','result':[1],'success':true,'error':null,"
	    "'async':false,'has_more':false,'can_retry':false}");
	r.shape = ANSWER_LAST;
	assert_packs(shown(&r),
	    "{'request_id':'r1','result':[1],'success':true,'error':null,"
	    "'async':true,'has_more':false,'can_retry':false}");
	r = limited();
	assert_packs(shown(&r),
	    "{'request_id':'r1','result':null,'success':false,"
	    "'error':'too fast','async':false,'has_more':false,"
	    "'can_retry':true,'code':'rate_limited'}");
}

static void
an_after_hook_keeps_a_response_with_null_or_by_giving_it_back(void **state)
{
	const struct hook_response all[] = {success("{'a':[1]}"), limited()};
	struct hook_response now;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		assert_int_equal(
		    hook_read_after(pack("null"), &all[i], &now), HOOK_KEEPS);
		assert_int_equal(
		    hook_read_after(shown(&all[i]), &all[i], &now), HOOK_KEEPS);
	}
}

static void
the_same_value_packed_in_another_way_replaces_nothing(void **state)
{
	/* {"a": [1, -1, "x"]} in few bytes, and in many */
	const struct hook_response was = success("{'a':[1,-1,'x']}");
	static const char wide[] =
	    "\x82\xa7success\xc3\xa6result"
	    "\xdf\0\0\0\x01\xd9\x01"
	    "a\xdd\0\0\0\x03\xcd\0\x01\xd1\xff\xff\xda\0\x01x";
	struct hook_response now;

	(void)state;
	assert_int_equal(
	    hook_read_after((struct text){wide, sizeof(wide) - 1}, &was, &now),
	    HOOK_KEEPS);
	assert_int_equal(
	    hook_read_after(
		pack("{'success':true,'result':{'a':[1,-1,'y']}}"), &was, &now),
	    HOOK_REPLACES);
	assert_int_equal(
	    hook_read_after(
		pack("{'success':true,'result':{'a':[1,-1,'x',1]}}"), &was,
		&now),
	    HOOK_REPLACES);
	assert_int_equal(
	    hook_read_after(
		pack("{'success':true,'result':{'a':[1,-2,'x']}}"), &was, &now),
	    HOOK_REPLACES);
}

static void
an_after_hook_replaces_results_and_errors_either_way(void **state)
{
	struct hook_response was = success("1"), now;

	(void)state;
	assert_int_equal(
	    hook_read_after(pack("{'success':true,'result':2}"), &was, &now),
	    HOOK_REPLACES);
	assert_true(now.is_success);
	assert_packs(now.result, "2");
	assert_int_equal(hook_read_after(pack("{'success':true}"), &was, &now),
	    HOOK_REPLACES);
	assert_packs(now.result, "null");
	assert_int_equal(
	    hook_read_after(pack("{'success':false,'error':'no'}"), &was, &now),
	    HOOK_REPLACES);
	assert_int_equal(now.code, ANSWER_internal);
	assert_true(text_is(now.error, "no"));
	was = limited();
	assert_int_equal(
	    hook_read_after(
		pack("{'success':false,'error':'slow down'}"), &was, &now),
	    HOOK_REPLACES);
	assert_int_equal(now.code, ANSWER_rate_limited);
	assert_int_equal(now.retry_after_ms, 700);
	assert_int_equal(
	    hook_read_after(pack("{'success':false,'error':'too fast',"
				 "'code':'denied'}"),
		&was, &now),
	    HOOK_REPLACES);
	assert_int_equal(now.code, ANSWER_denied);
	assert_int_equal(now.retry_after_ms, 0);
	assert_int_equal(
	    hook_read_after(
		pack("{'success':true,'result':'never mind'}"), &was, &now),
	    HOOK_REPLACES);
	assert_true(now.is_success);
}

static void
what_is_no_response_replaces_none(void **state)
{
	static const char *const answers[] = {"1", "'x'", "true", "[]", "{}",
	    "{'result':1}", "{'success':'yes'}", "{'success':false}",
	    "{'success':false,'error':''}", "{'success':false,'error':5}",
	    "{'success':false,'error':'x','code':'teapot'}",
	    "{'success':false,'error':'x','code':7}"};
	const struct hook_response was = success("1");
	struct hook_response now;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++)
		assert_int_equal(hook_read_after(pack(answers[i]), &was, &now),
		    HOOK_NO_RESPONSE);
}

static void
clients_hear_what_the_reference_says_and_no_inner_words(void **state)
{
	struct hook_words w;
	struct hook_trouble t = {
	    .how = HOOK_FAILURE_timeout, .timeout_ms = 5000};

	(void)state;
	assert_true(text_is(hook_words_failed(&w, &t),
	    "hook rejected: \"hook timed out after 5000ms\""));
	assert_true(text_is(hook_words_encoding(&w, &t),
	    "result encoding failed: \"timed out after 5000ms\""));
	t.how = HOOK_FAILURE_exception;
	assert_true(text_is(
	    hook_words_failed(&w, &t), "hook rejected: \"hook failed\""));
	t.detail = TEXT("inner \"words\"");
	assert_true(text_is(hook_words_failed(&w, &t),
	    "hook rejected: \"inner \\\"words\\\"\""));
	assert_true(text_is(hook_words_encoding(&w, &t),
	    "result encoding failed: \"inner \\\"words\\\"\""));
	assert_true(text_is(hook_words_rejected(&w, pack("['a',{'b':null}]")),
	    "hook rejected: [\"a\", %{\"b\" => nil}]"));
	assert_true(text_is(
	    hook_words_rejected(&w, pack("'no'")), "hook rejected: \"no\""));
}

static void
a_nodes_code_tells_how_a_hook_failed(void **state)
{
	(void)state;
	assert_int_equal(
	    hook_failure_of(TEXT("expired")), HOOK_FAILURE_timeout);
	assert_int_equal(
	    hook_failure_of(TEXT("unavailable")), HOOK_FAILURE_no_runner);
	assert_int_equal(
	    hook_failure_of(TEXT("draining")), HOOK_FAILURE_no_runner);
	assert_int_equal(
	    hook_failure_of(TEXT("dispatched_unknown")), HOOK_FAILURE_lost);
	assert_int_equal(
	    hook_failure_of(TEXT("exception")), HOOK_FAILURE_exception);
	assert_string_equal(hook_failure_kind(HOOK_FAILURE_timeout), "timeout");
	assert_string_equal(hook_failure_kind(HOOK_FAILURE_lost), "error");
}

static struct hook_set *
compile(const char *notation, uint32_t count)
{
	const struct hook_entry entries[] = {
	    {TEXT("stamp"), TEXT("m"), TEXT("stamp"), TEXT("")},
	    {TEXT("audit"), TEXT("m"), TEXT("note"), TEXT("quick")}};
	const struct hook_list list = {entries, count};
	struct function f;

	assert_int_equal(function_read(pack(notation), &arena, &f), OK);
	return hook_set_compile(&f, &list, &arena);
}

static void
a_function_without_hooks_has_no_set(void **state)
{
	(void)state;
	assert_null(compile("{'before_execute':null}", 2));
	assert_null(
	    compile("{'response_type':'stream','result_encoder':'stamp'}", 2));
	assert_false(hook_set_has(NULL, HOOK_BEFORE));
}

static void
a_compiled_hook_is_what_the_operator_registered(void **state)
{
	struct hook_set *set =
	    compile("{'before_execute':{'hook':'stamp','args':[1]},"
		    "'after_execute':['m','note'],'hook_timeout':70}",
		2);

	(void)state;
	assert_non_null(set);
	assert_true(hook_set_has(set, HOOK_BEFORE));
	assert_false(hook_set_has(set, HOOK_ENCODE));
	assert_true(text_is(set->hooks[HOOK_BEFORE].function, "stamp"));
	assert_int_equal(set->hooks[HOOK_BEFORE].extras.arg_count, 1);
	assert_true(text_is(set->hooks[HOOK_AFTER].name, "audit"));
	assert_true(text_is(set->hooks[HOOK_AFTER].pool, "quick"));
	assert_int_equal(set->timeout_ms, 70);
	assert_null(set->missing_key);
}

static void
a_hook_nobody_registered_any_more_is_named_with_its_key(void **state)
{
	struct hook_set *set =
	    compile("{'before_execute':'stamp','result_encoder':'audit',"
		    "'after_execute':'gone'}",
		1);

	(void)state;
	assert_non_null(set);
	assert_string_equal(set->missing_key, "result_encoder");
	assert_true(text_is(set->missing, "audit"));
	assert_false(hook_set_has(set, HOOK_ENCODE));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_before_hook_that_says_anything_else_changes_nothing),
	    cmocka_unit_test(a_before_hook_may_reject_with_any_reason),
	    cmocka_unit_test(
		it_may_change_arguments_device_and_time_and_nothing_else),
	    cmocka_unit_test(
		an_ok_without_a_request_or_with_a_broken_one_is_no_answer),
	    cmocka_unit_test(
		an_encoder_answers_the_new_result_or_why_there_is_none),
	    cmocka_unit_test(a_hook_is_shown_the_response_its_client_would_get),
	    cmocka_unit_test(
		an_after_hook_keeps_a_response_with_null_or_by_giving_it_back),
	    cmocka_unit_test(
		the_same_value_packed_in_another_way_replaces_nothing),
	    cmocka_unit_test(
		an_after_hook_replaces_results_and_errors_either_way),
	    cmocka_unit_test(what_is_no_response_replaces_none),
	    cmocka_unit_test(
		clients_hear_what_the_reference_says_and_no_inner_words),
	    cmocka_unit_test(a_nodes_code_tells_how_a_hook_failed),
	    cmocka_unit_test(a_function_without_hooks_has_no_set),
	    cmocka_unit_test(a_compiled_hook_is_what_the_operator_registered),
	    cmocka_unit_test(
		a_hook_nobody_registered_any_more_is_named_with_its_key),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
