// SPDX-License-Identifier: MIT
/* base - text, buffer, arena and the loop, without processes or sleep. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "protocol/base/arena.h"
#include "protocol/base/buffer.h"
#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/base/loop.h"
#include "protocol/base/text.h"

static void
a_number_in_text_is_read_whole_or_refused(void **state)
{
	uint64_t u;
	int64_t i;

	(void)state;
	assert_int_equal(text_to_u64(TEXT("18446744073709551615"), &u), OK);
	assert_true(u == UINT64_MAX);
	assert_int_equal(
	    text_to_u64(TEXT("18446744073709551616"), &u), ERR_RANGE);
	assert_int_equal(text_to_u64(TEXT("12x"), &u), ERR_MALFORMED);
	assert_int_equal(text_to_u64(TEXT(""), &u), ERR_MALFORMED);
	assert_int_equal(text_to_i64(TEXT("-9223372036854775808"), &i), OK);
	assert_true(i == INT64_MIN);
	assert_int_equal(
	    text_to_i64(TEXT("-9223372036854775809"), &i), ERR_RANGE);
}

static void
control_characters_are_found_wherever_they_stand(void **state)
{
	(void)state;
	assert_false(text_has_control(TEXT("")));
	assert_false(text_has_control(TEXT("a b~\xc3\xa9")));
	assert_true(text_has_control(TEXT("\tab")));
	assert_true(text_has_control(TEXT("a\x7f")));
	assert_true(text_has_control(TEXT("a\0b")));
}

static void
utf8_refuses_overlong_surrogate_and_too_high(void **state)
{
	(void)state;
	assert_true(text_is_utf8(TEXT("plain ascii longer than eight")));
	assert_true(text_is_utf8(TEXT("\xce\xba\xe1\xbd\xb9\xf0\x9f\x98\x80")));
	assert_false(text_is_utf8(TEXT("\xc0\x80")));
	assert_false(text_is_utf8(TEXT("\xed\xa0\x80")));
	assert_false(text_is_utf8(TEXT("\xf4\x90\x80\x80")));
	assert_false(text_is_utf8(TEXT("cut \xe2\x82")));
}

static void
a_typo_finds_its_word_and_a_stranger_finds_none(void **state)
{
	static const char *const words[] = {"gateway", "rate_limiter", "log"};

	(void)state;
	assert_int_equal(text_closest(TEXT("gatway"), words, 3), 0);
	assert_int_equal(text_closest(TEXT("rate_limitr"), words, 3), 1);
	assert_int_equal(text_closest(TEXT("lgo"), words, 3), 2);
	assert_int_equal(text_closest(TEXT("zebra"), words, 3), -1);
}

static void
a_buffer_never_holds_more_than_its_limit(void **state)
{
	struct buffer b;
	char big[300];

	(void)state;
	memset(big, 'x', sizeof(big));
	buffer_init(&b, 500);
	assert_int_equal(buffer_append(&b, big, 300), OK);
	assert_int_equal(buffer_append(&b, big, 201), ERR_FULL);
	assert_int_equal(buffer_used(&b), 300);
	buffer_consume(&b, 250);
	assert_int_equal(buffer_append(&b, big, 300), OK);
	assert_int_equal(buffer_used(&b), 350);
	buffer_consume(&b, 350);
	buffer_release(&b);
	assert_null(b.memory);
	buffer_finish(&b);
}

static void
an_arena_gives_zeroed_memory_again_after_a_reset(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a);
	for (int round = 0; round < 3; round++) {
		unsigned char *p = arena_alloc(&a, 40000);

		for (int i = 0; i < 40000; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, 40000);
		struct text t = arena_printf(&a, "life=%d", round);
		assert_int_equal(t.len, 6);
		arena_reset(&a);
	}
	arena_finish(&a);
}

struct seen {
	int order[8];
	int count;
	struct loop *loop;
	struct loop_timer *other;
};

static void
note_one(void *ctx)
{
	struct seen *seen = ctx;

	seen->order[seen->count++] = 1;
	loop_timer_stop(seen->loop, seen->other);
}

static void
note_two(void *ctx)
{
	struct seen *seen = ctx;

	seen->order[seen->count++] = 2;
}

static void
a_timer_stopped_by_another_does_not_run(void **state)
{
	struct loop *loop = NULL;
	struct seen seen = {.count = 0};
	struct loop_timer first = {.due = note_one, .ctx = &seen};
	struct loop_timer second = {.due = note_two, .ctx = &seen};

	(void)state;
	assert_int_equal(loop_create(&loop), OK);
	seen.loop = loop;
	seen.other = &second;
	loop_timer_start(loop, &second, 2);
	loop_timer_start(loop, &first, 1);
	loop_turn(loop, 0);
	loop_turn(loop, 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.order[0], 1);
	loop_destroy(&loop);
}

static void
the_heap_runs_timers_in_order_of_time(void **state)
{
	struct loop *loop = NULL;
	struct seen seen = {.count = 0};
	struct loop_timer timers[6];
	static const uint64_t at[6] = {5, 1, 4, 2, 6, 3};

	(void)state;
	assert_int_equal(loop_create(&loop), OK);
	for (int i = 0; i < 6; i++) {
		timers[i] = (struct loop_timer){.due = note_two, .ctx = &seen};
		loop_timer_start(loop, &timers[i], at[i]);
	}
	loop_timer_start(loop, &timers[4], UINT64_MAX);
	loop_turn(loop, 0);
	assert_int_equal(seen.count, 5);
	assert_true(loop_timer_is_running(&timers[4]));
	loop_timer_stop(loop, &timers[4]);
	loop_destroy(&loop);
}

static void
a_post_runs_once_however_often_it_was_knocked(void **state)
{
	struct loop *loop = NULL;
	struct seen seen = {.count = 0};
	struct loop_post post = {.run = note_two, .ctx = &seen};

	(void)state;
	assert_int_equal(loop_create(&loop), OK);
	loop_post_register(loop, &post);
	loop_post(loop, &post);
	loop_post(loop, &post);
	loop_turn(loop, 0);
	assert_int_equal(seen.count, 1);
	loop_post(loop, &post);
	loop_turn(loop, 0);
	assert_int_equal(seen.count, 2);
	loop_destroy(&loop);
}

static void
stop_it(void *ctx)
{
	struct seen *seen = ctx;

	seen->order[seen->count++] = 3;
	loop_stop(seen->loop);
}

static void
what_waits_before_the_first_turn_does_not_wait_for_a_wake_up(void **state)
{
	struct loop *loop = NULL;
	struct seen seen = {.count = 0};
	struct loop_hook hook = {.run = stop_it, .ctx = &seen};
	uint64_t began_ms = clock_mono_ms();

	(void)state;
	assert_int_equal(loop_create(&loop), OK);
	seen.loop = loop;
	loop_on_turn_end(loop, &hook);
	loop_run(loop, 60000);
	assert_int_equal(seen.count, 1);
	assert_true(clock_mono_ms() - began_ms < 30000);
	loop_destroy(&loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_number_in_text_is_read_whole_or_refused),
	    cmocka_unit_test(control_characters_are_found_wherever_they_stand),
	    cmocka_unit_test(utf8_refuses_overlong_surrogate_and_too_high),
	    cmocka_unit_test(a_typo_finds_its_word_and_a_stranger_finds_none),
	    cmocka_unit_test(a_buffer_never_holds_more_than_its_limit),
	    cmocka_unit_test(an_arena_gives_zeroed_memory_again_after_a_reset),
	    cmocka_unit_test(a_timer_stopped_by_another_does_not_run),
	    cmocka_unit_test(the_heap_runs_timers_in_order_of_time),
	    cmocka_unit_test(a_post_runs_once_however_often_it_was_knocked),
	    cmocka_unit_test(
		what_waits_before_the_first_turn_does_not_wait_for_a_wake_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
