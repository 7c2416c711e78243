// SPDX-License-Identifier: MIT
/* phoenix - envelopes of V1, V2 and binary V2, and requests in them. */

#include "test/unit/phoenix_rig.h"
#include "workers/gateway/phoenix_binary.h"
#include "workers/gateway/request.h"

static struct phoenix_message message;

static enum err
read_as(enum phoenix_form form, const char *frame)
{
	return phoenix_read(form, text_of(frame), &arena, &message);
}

static void
an_array_of_five_is_read_up_to_its_payload(void **state)
{
	bool more;

	(void)state;
	assert_int_equal(
	    read_as(PHOENIX_V2,
		" [ \"1\", 7, \"api:\\u0061\", \"go\" , {\"a\":1} ]"),
	    OK);
	assert_true(text_is(message.from.join_ref, "\"1\""));
	assert_true(text_is(message.from.ref, "7"));
	assert_true(text_is(message.from.topic, "\"api:\\u0061\""));
	assert_true(text_is(message.topic, "api:a"));
	assert_true(text_is(message.event, "go"));
	assert_int_equal(phoenix_skip_payload(&message), OK);
	/* what follows the fifth is allowed and ignored */
	assert_int_equal(
	    read_as(PHOENIX_V2, "[null,null,\"t\",\"e\",null,1,[2]]"), OK);
	assert_int_equal(phoenix_skip_payload(&message), OK);
	more = text_is(message.from.ref, "null");
	assert_true(more);
}

static void
what_is_no_envelope_is_malformed(void **state)
{
	static const char *const heads[] = {"", "x", "{}", "[]", "[1]",
	    "[null,null,\"t\",\"e\"]", "[null,null,\"t\",null,{}]",
	    "[null,null,\"t\",7,{}]", "[[],null,\"t\",\"e\",{}]",
	    "[null,{},\"t\",\"e\",{}]", "[null,null,[],\"e\",{}]",
	    "[null,null,\"t\",\"e\"", "[null,null,\"t\",\"e\","};
	static const char *const tails[] = {"[null,null,\"t\",\"e\",{}",
	    "[null,null,\"t\",\"e\",{}]]", "[null,null,\"t\",\"e\",{},]",
	    "[null,null,\"t\",\"e\",{]"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		if (read_as(PHOENIX_V2, heads[i]) == OK)
			fail_msg("%s", heads[i]);
	}
	for (size_t i = 0; i < COUNT_OF(tails); i++) {
		assert_int_equal(read_as(PHOENIX_V2, tails[i]), OK);
		if (phoenix_skip_payload(&message) == OK)
			fail_msg("%s", tails[i]);
	}
}

static void
a_huge_reference_is_too_big_to_keep(void **state)
{
	char frame[2048];

	(void)state;
	snprintf(frame, sizeof(frame), "[null,\"%0*d\",\"t\",\"e\",{}]",
	    PHOENIX_REF_BYTES, 1);
	assert_int_equal(read_as(PHOENIX_V2, frame), ERR_TOO_BIG);
	snprintf(frame, sizeof(frame), "[null,\"1\",\"%0*d\",\"e\",{}]",
	    PHOENIX_NAME_BYTES, 1);
	assert_int_equal(read_as(PHOENIX_V2, frame), ERR_TOO_BIG);
}

static void
a_null_topic_is_read_and_belongs_to_nobody(void **state)
{
	(void)state;
	assert_int_equal(read_as(PHOENIX_V2, "[null,\"1\",null,\"e\",{}]"), OK);
	assert_null(message.topic.at);
	assert_true(text_is(message.from.topic, "null"));
}

static void
an_object_of_version_1_may_have_its_keys_in_any_order(void **state)
{
	struct text raw;

	(void)state;
	assert_int_equal(read_as(PHOENIX_V1,
			     "{\"payload\":{\"a\":[1]},\"ref\":\"3\",\"x\":0,"
			     "\"event\":\"e\",\"topic\":\"t\"}"),
	    OK);
	assert_true(text_is(message.from.ref, "\"3\""));
	assert_true(text_is(message.from.join_ref, "null"));
	assert_true(text_is(message.topic, "t"));
	assert_int_equal(json_skip(&message.payload, &raw), OK);
	assert_true(text_is(raw, "{\"a\":[1]}"));
	assert_int_equal(phoenix_end(&message), OK);
	assert_int_equal(
	    read_as(PHOENIX_V1, "{\"topic\":\"t\"}"), ERR_MALFORMED);
	assert_int_equal(
	    read_as(PHOENIX_V1, "[null,null,\"t\",\"e\",{}]") == OK, 0);
}

