// SPDX-License-Identifier: MIT
/* arguments - what a client sent against what was declared, row by row. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "protocol/argument_time.h"
#include "protocol/arguments.h"
#include "protocol/inspect.h"
#include "test/unit/notation.h"

static struct arena arena;
static struct buffer buffer;

static int
start(void **state)
{
	(void)state;
	arena_init(&arena);
	buffer_init(&buffer, 1u << 20);
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	arena_finish(&arena);
	buffer_finish(&buffer);
	return 0;
}

/*
 * call compiles `schema` (the function's fields on arguments) and converts
 * `args`. The result is the array as inspect shows it, or "error: " + text.
 */
static const char *
call_limited(const char *schema, const char *args, const char *info,
    struct argument_limits limits)
{
	static char shown[INSPECT_BYTES];
	char notation[2048];
	struct argument_error error;
	struct arguments *compiled;
	struct function f;
	struct packer out;
	struct inspect line;
	struct text reason = {0};

	snprintf(notation, sizeof(notation),
	    "{'request_type':'get_user','service':'s','nodes':['n'],"
	    "'mfa':{'module':'M','function':'f','args':[]}, %s}",
	    schema);
	assert_int_equal(
	    function_read(pack_notation(&arena, notation), &arena, &f), OK);
	if (arguments_compile(&f, &limits, &arena, &compiled, &reason) != OK)
		fail_msg("%s: %.*s", schema, TEXT_ARG(reason));
	buffer_truncate(&buffer, 0);
	pack_init(&out, &buffer);
	enum err e = arguments_convert(compiled, pack_notation(&arena, args),
	    info == NULL ? (struct text){0} : pack_notation(&arena, info), &out,
	    &error);

	inspect_init(&line, shown, sizeof(shown));
	if (e == ERR_RANGE) {
		inspect_raw(&line, TEXT("error: "));
		inspect_raw(&line, (struct text){error.text, error.len});
	} else {
		assert_int_equal(e, OK);
		assert_int_equal(
		    pack_check(buffer_text(&buffer), PACK_LIMITS), OK);
		inspect_value(&line, buffer_text(&buffer));
	}
	return shown;
}

static const char *
call(const char *schema, const char *args)
{
	return call_limited(schema, args, NULL, ARGUMENT_LIMITS);
}

struct row {
	const char *schema;
	const char *args;
	const char *result;
};

static void
assert_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *result = call(rows[i].schema, rows[i].args);

		if (strcmp(result, rows[i].result) != 0)
			fail_msg("%s with %s gave\n%s\nnot\n%s", rows[i].schema,
			    rows[i].args, result, rows[i].result);
	}
}

#define ONE(type) "'arg_types':{'a':" type "}"
#define WRONG(t)  "error: invalid argument type for \"a\", expected :" t ", got "
#define UUID_ERROR \
	"error: invalid argument value for \"a\", require a UUID format " \
	"string"
#define UUID_TEXT "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

