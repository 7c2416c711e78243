// SPDX-License-Identifier: MIT
/* Connections over socketpairs and ipc paths, turned by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/base/conn_listen.h"
#include "protocol/base/clock.h"
#include "protocol/base/fd.h"

struct side {
	struct conn conn;
	struct buffer got;
	size_t takes_whole; /* take only multiples of this */
	int opened, room, ended;
	bool closes_itself;
	enum conn_end why;
};

static struct loop *loop;
static struct conn_hub hub;

static void
on_opened(void *ctx)
{
	((struct side *)ctx)->opened++;
}

static size_t
on_arrived(void *ctx, uint8_t *bytes, size_t count)
{
	struct side *s = ctx;
	size_t take = count / s->takes_whole * s->takes_whole;

	assert_int_equal(buffer_append(&s->got, bytes, take), OK);
	if (s->closes_itself) {
		conn_close(&s->conn);
		memset(&s->conn, 0xee, sizeof(s->conn)); /* as if freed */
	}
	return take;
}

static void
on_room(void *ctx)
{
	((struct side *)ctx)->room++;
}

static void
on_ended(void *ctx, enum conn_end why)
{
	struct side *s = ctx;

	s->ended++;
	s->why = why;
}

static const struct conn_calls calls = {
    .opened = on_opened,
    .arrived = on_arrived,
    .room = on_room,
    .ended = on_ended,
};

static void
side_init(struct side *s, size_t limit)
{
	*s = (struct side){.takes_whole = 1};
	buffer_init(&s->got, 64 << 20);
	conn_init(
	    &s->conn, &hub, &calls, s, (struct conn_limits){limit, limit});
}

static void
pair(struct side *a, struct side *b, size_t limit)
{
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	side_init(a, limit);
	side_init(b, limit);
	assert_int_equal(conn_open(&a->conn, fds[0], NULL), OK);
	assert_int_equal(conn_open(&b->conn, fds[1], NULL), OK);
}

static void
side_finish(struct side *s)
{
	conn_close(&s->conn);
	buffer_finish(&s->got);
}

static void
turn_until(const int *flag)
{
	uint64_t end = clock_mono_ms() + 5000;

	while (*flag == 0 && clock_mono_ms() < end)
		loop_turn(loop, 10);
	assert_int_not_equal(*flag, 0);
}

static int
set_up(void **state)
{
	(void)state;
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
	return 0;
}

static void
writes_of_one_turn_leave_together_and_idle_holds_no_buffer(void **state)
{
	struct side a, b;

	(void)state;
	pair(&a, &b, 4096);
	assert_int_equal(conn_write(&a.conn, "one", 3), OK);
	assert_int_equal(conn_write(&a.conn, "two", 3), OK);
	assert_int_equal(buffer_used(&a.conn.out), 6);
	loop_turn(loop, 0);
	loop_turn(loop, 0);
	assert_memory_equal(buffer_at(&b.got), "onetwo", 6);
	assert_null(a.conn.out.memory);
	assert_null(b.conn.in.memory);
	side_finish(&a);
	side_finish(&b);
}

static void
what_is_not_taken_comes_again_longer(void **state)
{
	struct side a, b;

	(void)state;
	pair(&a, &b, 4096);
	b.takes_whole = 4;
	assert_int_equal(conn_write(&a.conn, "abcdef", 6), OK);
	loop_turn(loop, 0);
	loop_turn(loop, 0);
	assert_int_equal(buffer_used(&b.got), 4);
	assert_int_equal(buffer_used(&b.conn.in), 2);
	assert_int_equal(conn_write(&a.conn, "gh", 2), OK);
	loop_turn(loop, 0);
	loop_turn(loop, 0);
	assert_memory_equal(buffer_at(&b.got), "abcdefgh", 8);
	side_finish(&a);
	side_finish(&b);
}

static void
what_was_not_taken_is_offered_again_when_asked_for(void **state)
{
	struct side a, b;

	(void)state;
	pair(&a, &b, 4096);
	b.takes_whole = 4096;
	conn_offer(&b.conn); /* nothing is there: nothing happens */
	assert_int_equal(conn_write(&a.conn, "abcdef", 6), OK);
	loop_turn(loop, 0);
	loop_turn(loop, 0);
	assert_int_equal(buffer_used(&b.got), 0);
	b.takes_whole = 4;
	conn_offer(&b.conn);
	assert_memory_equal(buffer_at(&b.got), "abcd", 4);
	assert_int_equal(buffer_used(&b.conn.in), 2);
	b.takes_whole = 1;
	conn_offer(&b.conn);
	assert_int_equal(buffer_used(&b.got), 6);
	assert_null(b.conn.in.memory);
	conn_close(&b.conn);
	conn_offer(&b.conn);
	side_finish(&a);
	side_finish(&b);
}