static void
a_binary_frame_says_the_same_in_msgpack(void **state)
{
	static const char frame[] = "\x00\x01\x02\x05\x03"
				    "712lobbyapi\x81\xa1k\x05";
	struct text raw, bytes = {frame, sizeof(frame) - 1};

	(void)state;
	assert_int_equal(
	    phoenix_read(PHOENIX_V2_BINARY, bytes, &arena, &message), OK);
	assert_true(text_is(message.from.join_ref, "\"7\""));
	assert_true(text_is(message.from.ref, "\"12\""));
	assert_true(text_is(message.topic, "lobby"));
	assert_true(text_is(message.event, "api"));
	assert_int_equal(phoenix_binary_payload(&message, &args), OK);
	assert_int_equal(json_skip(&message.payload, &raw), OK);
	assert_true(text_is(raw, "{\"k\":5}"));
	for (uint32_t cut = 0; cut < bytes.len - 4; cut++)
		assert_int_equal(
		    phoenix_read(PHOENIX_V2_BINARY, (struct text){frame, cut},
			&arena, &message) == OK,
		    0);
}

static void
a_binary_payload_that_begins_with_a_brace_is_json(void **state)
{
	static const char frame[] = "\x00\x01\x02\x05\x03"
				    "712lobbyapi{\"k\":5}";
	struct text raw, bytes = {frame, sizeof(frame) - 1};

	(void)state;
	assert_int_equal(
	    phoenix_read(PHOENIX_V2_BINARY, bytes, &arena, &message), OK);
	assert_int_equal(message.from.form, PHOENIX_V2_BINARY_JSON);
	assert_int_equal(json_skip(&message.payload, &raw), OK);
	assert_true(text_is(raw, "{\"k\":5}"));
	assert_int_equal(phoenix_end(&message), OK);
	assert_int_equal(
	    phoenix_put_reply(&out, &message.from, true, TEXT("{}")), OK);
	assert_memory_equal(buffer_at(&out),
	    "\x82\x11\x01\x01\x02\x05\x02"
	    "712lobbyok{}",
	    19);
}

static void
names_in_binary_frames_are_bytes_not_json(void **state)
{
	const struct phoenix_address to = {PHOENIX_V2_BINARY, TEXT("null"),
	    TEXT("7"), TEXT("\"a\\\"\\u00e9\"")};

	(void)state;
	assert_int_equal(phoenix_put_reply(&out, &to, false, TEXT("{}")), OK);
	assert_memory_equal(buffer_at(&out),
	    "\x82\x10\x01\x00\x01\x04\x05"
	    "7a\"\xc3\xa9"
	    "error\x80",
	    18);
}

static void
frames_of_each_form_are_what_phoenix_writes(void **state)
{
	const struct phoenix_address to = {
	    PHOENIX_V2, TEXT("\"1\""), TEXT("\"2\""), TEXT("\"t\"")};
	struct phoenix_address old = to, binary = to;

	(void)state;
	old.form = PHOENIX_V1;
	binary.form = PHOENIX_V2_BINARY;
	assert_int_equal(phoenix_put_reply(&out, &to, true, TEXT("{}")), OK);
	assert_string_equal(payload_of(),
	    "[\"1\",\"2\",\"t\",\"phx_reply\","
	    "{\"status\":\"ok\",\"response\":{}}]");
	buffer_truncate(&out, 0);
	assert_int_equal(phoenix_put_close(&out, &to), OK);
	assert_string_equal(
	    payload_of(), "[\"1\",\"1\",\"t\",\"phx_close\",{}]");
	buffer_truncate(&out, 0);
	assert_int_equal(phoenix_put_error(&out, &to), OK);
	assert_string_equal(payload_of(),
	    "[\"1\",\"1\",\"t\",\"phx_error\","
	    "{\"reason\":\"channel_crash\"}]");
	buffer_truncate(&out, 0);
	assert_int_equal(phoenix_put_reply(&out, &old, false, TEXT("1")), OK);
	assert_string_equal(payload_of(),
	    "{\"topic\":\"t\",\"event\":\"phx_reply\",\"ref\":\"2\","
	    "\"payload\":{\"status\":\"error\",\"response\":1}}");
	buffer_truncate(&out, 0);
	assert_int_equal(
	    phoenix_put_reply(&out, &binary, true, TEXT("\"x\"")), OK);
	assert_memory_equal(buffer_at(&out),
	    "\x82\x0c\x01\x01\x01\x01\x02"
	    "12tok\xa1x",
	    14);
	buffer_truncate(&out, 0);
	assert_int_equal(
	    phoenix_put_push(&out, &binary, TEXT("\"api\""), TEXT("7")), OK);
	assert_memory_equal(buffer_at(&out),
	    "\x82\x0a\x00\x01\x01\x03"
	    "1tapi\x07",
	    12);
}