static void
scalars_pass_as_they_are_and_others_are_told_apart(void **state)
{
	static const struct row rows[] = {
	    {ONE("'string'"), "{'a':'x'}", "[\"x\"]"},
	    {ONE("'string'"), "{'a':''}", "[\"\"]"},
	    {ONE("'string'"), "{'a':5}", WRONG("string") "5"},
	    {ONE("'num'"), "{'a':5}", "[5]"},
	    {ONE("'num'"), "{'a':-5}", "[-5]"},
	    {ONE("'num'"), "{'a':1.5}", "[1.5]"},
	    {ONE("'num'"), "{'a':'5'}", WRONG("num") "\"5\""},
	    {ONE("'num'"), "{'a':true}", WRONG("num") "true"},
	    {ONE("'boolean'"), "{'a':true}", "[true]"},
	    {ONE("'boolean'"), "{'a':false}", "[false]"},
	    {ONE("'boolean'"), "{'a':0}", WRONG("boolean") "0"},
	    {ONE("'boolean'"), "{'a':'true'}", WRONG("boolean") "\"true\""},
	    {ONE("'any'"), "{'a':{'b':[1,{'c':[]}]}}",
		"[%{\"b\" => [1, %{\"c\" => []}]}]"},
	    {ONE("'any'"), "{'a':7}", "[7]"},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

static void
a_string_is_measured_in_bytes_not_characters(void **state)
{
	static const struct row rows[] = {
	    {ONE("['string',4]"), "{'a':'\xc3\xa9\xc3\xa9'}",
		"[\"\xc3\xa9\xc3\xa9\"]"},
	    {ONE("['string',3]"), "{'a':'\xc3\xa9\xc3\xa9'}",
		"error: invalid argument size for \"a\", max 3 bytes"},
	    {ONE("{'type':'string','max_bytes':4}"), "{'a':'12345'}",
		"error: invalid argument size for \"a\", max 4 bytes"},
	    {ONE("['string',[4]]"), "{'a':'12345'}",
		"error: invalid argument size for \"a\", max 4 bytes"},
	};
	char long_text[3100];

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
	memset(long_text, 'x', sizeof(long_text));
	memcpy(long_text, "{'a':'", 6);
	memcpy(long_text + 6 + 3000, "'}", 3);
	assert_memory_equal(call(ONE("'string'"), long_text), "[\"xxx", 5);
	memcpy(long_text + 6 + 3000, "x'}", 4);
	assert_string_equal(call(ONE("'string'"), long_text),
	    "error: invalid argument size for \"a\", max 3000 bytes");
}

static void
a_uuid_has_five_forms_and_a_version(void **state)
{
	static const char *const good[] = {UUID_TEXT,
	    "6BA7B8109DAD11D180B400C04FD430C8", "urn:uuid:" UUID_TEXT,
	    "a6e4EJ2tEdGAtADAT9QwyA", "0123456789abcdef",
	    "00000000-0000-0000-0000-000000000000",
	    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"};
	static const char *const bad[] = {"", "6ba7b810",
	    "6ba7b810-9dad-21d1-80b4-00c04fd430c8",
	    "6ba7b8109-dad-11d1-80b4-00c04fd430c8",
	    "gba7b810-9dad-11d1-80b4-00c04fd430c8",
	    "urn:uuid:6ba7b8109dad11d180b400c04fd430c8",
	    "a6e4EJ2tEdGAtADAT9Qwy!"};
	static const struct row rows[] = {
	    {ONE("'uuid'"), "{'a':'" UUID_TEXT "'}", "[\"" UUID_TEXT "\"]"},
	    {ONE("'uuid'"), "{'a':'nope'}", UUID_ERROR},
	    {ONE("'uuid'"), "{'a':5}", UUID_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(argument_is_uuid(text_of(good[i])));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(argument_is_uuid(text_of(bad[i])));
	assert_rows(rows, COUNT_OF(rows));
}

#define ITEMS(n) \
	"error: invalid argument size for \"a\" in \"get_user\", max " n \
	" items"
#define ITEM(v) "error: unsupported type of " v " in list"

static void
lists_hold_what_their_type_says(void **state)
{
	static const struct row rows[] = {
	    {ONE("'list'"), "{'a':[1,'x',true,2.5]}",
		"[[1, \"x\", true, 2.5]]"},
	    {ONE("'list'"), "{'a':[]}", "[[]]"},
	    {ONE("'list'"), "{'a':'x'}", WRONG("list") "\"x\""},
	    {ONE("'list'"), "{'a':[{}]}",
		"error: nested map is not supported yet"},
	    {ONE("'list'"), "{'a':[[1]]}",
		"error: nested list is not supported yet"},
	    {ONE("'list'"), "{'a':[null]}", "error: unsupported type nil"},
	    {ONE("['list',2]"), "{'a':[1,2,3]}", ITEMS("2")},
	    {ONE("'list_string'"), "{'a':['x','y']}", "[[\"x\", \"y\"]]"},
	    {ONE("'list_string'"), "{'a':['x',1]}", ITEM("1")},
	    {ONE("{'type':'list_string','max_items':1}"), "{'a':['x','y']}",
		ITEMS("1")},
	    {ONE("{'type':'list_string','max_item_bytes':2}"),
		"{'a':['xx','yyy']}",
		"error: string item in list exceeds max byte size"},
	    {ONE("'list_num'"), "{'a':[1,2.5]}", "[[1, 2.5]]"},
	    {ONE("'list_num'"), "{'a':[1,'2']}", ITEM("\"2\"")},
	    {ONE("['list_num',1]"), "{'a':[1,2]}", ITEMS("1")},
	    {ONE("'list_uuid'"), "{'a':['" UUID_TEXT "']}",
		"[[\"" UUID_TEXT "\"]]"},
	    {ONE("'list_uuid'"), "{'a':['x']}", ITEM("\"x\"")},
	    {ONE("['list_uuid',1]"), "{'a':['" UUID_TEXT "','" UUID_TEXT "']}",
		ITEMS("1")},
	    {ONE("'list_map'"), "{'a':[{'b':{'c':1}}]}",
		"[[%{\"b\" => %{\"c\" => 1}}]]"},
	    {ONE("'list_map'"), "{'a':[1]}", ITEM("1")},
	    {ONE("['list_map',0]"), "{'a':[{}]}", ITEMS("0")},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

#define STRICT(more) ONE("{'type':'map'" more "}")

static void
a_plain_map_is_only_counted_and_one_with_options_is_read(void **state)
{
	static const struct row rows[] = {
	    {ONE("'map'"), "{'a':{'b':{'c':null}}}",
		"[%{\"b\" => %{\"c\" => nil}}]"},
	    {ONE("'map'"), "{'a':[1]}", WRONG("map") "[1]"},
	    {ONE("['map',1]"), "{'a':{'b':1,'c':2}}", ITEMS("1")},
	    {ONE("['map',5]"), "{'a':{'b':{}}}",
		"error: nested map is not supported yet"},
	    {STRICT(), "{'a':{'b':1,'c':'x','d':[1,'y'],'e':true}}",
		"[%{\"b\" => 1, \"c\" => \"x\", \"d\" => [1, \"y\"], \"e\" => "
		"true}]"},
	    {STRICT(), "{'a':{'b':null}}",
		"error: unsupported type nil in map for key \"b\""},
	    {STRICT(), "{'a':{'b':[[1]]}}",
		"error: nested list is not supported yet"},
	    {STRICT(",'required':['x','y']"), "{'a':{'x':1}}",
		"error: map argument \"a\" missing required keys: [\"y\"] in "
		"\"get_user\""},
	    {STRICT(",'accept':['x']"), "{'a':{'x':1,'z':2}}",
		"error: map argument \"a\" contains rejected keys: [\"z\"] in "
		"\"get_user\""},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

static void
a_map_is_checked_for_count_required_accept_and_values_in_that_order(
    void **state)
{
#define ALL STRICT(",'max_items':2,'required':['r'],'accept':['r','v']")
	static const struct row rows[] = {
	    {ALL, "{'a':{'x':{},'y':{},'z':{}}}", ITEMS("2")},
	    {ALL, "{'a':{'x':{},'y':{}}}",
		"error: map argument \"a\" missing required keys: [\"r\"] in "
		"\"get_user\""},
	    {ALL, "{'a':{'r':{},'y':{}}}",
		"error: map argument \"a\" contains rejected keys: [\"y\"] in "
		"\"get_user\""},
	    {ALL, "{'a':{'r':{},'v':1}}",
		"error: nested map is not supported yet"},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

static void
global_limits_hold_where_a_spec_names_none(void **state)
{
	const struct argument_limits small = {3, 2, 1};
	static const struct row rows[] = {
	    {ONE("'string'"), "{'a':'four'}",
		"error: invalid argument size for \"a\", max 3 bytes"},
	    {ONE("['string',9]"), "{'a':'four'}", "[\"four\"]"},
	    {ONE("'list_num'"), "{'a':[1,2,3]}", ITEMS("2")},
	    {ONE("'map'"), "{'a':{'b':1,'c':2}}", ITEMS("1")},
	    {STRICT(), "{'a':{'b':'four'}}",
		"error: nested map string value exceeds max byte size for key "
		"\"b\""},
	    {STRICT(), "{'a':{'b':[1,2,3]}}",
		"error: nested map list value exceeds max items for key "
		"\"b\""},
	    {ONE("'list'"), "{'a':['four']}",
		"error: string item in list exceeds max byte size"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(
		    call_limited(rows[i].schema, rows[i].args, NULL, small),
		    rows[i].result);
}

static void
presence_follows_default_and_allow_nil(void **state)
{
#define MISSING "error: missing or nil argument \"a\" in \"get_user\""
	static const struct row rows[] = {
	    {ONE("{'type':'num','default':7}"), "{}", "[7]"},
	    {ONE("{'type':'num','default_value':7}"), "{}", "[7]"},
	    {ONE("{'type':'num','default':0}"), "{}", "[0]"},
	    {ONE("{'type':'boolean','default':false}"), "{}", "[false]"},
	    {ONE("{'type':'num','default':7}"), "{'a':8}", "[8]"},
	    {ONE("{'type':'num','default':7}"), "{'a':null}", MISSING},
	    {ONE("{'type':'num','default':7,'allow_nil':true}"), "{'a':null}",
		"[nil]"},
	    {ONE("{'type':'num','default':7,'allow_nil':true}"), "{}", "[7]"},
	    {ONE("{'type':'num','allow_nil':true}"), "{}", "[nil]"},
	    {ONE("{'type':'num','allow_nil?':true}"), "{'a':null}", "[nil]"},
	    {ONE("{'type':'num','default':null}"), "{}", MISSING},
	    {ONE("'num'"), "{}", MISSING},
	    {ONE("'num'"), "{'a':null}", MISSING},
	    {ONE("'num'"), "null", MISSING},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

static void
undeclared_arguments_are_refused_by_name(void **state)
{
	static const struct row rows[] = {
	    {ONE("'num'"), "{'a':1,'b':2,'c':3}",
		"error: extra arguments for \"get_user\", extra: [\"b\", "
		"\"c\"]"},
	    {ONE("'num'"), "{'b':2}",
		"error: extra arguments for \"get_user\", extra: [\"b\"]"},
	    {ONE("'num'"), "[1]", "error: args must be an object"},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

#define TWO "'arg_types':{'a':'num','b':{'type':'num','allow_nil':true}}"

static void
the_call_takes_the_shape_arg_orders_asks_for(void **state)
{
	static const struct row rows[] = {
	    {"'request_info':false", "{'a':1}", "[]"},
	    {"'arg_types':{}", "{'a':1}", "[]"},
	    {TWO ",'arg_orders':['b','a']", "{'a':1,'b':2}", "[2, 1]"},
	    {TWO ",'arg_orders':['b','a']", "{'a':1}", "[nil, 1]"},
	    {TWO ",'arg_orders':'map'", "{'a':1}",
		"[%{\"a\" => 1, \"b\" => nil}]"},
	    {TWO ",'arg_orders':[]", "{'b':2,'a':1}",
		"[%{\"a\" => 1, \"b\" => 2}]"},
	    {ONE("'num'") ",'arg_orders':'map'", "{'a':1}", "[1]"},
	    {ONE("'num'") ",'arg_orders':['a']", "{'a':1}", "[1]"},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

static void
fixed_arguments_come_first_and_the_callers_facts_last(void **state)
{
	(void)state;
	assert_string_equal(
	    call_limited(ONE("'num'") ",'mfa':{'module':'M','function':'f',"
				      "'args':['x',{'y':1}]}",
		"{'a':1}", "{'request_id':'r1'}", ARGUMENT_LIMITS),
	    "[\"x\", %{\"y\" => 1}, 1, %{\"request_id\" => \"r1\"}]");
	assert_string_equal(call_limited("'request_info':true", "{}",
				"{'request_id':'r1'}", ARGUMENT_LIMITS),
	    "[%{\"request_id\" => \"r1\"}]");
}

static void
a_datetime_needs_an_offset_and_becomes_an_instant(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
		uint32_t nanoseconds;
	} good[] = {
	    {"1970-01-01T00:00:00Z", 0, 0},
	    {"2024-02-29T12:30:45Z", 1709209845, 0},
	    {"2024-02-29 12:30:45z", 1709209845, 0},
	    {"2024-02-29T12:30:45+00:00", 1709209845, 0},
	    {"2024-02-29T18:00:45+05:30", 1709209845, 0},
	    {"2024-02-29T18:00:45+0530", 1709209845, 0},
	    {"2024-02-29T07:30:45-05", 1709209845, 0},
	    {"1969-12-31T23:59:59.25Z", -1, 250000000},
	    {"0000-03-01T00:00:00Z", -62162035200, 0},
	    {"9999-12-31T23:59:59Z", 253402300799, 0},
	};
#define BAD(v, why) "error: invalid datetime format for \"" v "\": " why
	static const struct row rows[] = {
	    {ONE("'datetime'"), "{'a':'2024-01-01T00:00:00'}",
		BAD("2024-01-01T00:00:00", "missing_offset")},
	    {ONE("'datetime'"), "{'a':'2023-02-29T00:00:00Z'}",
		BAD("2023-02-29T00:00:00Z", "invalid_date")},
	    {ONE("'datetime'"), "{'a':'2023-01-01T24:00:00Z'}",
		BAD("2023-01-01T24:00:00Z", "invalid_time")},
	    {ONE("'datetime'"), "{'a':'yesterday'}",
		BAD("yesterday", "invalid_format")},
	    {ONE("'datetime'"), "{'a':5}",
		WRONG("datetime (ISO 8601 string)") "5"},
	    {ONE("'naive_datetime'"), "{'a':'2024-01-01T00:00:00.5'}",
		"[\"2024-01-01T00:00:00.5\"]"},
	    {ONE("'naive_datetime'"), "{'a':'2024-01-01T00:00:00Z'}",
		"error: invalid naive_datetime format for "
		"\"2024-01-01T00:00:00Z\": unexpected_offset"},
	    {ONE("'naive_datetime'"), "{'a':null}", MISSING},
	    {ONE("'naive_datetime'"), "{'a':1}",
		WRONG("naive_datetime (ISO 8601 string)") "1"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		char args[64];
		struct unpacker u;
		uint32_t one, nanoseconds;
		int64_t seconds;

		snprintf(args, sizeof(args), "{'a':'%s'}", good[i].text);
		assert_memory_equal(call(ONE("'datetime'"), args), "[ext]", 6);
		unpack_init(&u, buffer_text(&buffer));
		assert_int_equal(unpack_array(&u, &one), OK);
		assert_int_equal(
		    unpack_timestamp(&u, &seconds, &nanoseconds), OK);
		assert_true(seconds == good[i].seconds);
		assert_int_equal(nanoseconds, good[i].nanoseconds);
	}
	assert_rows(rows, COUNT_OF(rows));
}

static void
a_quoted_value_is_cut_at_64_bytes_and_escaped(void **state)
{
	static const struct row rows[] = {
	    {ONE("'num'"),
		"{'a':'0123456789012345678901234567890123456789012345678901234"
		"56789abcdefgh'}",
		WRONG("num") "\"01234567890123456789012345678901234567890123456"
			     "78901234567"
			     "89abcd...\""},
	    {ONE("'num'"), "{'a':'q\"\n\x01\x1b\\'}",
		WRONG("num") "\"q\\\"\\n\\x01\\e\\\\\""},
	    {ONE("'num'"), "{'a':'\xff\xc3\xa9'}",
		WRONG("num") "\"\\xFF\xc3\xa9\""},
	    {ONE("'num'"),
		"{'a':[100000001,100000002,100000003,100000004,100000005,"
		"100000006,100000007,100000008]}",
		WRONG("num") "[100000001, 100000002, 100000003, 100000004, "
			     "100000005, 100000006, ...]"},
	};

	(void)state;
	assert_rows(rows, COUNT_OF(rows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		scalars_pass_as_they_are_and_others_are_told_apart),
	    cmocka_unit_test(a_string_is_measured_in_bytes_not_characters),
	    cmocka_unit_test(a_uuid_has_five_forms_and_a_version),
	    cmocka_unit_test(lists_hold_what_their_type_says),
	    cmocka_unit_test(
		a_plain_map_is_only_counted_and_one_with_options_is_read),
	    cmocka_unit_test(
		a_map_is_checked_for_count_required_accept_and_values_in_that_order),
	    cmocka_unit_test(global_limits_hold_where_a_spec_names_none),
	    cmocka_unit_test(presence_follows_default_and_allow_nil),
	    cmocka_unit_test(undeclared_arguments_are_refused_by_name),
	    cmocka_unit_test(the_call_takes_the_shape_arg_orders_asks_for),
	    cmocka_unit_test(
		fixed_arguments_come_first_and_the_callers_facts_last),
	    cmocka_unit_test(a_datetime_needs_an_offset_and_becomes_an_instant),
	    cmocka_unit_test(a_quoted_value_is_cut_at_64_bytes_and_escaped),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
