// SPDX-License-Identifier: MIT
/*
 * The classes of cases of JSONTestSuite (Nicolas Seriot, "Parsing JSON is a
 * minefield"), written anew: what every parser must accept (y), must refuse
 * (n), and what is left to the parser (i): there, JSON.md has decided.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/json.h"

// clang-format off
#define TEXT_OF(literal) { literal, sizeof(literal) - 1 }

static const struct text y_structure[] = {
	TEXT_OF("[]"),
	TEXT_OF("{}"),
	TEXT_OF(" [ ] "),
	TEXT_OF("{ }"),
	TEXT_OF("[[]]"),
	TEXT_OF("[[[[[[[[]]]]]]]]"),
	TEXT_OF("[null,[],{}]"),
	TEXT_OF("[1,2,3]"),
	TEXT_OF("\x09\x0a\x0d [1]\x0a"),
	TEXT_OF("{\"a\":[{\"b\":{}}]}"),
	TEXT_OF("[{},{},{}]"),
	TEXT_OF("[\"\",\"\"]"),
};

static const struct text y_objects[] = {
	TEXT_OF("{\"a\":1}"),
	TEXT_OF("{\"a\":1,\"b\":2}"),
	TEXT_OF("{\"\":0}"),
	TEXT_OF("{\"a\":1,\"a\":2}"),
	TEXT_OF("{\"a\":1,\"a\":1}"),
	TEXT_OF("{\"a\\u0000b\":1}"),
	TEXT_OF("{\"\\\"\":1}"),
	TEXT_OF("{\"x\":{\"x\":{\"x\":[]}}}"),
	TEXT_OF("{\"a\" : 1 , \"b\" : 2}"),
	TEXT_OF("{\"\xc3\xa9\":1}"),
};

static const struct text y_numbers[] = {
	TEXT_OF("0"),
	TEXT_OF("-0"),
	TEXT_OF("1"),
	TEXT_OF("-1"),
	TEXT_OF("10"),
	TEXT_OF("123456789"),
	TEXT_OF("0.5"),
	TEXT_OF("-0.5"),
	TEXT_OF("0e1"),
	TEXT_OF("0e+1"),
	TEXT_OF("0E-1"),
	TEXT_OF("1e5"),
	TEXT_OF("1E5"),
	TEXT_OF("1e+5"),
	TEXT_OF("1e-5"),
	TEXT_OF("1.5e3"),
	TEXT_OF("20e1"),
	TEXT_OF("-0.0"),
	TEXT_OF("-0e0"),
	TEXT_OF("123.456789"),
	TEXT_OF("-237462374673276894279832749832423479823246327846"),
	TEXT_OF("0.000000000000000000000000000000000000000000000000000000000001"),
	TEXT_OF("1.7976931348623157e308"),
	TEXT_OF("2.2250738585072014e-308"),
	TEXT_OF("5e-324"),
	TEXT_OF("9007199254740993"),
	TEXT_OF("[1 ]"),
	TEXT_OF("[1,-1,1.0]"),
};

static const struct text y_strings[] = {
	TEXT_OF("\"\""),
	TEXT_OF("\"a\""),
	TEXT_OF("\"\\\"\""),
	TEXT_OF("\"\\\\\""),
	TEXT_OF("\"\\/\""),
	TEXT_OF("\"\\b\\f\\n\\r\\t\""),
	TEXT_OF("\"/\""),
	TEXT_OF("\" \""),
	TEXT_OF("\"\x7f\""),
	TEXT_OF("\"a/*b*/c\""),
	TEXT_OF("\"\\\\a\""),
	TEXT_OF("\"\\\\u0000\""),
	TEXT_OF("\"\\u0000\""),
	TEXT_OF("\"\\u001f\""),
	TEXT_OF("\"\\u0022\""),
	TEXT_OF("\"\\u005C\""),
	TEXT_OF("\"\\u00e9\""),
	TEXT_OF("\"\\uFFFF\""),
	TEXT_OF("\"\\uffff\""),
	TEXT_OF("\"\\uFdD0\""),
	TEXT_OF("\"\\uD834\\uDd1e\""),
	TEXT_OF("\"\\ud83d\\ude39\\ud83d\\udc8d\""),
	TEXT_OF("\"\\udbff\\udfff\""),
	TEXT_OF("\"\\u2028\\u2029\""),
	TEXT_OF("\"\\u2064\""),
};

