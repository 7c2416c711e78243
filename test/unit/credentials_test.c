// SPDX-License-Identifier: MIT
/* credentials - what a service is asked about a client, and what it may say. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/json_out.h"
#include "test/unit/notation.h"
#include "workers/gateway/credentials.h"

#define NOW_MS UINT64_C(1700000000000)

static struct arena arena;
static struct identity facts;
static char line[8192];
static char head[20000];

static const struct text allowed[] = {
    {.at = "X-Tenant", .len = 8}, {.at = "user-agent", .len = 10}};

/* show writes the question as JSON into `line`. */
static void
show(struct text question)
{
	struct buffer json;

	buffer_init(&json, sizeof(line));
	assert_int_equal(pack_to_json(question, &json, NULL), OK);
	snprintf(line, sizeof(line), "%.*s", TEXT_ARG(buffer_text(&json)));
	buffer_finish(&json);
}

/* asked shows the question about an upgrade, or the error. */
static const char *
asked(const char *query, const char *headers, const char *token)
{
	const struct http_rules rules = {
	    .mount = {.at = "/socket", .len = 7}, .any_origin = true};
	struct http_upgrade upgrade;
	struct buffer bytes;
	struct packer p;
	size_t used;
	int status = 0;

	snprintf(head, sizeof(head),
	    "GET /socket/websocket?vsn=2.0.0%s HTTP/1.1\r\nHost: h\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\n%s\r\n",
	    query, headers);
	assert_int_equal(
	    http_read(&rules, text_of(head), &upgrade, &used, &status), OK);
	assert_int_equal(status, 101);
	const struct credentials c = {
	    .upgrade = &upgrade,
	    .headers = allowed,
	    .header_count = COUNT_OF(allowed),
	    .token = token == NULL ? (struct text){.at = NULL, .len = 0}
				   : text_of(token),
	    .peer = TEXT("192.0.2.7"),
	};
	arena_reset(&arena);
	buffer_init(&bytes, 65536);
	pack_init(&p, &bytes);
	enum err e = credentials_pack(&c, &arena, &p);
	if (e == OK)
		show(buffer_text(&bytes));
	else
		snprintf(line, sizeof(line), "%s", err_name(e));
	buffer_finish(&bytes);
	return line;
}

static enum err
answer(const char *notation)
{
	arena_reset(&arena);
	return credentials_answer(
	    pack_notation(&arena, notation), NOW_MS, &arena, &facts);
}

static void
the_question_has_parameters_allowed_headers_token_and_peer(void **state)
{
	(void)state;
	assert_string_equal(
	    asked("&room=a%20b&x=1&x=2",
		"x-tenant: acme\r\nCookie: secret\r\nX-Other: 1\r\n", "t"),
	    "[{\"params\":{\"room\":\"a b\",\"x\":\"2\"},"
	    "\"headers\":{\"X-Tenant\":\"acme\"},\"token\":\"t\","
	    "\"peer\":\"192.0.2.7\",\"user_id\":null}]");
	assert_string_equal(asked("", "", NULL),
	    "[{\"params\":{},\"headers\":{},\"token\":null,"
	    "\"peer\":\"192.0.2.7\",\"user_id\":null}]");
}

static void
a_refresh_has_the_token_and_whose_session_it_is(void **state)
{
	const struct credentials c = {
	    .headers = allowed,
	    .header_count = COUNT_OF(allowed),
	    .token = TEXT("t"),
	    .peer = TEXT("::1"),
	    .user_id = TEXT("anna"),
	};
	struct buffer bytes;
	struct packer p;

	(void)state;
	buffer_init(&bytes, 65536);
	pack_init(&p, &bytes);
	assert_int_equal(credentials_pack(&c, &arena, &p), OK);
	show(buffer_text(&bytes));
	assert_string_equal(line,
	    "[{\"params\":{},\"headers\":{},\"token\":\"t\","
	    "\"peer\":\"::1\",\"user_id\":\"anna\"}]");
	buffer_finish(&bytes);
}

static void
what_could_be_read_in_two_ways_is_not_asked(void **state)
{
	char many[2000] = "";

	(void)state;
	assert_string_equal(
	    asked("", "X-Tenant: a\r\nx-tenant: b\r\n", NULL), "malformed");
	assert_string_equal(asked("&a=%ff", "", NULL), "malformed");
	assert_string_equal(asked("&a=%zz", "", NULL), "malformed");
	assert_string_equal(asked("", "X-Tenant: \xff\r\n", NULL), "malformed");
	assert_string_equal(asked("", "", "\xff"), "malformed");
	for (int i = 0; i <= CREDENTIALS_PARAMS; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many),
		    "&p%d=1", i);
	assert_string_equal(asked(many, "", NULL), "malformed");
}

static void
an_answer_names_user_roles_and_life(void **state)
{
	(void)state;
	assert_int_equal(answer("{'user_id':'anna','roles':['a','','b'],"
				"'expires_in_ms':5000,'more':[1]}"),
	    OK);
	assert_true(text_is(facts.user_id, "anna"));
	assert_int_equal(facts.role_count, 2);
	assert_true(identity_has_role(&facts, TEXT("b")));
	assert_int_equal(facts.expires_ms, NOW_MS + 5000);
	assert_int_equal(facts.issued_ms, NOW_MS);
	assert_int_equal(
	    answer("{'user_id':'b','roles':null,'expires_in_ms':null}"), OK);
	assert_int_equal(facts.role_count, 0);
	assert_int_equal(facts.expires_ms, 0);
}

static void
every_other_shape_is_no_answer(void **state)
{
	static const char *const wrong[] = {"true", "1", "'anna'", "[]", "{}",
	    "{'user_id':''}", "{'user_id':null}", "{'user_id':7}",
	    "{'user_id':'guest:1-2-3'}", "{'user':'anna'}",
	    "{'user_id':'a','roles':'admin'}", "{'user_id':'a','roles':[1]}",
	    "{'user_id':'a','roles':{}}", "{'user_id':'a','expires_in_ms':0}",
	    "{'user_id':'a','expires_in_ms':-5}",
	    "{'user_id':'a','expires_in_ms':'5'}",
	    "{'user_id':'a','expires_in_ms':99999999999999}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		if (answer(wrong[i]) != ERR_MALFORMED)
			fail_msg("%s is taken", wrong[i]);
	}
	assert_int_equal(answer("null"), ERR_DENIED);
	assert_int_equal(answer("false"), ERR_DENIED);
}

static int
start(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_question_has_parameters_allowed_headers_token_and_peer),
	    cmocka_unit_test(a_refresh_has_the_token_and_whose_session_it_is),
	    cmocka_unit_test(what_could_be_read_in_two_ways_is_not_asked),
	    cmocka_unit_test(an_answer_names_user_roles_and_life),
	    cmocka_unit_test(every_other_shape_is_no_answer),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
