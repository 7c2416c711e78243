// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "protocol/base/buffer.h"
#include "protocol/base/fd.h"
#include "protocol/limit_rules.h"
#include "protocol/pack.h"

struct row {
	const char *service; /* NULL: global */
	const char *type;
	const char *key;
	uint64_t max;
	uint64_t window_ms;
};

static struct buffer lists[2];
static struct limits limits;
static struct limit_rules *rules;

static void
pack_rows(struct buffer *to, const struct row *rows, uint32_t count)
{
	struct packer p;

	buffer_init(to, 1 << 20);
	pack_init(&p, to);
	pack_array(&p, count);
	for (uint32_t i = 0; i < count; i++) {
		pack_map(&p, rows[i].service != NULL ? 5 : 3);
		if (rows[i].service != NULL) {
			pack_string(&p, "service");
			pack_string(&p, rows[i].service);
			pack_string(&p, "request_type");
			pack_string(&p, rows[i].type);
		}
		pack_string(&p, "key");
		pack_string(&p, rows[i].key);
		pack_string(&p, "max_requests");
		pack_u64(&p, rows[i].max);
		pack_string(&p, "window_ms");
		pack_u64(&p, rows[i].window_ms);
	}
	assert_int_equal(pack_finish(&p), OK);
}

static void
open_rules(const struct row *global, uint32_t globals, const struct row *api,
    uint32_t apis)
{
	struct limit_rules_source source = {.is_enabled = true};
	int fd;

	pack_rows(&lists[0], global, globals);
	pack_rows(&lists[1], api, apis);
	source.global_limits = buffer_text(&lists[0]);
	source.api_limits = buffer_text(&lists[1]);
	assert_int_equal(limit_rules_create(&source, &rules), OK);
	assert_int_equal(limits_create(NULL, &fd), OK);
	assert_int_equal(limits_map(fd, &limits), OK);
	fd_close(&fd);
}

static int
close_rules(void **state)
{
	(void)state;
	limit_rules_destroy(&rules);
	limits_unmap(&limits);
	buffer_finish(&lists[0]);
	buffer_finish(&lists[1]);
	return 0;
}

static enum limit_outcome
ask(const struct limit_call *call, struct limit_answer *answer)
{
	static uint64_t now_us = 1000000000;

	return limit_rules_take(rules, &limits, call, ++now_us, answer);
}

static void
global_limits_are_asked_before_those_of_the_function(void **state)
{
	const struct row global[] = {{NULL, NULL, "user_id", 2, 1000}};
	const struct row api[] = {{"s", "f", "user_id", 1, 1000}};
	struct limit_call call = {.service = TEXT("s"),
	    .request_type = TEXT("f"),
	    .user_id = TEXT("u1")};
	struct limit_answer answer;

	(void)state;
	open_rules(global, 1, api, 1);
	assert_int_equal(ask(&call, &answer), LIMIT_ADMITTED);
	assert_int_equal(ask(&call, &answer), LIMIT_REFUSED);
	assert_int_equal(answer.rule->max, 1);
	assert_true(text_is(answer.rule->service, "s"));
	/* that refusal used up the global budget: there is no going back */
	assert_int_equal(ask(&call, &answer), LIMIT_REFUSED);
	assert_int_equal(answer.rule->service.len, 0);
	assert_int_equal(answer.verdict.current, 2);
	assert_true(answer.verdict.retry_after_ms > 990);
}

static void
a_limit_of_a_function_holds_for_that_function_only(void **state)
{
	const struct row api[] = {{"s", "f", "user_id", 1, 1000},
	    {"s", "h", "user_id", 2, 1000}, {"s", "f", "device_id", 3, 1000}};
	struct limit_call f = {.service = TEXT("s"),
	    .request_type = TEXT("f"),
	    .user_id = TEXT("u1")};
	struct limit_call g = f, h = f;
	struct limit_answer answer;

	(void)state;
	g.request_type = TEXT("g");
	h.request_type = TEXT("h");
	open_rules(NULL, 0, api, 3);
	assert_int_equal(ask(&f, &answer), LIMIT_ADMITTED);
	assert_int_equal(ask(&f, &answer), LIMIT_REFUSED);
	assert_int_equal(ask(&h, &answer), LIMIT_ADMITTED);
	assert_int_equal(ask(&h, &answer), LIMIT_ADMITTED);
	assert_int_equal(ask(&h, &answer), LIMIT_REFUSED);
	for (int i = 0; i < 100; i++)
		assert_int_equal(ask(&g, &answer), LIMIT_ADMITTED);
	assert_true(
	    text_is(limit_rules_of(rules, f.service, f.request_type)->next->key,
		"device_id"));
	assert_null(limit_rules_of(rules, g.service, g.request_type));
}

