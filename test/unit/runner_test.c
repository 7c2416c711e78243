// SPDX-License-Identifier: MIT
/* runner - framing, HELLO both ways, and what a runner may say when. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/runner_peer.h"

enum {
	MAX_BYTES = 64 * 1024
};

static int jobs[8]; /* what `work` points at */
static struct buffer wire;
static struct packer packer;

static int
setup(void **state)
{
	(void)state;
	buffer_init(&wire, 1 << 20);
	pack_init(&packer, &wire);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buffer_finish(&wire);
	return 0;
}

static void
put_plain(enum link_kind kind, uint64_t id)
{
	size_t place = runner_begin(&packer);

	link_write_plain(&packer, kind, id);
	assert_int_equal(runner_end(&packer, place, MAX_BYTES), OK);
}

/* greeted makes a peer that has said HELLO with that capacity. */
static void
greeted(struct runner_peer *p, uint32_t capacity, uint32_t most)
{
	struct runner_said said;
	struct link_frame f;
	struct runner_hello hello = {capacity, true};
	size_t whole, place = runner_begin(&packer);

	runner_write_hello(&packer, &hello);
	assert_int_equal(runner_end(&packer, place, MAX_BYTES), OK);
	assert_int_equal(runner_read(buffer_at(&wire) + place,
			     buffer_used(&wire) - place, MAX_BYTES, &f, &whole),
	    OK);
	runner_peer_init(p, most, MAX_BYTES);
	assert_int_equal(runner_peer_room(p), 0);
	runner_peer_hear(p, &f, &said);
	assert_int_equal(said.word, RUNNER_SAYS_ready);
	assert_true(p->answers_always);
}

static struct runner_said
hear(struct runner_peer *p, uint64_t kind, uint64_t id, uint64_t number,
    uint32_t bytes)
{
	static const char zeros[MAX_BYTES];
	struct link_frame f = {
	    .kind = kind, .id = id, .number = number, .value = {zeros, bytes}};
	struct runner_said said;

	runner_peer_hear(p, &f, &said);
	return said;
}

static void
is_fault(struct runner_said said, enum runner_fault fault)
{
	assert_int_equal(said.word, RUNNER_SAYS_fault);
	assert_int_equal(said.fault, fault);
	assert_true(strlen(runner_fault_text(fault)) > 10);
}

static void
many_frames_in_one_buffer_are_read_one_by_one(void **state)
{
	struct link_frame f;
	size_t whole, at = 0;

	(void)state;
	for (uint64_t id = 1; id <= 300; id++)
		put_plain(FRAME_CANCEL, id * 1000);
	for (uint64_t id = 1; id <= 300; id++, at += whole) {
		assert_int_equal(
		    runner_read(buffer_at(&wire) + at, buffer_used(&wire) - at,
			MAX_BYTES, &f, &whole),
		    OK);
		assert_int_equal(f.kind, FRAME_CANCEL);
		assert_int_equal(f.id, id * 1000);
	}
	assert_int_equal(at, buffer_used(&wire));
}

static void
a_frame_that_comes_byte_by_byte_says_how_much_it_needs(void **state)
{
	struct link_frame f;
	size_t whole;

	(void)state;
	put_plain(FRAME_PING, 70000);
	for (size_t n = 0; n < buffer_used(&wire); n++) {
		assert_int_equal(
		    runner_read(buffer_at(&wire), n, MAX_BYTES, &f, &whole),
		    ERR_AGAIN);
		assert_int_equal(whole, n < 4 ? 4 : buffer_used(&wire));
	}
	assert_int_equal(runner_read(buffer_at(&wire), buffer_used(&wire),
			     MAX_BYTES, &f, &whole),
	    OK);
	assert_int_equal(f.id, 70000);
}

