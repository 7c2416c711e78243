// SPDX-License-Identifier: MIT
/* session - what each message means for the channels of one socket. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "workers/gateway/session.h"

static const struct channel_rule all[] = {
    {.topic = {"lobby", 5}, .event = {"api", 3}},
    {.topic = {"chat:*", 6}, .event = {"chat", 4}},
};

static const struct channel_rules rules = {
    .all = all,
    .count = COUNT_OF(all),
    .max_channels = 3,
};

static struct session session;
static struct session_verdict verdict;

/* take hands a message in; the topic's JSON is the topic in quotes. */
static enum session_move
take(const char *join_ref, const char *topic, const char *event)
{
	char json[64];
	struct phoenix_message m = {
	    .from = {.form = PHOENIX_V2,
		.join_ref = text_of(join_ref),
		.ref = TEXT("\"9\"")},
	    .topic = text_of(topic),
	    .event = text_of(event),
	};

	snprintf(json, sizeof(json), "\"%s\"", topic);
	m.from.topic = text_of(json);
	session_take(&session, &rules, &m, &verdict);
	return verdict.move;
}

static int
fresh(void **state)
{
	(void)state;
	session_finish(&session);
	session_init(&session);
	return 0;
}

static void
exact_topics_and_wildcards_can_be_joined_and_others_not(void **state)
{
	(void)state;
	assert_int_equal(take("\"1\"", "lobby", "phx_join"), SESSION_JOINED);
	assert_true(text_is(verdict.channel->rule->event, "api"));
	assert_int_equal(take("\"2\"", "chat:7", "phx_join"), SESSION_JOINED);
	assert_true(text_is(verdict.channel->rule->event, "chat"));
	assert_true(text_is(verdict.channel->join_ref, "\"2\""));
	assert_int_equal(take("\"3\"", "chat:", "phx_join"), SESSION_JOINED);
	assert_int_equal(take("\"4\"", "lobby2", "phx_join"), SESSION_REFUSED);
	assert_string_equal(verdict.reason, "unmatched topic");
	assert_int_equal(take("\"4\"", "", "phx_join"), SESSION_REFUSED);
}

static void
a_second_join_closes_the_first_channel(void **state)
{
	(void)state;
	assert_int_equal(take("\"1\"", "lobby", "phx_join"), SESSION_JOINED);
	assert_int_equal(verdict.closed.topic.len, 0);
	uint32_t first = verdict.channel->serial;
	assert_int_equal(take("\"2\"", "lobby", "phx_join"), SESSION_JOINED);
	assert_true(text_is(verdict.closed.join_ref, "\"1\""));
	assert_true(text_is(verdict.closed.topic, "\"lobby\""));
	assert_null(session_find(&session, first));
	assert_non_null(session_find(&session, verdict.channel->serial));
	assert_int_equal(session.count, 1);
}

static void
reserved_events_are_known_on_a_joined_topic_only(void **state)
{
	(void)state;
	assert_int_equal(
	    take("\"1\"", "lobby", "refresh_token"), SESSION_UNMATCHED);
	take("\"1\"", "lobby", "phx_join");
	take("\"2\"", "chat:1", "phx_join");
	assert_int_equal(
	    take("\"0\"", "lobby", "refresh_token"), SESSION_STALE);
	assert_int_equal(
	    take("\"1\"", "lobby", "refresh_token"), SESSION_REFRESH);
	assert_true(text_is(verdict.channel->topic, "\"lobby\""));
	assert_ptr_equal(session_at(&session, 0), verdict.channel);
	assert_true(text_is(session_at(&session, 1)->topic, "\"chat:1\""));
}

static void
after_a_leave_the_topic_is_unmatched(void **state)
{
	(void)state;
	assert_int_equal(
	    take("null", "lobby", "phx_leave"), SESSION_LEFT_NOTHING);
	take("\"1\"", "lobby", "phx_join");
	assert_int_equal(take("\"1\"", "lobby", "phx_leave"), SESSION_LEFT);
	assert_true(text_is(verdict.closed.join_ref, "\"1\""));
	assert_int_equal(take("\"1\"", "lobby", "api"), SESSION_UNMATCHED);
	assert_int_equal(take("\"1\"", "chat:1", "api"), SESSION_UNMATCHED);
}

