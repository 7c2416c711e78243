// SPDX-License-Identifier: MIT
/* bus_message_test - the bytes of a message, signed and not, and forged. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/bus_message.h"
#include "protocol/unpack.h"

static struct buffer out;

static struct text
made(const char *secret)
{
	struct bus_message m;

	buffer_finish(&out);
	buffer_init(&out, BUS_MESSAGE_BYTES);
	assert_int_equal(
	    bus_message_begin(&m, &out, "health/node", 2, secret != NULL), OK);
	pack_field_string(&m.packer, "node", "a");
	pack_field_u64(&m.packer, "n", 7);
	assert_int_equal(
	    bus_message_end(&m, text_of(secret == NULL ? "" : secret)), OK);
	return buffer_text(&out);
}

static enum bus_verdict
judged(struct text raw, const char *secret)
{
	struct text topic, map;

	return bus_message_read(raw, text_of(secret), &topic, &map);
}

static void
a_message_is_topic_zero_and_a_map(void **state)
{
	struct text raw = made(NULL), topic, map;
	uint64_t n;

	(void)state;
	assert_int_equal(
	    bus_message_read(raw, TEXT(""), &topic, &map), BUS_ACCEPTED);
	assert_true(text_is(topic, "health/node"));
	assert_int_equal(raw.at[11], 0);
	assert_int_equal(unpack_field_u64(map, "n", &n), OK);
	assert_int_equal(n, 7);
}

static void
the_signature_is_that_of_any_hmac_sha256(void **state)
{
	/* by python3: hmac.new(b"a secret", b"health/node\0" +
	 * b"\xa4node\xa1a\xa1n\x07", "sha256").hexdigest() */
	static const char expected[] =
	    "6369c961bedcdcbfe2f11915bae20ed085fa9218f6b884d381bcf4614eacf490";
	struct text raw = made("a secret"), topic, map, hmac;

	(void)state;
	assert_int_equal(
	    bus_message_read(raw, TEXT("a secret"), &topic, &map), BUS_GOOD);
	assert_int_equal(unpack_field_text(map, "hmac", &hmac), OK);
	assert_true(text_is(hmac, expected));
}

static void
what_is_forged_or_unsigned_is_named(void **state)
{
	struct text raw = made("a secret");
	char bytes[256];

	(void)state;
	assert_int_equal(judged(raw, "another"), BUS_INVALID_SIGNATURE);
	assert_int_equal(judged(raw, ""), BUS_ACCEPTED);
	memcpy(bytes, raw.at, raw.len);
	for (uint32_t at = 0; at < raw.len; at++) {
		enum bus_verdict verdict;

		bytes[at] ^= 1;
		verdict = judged((struct text){bytes, raw.len}, "a secret");
		assert_int_not_equal(verdict, BUS_GOOD);
		bytes[at] ^= 1;
	}
	for (uint32_t len = 0; len < raw.len; len++)
		assert_int_equal(judged((struct text){bytes, len}, "a secret"),
		    BUS_INVALID_FORMAT);
	assert_int_equal(judged(made(NULL), "a secret"), BUS_UNSECURED);
	assert_string_equal(
	    bus_verdict_name(BUS_UNSECURED), "unsecured_message_rejected");
	assert_string_equal(
	    bus_verdict_name(BUS_INVALID_SIGNATURE), "invalid_signature");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_is_topic_zero_and_a_map),
	    cmocka_unit_test(the_signature_is_that_of_any_hmac_sha256),
	    cmocka_unit_test(what_is_forged_or_unsigned_is_named),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buffer_finish(&out);
	return failed;
}
