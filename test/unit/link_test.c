// SPDX-License-Identifier: MIT
/* Both ends of the link in one loop, over a real ipc socket. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/json.h"
#include "protocol/link/link_client_private.h"
#include "protocol/link/link_server_private.h"

enum {
	MANY = 10000,
	CHUNKS = 12
};

static struct loop *loop;
static struct conn_hub hub;
static struct link_server *server;
static struct link_client *client;
static char dir[32], url[64];

/* what the gateway saw */
static int results, errors, chunks, ends, lost[2], downs;
static uint32_t next_chunk[MANY];
static bool is_settled[MANY];
static enum link_fault last_fault;
static char last_code[32];
static uint64_t last_value;

/* what the service keeps */
static struct {
	struct link_session *session;
	uint64_t id;
} kept[MANY];
static int kept_count, cancelled, gone;
static bool keeps;

static void
settle_once(void *call)
{
	size_t i = (size_t)(uintptr_t)call;

	assert_true(i < MANY);
	assert_false(is_settled[i]);
	is_settled[i] = true;
}

static void
on_result(void *owner, void *call, struct text value)
{
	struct unpacker u;

	(void)owner;
	settle_once(call);
	unpack_init(&u, value);
	assert_int_equal(unpack_u64(&u, &last_value), OK);
	results++;
}

static void
on_error(void *owner, void *call, struct text code, struct text text)
{
	(void)owner;
	(void)text;
	settle_once(call);
	assert_int_equal(text_copy(code, last_code, sizeof(last_code)), OK);
	errors++;
}

static void
on_chunk(void *owner, void *call, struct text value)
{
	size_t i = (size_t)(uintptr_t)call;
	struct unpacker u;
	uint64_t n;

	(void)owner;
	unpack_init(&u, value);
	assert_int_equal(unpack_u64(&u, &n), OK);
	assert_int_equal(n, next_chunk[i]++); /* none lost, none overtaken */
	chunks++;
}

static void
on_end(void *owner, void *call)
{
	(void)owner;
	settle_once(call);
	assert_int_equal(next_chunk[(uintptr_t)call], CHUNKS);
	ends++;
}

static void
on_lost(void *owner, void *call, enum link_lost how)
{
	(void)owner;
	settle_once(call);
	lost[how]++;
}

static void
on_state(void *owner, enum link_state state, enum link_fault fault)
{
	(void)owner;
	if (state == LINK_DOWN) {
		downs++;
		last_fault = fault;
	}
}

static const struct link_client_calls client_calls = {
    on_result,
    on_error,
    on_chunk,
    on_end,
    on_lost,
    on_state,
};

static struct text
number(struct buffer *b, uint64_t n)
{
	struct packer p;

	buffer_truncate(b, 0);
	pack_init(&p, b);
	pack_u64(&p, n);
	assert_int_equal(pack_finish(&p), OK);
	return buffer_text(b);
}

static void
on_call(void *owner, struct link_session *s, const struct link_frame *f)
{
	struct buffer b;

	(void)owner;
	if (keeps) {
		kept[kept_count].session = s;
		kept[kept_count++].id = f->id;
		return;
	}
	buffer_init(&b, 64);
	link_session_result(s, f->id, number(&b, f->function.len));
	buffer_finish(&b);
}

static void
on_cancel(void *owner, struct link_session *s, uint64_t id)
{
	(void)owner;
	(void)s;
	(void)id;
	cancelled++;
}

static void
on_gone(void *owner, struct link_session *s, enum link_fault fault)
{
	(void)owner;
	(void)s;
	last_fault = fault;
	gone++;
}

static const struct link_server_calls server_calls = {
    .call = on_call,
    .cancel = on_cancel,
    .gone = on_gone,
};

static void
start_server(uint64_t boot)
{
	struct link_server_options options = {.hub = &hub,
	    .calls = &server_calls,
	    .name = TEXT("test"),
	    .boot = boot};

	link_server_create(&server, &options);
	assert_int_equal(link_server_listen(server, text_of(url), NULL, 0), OK);
}

