// SPDX-License-Identifier: MIT
/* Services of the SDK that stream: credit, turns, parts and their end. */

#include "test/unit/service_rig.h"

enum {
	WINDOW = 1024,
	MANY = 1000000,
};

static void
a_stream_sends_what_its_credit_allows_and_one_part_above(void **state)
{
	(void)state;
	call(0, "count", 10); /* each part has 3 bytes */
	UNTIL(seen[0].chunks == 4);
	settle_down();
	assert_int_equal(seen[0].chunks, 4);
	assert_int_equal(rooms, 0);
	link_credit(client, seen[0].id, 2); /* pays what was above */
	settle_down();
	assert_int_equal(seen[0].chunks, 4);
	link_credit(client, seen[0].id, 1);
	UNTIL(seen[0].chunks == 5);
	settle_down();
	assert_int_equal(seen[0].chunks, 5);
	link_credit(client, seen[0].id, WINDOW);
	UNTIL(seen[0].ends == 1);
	assert_int_equal(seen[0].chunks, ITEMS);
	assert_int_equal(seen[0].last, 1000 + ITEMS - 1);
	assert_int_equal(seen[0].results + seen[0].errors, 0);
}

static void
values_put_at_the_end_are_the_last_part(void **state)
{
	(void)state;
	call(0, "last_part", WINDOW);
	UNTIL(seen[0].results == 1);
	assert_int_equal(seen[0].chunks, 1);
	assert_int_equal(seen[0].last, 2);
	assert_int_equal(seen[0].ends, 0);
}

static void
sixty_four_streams_share_a_session_and_none_starves(void **state)
{
	(void)state;
	gives_back = 100;
	wanted = 4000;
	for (size_t i = 0; i < STREAMS; i++)
		call(i, "count", 8 * 1024);
	UNTIL(endings == STREAMS);
	settle_down();
	for (size_t i = 0; i < STREAMS; i++) {
		assert_int_equal(seen[i].ends, 1);
		assert_int_equal(seen[i].chunks, wanted);
	}
}

static void
streams_without_limits_take_turns(void **state)
{
	uint64_t most = 0;

	(void)state;
	wanted = MANY;
	for (size_t i = 0; i < STREAMS; i++)
		call(i, "count", LINK_CREDIT_MOST);
	for (size_t i = 0; i < STREAMS; i++)
		UNTIL(seen[i].chunks > 0);
	for (size_t i = 0; i < STREAMS; i++)
		most = seen[i].chunks > most ? seen[i].chunks : most;
	/* the first had a whole queue, then all had turns of 16 KiB */
	assert_in_range(most, 1, 150 * 1000);
	assert_in_range(made, STREAMS, 700 * 1000);
}

static void
a_reader_that_stops_stops_the_generators(void **state)
{
	int before;

	(void)state;
	gives_back = 100;
	wanted = MANY;
	for (size_t i = 0; i < STREAMS; i++)
		call(i, "count", LINK_CREDIT_MOST);
	for (size_t i = 0; i < STREAMS; i++)
		UNTIL(seen[i].chunks > 0);
	conn_pause(&client->conn, true);
	for (int i = 0; i < 200; i++)
		turn();
	before = made;
	for (int i = 0; i < 200; i++)
		turn();
	assert_int_equal(made, before);
	/* what is under way fits two queues of 256 KiB and the kernel's */
	uint64_t arrived = 0;
	for (size_t i = 0; i < STREAMS; i++)
		arrived += seen[i].chunks;
	assert_in_range((uint64_t)made - arrived, 1, 400 * 1024);
	conn_pause(&client->conn, false);
	UNTIL(made > before);
}

static void
a_stream_past_its_deadline_is_told_so(void **state)
{
	(void)state;
	call_within(0, "tick", LINK_CREDIT_MOST, 200);
	UNTIL(cancels == 1);
	assert_true(seen[0].chunks > 0);
	settle_down();
	assert_int_equal(cancels, 1);
}

static void
a_part_that_is_not_whole_ends_its_stream_alone(void **state)
{
	(void)state;
	call(0, "half_a_map", WINDOW);
	call(1, "unasked_parts", 0);
	call(2, "too_large", WINDOW);
	call(3, "report", 0);
	UNTIL(seen[0].errors == 1 && seen[1].errors == 1 &&
	    seen[2].errors == 1 && seen[3].results == 1);
	for (int i = 0; i < 3; i++)
		assert_string_equal(seen[i].code, "bad_result");
	assert_string_equal(
	    seen[0].text, "a part of the stream is not one whole value");
	assert_string_equal(seen[1].text,
	    "the function sends parts, and the call is no stream");
	assert_string_equal(
	    seen[2].text, "a part of the stream is larger than the link takes");
	UNTIL(cancels == 2);
	settle_down();
	assert_int_equal(seen[0].errors + seen[0].results + seen[0].ends, 1);
	assert_int_equal(client->generations, 1);
}

static void
a_stream_function_called_for_one_answer_refuses(void **state)
{
	(void)state;
	call(0, "count", 0);
	UNTIL(seen[0].errors == 1);
	assert_string_equal(seen[0].code, "bad_result");
	assert_int_equal(made, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_stream_sends_what_its_credit_allows_and_one_part_above),
	    T(values_put_at_the_end_are_the_last_part),
	    T(sixty_four_streams_share_a_session_and_none_starves),
	    T(streams_without_limits_take_turns),
	    T(a_reader_that_stops_stops_the_generators),
	    T(a_stream_past_its_deadline_is_told_so),
	    T(a_part_that_is_not_whole_ends_its_stream_alone),
	    T(a_stream_function_called_for_one_answer_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
