// SPDX-License-Identifier: MIT
/* lanes - answers and messages reach a gateway in the order they were given,
 * within its credit, whatever its link does meanwhile. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/base/err.h"
#include "protocol/link/link_server.h"
#include "workers/relay/fans.h"
#include "workers/relay/lanes.h"

/* The link of this test: it writes down what it is given. */
static char said[512];
static bool is_link_full;

static void
note(const char *kind, uint64_t number, struct text value)
{
	size_t used = strlen(said);

	snprintf(said + used, sizeof(said) - used, "%s%llu:%.*s ", kind,
	    (unsigned long long)number, TEXT_ARG(value));
}

void
link_session_result(struct link_session *s, uint64_t id, struct text value)
{
	(void)s;
	note("r", id, value);
}

void
link_session_error(
    struct link_session *s, uint64_t id, struct text code, struct text text)
{
	(void)s;
	note("e", id, code);
	note("", 0, text);
}

void
link_session_end(struct link_session *s, uint64_t id)
{
	(void)s;
	note("end", id, TEXT(""));
}

enum err
link_session_chunk(
    struct link_session *s, uint64_t id, uint64_t index, struct text value)
{
	(void)s;
	(void)id;
	if (is_link_full)
		return ERR_FULL;
	note("m", index, value);
	return OK;
}

static int room_wanted;

bool
link_session_is_full(const struct link_session *s)
{
	(void)s;
	return is_link_full;
}

void
link_session_want_room(struct link_session *s)
{
	(void)s;
	room_wanted++;
}

static struct lanes lanes;
static struct lane *lane;
static char sessions[2]; /* two links, by their addresses */

static struct link_session *
link_of(int number)
{
	return (struct link_session *)(void *)&sessions[number];
}

static int
set_up(void **state)
{
	(void)state;
	said[0] = '\0';
	is_link_full = false;
	lane = lanes_add(&lanes, 7);
	lane_attach(lane, link_of(0), 1, 10);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	lanes_finish(&lanes);
	return 0;
}

static void
message(const char *text)
{
	lane_message(lane, text_of(text));
}

static void
answer(uint64_t call)
{
	lane_result(lane, call, TEXT("ok"));
}

static void
an_answer_never_overtakes_the_message_before_it(void **state)
{
	(void)state;
	message("0123456789"); /* all the credit there is */
	message("later");
	answer(5);
	lane_error(lane, 6, "denied", "no");
	message("last");
	assert_string_equal(said, "m0:0123456789 ");
	lane_credit(lane, 1); /* one byte of credit lets one message go */
	lane_send(lane);
	assert_string_equal(
	    said, "m0:0123456789 m1:later r5:ok e6:denied 0:no ");
	lane_credit(lane, 100);
	lane_send(lane);
	assert_string_equal(
	    said, "m0:0123456789 m1:later r5:ok e6:denied 0:no m2:last ");
	answer(8);
	assert_string_equal(said + strlen(said) - 6, "r8:ok ");
}

static void
a_link_without_room_is_tried_again(void **state)
{
	(void)state;
	is_link_full = true;
	message("a");
	answer(2);
	assert_string_equal(said, "");
	assert_false(lane_is_full(lane, 100));
	assert_true(lane_is_full(lane, 10));
	is_link_full = false;
	lane_send(lane);
	assert_string_equal(said, "m0:a r2:ok ");
	assert_false(lane_is_full(lane, 1));
}

static void
answers_that_a_link_does_not_take_are_the_lanes_to_count(void **state)
{
	(void)state;
	is_link_full = true;
	room_wanted = 0;
	answer(2);
	answer(3);
	assert_string_equal(said, "");
	assert_int_equal(room_wanted, 1);
	assert_true(lane_is_full(lane, 32));
	is_link_full = false;
	lane_send(lane);
	assert_string_equal(said, "r2:ok r3:ok ");
	assert_false(lane_is_full(lane, 1));
}

