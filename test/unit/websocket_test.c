// SPDX-License-Identifier: MIT
/* websocket - frames in, messages out, without a socket. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "workers/gateway/websocket.h"

enum {
	LIMIT = 100000
};

/* A client's bytes under construction. */
static uint8_t wire[LIMIT * 2];
static size_t wired;

static void
put(uint8_t first, const void *data, size_t size)
{
	static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	uint8_t *to = wire + wired;

	*to++ = first;
	if (size < 126) {
		*to++ = (uint8_t)(0x80 | size);
	} else if (size <= UINT16_MAX) {
		*to++ = 0x80 | 126;
		*to++ = (uint8_t)(size >> 8);
		*to++ = (uint8_t)size;
	} else {
		*to++ = 0x80 | 127;
		for (int i = 7; i >= 0; i--)
			*to++ = (uint8_t)((uint64_t)size >> (8 * i));
	}
	memcpy(to, mask, 4);
	to += 4;
	for (size_t i = 0; i < size; i++)
		*to++ = ((const uint8_t *)data)[i] ^ mask[i & 3];
	wired = (size_t)(to - wire);
}

static void
put_raw(const void *bytes, size_t size)
{
	memcpy(wire + wired, bytes, size);
	wired += size;
}

/*
 * read_in feeds the wire in steps of `step` bytes the way a connection does:
 * what was not used comes again, longer. It stops at the first event or error.
 */
static enum err
read_in(struct websocket *w, size_t step, struct websocket_event *event)
{
	static uint8_t at[sizeof(wire)];
	size_t here = 0, next = 0;

	for (;;) {
		size_t used, more = wired - next < step ? wired - next : step;

		if (more == 0)
			return ERR_AGAIN;
		memcpy(at + here, wire + next, more);
		here += more;
		next += more;
		enum err e = websocket_read(w, at, here, &used, event);
		assert_true(used <= here);
		if (e == OK) {
			/* what is left of the wire starts the next read */
			size_t left = here - used;

			memmove(wire, wire + next - left, wired - next + left);
			wired = wired - next + left;
		}
		if (e != ERR_AGAIN)
			return e;
		memmove(at, at + used, here - used);
		here -= used;
	}
}

static enum err
read_fresh(size_t step, struct websocket_event *event)
{
	struct websocket w;

	websocket_init(&w, LIMIT);
	enum err e = read_in(&w, step, event);
	websocket_finish(&w);
	wired = 0;
	return e;
}

static void
a_message_comes_out_the_same_however_it_is_cut(void **state)
{
	static const size_t sizes[] = {
	    0, 1, 125, 126, 127, 65535, 65536, LIMIT};
	static const size_t steps[] = {1, 3, 7, 4096, sizeof(wire)};
	static char data[LIMIT];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)('a' + i % 26);
	for (size_t s = 0; s < COUNT_OF(sizes); s++) {
		for (size_t k = 0; k < COUNT_OF(steps); k++) {
			struct websocket_event event;
			struct websocket w;

			wired = 0;
			websocket_init(&w, LIMIT);
			put(0x81, data, sizes[s]);
			assert_int_equal(read_in(&w, steps[k], &event), OK);
			assert_int_equal(event.kind, WEBSOCKET_TEXT);
			assert_int_equal(event.data.len, sizes[s]);
			if (sizes[s] > 0)
				assert_memory_equal(
				    event.data.at, data, sizes[s]);
			assert_false(websocket_is_inside(&w));
			websocket_finish(&w);
		}
	}
}

static void
fragments_join_and_a_ping_may_come_between(void **state)
{
	static const size_t steps[] = {1, 2, 5, 1000};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(steps); k++) {
		struct websocket_event event;
		struct websocket w;

		wired = 0;
		websocket_init(&w, LIMIT);
		put(0x01, "frag", 4);
		put(0x00, "", 0);
		put(0x89, "hello", 5);
		put(0x80, "ment", 4);
		put(0x82, "\xff\x00", 2);
		assert_int_equal(read_in(&w, steps[k], &event), OK);
		assert_int_equal(event.kind, WEBSOCKET_PING);
		assert_true(text_is(event.data, "hello"));
		assert_true(websocket_is_inside(&w));
		assert_int_equal(read_in(&w, steps[k], &event), OK);
		assert_int_equal(event.kind, WEBSOCKET_TEXT);
		assert_true(text_is(event.data, "fragment"));
		assert_int_equal(read_in(&w, steps[k], &event), OK);
		assert_int_equal(event.kind, WEBSOCKET_BINARY);
		assert_int_equal(event.data.len, 2);
		assert_int_equal(read_in(&w, 1, &event), ERR_AGAIN);
		assert_int_equal(
		    websocket_read(&w, wire, 0, &wired, &event), ERR_AGAIN);
		assert_null(w.message.memory);
		websocket_finish(&w);
	}
}