/* ---- requests ------------------------------------------------------------ */

static struct request request;
static struct request_error error;

static enum err
read_request(const char *json)
{
	struct json_reader r;
	struct packer packer;

	buffer_truncate(&args, 0);
	pack_init(&packer, &args);
	if (json_open(&r, text_of(json), JSON_LIMITS) != OK)
		return ERR_TYPE;
	return request_read(&r, &arena, &packer, &request, &error);
}

static void
a_request_is_read_in_one_pass(void **state)
{
	(void)state;
	assert_int_equal(
	    read_request("{\"service\":\"s\",\"args\":{\"a\":1},"
			 "\"unknown\":[{}],\"request_type\":\"t\","
			 "\"request_id\":\"r\\u0031\",\"version\":\"1.0.0\","
			 "\"user_roles\":7,\"device_id\":\"d\"}"),
	    OK);
	assert_true(text_is(request.service, "s"));
	assert_true(text_is(request.request_type, "t"));
	assert_true(text_is(request.request_id, "r1"));
	assert_true(text_is(request.id_json, "\"r\\u0031\""));
	assert_true(text_is(request.version, "1.0.0"));
	assert_true(text_is(request.device_id, "d"));
	assert_memory_equal(request.args.at,
	    "\x81\xa1"
	    "a\x01",
	    4);
	assert_int_equal(
	    read_request("{\"service\":\"s\",\"args\":null,\"version\":"
			 "\"0.0.0\",\"request_type\":\"t\","
			 "\"request_id\":\"r\",\"user_id\":null}"),
	    OK);
	assert_int_equal(request.args.len, 0);
	assert_int_equal(request.version.len, 0);
}

/* read_correlation reads a request with that correlation_id. */
static enum err
read_correlation(const char *id)
{
	static char json[256]; /* what is read points into it */

	snprintf(json, sizeof(json),
	    "{\"correlation_id\":\"%s\",\"service\":\"s\","
	    "\"request_type\":\"t\",\"request_id\":\"r\"}",
	    id);
	return read_request(json);
}

static void
a_correlation_id_that_cannot_be_told_unchanged_is_refused(void **state)
{
	char id[CORRELATION_BYTES + 2];

	(void)state;
	memset(id, 'x', sizeof(id));
	id[CORRELATION_BYTES] = '\0';
	assert_int_equal(read_correlation(id), OK);
	assert_int_equal(request.correlation_id.len, CORRELATION_BYTES);
	assert_int_equal(read_correlation("a b=\xc3\xa4 'c'"), OK);
	assert_true(text_is(request.correlation_id, "a b=\xc3\xa4 'c'"));
	assert_int_equal(read_correlation(""), OK);
	id[CORRELATION_BYTES] = 'x';
	id[CORRELATION_BYTES + 1] = '\0';
	assert_int_equal(read_correlation(id), ERR_MALFORMED);
	assert_string_equal(error.text,
	    "Malformed request payload: correlation_id is longer than 64 "
	    "bytes");
	/* whose call it was is known all the same */
	assert_true(text_is(request.id_json, "\"r\""));
	assert_int_equal(request.correlation_id.len, 0);
	assert_int_equal(read_correlation("a\\nb"), ERR_MALFORMED);
	assert_int_equal(read_correlation("a\\\"b"), ERR_MALFORMED);
	assert_string_equal(error.text,
	    "Malformed request payload: correlation_id holds a quote or a "
	    "control character");
}

