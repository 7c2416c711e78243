// SPDX-License-Identifier: MIT
/* http - the upgrade head: what is let in, and the answer to what is not. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "workers/gateway/http.h"

#define LINE "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\n"
#define HOST "Host: gw.example:4000\r\n"
#define KEY  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define REST \
	"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" \
	"Sec-WebSocket-Version: 13\r\n"
#define GOOD LINE HOST KEY REST

static const struct text origins[] = {
    {.at = "https://app.example", .len = 19},
    {.at = "//*.trusted.example", .len = 19},
};

static const struct http_rules rules = {
    .mount = {.at = "/socket", .len = 7},
    .origins = origins,
    .origin_count = COUNT_OF(origins),
    .same_origin = true,
};

static struct http_upgrade upgrade;

/* answer gives the status for a head, 0 while more is needed. */
static int
answer_bytes(const char *head, size_t size)
{
	struct text bytes = {.at = head, .len = (uint32_t)size};
	size_t used;
	int status = -1;
	enum err e = http_read(&rules, bytes, &upgrade, &used, &status);

	if (e == ERR_AGAIN)
		return 0;
	assert_int_equal(e, OK);
	assert_true(used <= size);
	return status;
}

static int
answer(const char *head)
{
	return answer_bytes(head, strlen(head));
}

static void
a_good_head_is_welcome_and_its_parts_are_known(void **state)
{
	(void)state;
	assert_int_equal(answer(GOOD "\r\n"), 101);
	assert_true(text_is(upgrade.path, "/socket/websocket"));
	assert_true(text_is(upgrade.query, "vsn=2.0.0"));
	assert_true(text_is(upgrade.host, "gw.example:4000"));
	assert_int_equal(upgrade.vsn, HTTP_VSN_2);
	assert_false(upgrade.offers_phoenix);
}

static void
a_head_in_single_bytes_is_awaited_to_its_end(void **state)
{
	const char head[] = GOOD "\r\n";

	(void)state;
	for (size_t i = 0; i < sizeof(head) - 1; i++)
		assert_int_equal(answer_bytes(head, i), 0);
	assert_int_equal(answer_bytes(head, sizeof(head) - 1), 101);
}

static void
bytes_behind_the_head_are_not_taken_for_it(void **state)
{
	const char head[] = GOOD "\r\n\x81\x80zzzz";
	size_t used;
	int status;

	(void)state;
	assert_int_equal(
	    http_read(&rules, text_of(head), &upgrade, &used, &status), OK);
	assert_int_equal(status, 101);
	assert_int_equal(used, sizeof(head) - 1 - 6);
}

static void
the_accept_value_is_that_of_the_rfc(void **state)
{
	char accept[HTTP_ACCEPT_BYTES];

	(void)state;
	http_accept(TEXT("dGhlIHNhbXBsZSBub25jZQ=="), accept);
	assert_memory_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28);
}

static void
a_bearer_token_comes_in_a_header_that_comes_once(void **state)
{
	(void)state;
	assert_int_equal(
	    answer(GOOD "AUTHORIZATION: bEARER  a.b.c \r\n\r\n"), 101);
	assert_true(text_is(upgrade.authorization, "a.b.c"));
	assert_int_equal(
	    answer(GOOD "Authorization: Basic a.b.c\r\n\r\n"), 101);
	assert_int_equal(upgrade.authorization.len, 0);
	assert_int_equal(answer(GOOD "Authorization: Bearer\r\n\r\n"), 101);
	assert_int_equal(upgrade.authorization.len, 0);
	assert_int_equal(answer(GOOD "Authorization: Bearer a\r\n"
				     "Authorization: Bearer a\r\n\r\n"),
	    400);
}

static void
headers_and_parameters_can_be_walked(void **state)
{
	static const char *const pairs[] = {
	    "a", "1", "b", "", "", "x", "c", "2=3"};
	struct text query = TEXT("a=1&b&&=x&c=2=3"), name, value, headers;
	int count = 0;

	(void)state;
	while (http_query_next(&query, &name, &value)) {
		assert_true(text_is(name, pairs[count++]));
		assert_true(text_is(value, pairs[count++]));
	}
	assert_int_equal(count, 8);
	assert_int_equal(answer(GOOD "X-Tenant:  acme \r\n\r\n"), 101);
	headers = upgrade.headers;
	count = 0;
	bool is_there = false;
	while (http_header_next(&headers, &name, &value)) {
		count++;
		if (http_is_same_name(name, TEXT("x-tenant")))
			is_there = text_is(value, "acme");
	}
	assert_true(is_there);
	assert_true(count >= 5);
}