static void
a_length_above_the_limit_is_refused_before_it_is_waited_for(void **state)
{
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff};
	static const uint8_t over[] = {0, 1, 0, 1};
	static const uint8_t just[] = {0, 1, 0, 0};
	struct link_frame f;
	size_t whole;

	(void)state;
	assert_int_equal(
	    runner_read(huge, 4, RUNNER_MAX_BYTES, &f, &whole), ERR_TOO_BIG);
	assert_int_equal(
	    runner_read(over, 4, MAX_BYTES, &f, &whole), ERR_TOO_BIG);
	assert_int_equal(
	    runner_read(just, 4, MAX_BYTES, &f, &whole), ERR_AGAIN);
	assert_int_equal(whole, MAX_BYTES + 4);
}

static void
bytes_that_are_no_frame_are_malformed(void **state)
{
	const struct text bad[] = {
	    TEXT("\0\0\0\0"),                     /* nothing */
	    TEXT("\0\0\0\1\x90"),                 /* an array of nothing */
	    TEXT("\0\0\0\1\xc1"),                 /* no msgpack */
	    TEXT("\0\0\0\4\x92\x09\x01\x01"),     /* something behind it */
	    TEXT("\0\0\0\2\x92\x09"),             /* cut off */
	    TEXT("\0\0\0\3\x92\x03\x01"),         /* a RESULT without value */
	    TEXT("\0\0\0\3\x92\xa1\x33"),         /* a kind that is a text */
	    TEXT("\0\0\0\5\xdd\xff\xff\xff\xff"), /* 2^32 items */
	    TEXT("\0\0\0\4GET "),
	};
	struct link_frame f;
	size_t whole;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(runner_read((const uint8_t *)bad[i].at,
				     bad[i].len, MAX_BYTES, &f, &whole),
		    ERR_MALFORMED);
}

/* deep puts a frame around a value of nested arrays, read back into `f`. */
static void
deep(struct link_frame *f, enum link_kind kind, uint64_t id, uint32_t depth)
{
	size_t whole, place;

	buffer_truncate(&wire, 0);
	place = runner_begin(&packer);
	pack_array(&packer, kind == FRAME_CHUNK ? 4 : 3);
	pack_u64(&packer, kind);
	pack_u64(&packer, id);
	if (kind == FRAME_CHUNK)
		pack_u64(&packer, 0);
	for (uint32_t i = 0; i < depth; i++)
		pack_array(&packer, 1);
	pack_nil(&packer);
	assert_int_equal(runner_end(&packer, place, MAX_BYTES), OK);
	assert_int_equal(runner_read(buffer_at(&wire), buffer_used(&wire),
			     MAX_BYTES, f, &whole),
	    OK);
}

static void
a_value_nested_too_deep_fails_its_call_and_not_the_runner(void **state)
{
	struct runner_peer p;
	struct runner_said said;
	struct link_frame f;

	(void)state;
	greeted(&p, 2, 2);
	uint64_t id = runner_peer_give(&p, &jobs[0], 0);
	deep(&f, FRAME_RESULT, id, RUNNER_DEPTH - 1);
	runner_peer_hear(&p, &f, &said);
	assert_int_equal(said.word, RUNNER_SAYS_result);
	id = runner_peer_give(&p, &jobs[0], 0);
	deep(&f, FRAME_RESULT, id, RUNNER_DEPTH);
	runner_peer_hear(&p, &f, &said);
	assert_int_equal(said.word, RUNNER_SAYS_bad);
	id = runner_peer_give(&p, &jobs[0], 100);
	deep(&f, FRAME_CHUNK, id, 1000);
	runner_peer_hear(&p, &f, &said);
	assert_int_equal(said.word, RUNNER_SAYS_bad);
	assert_int_equal(
	    hear(&p, FRAME_END, id, 0, 0).word, RUNNER_SAYS_nothing);
	runner_peer_finish(&p);
}