static void
start_client(void)
{
	struct link_client_options options = {.hub = &hub,
	    .calls = &client_calls,
	    .url = text_of(url),
	    .life = 3,
	    .in_flight = MANY + 1};

	assert_int_equal(link_client_create(&client, &options), OK);
}

#define UNTIL(cond) \
	do { \
		uint64_t end_ = clock_mono_ms() + 8000; \
		while (!(cond) && clock_mono_ms() < end_) \
			loop_turn(loop, 5); \
		assert_true(cond); \
	} while (0)

static void
call(size_t i, uint32_t credit)
{
	struct link_request request = {.module = TEXT("m"),
	    .function = TEXT("four"),
	    .args = {"\x90", 1},
	    .deadline_ms = 5000,
	    .credit_bytes = credit};
	uint64_t id;

	assert_int_equal(
	    link_call(client, &request, (void *)(uintptr_t)i, &id), OK);
}

static int
set_up(void **state)
{
	(void)state;
	results = errors = chunks = ends = downs = kept_count = cancelled = 0;
	gone = 0;
	lost[0] = lost[1] = 0;
	keeps = false;
	memset(next_chunk, 0, sizeof(next_chunk));
	memset(is_settled, 0, sizeof(is_settled));
	snprintf(dir, sizeof(dir), "/tmp/link.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(url, sizeof(url), "ipc://%s/s", dir);
	assert_int_equal(loop_create(&loop), OK);
	conn_hub_init(&hub, loop);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	link_client_destroy(&client);
	link_server_destroy(&server);
	conn_hub_finish(&hub);
	loop_destroy(&loop);
	unlink(url + 6);
	rmdir(dir);
	return 0;
}

/* big_args makes [nested × depth, [nil × count]]. */
static struct text
big_args(struct buffer *b, uint32_t depth, uint32_t count)
{
	struct packer p;

	buffer_truncate(b, 0);
	pack_init(&p, b);
	pack_array(&p, 2);
	for (uint32_t i = 0; i < depth; i++)
		pack_array(&p, 1);
	pack_nil(&p);
	pack_array(&p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_nil(&p);
	assert_int_equal(pack_finish(&p), OK);
	return buffer_text(b);
}

static void
what_clients_may_send_never_breaks_the_link_of_all(void **state)
{
	struct buffer args;
	struct link_request request = {
	    .module = TEXT("m"), .function = TEXT("four"), .deadline_ms = 5000};
	uint64_t id;

	(void)state;
	start_server(9);
	start_client();
	UNTIL(link_client_state(client) == LINK_LIVE);
	buffer_init(&args, 1 << 20);
	request.args = big_args(&args, JSON_DEPTH, JSON_NODES);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(
		    link_call(client, &request, (void *)(uintptr_t)i, &id), OK);
	UNTIL(results == 40);
	assert_int_equal(downs, 0);
	buffer_finish(&args);
}

static void
calls_of_one_turn_are_one_message_and_all_are_answered(void **state)
{
	(void)state;
	start_server(9);
	start_client();
	UNTIL(link_client_state(client) == LINK_LIVE);
	uint64_t before = client->peer.sent_seq;
	for (size_t i = 0; i < 100; i++)
		call(i, 0);
	UNTIL(results == 100);
	assert_int_equal(last_value, 4);
	assert_int_equal(client->peer.sent_seq, before + 1);
	assert_int_equal(link_client_in_flight(client), 0);
}

static void
ten_thousand_late_results_and_chunks_survive_a_stalled_gateway(void **state)
{
	struct buffer b;
	size_t most = 0;
	uint32_t next[MANY] = {0};

	(void)state;
	keeps = true;
	start_server(9);
	start_client();
	UNTIL(link_client_state(client) == LINK_LIVE);
	for (size_t i = 0; i < MANY; i++)
		call(i, 1 << 20);
	UNTIL(kept_count == MANY);
	conn_pause(&client->conn, true); /* the gateway stalls */
	uint64_t stalled_ms = clock_mono_ms();
	buffer_init(&b, 64);
	for (int done = 0; done < MANY;) {
		for (int i = MANY - 1; i >= 0; i--) { /* last called, first */
			while (next[i] < CHUNKS &&
			    link_session_chunk(kept[i].session, kept[i].id,
				next[i], number(&b, next[i])) == OK)
				next[i]++;
			if (next[i] != CHUNKS)
				continue;
			if (i % 2 == 0)
				link_session_end(kept[i].session, kept[i].id);
			else
				link_session_result(
				    kept[i].session, kept[i].id, number(&b, 1));
			next[i]++;
			done++;
		}
		size_t queued = link_session_queued(kept[0].session);
		most = queued > most ? queued : most;
		loop_turn(loop, 1);
		if (clock_mono_ms() - stalled_ms > 1000)
			conn_pause(&client->conn, false);
	}
	conn_pause(&client->conn, false);
	UNTIL(results + ends == MANY);
	assert_int_equal(chunks, MANY * CHUNKS);
	assert_int_equal(lost[0] + lost[1] + errors, 0);
	/* results always fit, chunks wait: 256 KiB in each of two queues, and
	 * what ten thousand small answers add */
	assert_in_range(most, 1, 1024 * 1024);
	buffer_finish(&b);
}

static void
a_dead_node_settles_what_it_may_have_run_apart_from_what_never_left(
    void **state)
{
	(void)state;
	keeps = true;
	start_server(9);
	start_client();
	UNTIL(link_client_state(client) == LINK_LIVE);
	for (size_t i = 0; i < 10; i++)
		call(i, 0);
	UNTIL(kept_count == 10);
	for (size_t i = 10; i < 15; i++)
		call(i, 0); /* still waits for the end of the turn */
	link_client_end(client, LINK_FAULT_closed);
	assert_int_equal(lost[LINK_DISPATCHED_UNKNOWN], 10);
	assert_int_equal(lost[LINK_NOT_DISPATCHED], 5);
	assert_int_equal(link_client_state(client), LINK_DOWN);
	link_server_destroy(&server);
	keeps = false;
	start_server(10); /* its successor runs none of them */
	UNTIL(link_client_state(client) == LINK_LIVE);
	call(20, 0);
	UNTIL(results == 1);
	assert_int_equal(client->peer.boot, 10);
}

static void
what_the_node_said_before_it_went_counts(void **state)
{
	struct buffer b;

	(void)state;
	keeps = true;
	start_server(9);
	start_client();
	UNTIL(link_client_state(client) == LINK_LIVE);
	call(0, 0);
	call(1, 0);
	UNTIL(kept_count == 2);
	buffer_init(&b, 64);
	link_session_result(kept[0].session, kept[0].id, number(&b, 5));
	link_session_send(kept[0].session);
	conn_flush(&kept[0].session->conn);
	link_server_destroy(&server);
	UNTIL(downs == 1);
	assert_int_equal(results, 1);
	assert_int_equal(lost[LINK_DISPATCHED_UNKNOWN], 1);
	buffer_finish(&b);
}

static void
a_draining_node_finishes_and_sends_the_rest_elsewhere(void **state)
{
	struct buffer b;

	(void)state;
	keeps = true;
	start_server(9);
	start_client();
	UNTIL(link_client_state(client) == LINK_LIVE);
	call(0, 0);
	UNTIL(kept_count == 1);
	link_server_drain(server);
	call(1, 0); /* crosses the word that it drains */
	UNTIL(link_client_state(client) == LINK_DRAINING);
	UNTIL(lost[LINK_NOT_DISPATCHED] == 1);
	assert_false(link_server_is_quiet(server));
	buffer_init(&b, 64);
	link_session_result(kept[0].session, kept[0].id, number(&b, 5));
	UNTIL(results == 1);
	UNTIL(link_server_is_quiet(server));
	buffer_finish(&b);
}

static void
a_cancelled_call_is_told_and_its_late_answer_counted(void **state)
{
	struct link_client_facts facts;
	struct link_request request = {
	    .module = TEXT("m"), .function = TEXT("f"), .args = {"\x90", 1}};
	struct buffer b;
	uint64_t id;

	(void)state;
	keeps = true;
	start_server(9);
	start_client();
	UNTIL(link_client_state(client) == LINK_LIVE);
	assert_int_equal(link_call(client, &request, NULL, &id), OK);
	UNTIL(kept_count == 1);
	link_cancel(client, id);
	UNTIL(cancelled == 1);
	buffer_init(&b, 64);
	link_session_result(kept[0].session, kept[0].id, number(&b, 5));
	link_session_result(kept[0].session, kept[0].id, number(&b, 5));
	UNTIL((link_client_facts(client, &facts), facts.late == 2));
	assert_int_equal(results, 0);
	buffer_finish(&b);
}

static void
chunks_without_credit_are_refused_here_and_there(void **state)
{
	struct buffer b;

	(void)state;
	keeps = true;
	start_server(9);
	start_client();
	UNTIL(link_client_state(client) == LINK_LIVE);
	call(0, 0);  /* no stream */
	call(1, 10); /* its gateway forgets the credit it gave */
	UNTIL(kept_count == 2);
	buffer_init(&b, 64);
	struct link_session *s = kept[0].session;
	assert_int_equal(
	    link_session_chunk(s, kept[0].id, 0, number(&b, 0)), ERR_DENIED);
	assert_int_equal(
	    link_session_chunk(s, kept[1].id + 1, 0, number(&b, 0)),
	    ERR_DENIED);
	link_calls_find(&client->calls, kept[1].id)->credit = 0;
	assert_int_equal(
	    link_session_chunk(s, kept[1].id, 0, number(&b, 0)), OK);
	UNTIL(errors == 1);
	assert_string_equal(last_code, "bad_result");
	assert_int_equal(chunks, 0);
	UNTIL(cancelled == 1); /* and the node is told */
	link_session_end(s, kept[1].id);
	assert_int_equal(
	    link_session_chunk(s, kept[1].id, 1, number(&b, 0)), ERR_DENIED);
	buffer_finish(&b);
}

static void
a_kept_call_is_found_until_it_is_answered(void **state)
{
	struct buffer b;
	int mine;

	(void)state;
	keeps = true;
	start_server(9);
	start_client();
	UNTIL(link_client_state(client) == LINK_LIVE);
	call(0, 0);
	UNTIL(kept_count == 1);
	buffer_init(&b, 64);
	struct link_session *s = kept[0].session;
	assert_null(link_session_kept(s, kept[0].id));
	link_session_keep(s, kept[0].id, &mine);
	assert_ptr_equal(link_session_kept(s, kept[0].id), &mine);
	assert_int_equal(link_session_credit(s, kept[0].id), 0);
	assert_int_equal(
	    link_session_chunk(s, kept[0].id, 0, number(&b, 0)), ERR_DENIED);
	link_session_result(s, kept[0].id, number(&b, 5));
	assert_null(link_session_kept(s, kept[0].id));
	buffer_finish(&b);
}

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
	    T(what_clients_may_send_never_breaks_the_link_of_all),
	    T(calls_of_one_turn_are_one_message_and_all_are_answered),
	    T(ten_thousand_late_results_and_chunks_survive_a_stalled_gateway),
	    T(a_dead_node_settles_what_it_may_have_run_apart_from_what_never_left),
	    T(what_the_node_said_before_it_went_counts),
	    T(a_draining_node_finishes_and_sends_the_rest_elsewhere),
	    T(a_cancelled_call_is_told_and_its_late_answer_counted),
	    T(chunks_without_credit_are_refused_here_and_there),
	    T(a_kept_call_is_found_until_it_is_answered),
	    T(a_gateway_is_not_gone_under_the_hands_of_who_answers_it),
	    T(strangers_lose_their_connection_and_nothing_else),
	    T(a_silent_listener_is_given_up_after_the_dial_limit),
	    T(only_allowed_urls_are_dialled),
	    T(beyond_loopback_only_tls_is_listened_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