static const struct text y_utf8[] = {
	TEXT_OF("\"\xc2\x80\""),
	TEXT_OF("\"\xdf\xbf\""),
	TEXT_OF("\"\xe0\xa0\x80\""),
	TEXT_OF("\"\xed\x9f\xbf\""),
	TEXT_OF("\"\xee\x80\x80\""),
	TEXT_OF("\"\xef\xbf\xbf\""),
	TEXT_OF("\"\xef\xbb\xbf\""),
	TEXT_OF("\"\xf0\x90\x80\x80\""),
	TEXT_OF("\"\xf4\x8f\xbf\xbf\""),
	TEXT_OF("\"\xe2\x82\xac\xf0\x9d\x84\x9e\""),
	TEXT_OF("\"\xe2\x80\xa8\xe2\x80\xa9\""),
	TEXT_OF("\"\xf0\x9b\xbf\xbf\""),
};

static const struct text y_lonely[] = {
	TEXT_OF("null"),
	TEXT_OF("true"),
	TEXT_OF("false"),
	TEXT_OF(" null "),
	TEXT_OF("42"),
	TEXT_OF("-42"),
	TEXT_OF("-1.5"),
	TEXT_OF("\"asd\""),
	TEXT_OF("\"\""),
	TEXT_OF("\"\xe2\x82\xac\""),
	TEXT_OF("\x0a" "7\x0a"),
};

static const struct text n_structure[] = {
	TEXT_OF(""),
	TEXT_OF(" "),
	TEXT_OF("["),
	TEXT_OF("]"),
	TEXT_OF("{"),
	TEXT_OF("}"),
	TEXT_OF("[["),
	TEXT_OF("[]]"),
	TEXT_OF("[}"),
	TEXT_OF("{]"),
	TEXT_OF("[1"),
	TEXT_OF("[1,"),
	TEXT_OF("[1}"),
	TEXT_OF("{}}"),
	TEXT_OF("[][]"),
	TEXT_OF("[]{}"),
	TEXT_OF("{}{}"),
	TEXT_OF("[]1"),
	TEXT_OF("1 2"),
	TEXT_OF("[1]x"),
	TEXT_OF("[a]"),
	TEXT_OF("[*]"),
	TEXT_OF("<.>"),
	TEXT_OF("[<null>]"),
	TEXT_OF("[\x0c]"),
	TEXT_OF("\x00"),
	TEXT_OF("[\x00]"),
	TEXT_OF("[]\x00"),
	TEXT_OF("[\xc2\xa0]"),
	TEXT_OF("\xef\xbb\xbf{}"),
	TEXT_OF("\xef\xbb\xbf[]"),
	TEXT_OF("\xe2\x81\xa0[]"),
	TEXT_OF("//x\x0a[]"),
	TEXT_OF("[]//x"),
	TEXT_OF("/**/[]"),
	TEXT_OF("[1/*x*/]"),
	TEXT_OF("#x\x0a" "1"),
	TEXT_OF("['a']"),
	TEXT_OF("[undefined]"),
	TEXT_OF("*"),
	TEXT_OF("{\"a\":1}#"),
	TEXT_OF("{\"a\":/*x*/1}"),
	TEXT_OF("[\x0a" "1\x0a,\x0a\"\x0a\"]"),
	TEXT_OF("\"\x0a\""),
	TEXT_OF(","),
	TEXT_OF(":"),
	TEXT_OF("[1:2]"),
};