static void
a_frame_that_does_not_fit_leaves_nothing_behind(void **state)
{
	static const char big[2000];
	struct packer p;
	struct buffer small;
	struct text text = {big, sizeof(big)};

	(void)state;
	buffer_init(&small, 1024);
	pack_init(&p, &small);
	size_t place = runner_begin(&p);
	link_write_plain(&p, FRAME_END, 1);
	assert_int_equal(runner_end(&p, place, MAX_BYTES), OK);
	size_t kept = buffer_used(&small);
	place = runner_begin(&p);
	link_write_error(&p, 1, TEXT("internal"), text);
	assert_int_equal(runner_end(&p, place, MAX_BYTES), ERR_FULL);
	assert_int_equal(buffer_used(&small), kept);
	place = runner_begin(&p);
	link_write_error(&p, 1, TEXT("internal"), TEXT("no"));
	assert_int_equal(runner_end(&p, place, 8), ERR_TOO_BIG);
	assert_int_equal(buffer_used(&small), kept);
	place = runner_begin(&p);
	link_write_plain(&p, FRAME_END, 2);
	assert_int_equal(runner_end(&p, place, MAX_BYTES), OK);
	assert_true(buffer_used(&small) > kept);
	buffer_finish(&small);
}

static void
both_hellos_come_back_as_they_were_said(void **state)
{
	struct runner_welcome w = {
	    TEXT("async_pool"), TEXT("async_pool/3"), 16, RUNNER_MAX_BYTES};
	struct runner_welcome heard;
	struct runner_hello h = {16, false}, said;
	struct link_frame f;
	size_t whole, second, place = runner_begin(&packer);

	(void)state;
	runner_write_welcome(&packer, &w);
	assert_int_equal(runner_end(&packer, place, MAX_BYTES), OK);
	second = runner_begin(&packer);
	runner_write_hello(&packer, &h);
	assert_int_equal(runner_end(&packer, second, MAX_BYTES), OK);
	assert_int_equal(
	    runner_read(buffer_at(&wire), second, MAX_BYTES, &f, &whole), OK);
	assert_int_equal(runner_read_welcome(f.value, &heard), OK);
	assert_true(text_is(heard.pool, "async_pool"));
	assert_true(text_is(heard.runner, "async_pool/3"));
	assert_int_equal(heard.threads, 16);
	assert_int_equal(heard.max_bytes, RUNNER_MAX_BYTES);
	assert_int_equal(
	    runner_read(buffer_at(&wire) + second, buffer_used(&wire) - second,
		MAX_BYTES, &f, &whole),
	    OK);
	assert_int_equal(runner_read_hello(f.value, &said), OK);
	assert_int_equal(said.capacity, 16);
	assert_false(said.answers_always);
}

static void
a_hello_has_defaults_and_limits(void **state)
{
	const struct {
		struct text span;
		enum err err;
	} cases[] = {
	    {TEXT("\x81\xa1v\x01"), OK},
	    {TEXT("\x81\xa1v\x02"), ERR_VERSION},
	    {TEXT("\x80"), ERR_MALFORMED},
	    {TEXT("\x01"), ERR_MALFORMED},
	    {TEXT("\x82\xa1v\x01\xa8"
		  "capacity\x00"),
		ERR_RANGE},
	    {TEXT("\x82\xa1v\x01\xa8"
		  "capacity\xcd\x04\x01"),
		ERR_RANGE},
	    {TEXT("\x82\xa1v\x01\xa8"
		  "capacity\xff"),
		ERR_MALFORMED},
	    {TEXT("\x82\xa1v\x01\xa7"
		  "answers\xa5never"),
		ERR_RANGE},
	    {TEXT("\x82\xa1v\x01\xa7"
		  "answers\x01"),
		ERR_MALFORMED},
	};
	struct runner_hello h;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(
		    runner_read_hello(cases[i].span, &h), cases[i].err);
	assert_int_equal(runner_read_hello(cases[0].span, &h), OK);
	assert_int_equal(h.capacity, 1);
	assert_false(h.answers_always);
}

