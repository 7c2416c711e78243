// SPDX-License-Identifier: MIT
/* calls - memory, deadlines and lists of the calls in flight. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/base/text.h"
#include "workers/gateway/calls.h"

enum {
	NOW = 1000000
};

static struct call *
start(struct calls *c, uint64_t deadline_ms)
{
	const struct call_texts texts = {
	    TEXT("\"7\""), TEXT("\"r1\""), TEXT("\x81"), TEXT("")};
	struct call *call = calls_start(c, &texts);

	calls_arm(c, call, deadline_ms);
	return call;
}

static void
ten_thousand_calls_come_and_go_in_the_same_memory(void **state)
{
	static struct call *all[10000];
	struct calls c;

	(void)state;
	calls_init(&c, NOW);
	struct call *old = start(&c, NOW + 300000);
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT_OF(all); i++)
			all[i] = start(&c, NOW + 5000);
		assert_int_equal(c.count, COUNT_OF(all) + 1);
		for (size_t i = 0; i < COUNT_OF(all); i++)
			calls_finish_one(&c, all[i]);
	}
	assert_int_equal(c.chunk_count, (COUNT_OF(all) + 1 + 63) / 64);
	assert_true(old->is_in_flight);
	assert_true(text_is(old->request_id, "\"r1\""));
	calls_finish_one(&c, old);
	assert_int_equal(c.count, 0);
	calls_finish(&c);
}

static void
texts_are_kept_whatever_their_size(void **state)
{
	static char big[5000];
	struct calls c;

	(void)state;
	memset(big, 'b', sizeof(big));
	calls_init(&c, NOW);
	const struct call_texts texts = {
	    TEXT("null"), TEXT("\"id\""), {big, sizeof(big)}, TEXT("\x80")};
	struct call *call = calls_start(&c, &texts);
	memset(big, 'x', sizeof(big));
	assert_true(text_is(call->ref, "null"));
	assert_true(text_is(call->request_id, "\"id\""));
	assert_int_equal(call->args.len, sizeof(big));
	assert_int_equal(call->args.at[4999], 'b');
	assert_true(text_is(call->facts, "\x80"));
	calls_finish_one(&c, call);
	call = start(&c, NOW + 10);
	assert_null(call->overflow);
	assert_int_equal(call->args.len, 1);
	calls_finish(&c);
}

static void
a_call_expires_after_its_deadline_and_soon(void **state)
{
	static const uint32_t after_ms[] = {
	    1, 15, 16, 17, 100, 5000, 16383, 16384, 20000, 300000};
	struct calls c;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(after_ms); i++) {
		uint64_t at = NOW;

		calls_init(&c, NOW);
		struct call *call = start(&c, NOW + after_ms[i]);
		while (calls_next_due(&c, at) == NULL)
			at += 5;
		assert_true(at >= NOW + after_ms[i]);
		assert_true(at <= NOW + after_ms[i] + 2 * CALL_TICK_MS + 5);
		calls_finish_one(&c, call);
		assert_null(calls_next_due(&c, at + 100000));
		calls_finish(&c);
	}
}

static void
after_a_long_stop_everything_due_expires_at_once(void **state)
{
	struct calls c;
	int expired = 0;

	(void)state;
	calls_init(&c, NOW);
	for (uint32_t i = 0; i < 3000; i++)
		start(&c, NOW + i * 10);
	struct call *later = start(&c, NOW + 200000);
	for (struct call *call;
	     (call = calls_next_due(&c, NOW + 60000)) != NULL; expired++)
		calls_finish_one(&c, call);
	assert_int_equal(expired, 3000);
	assert_int_equal(c.count, 1);
	assert_ptr_equal(calls_next_due(&c, NOW + 200100), later);
	calls_finish(&c);
}

static void
a_call_leaves_its_client_from_any_place(void **state)
{
	struct call_list client = {NULL};
	struct call *call[3];
	struct calls c;

	(void)state;
	for (int gone = 0; gone < 3; gone++) {
		calls_init(&c, NOW);
		for (int i = 0; i < 3; i++) {
			call[i] = start(&c, NOW + 10);
			calls_of_client(&client, call[i]);
		}
		calls_finish_one(&c, call[gone]);
		int left = 0;
		for (struct call *at = client.first; at != NULL;
		     at = at->by_client.next, left++)
			assert_ptr_not_equal(at, call[gone]);
		assert_int_equal(left, 2);
		while (client.first != NULL)
			calls_finish_one(&c, client.first);
		assert_int_equal(c.count, 0);
		calls_finish(&c);
	}
}

static void
a_call_that_rests_is_due_before_its_deadline_and_then_again_at_it(void **state)
{
	struct calls c;

	(void)state;
	calls_init(&c, NOW);
	struct call *call = start(&c, NOW + 1000);
	calls_rest(&c, call, NOW + 100);
	assert_null(calls_next_due(&c, NOW + 99));
	assert_ptr_equal(calls_next_due(&c, NOW + 200), call);
	assert_int_equal(call->deadline_ms, NOW + 1000);
	calls_arm(&c, call, call->deadline_ms);
	assert_null(calls_next_due(&c, NOW + 999));
	assert_ptr_equal(calls_next_due(&c, NOW + 1100), call);
	calls_finish_one(&c, call);
	calls_finish(&c);
}

static void
a_call_keeps_what_it_came_without(void **state)
{
	struct calls c;

	(void)state;
	calls_init(&c, NOW);
	struct call *call = start(&c, NOW + 1000);
	calls_keep(call, TEXT("later"), TEXT("facts"));
	assert_true(text_is(call->args, "later"));
	assert_true(text_is(call->facts, "facts"));
	assert_true(text_is(call->request_id, "\"r1\""));
	calls_finish_one(&c, call);
	/* and one that still has it at the end leaks nothing */
	call = start(&c, NOW + 1000);
	calls_keep(call, TEXT(""), TEXT(""));
	calls_finish(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ten_thousand_calls_come_and_go_in_the_same_memory),
	    cmocka_unit_test(texts_are_kept_whatever_their_size),
	    cmocka_unit_test(a_call_expires_after_its_deadline_and_soon),
	    cmocka_unit_test(after_a_long_stop_everything_due_expires_at_once),
	    cmocka_unit_test(a_call_leaves_its_client_from_any_place),
	    cmocka_unit_test(
		a_call_that_rests_is_due_before_its_deadline_and_then_again_at_it),
	    cmocka_unit_test(a_call_keeps_what_it_came_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