static void
a_full_read_buffer_that_nobody_takes_ends_the_connection(void **state)
{
	struct side a, b;
	char block[3000] = {0};

	(void)state;
	pair(&a, &b, 2000);
	b.takes_whole = 1 << 20;
	assert_int_equal(conn_write(&a.conn, block, 1500), OK);
	loop_turn(loop, 0);
	assert_int_equal(conn_write(&a.conn, block, 1500), OK);
	turn_until(&b.ended);
	assert_int_equal(b.why, CONN_END_too_big);
	side_finish(&a);
	side_finish(&b);
}

static void
a_slow_reader_fills_the_budget_and_no_more(void **state)
{
	struct side a, b;
	static char block[10000];
	size_t sent = 0;

	(void)state;
	pair(&a, &b, 1 << 20);
	conn_pause(&b.conn, true);
	while (conn_write(&a.conn, block, sizeof(block)) == OK) {
		sent += sizeof(block);
		loop_turn(loop, 0);
	}
	assert_in_range(conn_unsent(&a.conn), 1 << 19, 1 << 20);
	assert_int_not_equal(a.conn.blocked_since_ms, 0);
	conn_pause(&b.conn, false);
	turn_until(&a.room);
	for (int i = 0; i < 1000 && buffer_used(&b.got) < sent; i++)
		loop_turn(loop, 10);
	assert_int_equal(buffer_used(&b.got), sent);
	assert_int_equal(a.conn.blocked_since_ms, 0);
	side_finish(&a);
	side_finish(&b);
}

static void
what_the_peer_said_before_it_went_is_read_first(void **state)
{
	struct side a, b;

	(void)state;
	pair(&a, &b, 4096);
	assert_int_equal(conn_write(&a.conn, "unread", 6), OK);
	conn_flush(&a.conn);
	assert_int_equal(conn_write(&b.conn, "last words", 10), OK);
	conn_flush(&b.conn);
	conn_close(&b.conn); /* with unread input: a reset */
	assert_int_equal(conn_write(&a.conn, "x", 1), OK);
	conn_flush(&a.conn);
	assert_int_equal(a.ended, 0);
	turn_until(&a.ended);
	assert_int_equal(a.ended, 1);
	assert_memory_equal(buffer_at(&a.got), "last words", 10);
	side_finish(&a);
	side_finish(&b);
}

static void
a_connection_may_vanish_inside_its_own_callback(void **state)
{
	struct side a, b;

	(void)state;
	pair(&a, &b, 4096);
	b.closes_itself = true;
	assert_int_equal(conn_write(&a.conn, "abc", 3), OK);
	turn_until(&a.ended);
	assert_int_equal(a.why, CONN_END_closed);
	buffer_finish(&b.got);
	side_finish(&a);
}

static void
a_shut_connection_sends_the_rest_and_waits_for_the_peer(void **state)
{
	struct side a, b;

	(void)state;
	pair(&a, &b, 4096);
	assert_int_equal(conn_write(&a.conn, "bye", 3), OK);
	conn_shut(&a.conn);
	turn_until(&b.ended);
	assert_int_equal(b.why, CONN_END_closed);
	assert_memory_equal(buffer_at(&b.got), "bye", 3);
	turn_until(&a.ended);
	assert_int_equal(a.why, CONN_END_closed);
	side_finish(&a);
	side_finish(&b);
}

/* as a runner's next life after one that died while it was written to */
static void
a_connection_that_failed_can_be_opened_again(void **state)
{
	struct side a, b, c;
	int fds[2];

	(void)state;
	pair(&a, &b, 4096);
	conn_pause(&a.conn, true);
	conn_close(&b.conn);
	assert_int_equal(conn_write(&a.conn, "lost", 4), OK);
	conn_flush(&a.conn);
	conn_close(&a.conn);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	side_init(&c, 4096);
	assert_int_equal(conn_open(&c.conn, fds[0], NULL), OK);
	assert_int_equal(conn_open(&a.conn, fds[1], NULL), OK);
	assert_int_equal(conn_write(&a.conn, "hello", 5), OK);
	assert_int_equal(conn_write(&c.conn, "welcome", 7), OK);
	for (int i = 0; i < 100 && buffer_used(&a.got) == 0; i++)
		loop_turn(loop, 10);
	assert_memory_equal(buffer_at(&c.got), "hello", 5);
	assert_memory_equal(buffer_at(&a.got), "welcome", 7);
	assert_int_equal(a.ended, 0);
	side_finish(&a);
	side_finish(&b);
	side_finish(&c);
}

static void
a_paused_connection_does_not_spin_when_its_peer_hangs_up(void **state)
{
	struct side a, b;

	(void)state;
	pair(&a, &b, 4096);
	conn_pause(&a.conn, true);
	assert_int_equal(conn_write(&b.conn, "left", 4), OK);
	conn_flush(&b.conn);
	conn_close(&b.conn);
	loop_turn(loop, 0);
	uint64_t start = clock_mono_ms();
	loop_turn(loop, 50);
	assert_in_range(clock_mono_ms() - start, 45, 1000);
	conn_pause(&a.conn, false);
	turn_until(&a.ended);
	assert_memory_equal(buffer_at(&a.got), "left", 4);
	side_finish(&a);
	side_finish(&b);
}