static void
keys_come_from_the_caller_or_from_an_argument(void **state)
{
	const struct row global[] = {{NULL, NULL, "user_id", 1, 1000},
	    {NULL, NULL, "device_id", 1, 1000},
	    {NULL, NULL, "ip_address", 1, 1000}, {NULL, NULL, "room", 1, 1000}};
	struct buffer args;
	struct packer p;
	struct limit_call calls[4] = {{.user_id = TEXT("42")},
	    {.device_id = TEXT("42")}, {.ip_address = TEXT("42")}};
	struct limit_answer answer;

	(void)state;
	buffer_init(&args, 1024);
	pack_init(&p, &args);
	pack_map(&p, 1);
	pack_string(&p, "room");
	pack_string(&p, "42");
	calls[3].args = buffer_text(&args);
	open_rules(global, 4, NULL, 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(ask(&calls[i], &answer), LIMIT_ADMITTED);
		assert_int_equal(ask(&calls[i], &answer), LIMIT_REFUSED);
		assert_int_equal((int)answer.rule->source, i);
	}
	buffer_finish(&args);
}

static void
a_call_without_the_value_passes_that_limit(void **state)
{
	const struct row global[] = {
	    {NULL, NULL, "user_id", 0, 1000}, {NULL, NULL, "n", 0, 1000}};
	/* {"n": 7}: not a text */
	struct limit_call call = {.args = TEXT("\x81\xa1n\x07")};
	struct limit_answer answer;

	(void)state;
	open_rules(global, 2, NULL, 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(ask(&call, &answer), LIMIT_ADMITTED);
	call.args = TEXT("\x81\xa1n\xa0");
	assert_int_equal(ask(&call, &answer), LIMIT_ADMITTED);
	call.args = TEXT("\x81\xa1n\xa1x");
	assert_int_equal(ask(&call, &answer), LIMIT_REFUSED);
}

static void
two_limits_on_one_key_with_different_windows_count_apart(void **state)
{
	const struct row global[] = {{NULL, NULL, "user_id", 3, 1000},
	    {NULL, NULL, "user_id", 5, 60000}};
	struct limit_call call = {.user_id = TEXT("u")};
	struct limit_answer answer;

	(void)state;
	open_rules(global, 2, NULL, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(&call, &answer), LIMIT_ADMITTED);
	assert_int_equal(ask(&call, &answer), LIMIT_REFUSED);
	assert_int_equal(answer.rule->max, 3);
}

static void
disabled_limits_pass_and_a_lost_table_does_as_it_is_told(void **state)
{
	const struct row global[] = {{NULL, NULL, "user_id", 0, 1000}};
	struct limit_call call = {.user_id = TEXT("u")};
	struct limit_rules_source source = {0};
	struct limit_answer answer;
	struct limit_rules *other;

	(void)state;
	open_rules(global, 1, NULL, 0);
	assert_int_equal(ask(&call, &answer), LIMIT_REFUSED);
	assert_int_equal(
	    limit_rules_take(rules, NULL, &call, 1, &answer), LIMIT_UNUSABLE);
	source.global_limits = buffer_text(&lists[0]);
	assert_int_equal(limit_rules_create(&source, &other), OK);
	assert_int_equal(limit_rules_take(other, &limits, &call, 1, &answer),
	    LIMIT_ADMITTED);
	limit_rules_destroy(&other);
	source.is_enabled = source.fails_open = true;
	assert_int_equal(limit_rules_create(&source, &other), OK);
	assert_int_equal(
	    limit_rules_take(other, NULL, &call, 1, &answer), LIMIT_UNCHECKED);
	limit_rules_destroy(&other);
	assert_null(other);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, close_rules)
	const struct CMUnitTest tests[] = {
	    CASE(global_limits_are_asked_before_those_of_the_function),
	    CASE(a_limit_of_a_function_holds_for_that_function_only),
	    CASE(keys_come_from_the_caller_or_from_an_argument),
	    CASE(a_call_without_the_value_passes_that_limit),
	    CASE(two_limits_on_one_key_with_different_windows_count_apart),
	    CASE(disabled_limits_pass_and_a_lost_table_does_as_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