static void
the_welcome_names_phoenix_only_if_it_was_offered(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 4096);
	assert_int_equal(answer(GOOD "\r\n"), 101);
	assert_int_equal(http_welcome(&upgrade, &b), OK);
	assert_null(memmem(buffer_at(&b), buffer_used(&b), "Protocol:", 9));
	buffer_truncate(&b, 0);
	assert_int_equal(answer(GOOD "Sec-WebSocket-Protocol: phoenix, "
				     "base64url.bearer.phx.dG9rZW4\r\n\r\n"),
	    101);
	assert_true(text_is(upgrade.bearer, "dG9rZW4"));
	assert_int_equal(upgrade.authorization.len, 0);
	assert_int_equal(http_welcome(&upgrade, &b), OK);
	assert_non_null(memmem(buffer_at(&b), buffer_used(&b),
	    "Sec-WebSocket-Protocol: phoenix\r\n", 33));
	assert_memory_equal(buffer_at(&b) + buffer_used(&b) - 4, "\r\n\r\n", 4);
	buffer_finish(&b);
}

static void
what_two_readers_could_read_in_two_ways_is_refused(void **state)
{
	static const char *const heads[] = {
	    GOOD "Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
	    GOOD "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
	    GOOD "Transfer-Encoding: chunked\r\n\r\n",
	    GOOD "Content-Length: +1\r\n\r\n",
	    GOOD "Content-Length: 1, 2\r\n\r\n",
	    GOOD "Content-Length:\r\n\r\n",
	    GOOD HOST "\r\n",
	    GOOD KEY "\r\n",
	    GOOD "Sec-WebSocket-Version: 13\r\n\r\n",
	    GOOD "Origin: https://a\r\nOrigin: https://b\r\n\r\n",
	    GOOD " folded: yes\r\n\r\n",
	    GOOD "Blank : before colon\r\n\r\n",
	    GOOD "No colon here\r\n\r\n",
	    GOOD ": no name\r\n\r\n",
	    GOOD "X: lone\rreturn\r\n\r\n",
	    GOOD "X: lone\nfeed\r\n\r\n",
	    GOOD "X: del\x7f\r\n\r\n",
	    LINE KEY REST "\r\n",
	    "GET  /socket/websocket HTTP/1.1\r\n" HOST KEY REST "\r\n",
	    "GET /socket/websocket HTTP/1.0\r\n" HOST KEY REST "\r\n",
	    "GET /socket/websocket HTTP/2.0\r\n" HOST KEY REST "\r\n",
	    "GET /socket/websocket\r\n" HOST KEY REST "\r\n",
	    "GET http://x/socket/websocket HTTP/1.1\r\n" HOST "\r\n",
	    "POST /socket/websocket HTTP/1.1\r\n" HOST KEY REST "\r\n",
	    "GET /socket/web\x01socket HTTP/1.1\r\n" HOST KEY REST "\r\n",
	    "\x16\x03\x01\x02",
	    "{\"op\":\"health\"}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		if (answer(heads[i]) != 400)
			fail_msg("%d for head %zu", answer(heads[i]), i);
	}
}

static void
each_refusal_has_its_own_status(void **state)
{
	(void)state;
	assert_int_equal(
	    answer("GET /other HTTP/1.1\r\n" HOST KEY REST "\r\n"), 404);
	assert_int_equal(
	    answer("GET /socket HTTP/1.1\r\n" HOST KEY REST "\r\n"), 404);
	assert_int_equal(answer(LINE HOST "\r\n"), 426);
	assert_int_equal(
	    answer(LINE HOST KEY "Upgrade: websocket\r\n"
				 "Connection: upgrade\r\n"
				 "Sec-WebSocket-Version: 8\r\n\r\n"),
	    426);
	assert_int_equal(answer(GOOD "Content-Length: 5\r\n\r\nhello"), 413);
	assert_int_equal(answer(LINE HOST REST "\r\n"), 400);
	assert_int_equal(
	    answer(LINE HOST REST "Sec-WebSocket-Key: short\r\n\r\n"), 400);
	assert_int_equal(
	    answer(LINE HOST REST "Sec-WebSocket-Key: "
				  "dGhlIHNhbXBsZSBub25jZ!==\r\n\r\n"),
	    400);
}

static void
a_head_above_its_budget_is_431_and_not_a_byte_earlier(void **state)
{
	static char head[HTTP_HEAD_BYTES + 64];
	size_t at = (size_t)snprintf(head, sizeof(head), "%sX: ", GOOD);

	(void)state;
	memset(head + at, 'y', sizeof(head) - at);
	assert_int_equal(answer_bytes(head, HTTP_HEAD_BYTES - 1), 0);
	assert_int_equal(answer_bytes(head, HTTP_HEAD_BYTES), 431);
	memcpy(head + HTTP_HEAD_BYTES - 4, "\r\n\r\n", 4);
	assert_int_equal(answer_bytes(head, HTTP_HEAD_BYTES), 101);
}

