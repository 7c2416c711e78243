// SPDX-License-Identifier: MIT
/*
 * What JSONTestSuite says every parser must accept (y), and what is left to
 * the parser (i): there, JSON.md has decided.
 */
#include "test/unit/json_suite_rig.h"

// clang-format off
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
	    cmocka_unit_test(what_is_left_to_the_parser_is_decided),
	    cmocka_unit_test(long_ones_are_held_to_the_limits),
	};

	return cmocka_run_group_tests_name("json_suite", tests, NULL, NULL);
}
