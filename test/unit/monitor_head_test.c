// SPDX-License-Identifier: MIT
/* head - what the first bytes of a stranger's request say. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "workers/monitor/head.h"

static struct head head;

static enum head_verdict
look(const char *bytes)
{
	return head_read(text_of(bytes), &head);
}

static void
a_whole_head_has_its_length_whatever_follows(void **state)
{
	static const char text[] = "GET /metrics?a=%20b HTTP/1.1\r\n"
				   "Host: here\r\nX:\t y \r\n\r\nbody";

	(void)state;
	assert_int_equal(look(text), HEAD_WHOLE);
	assert_int_equal(head.bytes, sizeof(text) - 1 - 4);
	assert_false(head.is_probe);
	assert_int_equal(look("GET / HTTP/1.0\r\n\r\n"), HEAD_WHOLE);
	assert_int_equal(
	    look("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), HEAD_WHOLE);
}

static void
a_head_is_never_whole_before_its_last_byte(void **state)
{
	static const char text[] =
	    "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n";

	(void)state;
	for (uint32_t i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(
		    head_read((struct text){text, i}, &head), HEAD_MORE);
	assert_int_equal(look(text), HEAD_WHOLE);
}

static void
a_probe_is_known_by_its_path(void **state)
{
	static const char *const probes[] = {"GET /livez HTTP/1.0\r\n\r\n",
	    "GET /readyz HTTP/1.0\r\n\r\n", "HEAD /startupz HTTP/1.0\r\n\r\n",
	    "GET /livez?verbose HTTP/1.0\r\n\r\n"};
	static const char *const others[] = {"GET /livezz HTTP/1.0\r\n\r\n",
	    "GET /livez/ HTTP/1.0\r\n\r\n", "POST /livez HTTP/1.0\r\n\r\n",
	    "GET / HTTP/1.0\r\nX: /livez\r\n\r\n"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(probes); i++) {
		assert_int_equal(look(probes[i]), HEAD_WHOLE);
		assert_true(head.is_probe);
	}
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		assert_int_equal(look(others[i]), HEAD_WHOLE);
		assert_false(head.is_probe);
	}
}

static void
what_two_parsers_could_read_two_ways_is_refused(void **state)
{
	static const char *const bad[] = {
	    "GET / HTTP/1.1\nHost: h\n\n", /* bare LF */
	    "GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n",
	    "GET / HTTP/1.1\r\n\r\n", /* no Host */
	    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n",
	    "POST / HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
	    "POST / HTTP/1.0\r\nContent-Length: 1\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n",
	    "POST / HTTP/1.0\r\nContent-Length: +1\r\n\r\n",
	    "POST / HTTP/1.0\r\nContent-Length: -1\r\n\r\n",
	    "POST / HTTP/1.0\r\nContent-Length: 99999999999999999999\r\n\r\n",
	    "POST / HTTP/1.0\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (look(bad[i]) != HEAD_BAD)
			fail_msg("taken: %s", bad[i]);
		assert_true(strlen(head.what) > 0);
	}
}

static void
a_first_line_that_is_none_is_refused_at_once(void **state)
{
	static const char *const bad[] = {"hello\r\n", "GET\r\n", "GET /\r\n",
	    "GET  / HTTP/1.1\r\n", "GET / HTTP/2.0\r\n", "GET / http/1.1\r\n",
	    "G\x01T / HTTP/1.1\r\n", "\r\nGET / HTTP/1.1\r\n",
	    "GET nowhere HTTP/1.1\r\n", "GET http://x/ HTTP/1.1\r\n",
	    "GET /\xc3\xa4 HTTP/1.1\r\n", "GET /%0 HTTP/1.1\r\n",
	    "GET /%zz HTTP/1.1\r\n", "GET /%00 HTTP/1.1\r\n",
	    "\x16\x03\x01\x02", "{\"op\":\"health\"}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (look(bad[i]) != HEAD_BAD)
			fail_msg("taken: %s", bad[i]);
}

static void
too_much_of_anything_is_431(void **state)
{
	static char text[HEAD_MOST_BYTES + 100];
	int n;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(
	    head_read((struct text){text, HEAD_MOST_BYTES - 1}, &head),
	    HEAD_MORE);
	assert_int_equal(head_read((struct text){text, HEAD_MOST_BYTES}, &head),
	    HEAD_TOO_BIG);
	n = snprintf(text, sizeof(text), "GET /");
	memset(text + n, 'p', 4096);
	snprintf(text + n + 4095, 64, " HTTP/1.0\r\n\r\n");
	assert_int_equal(look(text), HEAD_WHOLE);
	memset(text + n, 'p', 4096);
	snprintf(text + n + 4096, 64, " HTTP/1.0\r\n\r\n");
	assert_int_equal(look(text), HEAD_TOO_BIG);
	n = snprintf(text, sizeof(text), "GET / HTTP/1.0\r\n");
	for (int i = 0; i < 101; i++)
		n += snprintf(text + n, 8, "a:\r\n");
	assert_int_equal(look(text), HEAD_TOO_BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_whole_head_has_its_length_whatever_follows),
	    cmocka_unit_test(a_head_is_never_whole_before_its_last_byte),
	    cmocka_unit_test(a_probe_is_known_by_its_path),
	    cmocka_unit_test(what_two_parsers_could_read_two_ways_is_refused),
	    cmocka_unit_test(a_first_line_that_is_none_is_refused_at_once),
	    cmocka_unit_test(too_much_of_anything_is_431),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
