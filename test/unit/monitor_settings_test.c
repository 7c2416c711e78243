// SPDX-License-Identifier: MIT
/* settings_view - what somebody may see of settings, and what differs. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/json.h"
#include "protocol/json_out.h"
#include "workers/monitor/settings_view.h"

static struct text
span_of(const char *json, struct buffer *to)
{
	struct json_error error;

	buffer_init(to, 1 << 20);
	assert_int_equal(
	    json_to_pack(text_of(json), to, JSON_LIMITS, &error), OK);
	return buffer_text(to);
}

static void
seen_as(const char *settings, const char *wanted)
{
	struct buffer in, out, json;
	struct packer p;

	buffer_init(&out, 1 << 20);
	buffer_init(&json, 1 << 20);
	pack_init(&p, &out);
	assert_int_equal(settings_view_pack(&p, span_of(settings, &in)), OK);
	assert_int_equal(pack_to_json(buffer_text(&out), &json, NULL), OK);
	assert_int_equal(buffer_append(&json, "", 1), OK);
	assert_string_equal((const char *)buffer_at(&json), wanted);
	buffer_finish(&in);
	buffer_finish(&out);
	buffer_finish(&json);
}

static void
a_secret_is_masked_wherever_it_stands(void **state)
{
	(void)state;
	seen_as("{\"bus\":{\"secret\":\"x\",\"port\":1}}",
	    "{\"bus\":{\"secret\":\"[MASKED]\",\"port\":1}}");
	seen_as("{\"list\":[{\"db_password\":\"x\"},{\"a\":[1]}]}",
	    "{\"list\":[{\"db_password\":\"[MASKED]\"},{\"a\":[1]}]}");
	seen_as("{\"passwd\":{\"a\":\"x\"},\"secret\":[\"y\"]}",
	    "{\"passwd\":\"[MASKED]\",\"secret\":\"[MASKED]\"}");
}

static void
an_empty_secret_and_a_key_that_is_none_are_told(void **state)
{
	(void)state;
	seen_as("{\"secret\":\"\",\"secrets_file\":\"/x\","
		"\"token_parameter\":\"token\"}",
	    "{\"secret\":\"\",\"secrets_file\":\"/x\","
	    "\"token_parameter\":\"token\"}");
}

static uint32_t
differing(const char *one, const char *other)
{
	struct buffer a, b;
	uint32_t found =
	    settings_view_differs(span_of(one, &a), span_of(other, &b));

	buffer_finish(&a);
	buffer_finish(&b);
	return found;
}

static void
keys_that_differ_are_counted_once(void **state)
{
	static const char base[] = "{\"a\":{\"x\":1,\"y\":2},\"b\":\"t\"}";

	(void)state;
	assert_int_equal(differing(base, base), 0);
	assert_int_equal(
	    differing(base, "{\"a\":{\"x\":1,\"y\":3},\"b\":\"t\"}"), 1);
	assert_int_equal(differing(base, "{\"a\":{\"x\":1},\"b\":\"u\"}"), 2);
	assert_int_equal(differing("{\"a\":{\"x\":1},\"b\":\"t\"}", base), 1);
	assert_int_equal(differing(base, "{}"), 2);
	assert_int_equal(differing("{}", base), 2);
	/* a list is one value, however much of it is other */
	assert_int_equal(
	    differing("{\"a\":{\"l\":[1,2,3]}}", "{\"a\":{\"l\":[4]}}"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_secret_is_masked_wherever_it_stands),
	    cmocka_unit_test(an_empty_secret_and_a_key_that_is_none_are_told),
	    cmocka_unit_test(keys_that_differ_are_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
