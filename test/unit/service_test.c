// SPDX-License-Identifier: MIT
/* Services of the SDK: cancels, gateways that go, answers that come late. */

#include "test/unit/service_rig.h"

static void
a_cancel_is_told_once_and_answering_after_it_harms_nobody(void **state)
{
	(void)state;
	call(0, "count", 10);
	call(1, "keep", 0);
	UNTIL(kept != NULL && seen[0].chunks > 0);
	link_cancel(client, seen[0].id);
	link_cancel(client, seen[1].id);
	UNTIL(cancels == 2);
	settle_down();
	assert_int_equal(cancels, 2);
	assert_int_equal(seen[0].ends + seen[0].results + seen[1].results, 0);
	call(2, "report", 0);
	UNTIL(seen[2].results == 1);
	assert_int_equal(link_client_in_flight(client), 0);
}

static void
a_call_that_outlives_its_cancel_hears_of_nothing_else(void **state)
{
	(void)state;
	call(0, "stubborn", 0);
	UNTIL(kept != NULL);
	link_cancel(client, seen[0].id);
	UNTIL(cancels == 1);
	link_client_end(client, LINK_FAULT_closed);
	UNTIL(link_client_state(client) == LINK_LIVE);
	settle_down();
	assert_int_equal(cancels, 1);
	assert_true(service_is_cancelled(kept));
	service_put_i64(kept, 1);
	service_done(kept); /* to nobody */
	call(1, "report", 0);
	UNTIL(seen[1].results == 1);
}

static void
a_gateway_that_goes_cancels_its_calls(void **state)
{
	(void)state;
	for (size_t i = 0; i < 10; i++)
		call(i, "count", 10);
	call(10, "keep", 0);
	UNTIL(kept != NULL && seen[9].chunks > 0);
	link_client_end(client, LINK_FAULT_closed);
	UNTIL(cancels == 11);
	UNTIL(link_client_state(client) == LINK_LIVE);
	call(11, "report", 0);
	UNTIL(seen[11].results == 1);
}

static void
a_service_that_is_destroyed_tells_its_open_calls(void **state)
{
	(void)state;
	call(0, "count", 10);
	call(1, "keep", 0);
	UNTIL(kept != NULL && seen[0].chunks > 0);
	service_destroy(&service);
	assert_int_equal(cancels, 2);
	service = service_create("test");
}

static void
an_answer_may_come_later(void **state)
{
	(void)state;
	call(0, "report", 0);
	UNTIL(seen[0].results == 1);
	assert_int_equal(seen[0].last, 42);
	assert_int_equal(late_runs, 1);
	call(1, "keep", 0);
	UNTIL(kept != NULL);
	call(2, "report", 0); /* overtakes it */
	UNTIL(seen[2].results == 1);
	assert_int_equal(seen[1].results, 0);
	service_put_i64(kept, 9);
	service_done(kept);
	UNTIL(seen[1].results == 1);
	assert_int_equal(seen[1].last, 9);
}

static void
other_threads_hand_their_answers_to_the_service_s(void **state)
{
	(void)state;
	for (size_t i = 0; i < STREAMS; i++)
		call(i, "in_a_thread", 0);
	UNTIL(late_runs == STREAMS);
	for (size_t i = 0; i < STREAMS; i++)
		UNTIL(seen[i].results == 1);
	service_post(service, answer_kept, NULL); /* is dropped, not run */
}

static struct text config;
static char config_bytes[8192];

static void
on_config(void *owner, void *call_, struct text value)
{
	(void)owner;
	(void)call_;
	assert_int_equal(
	    text_copy(value, config_bytes, sizeof(config_bytes)), OK);
	config = (struct text){config_bytes, value.len};
}

static void
get_config_tells_how_each_function_answers(void **state)
{
	static const char *const expected[] = {"stream", "stream", "async",
	    "sync", "sync", "sync", "stream", "stream", "stream", "sync"};
	struct link_client_calls calls = client_calls;
	struct unpacker u;
	struct text one, response;
	uint32_t count;

	(void)state;
	calls.result = on_config;
	client->calls_back = &calls;
	call(0, "get_config", 0);
	UNTIL(config.len > 0);
	unpack_init(&u, config);
	assert_int_equal(unpack_array(&u, &count), OK);
	assert_int_equal(count, COUNT_OF(expected));
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(unpack_raw(&u, &one), OK);
		assert_int_equal(
		    unpack_field_text(one, "response_type", &response), OK);
		assert_true(text_is(response, expected[i]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_cancel_is_told_once_and_answering_after_it_harms_nobody),
	    T(a_call_that_outlives_its_cancel_hears_of_nothing_else),
	    T(a_gateway_that_goes_cancels_its_calls),
	    T(a_service_that_is_destroyed_tells_its_open_calls),
	    T(an_answer_may_come_later),
	    T(other_threads_hand_their_answers_to_the_service_s),
	    T(get_config_tells_how_each_function_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
