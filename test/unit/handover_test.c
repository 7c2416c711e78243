// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/base/fd.h"
#include "protocol/child_state.h"
#include "protocol/handover.h"

static int ends[2];

static int
open_pair(void **state)
{
	(void)state;
	return socketpair(
	    AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
}

static int
close_pair(void **state)
{
	(void)state;
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return 0;
}

static void
a_record_arrives_as_it_was_sent_with_its_descriptor(void **state)
{
	struct handover_record out, in;
	int fd = -1, given = dup(STDERR_FILENO);

	(void)state;
	handover_fill(&out, HANDOVER_RELOADED, "keys: %s", "gateway.port");
	out.a = UINT64_MAX;
	out.b = RELOAD_NEEDS_RESTART;
	out.role = 3;
	out.instance = 2;
	assert_int_equal(handover_send(ends[0], &out, given), OK);
	assert_int_equal(handover_receive(ends[1], &in, &fd), OK);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_true(fd >= 0 && fd != given);
	fd_close(&fd);
	fd_close(&given);
	assert_int_equal(handover_receive(ends[1], &in, &fd), ERR_AGAIN);
	assert_int_equal(fd, -1);
}

static void
text_is_cut_and_always_ends(void **state)
{
	struct handover_record record, in;
	char text[1000];
	int fd;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	handover_fill(&record, HANDOVER_FAREWELL, "%s", text);
	assert_int_equal(strlen(record.text), HANDOVER_TEXT - 1);
	memset(record.text, 'y', sizeof(record.text)); /* a sick child's */
	assert_int_equal(handover_send(ends[0], &record, -1), OK);
	assert_int_equal(handover_receive(ends[1], &in, &fd), OK);
	assert_int_equal(strlen(in.text), HANDOVER_TEXT - 1);
}

static void
what_is_no_record_is_refused_and_its_descriptor_closed(void **state)
{
	struct handover_record record, in;
	char wrong[sizeof(record) + 8] = "Ban?";
	int fd, before = fd_count_open();

	(void)state;
	assert_true(send(ends[0], wrong, 3, 0) == 3);
	assert_int_equal(handover_receive(ends[1], &in, &fd), ERR_MALFORMED);
	assert_true(send(ends[0], wrong, sizeof(wrong), 0) > 0);
	assert_int_equal(handover_receive(ends[1], &in, &fd), ERR_MALFORMED);
	assert_true(send(ends[0], wrong, sizeof(record), 0) > 0);
	assert_int_equal(handover_receive(ends[1], &in, &fd), ERR_MALFORMED);
	handover_fill(&record, (enum handover_kind)0, NULL);
	assert_int_equal(handover_send(ends[0], &record, STDERR_FILENO), OK);
	assert_int_equal(handover_receive(ends[1], &in, &fd), ERR_MALFORMED);
	record.kind = HANDOVER_LAST_WORDS + 1;
	assert_int_equal(handover_send(ends[0], &record, STDERR_FILENO), OK);
	assert_int_equal(handover_receive(ends[1], &in, &fd), ERR_MALFORMED);
	assert_int_equal(fd_count_open(), before);
}

static void
a_peer_that_does_not_read_costs_no_time(void **state)
{
	struct handover_record record;
	enum err e = OK;

	(void)state;
	handover_fill(&record, HANDOVER_NOTIFY, "x");
	for (int n = 0; n < 10000 && e == OK; n++)
		e = handover_send(ends[0], &record, -1);
	assert_int_equal(e, ERR_AGAIN);
}

static void
a_peer_that_is_gone_is_closed(void **state)
{
	struct handover_record record;
	int fd;

	(void)state;
	fd_close(&ends[0]);
	assert_int_equal(handover_receive(ends[1], &record, &fd), ERR_CLOSED);
	handover_fill(&record, HANDOVER_READY, NULL);
	assert_int_equal(handover_send(ends[1], &record, -1), ERR_CLOSED);
}

static void
every_state_and_reason_has_its_word_and_nonsense_has_one_too(void **state)
{
	(void)state;
	for (int i = 0; i < CHILD_STATES; i++)
		assert_string_not_equal(
		    child_state_name((enum child_state)i), "unknown");
	for (int i = 0; i < CHILD_REASONS; i++)
		assert_string_not_equal(
		    child_reason_name((enum child_reason)i), "unknown");
	assert_string_equal(child_state_name((enum child_state)77), "unknown");
	assert_string_equal(
	    child_reason_name((enum child_reason) - 1), "unknown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_record_arrives_as_it_was_sent_with_its_descriptor),
	    TEST(text_is_cut_and_always_ends),
	    TEST(what_is_no_record_is_refused_and_its_descriptor_closed),
	    TEST(a_peer_that_does_not_read_costs_no_time),
	    TEST(a_peer_that_is_gone_is_closed),
	    TEST(every_state_and_reason_has_its_word_and_nonsense_has_one_too),
	};

	return cmocka_run_group_tests_name("handover", tests, NULL, NULL);
}