static const struct text n_arrays[] = {
	TEXT_OF("[,]"),
	TEXT_OF("[1,]"),
	TEXT_OF("[,1]"),
	TEXT_OF("[1,,2]"),
	TEXT_OF("[1,,]"),
	TEXT_OF("[,,]"),
	TEXT_OF("[\"a\",]"),
	TEXT_OF("[\"a\" \"b\"]"),
	TEXT_OF("[1 true]"),
	TEXT_OF("[\"x\""),
	TEXT_OF("[\"x\","),
	TEXT_OF("[\"\","),
	TEXT_OF("[3[4]]"),
	TEXT_OF("[\"a\":1]"),
	TEXT_OF("[\"a\",\x0a" "4\x0a,1,"),
	TEXT_OF("[1]]"),
	TEXT_OF("[-]"),
	TEXT_OF("[x"),
	TEXT_OF("[\"\""),
	TEXT_OF("[\"\": 1]"),
	TEXT_OF("[;]"),
};

static const struct text n_objects[] = {
	TEXT_OF("{\"a\"}"),
	TEXT_OF("{\"a\":}"),
	TEXT_OF("{\"a\":1,}"),
	TEXT_OF("{,\"a\":1}"),
	TEXT_OF("{\"a\":1,,\"b\":2}"),
	TEXT_OF("{\"a\" 1}"),
	TEXT_OF("{\"a\":1 \"b\":2}"),
	TEXT_OF("{a:1}"),
	TEXT_OF("{'a':1}"),
	TEXT_OF("{1:1}"),
	TEXT_OF("{null:1}"),
	TEXT_OF("{[]:1}"),
	TEXT_OF("{\"a\":1"),
	TEXT_OF("{\"a\":\"b"),
	TEXT_OF("{\"a\""),
	TEXT_OF("{\""),
	TEXT_OF("{\"a"),
	TEXT_OF("{\"a\":1]"),
	TEXT_OF("{\"a\"::1}"),
	TEXT_OF("{\"a\":1:2}"),
	TEXT_OF("{\"a\",\"b\"}"),
	TEXT_OF("{\"x\", null}"),
	TEXT_OF("{:1}"),
	TEXT_OF("{\"a\":1;\"b\":2}"),
	TEXT_OF("{\"a\":\"b\"}/"),
	TEXT_OF("{9999E9999:1}"),
	TEXT_OF("{\"id\":0,,,,,}"),
	TEXT_OF("{\"a\":true} \"x\""),
	TEXT_OF("{\xf0\x9f\x87\xa8}"),
};

static const struct text n_numbers[] = {
	TEXT_OF("01"),
	TEXT_OF("-01"),
	TEXT_OF("00"),
	TEXT_OF("-"),
	TEXT_OF("+1"),
	TEXT_OF("++1"),
	TEXT_OF("--1"),
	TEXT_OF("-a"),
	TEXT_OF("-1x"),
	TEXT_OF("1x"),
	TEXT_OF(".5"),
	TEXT_OF("-.5"),
	TEXT_OF("5."),
	TEXT_OF("-5."),
	TEXT_OF("0.e1"),
	TEXT_OF("1.e1"),
	TEXT_OF("1.5."),
	TEXT_OF("0.1.2"),
	TEXT_OF("1e"),
	TEXT_OF("1E"),
	TEXT_OF("1e+"),
	TEXT_OF("1e-"),
	TEXT_OF("1ee5"),
	TEXT_OF("1e5.0"),
	TEXT_OF("1e5e5"),
	TEXT_OF("0e"),
	TEXT_OF("0e+"),
	TEXT_OF("0E"),
	TEXT_OF("0e+-1"),
	TEXT_OF("1eE2"),
	TEXT_OF("0x1"),
	TEXT_OF("0x42"),
	TEXT_OF("1_000"),
	TEXT_OF("1 000"),
	TEXT_OF("1,000"),
	TEXT_OF("NaN"),
	TEXT_OF("nan"),
	TEXT_OF("Infinity"),
	TEXT_OF("-Infinity"),
	TEXT_OF("inf"),
	TEXT_OF("-NaN"),
	TEXT_OF("1.2a-3"),
	TEXT_OF("1.8011670033376514H-308"),
	TEXT_OF("-012"),
	TEXT_OF("-123.123foo"),
	TEXT_OF("\xef\xbc\x91"),
	TEXT_OF("2.e3"),
	TEXT_OF("2.e-3"),
	TEXT_OF("9.e+"),
	TEXT_OF("0.3e"),
	TEXT_OF("0.3e+"),
	TEXT_OF("1.0e"),
	TEXT_OF("1.0e-"),
	TEXT_OF("-2."),
	TEXT_OF("[- 1]"),
	TEXT_OF("[1+2]"),
	TEXT_OF("1\xe5"),
	TEXT_OF("0\xe5"),
	TEXT_OF("1e1\xe5"),
	TEXT_OF(".-1"),
	TEXT_OF(".2e-3"),
	TEXT_OF("1/0"),
};