static void
who_comes_back_finds_the_messages_and_not_the_answers(void **state)
{
	uint32_t epoch = lane->epoch;

	(void)state;
	lane_detach(lane);
	answer(3);
	message("kept");
	lane_error(lane, 4, "x", "y");
	assert_ptr_equal(lanes_of_session(&lanes, link_of(0)), NULL);
	lane_detach(lane);
	lane_attach(lane, link_of(1), 9, 100);
	assert_true(lane->epoch != epoch);
	lane_send(lane);
	assert_string_equal(said, "m0:kept ");
	assert_ptr_equal(lanes_of_session(&lanes, link_of(1)), lane);
	assert_ptr_equal(lanes_of_gateway(&lanes, 7), lane);
	assert_ptr_equal(lanes_of_gateway(&lanes, 8), NULL);
}

static void
at_the_end_answers_go_out_and_what_waited_for_credit_is_counted(void **state)
{
	(void)state;
	message("0123456789");
	message("waits");
	answer(5);
	message("waits, too");
	said[0] = '\0';
	assert_int_equal(lane_end(lane), 2);
	assert_string_equal(said, "r5:ok end1: ");
	lane_credit(lane, 100);
	lane_send(lane);
	answer(6);
	assert_string_equal(said, "r5:ok end1: r6:ok ");
}

static void
credit_has_an_end(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		lane_credit(lane, UINT64_MAX);
	assert_true(lane->credit_bytes > 0);
	message("x");
	assert_string_equal(said, "m0:x ");
}

/* --- whom a message is for --- */

static enum groups_word
add_member(struct groups *gs, const char *user, uint64_t gateway)
{
	struct actor who = {.user = text_of(user),
	    .at = {
		.gateway = gateway, .client = (uint64_t)user[0], .channel = 3}};
	enum member_status became;

	return groups_find(gs, TEXT("g")) == NULL
	    ? groups_create(gs, TEXT("g"), GROUP_STRICT_PRIVATE, &who)
	    : groups_join(gs, TEXT("g"), &who, &became);
}

static uint32_t
part(const struct fan *f, uint64_t gateway)
{
	for (uint32_t i = 0; i < f->part_count; i++)
		if (f->parts[i].gateway == gateway)
			return f->parts[i].count;
	return 0;
}

static void
a_fan_has_each_receiver_on_his_gateway_and_nobody_who_waits(void **state)
{
	static const struct groups_limits limits = {
	    .groups = 9, .members = 9, .memberships = 9};
	const struct groups_watch nobody = {.ctx = NULL};
	enum member_status became;
	struct groups *gs;

	(void)state;
	groups_create_table(&gs, &limits, &nobody, (struct hash_seed){5, 6});
	assert_int_equal(add_member(gs, "a", 1), GROUPS_done);
	assert_int_equal(add_member(gs, "b", 1), GROUPS_done);
	assert_int_equal(add_member(gs, "c", 2), GROUPS_done);
	struct group *g = groups_find(gs, TEXT("g"));
	const struct fan *f = fans_of(g);
	assert_int_equal(part(f, 1), 1);
	assert_int_equal(part(f, 2), 0);
	groups_accept(gs, TEXT("g"), TEXT("a"), TEXT("c"), &became);
	groups_mute(gs, TEXT("g"), TEXT("a"), TEXT("c"));
	f = fans_of(g);
	assert_int_equal(part(f, 2), 1);
	assert_memory_equal(buffer_at(&f->parts[1].pairs), "\x92\x63\x03", 3);
	assert_ptr_equal(fans_of(g)->parts, f->parts); /* kept as it is */
	groups_leave(gs, TEXT("g"), TEXT("c"));
	assert_int_equal(part(fans_of(g), 2), 0);
	fans_forget(g);
	groups_destroy_table(&gs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_answer_never_overtakes_the_message_before_it),
	    TEST(a_link_without_room_is_tried_again),
	    TEST(answers_that_a_link_does_not_take_are_the_lanes_to_count),
	    TEST(who_comes_back_finds_the_messages_and_not_the_answers),
	    TEST(
		at_the_end_answers_go_out_and_what_waited_for_credit_is_counted),
	    TEST(credit_has_an_end),
	    TEST(a_fan_has_each_receiver_on_his_gateway_and_nobody_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
