// SPDX-License-Identifier: MIT
/* nng's wire, byte by byte: what is read, awaited and refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "protocol/sp.h"

enum {
	MOST = 64
};

static const uint8_t *
bytes_of(const char *text)
{
	return (const uint8_t *)text;
}

static void
a_handshake_is_of_one_protocol_only(void **state)
{
	uint8_t bytes[SP_HANDSHAKE_BYTES];

	(void)state;
	sp_write_handshake(bytes, SP_REQ0);
	assert_memory_equal(bytes, "\0SP\0\0\x30\0\0", sizeof(bytes));
	assert_true(sp_is_handshake(bytes, SP_REQ0));
	assert_false(sp_is_handshake(bytes, SP_REP0));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 1;
		assert_false(sp_is_handshake(bytes, SP_REQ0));
		bytes[i] ^= 1;
	}
}

static void
a_question_has_a_length_and_an_id_with_its_high_bit(void **state)
{
	uint8_t bytes[SP_QUESTION_BYTES];

	(void)state;
	sp_write_question(bytes, 0x010203, 0x0102030405);
	assert_memory_equal(
	    bytes, "\1\0\0\0\1\2\3\4\x09\x80\1\2\3", SP_QUESTION_BYTES);
}

static void
over_tcp_no_mark_stands_before_the_length(void **state)
{
	uint8_t bytes[SP_IPC] = {0};
	uint32_t payload_bytes;

	(void)state;
	sp_write_head(bytes, SP_TCP, 7);
	assert_memory_equal(bytes, "\0\0\0\0\0\0\0\7\0", sizeof(bytes));
	assert_int_equal(
	    sp_read_head(bytes, SP_TCP, SP_TCP, MOST, &payload_bytes), OK);
	assert_int_equal(payload_bytes, 7);
}

static void
a_frame_is_awaited_until_its_last_byte(void **state)
{
	static const char wire[] = "\1\0\0\0\0\0\0\0\3abc";
	struct text payload = {0};

	(void)state;
	for (size_t count = 0; count < sizeof(wire) - 1; count++)
		assert_int_equal(sp_read_frame(bytes_of(wire), count, SP_IPC,
				     MOST, &payload),
		    ERR_AGAIN);
	assert_int_equal(sp_read_frame(bytes_of(wire), sizeof(wire) - 1, SP_IPC,
			     MOST, &payload),
	    OK);
	assert_true(text_is(payload, "abc"));
}

static void
a_frame_that_cannot_be_one_is_refused_before_it_is_there(void **state)
{
	struct sp_message m;

	(void)state;
	assert_int_equal(
	    sp_read(bytes_of("\2"), 1, SP_IPC, MOST, &m), ERR_MALFORMED);
	assert_int_equal(
	    sp_read(bytes_of("\1\0\0\0\0\0\0\0\x41"), 9, SP_IPC, MOST, &m),
	    ERR_TOO_BIG);
	assert_int_equal(
	    sp_read(bytes_of("\1\1\0\0\0\0\0\0\4"), 9, SP_IPC, MOST, &m),
	    ERR_TOO_BIG); /* not its low word alone */
	assert_int_equal(
	    sp_read(bytes_of("\1\0\0\0\0\0\0\0\3"), 9, SP_IPC, MOST, &m),
	    ERR_MALFORMED); /* no room for an id */
}

static void
hops_are_stepped_over_and_must_end(void **state)
{
	static const char hop[] = "\0\0\0\0\0\0\0\x0d\0\0\0\7\x80\0\0\1hello";
	static const char endless[] = "\0\0\0\0\0\0\0\x09\0\0\0\7\0\0\0\1x";
	struct sp_message m;

	(void)state;
	assert_int_equal(
	    sp_read(bytes_of(hop), sizeof(hop) - 1, SP_TCP, MOST, &m), OK);
	assert_int_equal(m.id, 0x80000001);
	assert_int_equal(m.whole_bytes, sizeof(hop) - 1);
	assert_true(text_is(m.body, "hello"));
	assert_int_equal(sp_measure_hops(hop + SP_TCP, 13), 8);
	assert_int_equal(
	    sp_read(bytes_of(endless), sizeof(endless) - 1, SP_TCP, MOST, &m),
	    ERR_MALFORMED);
	assert_int_equal(sp_measure_hops("\x80\0\0", 3), 0);
	assert_int_equal(sp_measure_hops("", 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_handshake_is_of_one_protocol_only),
	    cmocka_unit_test(
		a_question_has_a_length_and_an_id_with_its_high_bit),
	    cmocka_unit_test(over_tcp_no_mark_stands_before_the_length),
	    cmocka_unit_test(a_frame_is_awaited_until_its_last_byte),
	    cmocka_unit_test(
		a_frame_that_cannot_be_one_is_refused_before_it_is_there),
	    cmocka_unit_test(hops_are_stepped_over_and_must_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
