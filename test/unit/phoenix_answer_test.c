// SPDX-License-Identifier: MIT
/* phoenix - answers: their keys, their shapes, when to come back. */

#include "test/unit/phoenix_rig.h"
#include "workers/gateway/answer.h"

static const struct answer_to caller = {
    .address = {PHOENIX_V2, {"\"1\"", 3}, {"\"2\"", 3}, {"\"t\"", 3}},
    .event = {"\"api\"", 5},
    .request_id = {"\"r\"", 3},
    .request_type = {"\"get\"", 5},
};

static void
a_success_has_exactly_the_seven_keys_and_comes_before_its_reply(void **state)
{
	static const char push[] =
	    "[\"1\",null,\"t\",\"api\",{\"request_id\":\"r\",\"result\":"
	    "{\"a\":1},\"success\":true,\"error\":null,\"async\":false,"
	    "\"has_more\":false,\"can_retry\":false}]";
	static const char reply[] = "[\"1\",\"2\",\"t\",\"phx_reply\","
				    "{\"status\":\"ok\",\"response\":\"get\"}]";

	(void)state;
	assert_int_equal(answer_put_result(&out, &caller, ANSWER_FINAL,
			     TEXT("\x81\xa1"
				  "a\x01"),
			     NULL),
	    OK);
	assert_memory_equal(buffer_at(&out) + 4, push, sizeof(push) - 1);
	assert_memory_equal(buffer_at(&out) + 4 + sizeof(push) - 1 + 2, reply,
	    sizeof(reply) - 1);
	assert_int_equal(
	    buffer_used(&out), 4 + sizeof(push) - 1 + 2 + sizeof(reply) - 1);
}

static void
a_result_without_json_leaves_nothing_behind(void **state)
{
	(void)state;
	assert_int_equal(buffer_append(&out, "x", 1), OK);
	/* a map with a number for a key */
	assert_int_equal(answer_put_result(&out, &caller, ANSWER_FINAL,
			     TEXT("\x81\x01\x01"), NULL) == OK,
	    0);
	assert_int_equal(buffer_used(&out), 1);
}

static void
an_error_has_its_code_and_says_when_to_come_back(void **state)
{
	const struct answer_error limited = {
	    .code = ANSWER_rate_limited,
	    .text = TEXT("Rate limit exceeded."),
	    .retry_after_ms = 1500,
	};
	const struct answer_error refused = {
	    .code = ANSWER_missing_field,
	    .text = TEXT("Invalid request: x"),
	    .is_refused = true,
	    .reply = TEXT("x"),
	};

	(void)state;
	assert_int_equal(answer_put_error(&out, &caller, &limited), OK);
	assert_non_null(strstr(payload_of(),
	    "{\"request_id\":\"r\",\"result\":null,\"success\":false,"
	    "\"error\":\"Rate limit exceeded.\",\"async\":false,"
	    "\"has_more\":false,\"can_retry\":true,"
	    "\"code\":\"rate_limited\",\"retry_after_ms\":1500}]"));
	buffer_truncate(&out, 0);
	assert_int_equal(answer_put_error(&out, &caller, &refused), OK);
	assert_non_null(strstr(
	    payload_of(), "\"can_retry\":false,\"code\":\"missing_field\"}]"));
	assert_non_null(memmem(buffer_at(&out), buffer_used(&out),
	    "{\"status\":\"error\",\"response\":\"x\"}", 33));
}

static void
a_binary_answer_has_the_same_keys_and_its_result_untouched(void **state)
{
	static const char success[] = "\x87\xaarequest_id\xa1r\xa6result"
				      "\xc4\x01\xff\xa7success\xc3\xa5"
				      "error"
				      "\xc0\xa5"
				      "async\xc3\xa8has_more\xc3\xa9"
				      "can_retry\xc2";
	static const char refused[] = "\xa9"
				      "can_retry\xc3\xa4"
				      "code\xab"
				      "unavailable\xae"
				      "retry_after_ms\x64";
	const struct answer_error busy = {
	    .code = ANSWER_unavailable, .text = TEXT("busy")};
	struct answer_to to = caller;

	(void)state;
	to.address.form = PHOENIX_V2_BINARY;
	to.is_replied = true;
	assert_int_equal(answer_put_result(&out, &to, ANSWER_PART,
			     TEXT("\xc4\x01\xff"), NULL),
	    OK);
	assert_non_null(memmem(
	    buffer_at(&out), buffer_used(&out), success, sizeof(success) - 1));
	buffer_truncate(&out, 0);
	assert_int_equal(answer_put_error(&out, &to, &busy), OK);
	assert_non_null(memmem(
	    buffer_at(&out), buffer_used(&out), refused, sizeof(refused) - 1));
	assert_non_null(memchr(buffer_at(&out), 0x89, buffer_used(&out)));
}

static void
each_shape_of_a_success_has_its_two_flags(void **state)
{
	static const struct {
		enum answer_shape shape;
		const char *flags;
	} all[] = {
	    {ANSWER_FINAL, "\"async\":false,\"has_more\":false"},
	    {ANSWER_LAST, "\"async\":true,\"has_more\":false"},
	    {ANSWER_PART, "\"async\":true,\"has_more\":true"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		buffer_truncate(&out, 0);
		assert_int_equal(answer_put_result(&out, &caller, all[i].shape,
				     TEXT("\xc0"), NULL),
		    OK);
		assert_non_null(strstr(payload_of(), all[i].flags));
	}
}

static void
who_was_replied_to_gets_pushes_only(void **state)
{
	const struct answer_error late = {
	    .code = ANSWER_expired, .text = TEXT("late")};
	struct answer_to to = caller;

	(void)state;
	to.is_replied = true;
	assert_int_equal(
	    answer_put_result(&out, &to, ANSWER_PART, TEXT("\x01"), NULL), OK);
	assert_int_equal(answer_put_error(&out, &to, &late), OK);
	assert_null(memmem(buffer_at(&out), buffer_used(&out), "phx_reply", 9));
	buffer_truncate(&out, 0);
	assert_int_equal(answer_put_reply(&out, &to), OK);
	assert_non_null(strstr(payload_of(),
	    "\"phx_reply\",{\"status\":\"ok\",\"response\":\"get\"}]"));
}

static void
only_three_kinds_of_error_invite_a_retry(void **state)
{
	int count = 0;

	(void)state;
	for (int i = 0; i < ANSWER_CODES_COUNT; i++)
		count += answer_can_retry((enum answer_code)i);
	assert_int_equal(count, 3);
	assert_true(answer_can_retry(ANSWER_rate_limited));
	assert_true(answer_can_retry(ANSWER_unavailable));
	assert_true(answer_can_retry(ANSWER_draining));
	assert_string_equal(
	    answer_code_name(ANSWER_dispatched_unknown), "dispatched_unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_success_has_exactly_the_seven_keys_and_comes_before_its_reply),
	    T(a_result_without_json_leaves_nothing_behind),
	    T(an_error_has_its_code_and_says_when_to_come_back),
	    T(a_binary_answer_has_the_same_keys_and_its_result_untouched),
	    T(each_shape_of_a_success_has_its_two_flags),
	    T(who_was_replied_to_gets_pushes_only),
	    T(only_three_kinds_of_error_invite_a_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