static const struct text n_strings[] = {
	TEXT_OF("\""),
	TEXT_OF("\"a"),
	TEXT_OF("a\""),
	TEXT_OF("\"\\\""),
	TEXT_OF("\"\\"),
	TEXT_OF("\"\\x00\""),
	TEXT_OF("\"\\a\""),
	TEXT_OF("\"\\u\""),
	TEXT_OF("\"\\u1\""),
	TEXT_OF("\"\\u12\""),
	TEXT_OF("\"\\u123\""),
	TEXT_OF("\"\\u123g\""),
	TEXT_OF("\"\\u00A\""),
	TEXT_OF("\"\\U0041\""),
	TEXT_OF("\"\\ \""),
	TEXT_OF("\"\\\xf0\x9f\x8c\x80\""),
	TEXT_OF("\"\\\\\\\""),
	TEXT_OF("\"\\\x09\""),
	TEXT_OF("\"\\\x00\""),
	TEXT_OF("\"\x00\""),
	TEXT_OF("\"\x1f\""),
	TEXT_OF("\"\x09\""),
	TEXT_OF("\"\x0a\""),
	TEXT_OF("\"a\x00" "a\""),
	TEXT_OF("\"\\uD800\\\""),
	TEXT_OF("\"\\uD800\\u\""),
	TEXT_OF("\"\\uD800\\u1\""),
	TEXT_OF("\"\\uD800\\u1x\""),
	TEXT_OF("\"\\uD834\\uDd\""),
	TEXT_OF("\"\\uqqqq\""),
	TEXT_OF("\"x\" \"y\""),
	TEXT_OF("\"\\v\""),
	TEXT_OF("'x'"),
	TEXT_OF("\"\\0\""),
	TEXT_OF("\\u0020\"x\""),
	TEXT_OF("\"x\"x"),
	TEXT_OF("\"\\u{41}\""),
	TEXT_OF("\"\\*\""),
};

static const struct text n_words[] = {
	TEXT_OF("nul"),
	TEXT_OF("nulL"),
	TEXT_OF("Null"),
	TEXT_OF("NULL"),
	TEXT_OF("tru"),
	TEXT_OF("True"),
	TEXT_OF("TRUE"),
	TEXT_OF("truth"),
	TEXT_OF("fals"),
	TEXT_OF("False"),
	TEXT_OF("falsey"),
	TEXT_OF("nully"),
	TEXT_OF("truefalse"),
	TEXT_OF("n"),
	TEXT_OF("t"),
	TEXT_OF("f"),
	TEXT_OF("[nul"),
	TEXT_OF("[tru"),
	TEXT_OF("[fals"),
	TEXT_OF("[nullx]"),
	TEXT_OF("undefined"),
	TEXT_OF("None"),
	TEXT_OF("yes"),
};

static const struct text n_utf8[] = {
	TEXT_OF("\"\x80\""),
	TEXT_OF("\"\xbf\""),
	TEXT_OF("\"\xff\""),
	TEXT_OF("\"\xfe\""),
	TEXT_OF("\"\xc0\x80\""),
	TEXT_OF("\"\xc0\xaf\""),
	TEXT_OF("\"\xc1\xbf\""),
	TEXT_OF("\"\xc3\""),
	TEXT_OF("\"\xc3(\""),
	TEXT_OF("\"\xe0\x80\x80\""),
	TEXT_OF("\"\xe0\x9f\xbf\""),
	TEXT_OF("\"\xe2\x82\""),
	TEXT_OF("\"\xe2(\xa1\""),
	TEXT_OF("\"\xed\xa0\x80\""),
	TEXT_OF("\"\xed\xbf\xbf\""),
	TEXT_OF("\"\xf0\x80\x80\x80\""),
	TEXT_OF("\"\xf0\x8f\xbf\xbf\""),
	TEXT_OF("\"\xf4\x90\x80\x80\""),
	TEXT_OF("\"\xf5\x80\x80\x80\""),
	TEXT_OF("\"\xf8\x88\x80\x80\x80\""),
	TEXT_OF("\"\xfc\x83\xbf\xbf\xbf\xbf\""),
	TEXT_OF("\"\xf0\x9f\x98\""),
	TEXT_OF("\"\xe9\""),
	TEXT_OF("\"a\xe5\""),
	TEXT_OF("{\"\xff\":1}"),
	TEXT_OF("[\"\xe0\xff\"]"),
	TEXT_OF("\"\\u0041\xff\""),
	TEXT_OF("\"\xed\xa0\xbd\xed\xb8\x80\""),
};