static void
a_breach_of_the_protocol_ends_it_with_1002(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} breaches[] = {
	    {"\x81\x01x", 3}, /* no mask */
	    {"\xc1\x80", 2},  /* RSV1 */
	    {"\xa1\x80", 2},  /* RSV2 */
	    {"\x91\x80", 2},  /* RSV3 */
	    {"\x83\x80", 2},  /* reserved data opcode */
	    {"\x87\x80", 2},
	    {"\x8b\x80", 2}, /* reserved control opcode */
	    {"\x8f\x80", 2},
	    {"\x80\x80", 2}, /* continues nothing */
	    {"\x00\x80", 2},
	    {"\x09\x80", 2},         /* fragmented ping */
	    {"\x08\x80", 2},         /* fragmented close */
	    {"\x89\xfe\x00\x7e", 4}, /* ping of 126 */
	    {"\x89\xff", 2},
	    {"\x81\xfe\x00\x7d", 4}, /* longer form than needed */
	    {"\x81\xff\0\0\0\0\0\0\xff\xff", 10},
	    {"\x81\xff\x80\0\0\0\0\0\0\0", 10}, /* 2^63 */
	    {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10},
	};
	struct websocket_event event;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(breaches); i++) {
		wired = 0;
		put_raw(breaches[i].bytes, breaches[i].size);
		enum err e = read_fresh(1, &event);
		if (e != ERR_MALFORMED)
			fail_msg("%s for breach %zu", err_name(e), i);
	}
	wired = 0;
	put(0x01, "one", 3);
	put(0x81, "two", 3);
	assert_int_equal(read_fresh(100, &event), ERR_MALFORMED);
	assert_int_equal(websocket_close_code(ERR_MALFORMED), 1002);
}

static void
a_length_above_the_limit_ends_it_before_memory_is_taken(void **state)
{
	struct websocket_event event;
	struct websocket w;

	(void)state;
	wired = 0;
	websocket_init(&w, LIMIT);
	put_raw("\x82\xff\0\0\0\0\0\x01\x86\xa1", 10); /* 100 001 */
	assert_int_equal(read_in(&w, 100, &event), ERR_TOO_BIG);
	assert_null(w.message.memory);
	websocket_finish(&w);
	wired = 0;
	websocket_init(&w, 10);
	put(0x01, "123456", 6);
	put(0x80, "78901", 5);
	assert_int_equal(read_in(&w, 100, &event), ERR_TOO_BIG);
	websocket_finish(&w);
	assert_int_equal(websocket_close_code(ERR_TOO_BIG), 1009);
}

static void
bad_text_ends_at_its_first_bad_byte(void **state)
{
	static const char *const bad[] = {"\xc0\x80", "\xc1\xbf", "\xff",
	    "\xed\xa0\x80", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
	    "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80", "\xbf",
	    "\xce\xba\xe1\xbd\xb9\xf4\x90", "abcdefgh\xc3(",
	    "\xf8\x88\x80\x80\x80"};
	struct websocket_event event;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		for (size_t step = 1; step < 20; step += 6) {
			wired = 0;
			/* not its last frame: no need to wait for the end */
			put(0x01, bad[i], strlen(bad[i]));
			assert_int_equal(read_fresh(step, &event), ERR_UTF8);
		}
	}
	assert_int_equal(websocket_close_code(ERR_UTF8), 1007);
}

static void
text_may_be_cut_inside_a_letter_but_not_end_there(void **state)
{
	static const char word[] = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce"
				   "\xb5\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf";
	struct websocket_event event;

	(void)state;
	for (size_t cut = 0; cut < sizeof(word); cut++) {
		wired = 0;
		put(0x01, word, cut);
		put(0x80, word + cut, sizeof(word) - 1 - cut);
		assert_int_equal(read_fresh(1, &event), OK);
		wired = 0;
		put(0x81, word, cut);
		assert_int_equal(read_fresh(1, &event),
		    text_is_utf8((struct text){word, (uint32_t)cut})
			? OK
			: ERR_UTF8);
	}
}