static void
a_runner_gets_no_more_calls_than_it_asked_for_nor_than_the_pool_allows(
    void **state)
{
	struct runner_peer p;
	uint64_t ids[4];

	(void)state;
	greeted(&p, 4, 16);
	assert_int_equal(runner_peer_room(&p), 4);
	for (int i = 0; i < 4; i++)
		ids[i] = runner_peer_give(&p, &jobs[i], 0);
	assert_int_equal(runner_peer_room(&p), 0);
	struct runner_said said = hear(&p, FRAME_RESULT, ids[2], 0, 1);
	assert_int_equal(said.word, RUNNER_SAYS_result);
	assert_ptr_equal(said.work, &jobs[2]);
	assert_int_equal(runner_peer_room(&p), 1);
	runner_peer_drain(&p);
	assert_int_equal(runner_peer_room(&p), 0);
	runner_peer_finish(&p);
	greeted(&p, 1000, 16);
	assert_int_equal(runner_peer_room(&p), 16);
	runner_peer_finish(&p);
}

static void
ids_are_never_used_again(void **state)
{
	struct runner_peer p;
	uint64_t last = 0;

	(void)state;
	greeted(&p, 3, 3);
	for (int i = 0; i < 10000; i++) {
		uint64_t id = runner_peer_give(&p, &jobs[0], 0);
		assert_true(id > last);
		last = id;
		assert_ptr_equal(
		    hear(&p, FRAME_RESULT, id, 0, 1).work, &jobs[0]);
	}
	runner_peer_finish(&p);
}

static void
an_answer_nobody_asked_for_and_one_given_twice_are_told_apart(void **state)
{
	struct runner_peer p;

	(void)state;
	greeted(&p, 2, 2);
	is_fault(hear(&p, FRAME_RESULT, 0, 0, 1), RUNNER_FAULT_unknown);
	is_fault(hear(&p, FRAME_ERROR, UINT64_MAX, 0, 1), RUNNER_FAULT_unknown);
	uint64_t id = runner_peer_give(&p, &jobs[0], 0);
	is_fault(hear(&p, FRAME_RESULT, id + 1024, 0, 1), RUNNER_FAULT_unknown);
	assert_int_equal(
	    hear(&p, FRAME_ERROR, id, 0, 1).word, RUNNER_SAYS_error);
	is_fault(hear(&p, FRAME_RESULT, id, 0, 1), RUNNER_FAULT_twice);
	runner_peer_give(&p, &jobs[1], 0);
	is_fault(hear(&p, FRAME_END, id, 0, 1), RUNNER_FAULT_twice);
	is_fault(hear(&p, FRAME_CHUNK, id, 0, 1), RUNNER_FAULT_twice);
	runner_peer_finish(&p);
}

static void
a_call_given_up_keeps_its_room_until_its_late_answer(void **state)
{
	struct runner_peer p;

	(void)state;
	greeted(&p, 1, 1);
	uint64_t id = runner_peer_give(&p, &jobs[0], 0);
	assert_true(runner_peer_give_up(&p, id));
	assert_false(runner_peer_give_up(&p, id));
	assert_int_equal(runner_peer_room(&p), 0);
	assert_null(runner_peer_take_any(&p));
	assert_int_equal(
	    hear(&p, FRAME_RESULT, id, 0, 1).word, RUNNER_SAYS_nothing);
	assert_int_equal(p.late_count, 1);
	assert_int_equal(runner_peer_room(&p), 1);
	assert_false(runner_peer_give_up(&p, id));
	is_fault(hear(&p, FRAME_RESULT, id, 0, 1), RUNNER_FAULT_twice);
	runner_peer_finish(&p);
}