static const struct {
	struct text json;
	enum err err;
} i_cases[] = {
	{ TEXT_OF("1e999"), ERR_RANGE },
	{ TEXT_OF("-1e999"), ERR_RANGE },
	{ TEXT_OF("1.5e+9999"), ERR_RANGE },
	{ TEXT_OF("123123e100000"), ERR_RANGE },
	{ TEXT_OF("-123123e100000"), ERR_RANGE },
	{ TEXT_OF("0.4e00669999999999999999999999999999999999999999999999999999999999999999999999999999999999999"), ERR_RANGE },
	{ TEXT_OF("123.456e-789"), OK },
	{ TEXT_OF("123e-10000000"), OK },
	{ TEXT_OF("100000000000000000000"), OK },
	{ TEXT_OF("-123123123123123123123123123123"), OK },
	{ TEXT_OF("\"\\uD800\""), ERR_MALFORMED },
	{ TEXT_OF("\"\\uDFAA\""), ERR_MALFORMED },
	{ TEXT_OF("\"\\uD800\\uD800\""), ERR_MALFORMED },
	{ TEXT_OF("\"\\uD888\\u1234\""), ERR_MALFORMED },
	{ TEXT_OF("\"\\uDd1e\\uD834\""), ERR_MALFORMED },
	{ TEXT_OF("\"\\ud800abc\""), ERR_MALFORMED },
	{ TEXT_OF("\"\\uD800\\n\""), ERR_MALFORMED },
	{ TEXT_OF("{\"\\uDFAA\":0}"), ERR_MALFORMED },
	{ TEXT_OF("\xef\xbb\xbf{}"), ERR_MALFORMED },
	{ TEXT_OF("\xff\xfe[\x00]\x00"), ERR_MALFORMED },
	{ TEXT_OF("\x00[\x00\"\x00\xe9\x00\"\x00]"), ERR_MALFORMED },
	{ TEXT_OF("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"), OK },
	{ TEXT_OF("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}"), ERR_TOO_DEEP },
};
// clang-format on

/*
 * outcome converts, skips and converts again out of a block of exactly that
 * size; the ways must agree.
 */
static enum err
outcome(struct text json)
{
	char *exact = malloc(json.len + 1);
	struct buffer out;
	struct json_reader r;
	struct text raw;

	/* a block of the very size, so that ASan sees a byte too far */
	exact = realloc(exact, json.len > 0 ? json.len : 1);
	memcpy(exact, json.at, json.len);
	buffer_init(&out, 1 << 20);
	json.at = exact;
	enum err e = json_to_pack(json, &out, JSON_LIMITS, NULL);
	enum err skipped = json_open(&r, json, JSON_LIMITS);

	if (skipped == OK)
		skipped = json_skip(&r, &raw);
	if (skipped == OK)
		skipped = json_close(&r);
	assert_int_equal(e, skipped);
	if (e == OK)
		assert_int_equal(
		    pack_check(buffer_text(&out), PACK_LIMITS), OK);
	else
		assert_int_equal(buffer_used(&out), 0);
	buffer_finish(&out);
	free(exact);
	return e;
}

static void
all_are(const struct text *cases, size_t count, enum err wanted)
{
	for (size_t i = 0; i < count; i++) {
		enum err e = outcome(cases[i]);

		if (e != wanted)
			fail_msg("%.*s: %s", TEXT_ARG(cases[i]), err_name(e));
	}
}