static void
close_codes_are_those_a_peer_may_send(void **state)
{
	struct websocket_event event;

	(void)state;
	for (uint32_t code = 0; code <= UINT16_MAX; code++) {
		uint8_t data[4] = {
		    (uint8_t)(code >> 8), (uint8_t)code, 'o', 'k'};
		bool is_good = (code >= 1000 && code <= 1003) ||
		    (code >= 1007 && code <= 1014) ||
		    (code >= 3000 && code <= 4999);

		wired = 0;
		put(0x88, data, sizeof(data));
		enum err e = read_fresh(100, &event);
		if (e != (is_good ? OK : ERR_MALFORMED))
			fail_msg("%s for %u", err_name(e), code);
		if (is_good)
			assert_int_equal(event.close_code, code);
	}
	put(0x88, "", 0);
	assert_int_equal(read_fresh(100, &event), OK);
	assert_int_equal(event.close_code, 1005);
	put(0x88, "\x03", 1);
	assert_int_equal(read_fresh(100, &event), ERR_MALFORMED);
	put(0x88, "\x03\xe8\xc0\x80", 4);
	assert_int_equal(read_fresh(100, &event), ERR_UTF8);
}

static void
our_frames_have_the_shortest_head(void **state)
{
	static const size_t sizes[] = {0, 1, 125, 126, 65535, 65536, 70000};
	static const size_t heads[] = {2, 2, 2, 4, 4, 10, 10};
	static char data[70000];
	struct buffer put_at_once, opened;
	size_t frame;

	(void)state;
	memset(data, 'd', sizeof(data));
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct text t = {data, (uint32_t)sizes[i]};

		buffer_init(&put_at_once, 1 << 20);
		buffer_init(&opened, 1 << 20);
		assert_int_equal(
		    websocket_put(&put_at_once, WEBSOCKET_TEXT, t), OK);
		assert_int_equal(
		    buffer_used(&put_at_once), heads[i] + sizes[i]);
		assert_int_equal(buffer_append(&opened, "before", 6), OK);
		assert_int_equal(websocket_open(&opened, &frame), OK);
		assert_int_equal(buffer_append_text(&opened, t), OK);
		assert_int_equal(
		    websocket_shut(&opened, frame, WEBSOCKET_TEXT), OK);
		assert_int_equal(
		    buffer_used(&opened), 6 + buffer_used(&put_at_once));
		assert_memory_equal(buffer_at(&opened) + 6,
		    buffer_at(&put_at_once), buffer_used(&put_at_once));
		buffer_finish(&put_at_once);
		buffer_finish(&opened);
	}
}

static void
a_frame_that_does_not_fit_leaves_nothing_behind(void **state)
{
	struct buffer b;
	size_t frame;

	(void)state;
	buffer_init(&b, 10);
	assert_int_equal(
	    websocket_put(&b, WEBSOCKET_TEXT, TEXT("12345678901")), ERR_FULL);
	assert_int_equal(buffer_used(&b), 0);
	assert_int_equal(websocket_open(&b, &frame), OK);
	assert_int_equal(buffer_append(&b, "1234567", 7), ERR_FULL);
	buffer_truncate(&b, frame);
	assert_int_equal(buffer_used(&b), 0);
	buffer_finish(&b);
}

static void
a_close_frame_carries_code_and_reason(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 1000);
	assert_int_equal(websocket_put_close(&b, 1012, TEXT("restart")), OK);
	assert_memory_equal(buffer_at(&b), "\x88\x09\x03\xf4restart", 11);
	buffer_truncate(&b, 0);
	assert_int_equal(websocket_put_close(&b, 1005, TEXT("x")), OK);
	assert_memory_equal(buffer_at(&b), "\x88\x00", 2);
	buffer_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_comes_out_the_same_however_it_is_cut),
	    cmocka_unit_test(fragments_join_and_a_ping_may_come_between),
	    cmocka_unit_test(a_breach_of_the_protocol_ends_it_with_1002),
	    cmocka_unit_test(
		a_length_above_the_limit_ends_it_before_memory_is_taken),
	    cmocka_unit_test(bad_text_ends_at_its_first_bad_byte),
	    cmocka_unit_test(text_may_be_cut_inside_a_letter_but_not_end_there),
	    cmocka_unit_test(close_codes_are_those_a_peer_may_send),
	    cmocka_unit_test(our_frames_have_the_shortest_head),
	    cmocka_unit_test(a_frame_that_does_not_fit_leaves_nothing_behind),
	    cmocka_unit_test(a_close_frame_carries_code_and_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
