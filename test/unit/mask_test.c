// SPDX-License-Identifier: MIT
/* mask - what people read has no secrets in it, whatever its form. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/base/memory.h"
#include "protocol/json.h"
#include "protocol/mask.h"
#include "protocol/pack.h"

static void
secrets_are_masked_wherever_their_keys_stand(void **state)
{
	struct buffer words, value, json;
	struct mask m;

	(void)state;
	buffer_init(&words, 4096);
	buffer_init(&value, 4096);
	buffer_init(&json, 4096);
	assert_int_equal(json_to_pack(TEXT("[\"password\",\"token\"]"), &words,
			     JSON_LIMITS, NULL),
	    OK);
	assert_int_equal(
	    json_to_pack(TEXT("{\"id\":7,\"Password\":\"s3cret\",\"deep\":[{"
			      "\"refreshToken\":{\"a\":1}}],\"x\":null}"),
		&value, JSON_LIMITS, NULL),
	    OK);
	mask_read(&m, buffer_text(&words));
	assert_int_equal(m.count, 2);
	assert_int_equal(mask_json(&m, buffer_text(&value), &json), OK);
	assert_true(text_is(buffer_text(&json),
	    "{\"id\":7,\"Password\":\"[MASKED]\",\"deep\":[{\"refreshToken\":"
	    "\"[MASKED]\"}],\"x\":null}"));
	buffer_finish(&words);
	buffer_finish(&value);
	buffer_finish(&json);
}

static void
secrets_are_masked_in_texts_of_every_form(void **state)
{
	static const char *const rows[][2] = {
	    {"token=s3cret", "token=[MASKED]"},
	    {"/x?a=1&access_token=s3cret&b=2",
		"/x?a=1&access_token=[MASKED]&b=2"},
	    {"{\"Password\": \"s3 cret\", \"a\": 1}",
		"{\"Password\": \"[MASKED]\", \"a\": 1}"},
	    {"{'token_file':'x'}", "{'token_file':'[MASKED]'}"},
	    {"{\\\"token\\\":\\\"s3cret\\\"}",
		"{\\\"token\\\":\\\"[MASKED]\"}"},
	    {"TOKEN: Bearer s3cret, b", "TOKEN: [MASKED], b"},
	    {"tcp://user:s3cret@host:80/x", "tcp://user:[MASKED]@host:80/x"},
	    {"tcp://127.0.0.1:4000", "tcp://127.0.0.1:4000"},
	    {"a token is wanted", "a token is wanted"},
	    {"token=", "token="},
	    {"token", "token"},
	    {"token:", "token:"},
	    {"token\\", "token\\"},
	    {"", ""},
	    {"\"password\": \"p\\\"q\\\\\", 1",
		"\"password\": \"[MASKED]\", 1"},
	    {"tokens and token: s3cret", "tokens and token: [MASKED]"},
	};
	struct mask m = {
	    .words = {TEXT("password"), TEXT("token")}, .count = 2};
	struct buffer b;

	(void)state;
	buffer_init(&b, 4096);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		buffer_truncate(&b, 0);
		assert_int_equal(mask_text(&m, text_of(rows[i][0]), &b), OK);
		if (!text_is(buffer_text(&b), rows[i][1]))
			fail_msg(
			    "%s: %.*s", rows[i][0], TEXT_ARG(buffer_text(&b)));
	}
	buffer_finish(&b);
}

/* A search that began anew at each byte would be at it for minutes. */
static void
a_megabyte_of_a_telling_word_is_gone_through_once(void **state)
{
	const uint32_t bytes = 1000000;
	struct mask m = {.words = {TEXT("token")}, .count = 1};
	struct text t = {.at = NULL, .len = bytes};
	char *at = memory_new(bytes);
	struct buffer b;

	(void)state;
	for (uint32_t i = 0; i < bytes; i++)
		at[i] = "token"[i % 5];
	t.at = at;
	buffer_init(&b, bytes);
	assert_int_equal(mask_text(&m, t, &b), OK);
	assert_true(text_eq(buffer_text(&b), t));
	buffer_finish(&b);
	memory_free(at);
}

static void
passwords_of_urls_are_hidden_in_place(void **state)
{
	static const char *const rows[][2] = {
	    {"tcp://ann:pw@h:1", "tcp://ann:**@h:1"},
	    {"x ws://ann:p@w@h/s y", "x ws://ann:***@h/s y"},
	    {"tls+tcp://token@h:1", "tls+tcp://*****@h:1"},
	    {"tcp://h:1 a@b ipc:///run/a:b@c", NULL},
	    {"://", NULL},
	    {"tcp://@h", NULL},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(
		    text_copy(text_of(rows[i][0]), text, sizeof(text)), OK);
		text_hide_passwords(text, strlen(text));
		assert_string_equal(
		    text, rows[i][1] != NULL ? rows[i][1] : rows[i][0]);
	}
}

/* {"tcp://a:b@c": [64, "tcp://h:1", 64, "tcp://a:b@c"]} */
static void
only_texts_are_masked_in_msgpack(void **state)
{
	char value[] = "\x81\xabtcp://a:b@c\x94\x40\xa9tcp://h:1\x40"
		       "\xabtcp://a:b@c";
	const char wanted[] = "\x81\xabtcp://a:*@c\x94\x40\xa9tcp://h:1\x40"
			      "\xabtcp://a:*@c";

	(void)state;
	mask_urls_pack(value, sizeof(value) - 1);
	assert_memory_equal(value, wanted, sizeof(wanted));
	mask_urls_pack(value, 7); /* cut in the middle: left alone */
	mask_urls_pack(NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(secrets_are_masked_wherever_their_keys_stand),
	    cmocka_unit_test(secrets_are_masked_in_texts_of_every_form),
	    cmocka_unit_test(passwords_of_urls_are_hidden_in_place),
	    cmocka_unit_test(only_texts_are_masked_in_msgpack),
	    cmocka_unit_test(a_megabyte_of_a_telling_word_is_gone_through_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
