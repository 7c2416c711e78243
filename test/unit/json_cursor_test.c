// SPDX-License-Identifier: MIT
/* JSON read value by value, with nothing made of it. */

#include "test/unit/json_rig.h"

static void
the_cursor_reads_an_envelope(void **state)
{
	struct text frame = TEXT("[\"1\", null ,\"api:lobby\",\"\\u0061pi\","
				 "{\"service\":\"s\",\"args\":{\"a\":[1,2]},"
				 "\"skipped\":[{\"x\":\"}\"}]}] ");
	struct json_reader r;
	struct packer p;
	struct text t, key;
	bool more;

	(void)state;
	pack_init(&p, &packed);
	assert_int_equal(json_open(&r, frame, JSON_LIMITS), OK);
	assert_int_equal(json_array(&r), OK);
	assert_int_equal(json_array_next(&r, &more), OK);
	assert_true(more);
	assert_int_equal(json_string(&r, &arena, &t), OK);
	assert_true(text_is(t, "1"));
	assert_int_equal(json_array_next(&r, &more), OK);
	assert_int_equal(json_string(&r, &arena, &t), ERR_TYPE);
	assert_int_equal(json_null(&r), OK);
	assert_int_equal(json_array_next(&r, &more), OK);
	assert_int_equal(json_skip(&r, &t), OK);
	assert_true(text_is(t, "\"api:lobby\""));
	assert_int_equal(json_array_next(&r, &more), OK);
	assert_int_equal(json_string(&r, &arena, &t), OK);
	assert_true(text_is(t, "api"));
	assert_int_equal(json_array_next(&r, &more), OK);
	assert_int_equal(json_object(&r), OK);
	int keys = 0;

	while (json_object_next(&r, &arena, &key, &more) == OK && more) {
		keys++;
		if (text_is(key, "args"))
			assert_int_equal(json_pack(&r, &p), OK);
		else
			assert_int_equal(json_skip(&r, &t), OK);
	}
	assert_int_equal(keys, 3);
	assert_int_equal(json_array_next(&r, &more), OK);
	assert_false(more);
	assert_int_equal(json_close(&r), OK);
	assert_int_equal(pack_finish(&p), OK);
	assert_string_equal(hex_of(buffer_text(&packed)), "81a161920102");
}

/* sum walks an array of arrays and numbers with the cursor alone. */
static enum err
count_items(struct json_reader *r, int *items)
{
	struct text raw;
	bool more;
	enum err e = json_array(r);

	while (e == OK && (e = json_array_next(r, &more)) == OK && more) {
		if (json_peek(r) == JSON_ARRAY) {
			e = count_items(r, items);
			continue;
		}
		e = json_skip(r, &raw);
		++*items;
	}
	return e;
}

static void
the_cursor_accepts_and_refuses_what_the_conversion_does(void **state)
{
	static const char *const texts[] = {"[]", "[ ]", "[1]", "[1,2]",
	    "[[],[]]", "[[1],[2,[3]],4]", "[1,]", "[,1]", "[1 2]", "[1", "[",
	    "[[]", "[]]", "[1]2", "[}", "[1}", "[[1]"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct json_reader r;
		int items = 0;
		enum err e = json_open(&r, text_of(texts[i]), JSON_LIMITS);

		if (e == OK)
			e = count_items(&r, &items);
		if (e == OK)
			e = json_close(&r);
		assert_int_equal(e, to_pack(text_of(texts[i])));
	}
}

static void
the_cursor_keeps_the_depth_limit(void **state)
{
	char json[100];
	struct json_reader r;
	int items = 0;

	(void)state;
	memset(json, '[', 33);
	memset(json + 33, ']', 33);
	assert_int_equal(
	    json_open(&r, (struct text){json, 66}, JSON_LIMITS), OK);
	assert_int_equal(count_items(&r, &items), ERR_TOO_DEEP);
	/* leaving gives the level back */
	assert_int_equal(json_open(&r, TEXT("[[],[],[[]],[[]]]"),
			     (struct json_limits){100, 3, 100}),
	    OK);
	assert_int_equal(count_items(&r, &items), OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, done)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(the_cursor_reads_an_envelope),
	    CASE(the_cursor_accepts_and_refuses_what_the_conversion_does),
	    CASE(the_cursor_keeps_the_depth_limit),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