/* ---- listening ---- */

static struct side taken;
static int taken_count;

static void
on_accepted(void *ctx, int fd, const struct sockaddr_storage *peer)
{
	uint32_t uid;

	(void)ctx;
	(void)peer;
	assert_int_equal(conn_peer_uid(fd, &uid), OK);
	assert_int_equal(uid, getuid());
	side_init(&taken, 4096);
	assert_int_equal(conn_open(&taken.conn, fd, NULL), OK);
	taken_count++;
}

static void
an_ipc_path_is_private_taken_over_when_stale_and_never_stolen(void **state)
{
	char dir[] = "/tmp/link.XXXXXX", path[64];
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct conn_acceptor acceptor = {
	    .accepted = on_accepted, .per_wake = 16};
	struct stat st;
	struct side a;
	int fd = -1, again = -1;

	(void)state;
	taken_count = 0;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s.ipc", dir);
	memcpy(at.sun_path, path, strlen(path));
	side_init(&a, 4096);
	assert_int_equal(
	    conn_dial(&a.conn, (struct sockaddr *)&at, sizeof(at), NULL, NULL),
	    ERR_SYSTEM);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(conn_listen_ipc(path, 0660, 8, &fd), OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(conn_listen_ipc(path, 0660, 8, &again), ERR_EXISTS);
	fd_close(&fd); /* the file stays behind, as after SIGKILL */
	assert_int_equal(conn_listen_ipc(path, 0660, 8, &fd), OK);
	assert_int_equal(conn_acceptor_start(&acceptor, &hub, fd), OK);
	assert_int_equal(
	    conn_dial(&a.conn, (struct sockaddr *)&at, sizeof(at), NULL, NULL),
	    OK);
	assert_int_equal(a.opened, 0);
	turn_until(&a.opened);
	turn_until(&taken_count);
	conn_acceptor_stop(&acceptor);
	side_finish(&a);
	side_finish(&taken);
	fd_close(&fd);
	unlink(path);
	FILE *plain = fopen(path, "w");
	fclose(plain);
	assert_int_equal(conn_listen_ipc(path, 0660, 8, &fd), ERR_DENIED);
	unlink(path);
	rmdir(dir);
}

static void
write_to_friend(void *ctx, enum conn_end why)
{
	struct side *friend = ctx;

	(void)why;
	assert_int_equal(conn_write(&friend->conn, "he died", 7), OK);
}

static void
what_an_end_writes_to_others_leaves_in_the_same_turn(void **state)
{
	static const struct conn_calls telling = {
	    .arrived = on_arrived, .ended = write_to_friend};
	struct side a, b, c, d;

	(void)state;
	pair(&a, &b, 4096);
	pair(&c, &d, 4096);
	c.conn.calls = &telling;
	c.conn.ctx = &a;
	conn_close(&d.conn);
	/* both are written to; the first was flushed when the second fails */
	assert_int_equal(conn_write(&a.conn, "one, ", 5), OK);
	assert_int_equal(conn_write(&c.conn, "x", 1), OK);
	conn_flush(&c.conn);
	for (int i = 0; i < 3; i++)
		loop_turn(loop, 10);
	assert_int_equal(conn_unsent(&a.conn), 0);
	assert_int_equal(buffer_used(&b.got), 12);
	assert_memory_equal(buffer_at(&b.got), "one, he died", 12);
	side_finish(&a);
	side_finish(&b);
	buffer_finish(&c.got);
	buffer_finish(&d.got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		writes_of_one_turn_leave_together_and_idle_holds_no_buffer),
	    cmocka_unit_test(what_is_not_taken_comes_again_longer),
	    cmocka_unit_test(
		what_was_not_taken_is_offered_again_when_asked_for),
	    cmocka_unit_test(
		a_full_read_buffer_that_nobody_takes_ends_the_connection),
	    cmocka_unit_test(a_slow_reader_fills_the_budget_and_no_more),
	    cmocka_unit_test(what_the_peer_said_before_it_went_is_read_first),
	    cmocka_unit_test(
		what_an_end_writes_to_others_leaves_in_the_same_turn),
	    cmocka_unit_test(a_connection_may_vanish_inside_its_own_callback),
	    cmocka_unit_test(
		a_shut_connection_sends_the_rest_and_waits_for_the_peer),
	    cmocka_unit_test(a_connection_that_failed_can_be_opened_again),
	    cmocka_unit_test(
		a_paused_connection_does_not_spin_when_its_peer_hangs_up),
	    cmocka_unit_test(
		an_ipc_path_is_private_taken_over_when_stale_and_never_stolen),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