static void
chunks_are_held_to_their_order_and_credit(void **state)
{
	struct runner_peer p;

	(void)state;
	greeted(&p, 2, 2);
	uint64_t id = runner_peer_give(&p, &jobs[0], 100);
	assert_int_equal(
	    hear(&p, FRAME_CHUNK, id, 0, 60).word, RUNNER_SAYS_chunk);
	/* one may exceed what is left */
	assert_int_equal(
	    hear(&p, FRAME_CHUNK, id, 1, 60).word, RUNNER_SAYS_chunk);
	assert_true(runner_peer_credit(&p, id, 21));
	assert_int_equal(
	    hear(&p, FRAME_CHUNK, id, 2, 1).word, RUNNER_SAYS_chunk);
	struct runner_said said = hear(&p, FRAME_CHUNK, id, 3, 1);
	assert_int_equal(said.word, RUNNER_SAYS_bad);
	assert_ptr_equal(said.work, &jobs[0]);
	assert_false(runner_peer_credit(&p, id, 21));
	assert_int_equal(
	    hear(&p, FRAME_CHUNK, id, 4, 1).word, RUNNER_SAYS_nothing);
	assert_int_equal(
	    hear(&p, FRAME_END, id, 0, 0).word, RUNNER_SAYS_nothing);
	id = runner_peer_give(&p, &jobs[1], 100);
	is_fault(hear(&p, FRAME_CHUNK, id, 1, 1), RUNNER_FAULT_gap);
	runner_peer_finish(&p);
}

static void
a_call_that_is_no_stream_has_no_chunks_and_no_end(void **state)
{
	struct runner_peer p;

	(void)state;
	greeted(&p, 2, 2);
	uint64_t id = runner_peer_give(&p, &jobs[0], 0);
	assert_int_equal(hear(&p, FRAME_CHUNK, id, 0, 1).word, RUNNER_SAYS_bad);
	assert_int_equal(
	    hear(&p, FRAME_RESULT, id, 0, 1).word, RUNNER_SAYS_nothing);
	id = runner_peer_give(&p, &jobs[1], 0);
	struct runner_said said = hear(&p, FRAME_END, id, 0, 0);
	assert_int_equal(said.word, RUNNER_SAYS_bad);
	assert_ptr_equal(said.work, &jobs[1]);
	assert_int_equal(runner_peer_room(&p), 2);
	runner_peer_finish(&p);
}

static void
chunks_without_end_after_a_cancel_are_a_flood(void **state)
{
	struct runner_peer p;
	struct runner_said said;
	uint64_t sent = 0;

	(void)state;
	greeted(&p, 1, 1);
	uint64_t id = runner_peer_give(&p, &jobs[0], 100);
	assert_true(runner_peer_give_up(&p, id));
	do {
		said = hear(&p, FRAME_CHUNK, id, sent, MAX_BYTES);
		sent++;
	} while (said.word == RUNNER_SAYS_nothing && sent < 1000);
	is_fault(said, RUNNER_FAULT_flood);
	assert_true(sent * MAX_BYTES >= RUNNER_MAX_BYTES - MAX_BYTES);
	runner_peer_finish(&p);
}

static void
a_pong_answers_a_ping_once(void **state)
{
	struct runner_peer p;

	(void)state;
	greeted(&p, 1, 1);
	is_fault(hear(&p, FRAME_PING, 1, 0, 0), RUNNER_FAULT_order);
	assert_int_equal(runner_peer_ping(&p), 1);
	assert_int_equal(runner_peer_ping(&p), 2);
	assert_int_equal(hear(&p, FRAME_PING, 2, 0, 0).word, RUNNER_SAYS_pong);
	is_fault(hear(&p, FRAME_PING, 2, 0, 0), RUNNER_FAULT_order);
	is_fault(hear(&p, FRAME_PING, 1, 0, 0), RUNNER_FAULT_order);
	runner_peer_finish(&p);
}

