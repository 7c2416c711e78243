// SPDX-License-Identifier: MIT
/* The link and programs that are no service, or gone. */

#include "test/unit/link_rig.h"

/* ---- programs that are no service ---- */

static int listener = -1, victim = -1;

static void
hostile(const void *bytes, size_t count, enum link_fault expected)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	downs = 0;
	memcpy(at.sun_path, url + 6, strlen(url + 6));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 8), 0);
	start_client();
	UNTIL(victim >= 0 || (victim = accept(listener, NULL, NULL)) >= 0);
	if (count > 0)
		assert_int_equal(fd_write_whole(victim, bytes, count), OK);
	else
		fd_close(&victim);
	UNTIL(downs > 0);
	assert_int_equal(last_fault, expected);
	link_client_destroy(&client);
	fd_close(&victim);
	fd_close(&listener);
	unlink(url + 6);
}

/* Else whoever answers finds its call ended, and its memory given away. */
static void
a_gateway_is_not_gone_under_the_hands_of_who_answers_it(void **state)
{
	struct buffer big;
	uint8_t *to;

	(void)state;
	keeps = true;
	start_server(1);
	start_client();
	UNTIL(link_client_state(client) == LINK_LIVE);
	for (size_t i = 0; i < 10; i++)
		call(i, 0);
	UNTIL(kept_count == 10);
	buffer_init(&big, 15 << 20);
	assert_int_equal(buffer_reserve(&big, 15 << 20, &to), OK);
	memset(to, 0xc0, 15 << 20);
	buffer_commit(&big, 15 << 20);
	for (int i = 0; i < 10; i++) { /* more than a session keeps */
		link_session_result(
		    kept[i].session, kept[i].id, buffer_text(&big));
		assert_int_equal(gone, 0);
	}
	buffer_finish(&big);
	UNTIL(gone == 1 && lost[LINK_DISPATCHED_UNKNOWN] == 10);
	assert_int_equal(link_server_session_count(server), 0);
}

static void
strangers_lose_their_connection_and_nothing_else(void **state)
{
	static const uint8_t huge[] = "\0SP\0\0\x31\0\0\x01\x7f\0\0\0\0\0\0";
	static const uint8_t wrong[] = "\0SP\0\0\x30\0";
	static const uint8_t junk[] =
	    "\0SP\0\0\x31\0\0\x01\0\0\0\0\0\0\0\x05\x80\0\0\x01\xc1";
	static const uint8_t silent_hello[] =
	    "\0SP\0\0\x31\0\0\x01\0\0\0\0\0\0\0\x0a\x80\0\0\x01"
	    "\x95\x01\x01\x01\x07\x90";

	(void)state;
	hostile("HTTP/1.1 200 OK\r\n", 17, LINK_FAULT_handshake);
	hostile(wrong, 8, LINK_FAULT_handshake);
	hostile(huge, 17, LINK_FAULT_too_big);
	hostile(junk, 22, LINK_FAULT_hello);
	hostile(silent_hello, 27, LINK_FAULT_hello);
	hostile("", 0, LINK_FAULT_closed);
	hostile("\0SP\0\0\x31\0\0\x02", 9, LINK_FAULT_garbage);
}

static void
a_silent_listener_is_given_up_after_the_dial_limit(void **state)
{
	(void)state;
	uint64_t start = clock_mono_ms();
	hostile("\0", 1, LINK_FAULT_handshake);
	assert_in_range(
	    clock_mono_ms() - start, LINK_DIAL_MS - 100, LINK_DIAL_MS + 2000);
}

static void
only_allowed_urls_are_dialled(void **state)
{
	struct text run = TEXT("/run/banyan"), none = {0};
	struct text patterns[] = {TEXT("tls+tcp://10.0.0.*")};

	(void)state;
	assert_true(link_url_is_allowed(
	    TEXT("ipc:///run/banyan/services/a.ipc"), run, NULL, 0));
	assert_false(link_url_is_allowed(
	    TEXT("ipc:///run/banyan/../x.ipc"), run, NULL, 0));
	assert_false(
	    link_url_is_allowed(TEXT("ipc:///run/banyanx"), run, NULL, 0));
	assert_false(link_url_is_allowed(TEXT("ipc:///x"), none, NULL, 0));
	assert_true(
	    link_url_is_allowed(TEXT("tcp://127.0.0.1:5"), run, NULL, 0));
	assert_true(link_url_is_allowed(TEXT("tcp://[::1]:5"), run, NULL, 0));
	assert_false(
	    link_url_is_allowed(TEXT("tcp://10.0.0.1:5"), run, NULL, 0));
	assert_true(link_url_is_allowed(
	    TEXT("tls+tcp://10.0.0.1:5"), run, patterns, 1));
	assert_false(
	    link_url_is_allowed(TEXT("tcp://127.0.0.1:5"), run, patterns, 1));
	assert_false(
	    link_url_is_allowed(TEXT("http://127.0.0.1:5"), run, NULL, 0));
}

static void
beyond_loopback_only_tls_is_listened_on(void **state)
{
	(void)state;
	start_server(1);
	assert_int_equal(
	    link_server_listen(server, TEXT("tcp://0.0.0.0:0"), NULL, 0),
	    ERR_DENIED);
	assert_int_equal(
	    link_server_listen(server, TEXT("tls+tcp://0.0.0.0:0"), NULL, 0),
	    ERR_DENIED);
	assert_int_equal(link_server_listen(server, TEXT("tcp://127.0.0.1:0"),
			     url, sizeof(url)),
	    OK);
	start_client();
	UNTIL(link_client_state(client) == LINK_LIVE);
	call(0, 0);
	UNTIL(results == 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_gateway_is_not_gone_under_the_hands_of_who_answers_it),
	    T(strangers_lose_their_connection_and_nothing_else),
	    T(a_silent_listener_is_given_up_after_the_dial_limit),
	    T(only_allowed_urls_are_dialled),
	    T(beyond_loopback_only_tls_is_listened_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