#define ALL(cases, wanted) all_are(cases, COUNT_OF(cases), wanted)

static void
whole_structures_are_accepted(void **state)
{
	(void)state;
	ALL(y_structure, OK);
	ALL(y_objects, OK);
}

static void
every_form_of_number_is_accepted(void **state)
{
	(void)state;
	ALL(y_numbers, OK);
}

static void
every_form_of_string_is_accepted(void **state)
{
	(void)state;
	ALL(y_strings, OK);
	ALL(y_utf8, OK);
}

static void
a_lonely_value_is_a_text(void **state)
{
	(void)state;
	ALL(y_lonely, OK);
}

static void
broken_structures_are_refused(void **state)
{
	(void)state;
	ALL(n_structure, ERR_MALFORMED);
	ALL(n_arrays, ERR_MALFORMED);
	ALL(n_objects, ERR_MALFORMED);
}

static void
what_only_looks_like_a_number_is_refused(void **state)
{
	(void)state;
	ALL(n_numbers, ERR_MALFORMED);
}

static void
broken_strings_are_refused(void **state)
{
	(void)state;
	ALL(n_strings, ERR_MALFORMED);
}

static void
half_words_are_refused(void **state)
{
	(void)state;
	ALL(n_words, ERR_MALFORMED);
}

static void
bytes_that_are_not_utf8_are_refused(void **state)
{
	(void)state;
	ALL(n_utf8, ERR_UTF8);
}

static void
what_is_left_to_the_parser_is_decided(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(i_cases); i++)
		all_are(&i_cases[i].json, 1, i_cases[i].err);
}

/* repeated writes `count` times a piece, then its mirror. */
static struct text
repeated(char *to, const char *piece, int count, const char *mirror)
{
	char *at = to;

	for (int i = 0; i < count; i++)
		at = stpcpy(at, piece);
	for (int i = 0; i < count; i++)
		at = stpcpy(at, mirror);
	return (struct text){to, (uint32_t)(at - to)};
}

static void
long_ones_are_held_to_the_limits(void **state)
{
	(void)state;
	char *long_one = malloc(300000);

	assert_int_equal(
	    outcome(repeated(long_one, "[", 500, "]")), ERR_TOO_DEEP);
	assert_int_equal(
	    outcome(repeated(long_one, "[", 100000, "")), ERR_TOO_DEEP);
	assert_int_equal(
	    outcome(repeated(long_one, "[{\"\":", 20000, "")), ERR_TOO_DEEP);
	assert_int_equal(
	    outcome(repeated(long_one, "{\"a\":", 33, "}")), ERR_TOO_DEEP);
	assert_int_equal(outcome(repeated(long_one, "9", 400, "")), ERR_RANGE);
	assert_int_equal(
	    outcome(repeated(long_one, "9", 2000, "")), ERR_TOO_BIG);
	repeated(long_one, "0", 2000, "");
	long_one[1] = 'e';
	assert_int_equal(outcome((struct text){long_one, 2000}), ERR_TOO_BIG);
	repeated(long_one, "0", 1000, "1");
	long_one[1] = '.';
	assert_int_equal(outcome((struct text){long_one, 1000}), OK);
	free(long_one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_structures_are_accepted),
	    cmocka_unit_test(every_form_of_number_is_accepted),
	    cmocka_unit_test(every_form_of_string_is_accepted),
	    cmocka_unit_test(a_lonely_value_is_a_text),
	    cmocka_unit_test(broken_structures_are_refused),
	    cmocka_unit_test(what_only_looks_like_a_number_is_refused),
	    cmocka_unit_test(broken_strings_are_refused),
	    cmocka_unit_test(half_words_are_refused),
	    cmocka_unit_test(bytes_that_are_not_utf8_are_refused),
	    cmocka_unit_test(what_is_left_to_the_parser_is_decided),
	    cmocka_unit_test(long_ones_are_held_to_the_limits),
	};

	return cmocka_run_group_tests_name("json_suite", tests, NULL, NULL);
}