static void
a_message_of_an_older_join_is_ignored(void **state)
{
	(void)state;
	take("\"1\"", "lobby", "phx_join");
	take("\"2\"", "lobby", "phx_join");
	assert_int_equal(take("\"1\"", "lobby", "api"), SESSION_STALE);
	assert_int_equal(take("\"1\"", "lobby", "phx_leave"), SESSION_STALE);
	assert_int_equal(take("\"2\"", "lobby", "api"), SESSION_REQUEST);
	assert_int_equal(take("null", "lobby", "api"), SESSION_REQUEST);
}

static void
one_channel_more_than_allowed_is_refused_with_the_reason(void **state)
{
	(void)state;
	take("\"1\"", "lobby", "phx_join");
	take("\"2\"", "chat:1", "phx_join");
	take("\"3\"", "chat:2", "phx_join");
	assert_int_equal(take("\"4\"", "chat:3", "phx_join"), SESSION_REFUSED);
	assert_string_equal(verdict.reason, "too many channels joined");
	/* to join again what is joined needs no more room */
	assert_int_equal(take("\"5\"", "chat:2", "phx_join"), SESSION_JOINED);
	take("\"2\"", "chat:1", "phx_leave");
	assert_int_equal(take("\"6\"", "chat:3", "phx_join"), SESSION_JOINED);
}

static void
an_unknown_event_ends_the_channel_and_it_can_be_joined_again(void **state)
{
	(void)state;
	take("\"1\"", "lobby", "phx_join");
	assert_int_equal(take("\"1\"", "lobby", "nonsense"), SESSION_CRASHED);
	assert_true(text_is(verdict.closed.join_ref, "\"1\""));
	assert_int_equal(take("\"1\"", "lobby", "api"), SESSION_UNMATCHED);
	assert_int_equal(take("\"2\"", "lobby", "phx_join"), SESSION_JOINED);
}

static void
stop_stream_is_no_unknown_event_unless_the_channel_calls_by_it(void **state)
{
	(void)state;
	assert_int_equal(take("\"1\"", "lobby", "phx_join"), SESSION_JOINED);
	assert_int_equal(
	    take("null", "lobby", "stop_stream"), SESSION_STOP_STREAM);
	assert_non_null(verdict.channel);
	assert_int_equal(take("\"0\"", "lobby", "stop_stream"), SESSION_STALE);
	assert_int_equal(
	    take("null", "chat:a", "stop_stream"), SESSION_UNMATCHED);
}

static void
a_heartbeat_needs_no_channel(void **state)
{
	(void)state;
	assert_int_equal(
	    take("null", "phoenix", "heartbeat"), SESSION_HEARTBEAT);
	assert_int_equal(take("null", "phoenix", "other"), SESSION_UNMATCHED);
}

static void
new_rules_keep_what_they_name_and_close_the_rest(void **state)
{
	static const struct channel_rule only[] = {
	    {.topic = {"chat:1", 6}, .event = {"new", 3}},
	};
	const struct channel_rules next = {only, 1, 3};
	struct phoenix_address closed;
	int count = 0;

	(void)state;
	take("\"1\"", "lobby", "phx_join");
	take("\"2\"", "chat:1", "phx_join");
	take("\"3\"", "chat:2", "phx_join");
	while (!session_rematch(&session, &next, &closed)) {
		assert_true(text_is(closed.topic, "\"lobby\"") ||
		    text_is(closed.topic, "\"chat:2\""));
		count++;
	}
	assert_int_equal(count, 2);
	assert_int_equal(session.count, 1);
	assert_int_equal(take("\"2\"", "chat:1", "new"), SESSION_REQUEST);
}

static int
end(void **state)
{
	(void)state;
	session_finish(&session);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		exact_topics_and_wildcards_can_be_joined_and_others_not, fresh),
	    cmocka_unit_test_setup(
		a_second_join_closes_the_first_channel, fresh),
	    cmocka_unit_test_setup(
		reserved_events_are_known_on_a_joined_topic_only, fresh),
	    cmocka_unit_test_setup(after_a_leave_the_topic_is_unmatched, fresh),
	    cmocka_unit_test_setup(
		a_message_of_an_older_join_is_ignored, fresh),
	    cmocka_unit_test_setup(
		one_channel_more_than_allowed_is_refused_with_the_reason,
		fresh),
	    cmocka_unit_test_setup(
		an_unknown_event_ends_the_channel_and_it_can_be_joined_again,
		fresh),
	    cmocka_unit_test_setup(
		stop_stream_is_no_unknown_event_unless_the_channel_calls_by_it,
		fresh),
	    cmocka_unit_test_setup(a_heartbeat_needs_no_channel, fresh),
	    cmocka_unit_test_setup(
		new_rules_keep_what_they_name_and_close_the_rest, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
