// SPDX-License-Identifier: MIT
/* The link between a gateway and a service that keep to it. */

#include "test/unit/link_rig.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