static void
a_hundred_headers_are_too_many(void **state)
{
	char head[8192];
	int at = snprintf(head, sizeof(head), "%s", GOOD);

	(void)state;
	for (int i = 0; i < 100; i++)
		at += snprintf(
		    head + at, sizeof(head) - (size_t)at, "X-%d: y\r\n", i);
	snprintf(head + at, sizeof(head) - (size_t)at, "\r\n");
	assert_int_equal(answer(head), 431);
}

static void
only_origins_on_the_list_and_our_own_are_welcome(void **state)
{
	(void)state;
	assert_int_equal(
	    answer(GOOD "Origin: https://app.example\r\n\r\n"), 101);
	assert_int_equal(
	    answer(GOOD "Origin: http://app.example\r\n\r\n"), 403);
	assert_int_equal(
	    answer(GOOD "Origin: http://a.trusted.example\r\n\r\n"), 101);
	assert_int_equal(
	    answer(GOOD "Origin: http://trusted.example\r\n\r\n"), 403);
	assert_int_equal(
	    answer(GOOD "Origin: http://eviltrusted.example\r\n\r\n"), 403);
	assert_int_equal(
	    answer(GOOD "Origin: http://gw.example:4000\r\n\r\n"), 101);
	assert_int_equal(answer(GOOD "Origin: http://gw.example\r\n\r\n"), 403);
	assert_int_equal(answer(GOOD "Origin: null\r\n\r\n"), 403);
}

static void
the_version_of_the_protocol_is_chosen_or_refused(void **state)
{
#define WITH(query) \
	answer("GET /socket/websocket" query " HTTP/1.1\r\n" HOST KEY REST \
	       "\r\n")
	(void)state;
	assert_int_equal(WITH(""), 101);
	assert_int_equal(upgrade.vsn, HTTP_VSN_1);
	assert_int_equal(WITH("?vsn=1.0.0"), 101);
	assert_int_equal(upgrade.vsn, HTTP_VSN_1);
	assert_int_equal(WITH("?a=b&vsn=2%2e0.0&c"), 101);
	assert_int_equal(upgrade.vsn, HTTP_VSN_2);
	assert_int_equal(WITH("?vsn=3.0.0"), 403);
	assert_int_equal(WITH("?vsn="), 403);
	assert_int_equal(WITH("?vsn=2.0.0.0.0.0.0.0.0.0.0"), 403);
	assert_int_equal(WITH("?vsn=%2"), 403);
#undef WITH
}

static void
a_query_parameter_is_decoded_or_refused(void **state)
{
	char to[8];

	(void)state;
	assert_int_equal(http_query(TEXT("a=1&b=x%20y+z"), "b", to, 8), OK);
	assert_string_equal(to, "x y z");
	assert_int_equal(http_query(TEXT("a=1"), "b", to, 8), ERR_MISSING);
	assert_int_equal(http_query(TEXT(""), "b", to, 8), ERR_MISSING);
	assert_int_equal(
	    http_query(TEXT("b=12345678"), "b", to, 8), ERR_TOO_BIG);
	assert_int_equal(http_query(TEXT("b=%zz"), "b", to, 8), ERR_MALFORMED);
}

static void
every_refusal_closes_and_says_so(void **state)
{
	static const int all[] = {400, 403, 404, 408, 413, 426, 431, 503};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct buffer b;

		buffer_init(&b, 4096);
		assert_int_equal(http_refuse(all[i], &b), OK);
		assert_non_null(memmem(buffer_at(&b), buffer_used(&b),
		    "Connection: close\r\n\r\n", 21));
		buffer_finish(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_head_is_welcome_and_its_parts_are_known),
	    cmocka_unit_test(a_head_in_single_bytes_is_awaited_to_its_end),
	    cmocka_unit_test(bytes_behind_the_head_are_not_taken_for_it),
	    cmocka_unit_test(the_accept_value_is_that_of_the_rfc),
	    cmocka_unit_test(the_welcome_names_phoenix_only_if_it_was_offered),
	    cmocka_unit_test(
		what_two_readers_could_read_in_two_ways_is_refused),
	    cmocka_unit_test(each_refusal_has_its_own_status),
	    cmocka_unit_test(
		a_head_above_its_budget_is_431_and_not_a_byte_earlier),
	    cmocka_unit_test(a_hundred_headers_are_too_many),
	    cmocka_unit_test(only_origins_on_the_list_and_our_own_are_welcome),
	    cmocka_unit_test(the_version_of_the_protocol_is_chosen_or_refused),
	    cmocka_unit_test(a_bearer_token_comes_in_a_header_that_comes_once),
	    cmocka_unit_test(headers_and_parameters_can_be_walked),
	    cmocka_unit_test(a_query_parameter_is_decoded_or_refused),
	    cmocka_unit_test(every_refusal_closes_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
