// SPDX-License-Identifier: MIT
/* A line to an endpoint that this test plays by hand, byte for byte. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/sp.h"
#include "workers/kit/line.h"

#define GREETING "\0SP\0\0\x31\0\0"

struct asked {
	struct line line;
	int ready, replies, lost;
	uint32_t last_id;
	char last[16];
};

static struct loop *loop;
static struct conn_hub hub;
static char path[ENDPOINT_PATH];
static int listener = -1;

static void
on_ready(void *ctx)
{
	((struct asked *)ctx)->ready++;
}

static void
on_reply(void *ctx, uint32_t id, struct text body)
{
	struct asked *a = ctx;

	a->replies++;
	a->last_id = id;
	assert_int_equal(text_copy(body, a->last, sizeof(a->last)), OK);
}

static void
on_lost(void *ctx)
{
	((struct asked *)ctx)->lost++;
}

static const struct line_events events = {.ready = on_ready,
    .reply = on_reply,
    .lost = on_lost};

static int
set_up(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	snprintf(path, sizeof(path), "/tmp/line-test.%d.ipc", (int)getpid());
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	listener =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(loop_create(&loop), OK);
	conn_hub_init(&hub, loop);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	conn_hub_finish(&hub);
	loop_destroy(&loop);
	fd_close(&listener);
	unlink(path);
	return 0;
}

/* caught turns the loop until the line has come to the door. */
static int
caught(void)
{
	uint64_t end = clock_mono_ms() + 5000;
	int fd = -1;

	while (fd < 0 && clock_mono_ms() < end) {
		loop_turn(loop, 5);
		fd = accept(listener, NULL, NULL);
	}
	assert_true(fd >= 0);
	return fd;
}

static void
turn_until(const int *count, int value)
{
	uint64_t end = clock_mono_ms() + 5000;

	while (*count < value && clock_mono_ms() < end)
		loop_turn(loop, 5);
	assert_int_equal(*count, value);
}

static void
say(int fd, const char *bytes, size_t count)
{
	assert_int_equal(write(fd, bytes, count), (ssize_t)count);
}

static int
greeted(struct asked *a)
{
	char its[SP_HANDSHAKE_BYTES];
	int fd;

	line_want(&a->line, true);
	fd = caught();
	say(fd, GREETING, SP_HANDSHAKE_BYTES);
	turn_until(&a->ready, a->ready + 1);
	assert_int_equal(read(fd, its, sizeof(its)), SP_HANDSHAKE_BYTES);
	assert_memory_equal(its, "\0SP\0\0\x30\0\0", SP_HANDSHAKE_BYTES);
	return fd;
}

static void
asked_init(struct asked *a)
{
	*a = (struct asked){.ready = 0};
	line_init(&a->line, &hub, path, &events, a);
}

static void
asked_finish(struct asked *a, int fd)
{
	line_want(&a->line, false);
	conn_close(&a->line.conn);
	fd_close(&fd);
}

static void
a_question_goes_out_and_its_answer_comes_back(void **state)
{
	struct asked a;
	char got[32];

	(void)state;
	asked_init(&a);
	int fd = greeted(&a);
	assert_int_equal(line_send(&a.line, 7, TEXT("hello")), OK);
	assert_int_equal(read(fd, got, sizeof(got)), 18);
	assert_memory_equal(got, "\1\0\0\0\0\0\0\0\x09\x80\0\0\x07hello", 18);
	say(fd, "\1\0\0\0\0\0\0\0\x06\x80\0\0", 12); /* in two pieces */
	loop_turn(loop, 5);
	assert_int_equal(a.replies, 0);
	say(fd, "\x07ok", 3);
	turn_until(&a.replies, 1);
	assert_int_equal(a.last_id, 0x80000007u);
	assert_string_equal(a.last, "ok");
	asked_finish(&a, fd);
}

static void
who_closes_in_the_handshake_is_dialled_again(void **state)
{
	struct asked a;

	(void)state;
	asked_init(&a);
	line_want(&a.line, true);
	for (int i = 0; i < 3; i++) {
		int half = caught();

		if (i == 1)
			say(half, GREETING, 3);
		fd_close(&half);
	}
	int fd = greeted(&a);
	assert_int_equal(a.lost, 0); /* nothing had been handed over */
	asked_finish(&a, fd);
}

static void
nothing_is_sent_before_the_other_side_has_greeted(void **state)
{
	struct asked a;

	(void)state;
	asked_init(&a);
	line_want(&a.line, true);
	int fd = caught();
	assert_false(line_is_ready(&a.line));
	say(fd, GREETING, SP_HANDSHAKE_BYTES);
	turn_until(&a.ready, 1);
	assert_true(line_is_ready(&a.line));
	asked_finish(&a, fd);
}

static void
who_breaks_the_wire_is_hung_up_on_and_dialled_again(void **state)
{
	static const char *const broken[] = {
	    "\2\0\0\0\0\0\0\0\x06\x80\0\0\1ok",               /* no 01 */
	    "\1\xff\xff\xff\xff\xff\xff\xff\xff\x80\0\0\1ok", /* no end */
	    "\1\0\0\0\0\0\0\0\x02\x80\0\0\1ok",               /* no id */
	    "\1\0\0\0\0\0\0\0\x06\0\0\0\1ok"};                /* only hops */
	struct asked a;

	(void)state;
	asked_init(&a);
	for (int i = 0; i < 4; i++) {
		int fd = greeted(&a);

		say(fd, broken[i], 15);
		turn_until(&a.lost, i + 1);
		fd_close(&fd);
	}
	assert_int_equal(a.replies, 0);
	int fd = greeted(&a);
	asked_finish(&a, fd);
}

static void
a_lost_line_nobody_wants_is_not_dialled(void **state)
{
	struct asked a;

	(void)state;
	asked_init(&a);
	int fd = greeted(&a);
	line_want(&a.line, false);
	fd_close(&fd);
	turn_until(&a.lost, 1);
	for (int i = 0; i < 30; i++)
		loop_turn(loop, 5);
	assert_int_equal(accept(listener, NULL, NULL), -1);
	fd = greeted(&a); /* wanted again: here it is */
	asked_finish(&a, fd);
}

static void
what_nobody_took_whole_is_not_counted_as_sent(void **state)
{
	struct asked a;

	(void)state;
	asked_init(&a);
	int fd = greeted(&a);
	fd_close(&fd); /* and the loop has not seen it yet */
	assert_int_equal(line_send(&a.line, 1, TEXT("x")), ERR_CLOSED);
	turn_until(&a.lost, 1);
	fd = greeted(&a);
	asked_finish(&a, fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_question_goes_out_and_its_answer_comes_back, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		who_closes_in_the_handshake_is_dialled_again, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		nothing_is_sent_before_the_other_side_has_greeted, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		who_breaks_the_wire_is_hung_up_on_and_dialled_again, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		a_lost_line_nobody_wants_is_not_dialled, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		what_nobody_took_whole_is_not_counted_as_sent, set_up,
		tear_down),
	};

	return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