static void
missing_fields_are_named_in_one_order(void **state)
{
	static const struct {
		const char *json;
		const char *text;
	} cases[] = {
	    {"{}", "request_type, request_id, service"},
	    {"{\"service\":\"s\"}", "request_type, request_id"},
	    {"{\"request_id\":\"1\"}", "request_type, service"},
	    {"{\"request_type\":\"t\",\"service\":\" \\t\"}",
		"request_id, service"},
	    {"{\"request_type\":\"t\",\"request_id\":\"1\","
	     "\"service\":\"\"}",
		"service"},
	    {"{\"request_type\":null,\"request_id\":\"1\","
	     "\"service\":\"s\"}",
		"request_type"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[128];

		snprintf(text, sizeof(text), "Missing required fields: %s",
		    cases[i].text);
		assert_int_equal(read_request(cases[i].json), ERR_MALFORMED);
		assert_true(error.is_missing_field);
		assert_string_equal(error.text, text);
	}
	assert_int_equal(read_request("{}"), ERR_MALFORMED);
	assert_true(text_is(request.id_json, "\"unknown\""));
	assert_int_equal(read_request("{\"request_id\":\"\"}"), ERR_MALFORMED);
	assert_true(text_is(request.id_json, "\"unknown\""));
}

static void
wrong_types_and_broken_json_are_told_apart_from_missing(void **state)
{
	static const char *const wrong[] = {"[]", "7", "null", "\"x\"",
	    "{\"request_type\":7}", "{\"service\":{}}", "{\"request_id\":true}",
	    "{\"args\":[]}", "{\"args\":\"a\"}", "{\"version\":1}",
	    "{\"user_id\":[]}", "{\"device_id\":{}}", "{\"service\":\"s\"",
	    "{\"a\"}", "{\"args\":{\"a\":\"\\ud800\"}}",
	    "{\"args\":{\"a\":1e999}}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		if (read_request(wrong[i]) != ERR_MALFORMED ||
		    error.is_missing_field ||
		    strncmp(error.text, "Malformed request payload: ", 27) != 0)
			fail_msg("%s: %s", wrong[i], error.text);
	}
	assert_int_equal(read_request("{\"request_id\":\"r\",\"service\":1}"),
	    ERR_MALFORMED);
	assert_true(text_is(request.id_json, "\"r\""));
	request_too_big(1000000, 1000001, &error);
	assert_string_equal(error.text,
	    "Request payload exceeds maximum size of 1000000 bytes "
	    "(got 1000001 bytes)");
}

static enum err
named(const char *json, struct text *id)
{
	struct json_reader r;

	assert_int_equal(json_open(&r, text_of(json), JSON_LIMITS), OK);
	return request_read_id(&r, &arena, id);
}

static void
what_is_to_be_stopped_is_named_by_a_string(void **state)
{
	struct text id;

	(void)state;
	assert_int_equal(
	    named("{\"x\":[1],\"request_id\":\"r\\u00e9\",\"y\":{}}", &id), OK);
	assert_true(text_is(id, "r\xc3\xa9"));
	assert_int_equal(named("{}", &id), ERR_MISSING);
	assert_int_equal(named("{\"request_id\":7}", &id), ERR_MISSING);
	assert_int_equal(named("{\"request_id\":null}", &id), ERR_MISSING);
	assert_int_equal(named("[\"request_id\"]", &id), ERR_TYPE);
	assert_int_equal(named("7", &id), ERR_TYPE);
	assert_int_not_equal(named("{\"request_id\":\"r\"", &id), OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_array_of_five_is_read_up_to_its_payload),
	    T(what_is_no_envelope_is_malformed),
	    T(a_huge_reference_is_too_big_to_keep),
	    T(a_null_topic_is_read_and_belongs_to_nobody),
	    T(an_object_of_version_1_may_have_its_keys_in_any_order),
	    T(a_binary_frame_says_the_same_in_msgpack),
	    T(a_binary_payload_that_begins_with_a_brace_is_json),
	    T(names_in_binary_frames_are_bytes_not_json),
	    T(frames_of_each_form_are_what_phoenix_writes),
	    T(a_request_is_read_in_one_pass),
	    T(a_correlation_id_that_cannot_be_told_unchanged_is_refused),
	    T(missing_fields_are_named_in_one_order),
	    T(wrong_types_and_broken_json_are_told_apart_from_missing),
	    T(what_is_to_be_stopped_is_named_by_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
