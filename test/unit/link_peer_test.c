// SPDX-License-Identifier: MIT
/* The state of a link, in virtual time: no sockets, no clock. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/link/peer.h"

static struct link_head
says(uint64_t seq, uint64_t ack, uint64_t boot)
{
	return (struct link_head){.stamp = {seq, ack, boot}, .frame_count = 1};
}

static struct link_peer
greeted(bool is_unary, uint64_t now_ms)
{
	struct link_peer p;
	struct link_hello hello = {
	    .boot = 7, .max_bytes = LINK_MAX_BYTES, .is_unary = is_unary};
	struct link_head head = says(1, 1, 7);

	link_peer_init(&p, true, 0, now_ms);
	assert_int_equal(link_peer_stamp(&p).boot, 0);
	assert_int_equal(link_peer_hear(&p, &head, now_ms), LINK_FAULT_none);
	assert_int_equal(link_peer_greet(&p, &hello), LINK_FAULT_none);
	return p;
}

static void
a_missing_or_repeated_number_ends_the_generation(void **state)
{
	struct link_peer p = greeted(false, 0);
	struct link_head gap = says(3, 1, 7), again = says(1, 1, 7);
	struct link_head ahead = says(2, 2, 7), right = says(2, 1, 7);

	(void)state;
	assert_int_equal(link_peer_hear(&p, &gap, 0), LINK_FAULT_gap);
	assert_int_equal(link_peer_hear(&p, &again, 0), LINK_FAULT_gap);
	assert_int_equal(link_peer_hear(&p, &ahead, 0), LINK_FAULT_gap);
	assert_int_equal(link_peer_hear(&p, &right, 0), LINK_FAULT_none);
}

static void
another_instance_ends_the_generation(void **state)
{
	struct link_peer p = greeted(false, 0);
	struct link_head other = says(2, 1, 8);

	(void)state;
	assert_int_equal(link_peer_hear(&p, &other, 0), LINK_FAULT_boot);
}

static void
silence_is_asked_after_one_second_and_death_after_three(void **state)
{
	struct link_peer p = greeted(false, 0);

	(void)state;
	assert_int_equal(link_peer_tick(&p, 500), LINK_DUE_nothing);
	assert_int_equal(link_peer_tick(&p, 1000), LINK_DUE_ping);
	assert_int_equal(link_peer_tick(&p, 1500), LINK_DUE_nothing);
	assert_int_equal(link_peer_tick(&p, 2000), LINK_DUE_ping);
	assert_int_equal(link_peer_tick(&p, 2500), LINK_DUE_nothing);
	assert_int_equal(link_peer_tick(&p, 3000), LINK_DUE_dead);
}

static void
a_gateway_that_was_stopped_does_not_blame_its_peer(void **state)
{
	struct link_peer p = greeted(false, 0);
	struct link_head alive = says(2, 1, 7);

	(void)state;
	assert_int_equal(link_peer_tick(&p, 500), LINK_DUE_nothing);
	assert_int_not_equal(link_peer_tick(&p, 60000), LINK_DUE_dead);
	assert_int_equal(link_peer_hear(&p, &alive, 60001), LINK_FAULT_none);
	assert_int_not_equal(link_peer_tick(&p, 60500), LINK_DUE_dead);
}

static void
a_unary_peer_takes_thirty_two_and_answers_each_once(void **state)
{
	struct link_peer p = greeted(true, 0);
	struct link_head answer = says(0, 0, 7);

	(void)state;
	for (int i = 0; i < LINK_WINDOW; i++) {
		assert_true(link_peer_may_send(&p));
		link_peer_stamp(&p);
	}
	assert_false(link_peer_may_send(&p));
	for (int i = 0; i < LINK_WINDOW; i++)
		assert_int_equal(
		    link_peer_hear(&p, &answer, 0), LINK_FAULT_none);
	assert_int_equal(link_peer_hear(&p, &answer, 0), LINK_FAULT_twice);
}

static void
a_unary_peer_busy_with_a_call_is_not_asked_and_not_dead(void **state)
{
	struct link_peer p = greeted(true, 0);

	(void)state;
	link_peer_stamp(&p);
	link_peer_wait(&p, 10000);
	for (uint64_t t = 500; t < 13000; t += 500)
		assert_int_equal(link_peer_tick(&p, t), LINK_DUE_nothing);
	assert_int_equal(link_peer_tick(&p, 13000), LINK_DUE_dead);
}

static void
eight_messages_are_acknowledged_and_a_ping_at_once(void **state)
{
	struct link_peer p = greeted(false, 0);

	(void)state;
	link_peer_stamp(&p);
	for (uint64_t i = 2; i < 2 + LINK_ACK_EVERY; i++) {
		struct link_head head = says(i, 1, 7);

		assert_false(link_peer_needs_ack(&p));
		assert_int_equal(link_peer_hear(&p, &head, 0), LINK_FAULT_none);
	}
	assert_true(link_peer_needs_ack(&p));
	assert_int_equal(link_peer_stamp(&p).ack, 1 + LINK_ACK_EVERY);
	assert_false(link_peer_needs_ack(&p));
	p.owes_answer = true;
	assert_true(link_peer_needs_ack(&p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_missing_or_repeated_number_ends_the_generation),
	    cmocka_unit_test(another_instance_ends_the_generation),
	    cmocka_unit_test(
		silence_is_asked_after_one_second_and_death_after_three),
	    cmocka_unit_test(
		a_gateway_that_was_stopped_does_not_blame_its_peer),
	    cmocka_unit_test(
		a_unary_peer_takes_thirty_two_and_answers_each_once),
	    cmocka_unit_test(
		a_unary_peer_busy_with_a_call_is_not_asked_and_not_dead),
	    cmocka_unit_test(
		eight_messages_are_acknowledged_and_a_ping_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
