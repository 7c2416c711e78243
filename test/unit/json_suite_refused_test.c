// SPDX-License-Identifier: MIT
/* What JSONTestSuite says every parser must refuse (n). */
#include "test/unit/json_suite_rig.h"

// clang-format off
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
// clang-format on

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(broken_structures_are_refused),
	    cmocka_unit_test(what_only_looks_like_a_number_is_refused),
	    cmocka_unit_test(broken_strings_are_refused),
	    cmocka_unit_test(half_words_are_refused),
	    cmocka_unit_test(bytes_that_are_not_utf8_are_refused),
	};

	return cmocka_run_group_tests_name(
	    "json_suite_refused", tests, NULL, NULL);
}