static void
what_only_a_pool_says_and_what_comes_too_early_are_faults(void **state)
{
	static const uint64_t pools[] = {
	    FRAME_CALL, FRAME_CANCEL, FRAME_CREDIT, FRAME_DRAINING};
	struct runner_peer p;

	(void)state;
	runner_peer_init(&p, 1, MAX_BYTES);
	is_fault(hear(&p, FRAME_RESULT, 1024, 0, 1), RUNNER_FAULT_hello);
	is_fault(hear(&p, FRAME_HELLO, 0, 0, 1), RUNNER_FAULT_hello);
	assert_int_equal(
	    runner_peer_read_fault(&p, ERR_TOO_BIG), RUNNER_FAULT_hello);
	runner_peer_finish(&p);
	greeted(&p, 1, 1);
	for (size_t i = 0; i < COUNT_OF(pools); i++)
		is_fault(hear(&p, pools[i], 0, 0, 1), RUNNER_FAULT_order);
	is_fault(hear(&p, FRAME_HELLO, 0, 0, 1), RUNNER_FAULT_order);
	assert_int_equal(
	    runner_peer_read_fault(&p, ERR_TOO_BIG), RUNNER_FAULT_too_big);
	assert_int_equal(
	    runner_peer_read_fault(&p, ERR_MALFORMED), RUNNER_FAULT_garbage);
	assert_int_equal(hear(&p, 77, 0, 0, 1).word, RUNNER_SAYS_nothing);
	assert_int_equal(
	    hear(&p, FRAME_RECYCLE, 0, 0, 0).word, RUNNER_SAYS_recycle);
	is_fault(hear(&p, FRAME_RECYCLE, 0, 0, 0), RUNNER_FAULT_order);
	runner_peer_finish(&p);
}

static void
the_calls_of_a_dead_runner_are_taken_once_each(void **state)
{
	struct runner_peer p;
	bool seen[4] = {false};
	void *work;
	int count = 0;

	(void)state;
	greeted(&p, 4, 4);
	for (int i = 0; i < 4; i++)
		assert_true(runner_peer_give(&p, &jobs[i], 0) > 0);
	assert_true(runner_peer_give_up(&p, p.slots[2].id));
	while ((work = runner_peer_take_any(&p)) != NULL) {
		int at = (int)((int *)work - jobs);
		assert_false(seen[at]);
		seen[at] = true;
		count++;
	}
	assert_int_equal(count, 3);
	runner_peer_finish(&p);
	/* one that died before HELLO had none */
	runner_peer_init(&p, 1, MAX_BYTES);
	assert_null(runner_peer_take_any(&p));
	runner_peer_finish(&p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(many_frames_in_one_buffer_are_read_one_by_one),
	    TEST(a_frame_that_comes_byte_by_byte_says_how_much_it_needs),
	    TEST(a_length_above_the_limit_is_refused_before_it_is_waited_for),
	    TEST(bytes_that_are_no_frame_are_malformed),
	    TEST(a_value_nested_too_deep_fails_its_call_and_not_the_runner),
	    TEST(a_frame_that_does_not_fit_leaves_nothing_behind),
	    TEST(both_hellos_come_back_as_they_were_said),
	    TEST(a_hello_has_defaults_and_limits),
	    TEST(
		a_runner_gets_no_more_calls_than_it_asked_for_nor_than_the_pool_allows),
	    TEST(ids_are_never_used_again),
	    TEST(an_answer_nobody_asked_for_and_one_given_twice_are_told_apart),
	    TEST(a_call_given_up_keeps_its_room_until_its_late_answer),
	    TEST(chunks_are_held_to_their_order_and_credit),
	    TEST(a_call_that_is_no_stream_has_no_chunks_and_no_end),
	    TEST(chunks_without_end_after_a_cancel_are_a_flood),
	    TEST(a_pong_answers_a_ping_once),
	    TEST(what_only_a_pool_says_and_what_comes_too_early_are_faults),
	    TEST(the_calls_of_a_dead_runner_are_taken_once_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
