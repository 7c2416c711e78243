// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A callback may close its connection and free the memory around it. So after
 * each callback the code asks hub->current, not the connection: conn_close
 * blanks it, and a blanked one is never touched again.
 *
 * A failed write does not end the connection on the spot. Whoever writes may
 * be deep inside a callback of something else, and what the peer sent before
 * it went away is still in the kernel: both wait for the end of the turn,
 * where the rest is read first and only then `ended` is told. For the link
 * this is the difference between a late answer and a lost call.
 *
 * A paused connection whose peer hangs up would wake a level-triggered epoll
 * for ever (EPOLLHUP cannot be masked), so it leaves epoll until it is read
 * again.
 */

#include "protocol/base/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/conn_hub.h"
#include "protocol/base/fd.h"
#include "protocol/base/tls.h"

enum {
	READ_CHUNK = 64 * 1024,   /* room offered to one read into c->in */
	READ_BUDGET = 512 * 1024, /* bytes of one connection per wake-up */
};

/* want sets what epoll should wake us for, if that has changed. */
static void
want(struct conn *c, uint32_t events)
{
	if (!c->watch.is_watched || c->wanted == events)
		return;
	c->wanted = events;
	loop_watch_change(c->hub->loop, &c->watch, events);
}

void
conn_want_usual(struct conn *c)
{
	want(c,
	    (c->is_paused ? 0 : EPOLLIN) |
		(c->blocked_since_ms != 0 ? EPOLLOUT : 0));
}

void
conn_close(struct conn *c)
{
	if (!conn_is_open(c))
		return;
	if (c->hub->current == c)
		c->hub->current = NULL;
	if (c->dirty_slot != 0)
		c->hub->dirty[c->dirty_slot - 1] = NULL;
	c->dirty_slot = 0;
	loop_watch_remove(c->hub->loop, &c->watch);
	if (c->tls != NULL && !c->is_dialling && c->failed == CONN_END_none)
		tls_say_goodbye(c->tls);
	tls_session_destroy(&c->tls);
	fd_close(&c->watch.fd);
	buffer_truncate(&c->in, 0);
	buffer_truncate(&c->out, 0);
	conn_hub_give_back(c->hub, &c->in);
	conn_hub_give_back(c->hub, &c->out);
}

static void
end(struct conn *c, enum conn_end why)
{
	conn_close(c);
	if (c->calls->ended != NULL)
		c->calls->ended(c->ctx, why);
}

/* call runs a callback; false: the connection is gone, do not touch it. */
static bool
call(struct conn *c, void (*callback)(void *ctx))
{
	struct conn_hub *hub = c->hub;

	if (callback == NULL)
		return true;
	hub->current = c;
	callback(c->ctx);
	bool is_alive = hub->current == c;
	hub->current = NULL;
	return is_alive;
}

/* receive: OK with bytes, ERR_AGAIN, ERR_CLOSED, else broken. */
static enum err
receive(struct conn *c, uint8_t *to, size_t room, size_t *bytes)
{
	enum tls_wants wants;

	if (c->tls != NULL) {
		enum err e = tls_read(c->tls, to, room, bytes, &wants);

		if (e == ERR_AGAIN && wants == TLS_WANTS_WRITE)
			want(c, EPOLLIN | EPOLLOUT);
		return e;
	}
	for (int tries = 0; tries < 2; tries++) {
		ssize_t n = recv(c->watch.fd, to, room, 0);

		if (n > 0) {
			*bytes = (size_t)n;
			return OK;
		}
		if (n == 0)
			return ERR_CLOSED;
		if (errno == EAGAIN)
			return ERR_AGAIN;
		/* the error of an earlier write hides unread bytes: once more
		 */
	}
	return ERR_SYSTEM;
}

/*
 * hand_on offers the bytes at `at`; what is not taken stays in c->in. False:
 * the connection is gone.
 */
static bool
hand_on(struct conn *c, uint8_t *at, size_t count)
{
	struct conn_hub *hub = c->hub;
	bool is_ours = c->in.memory != NULL && at == buffer_at(&c->in);

	hub->current = c;
	size_t taken =
	    c->is_shutting ? count : c->calls->arrived(c->ctx, at, count);
	bool is_alive = hub->current == c;
	hub->current = NULL;
	if (!is_alive)
		return false;
	INVARIANT(taken <= count);
	if (is_ours) {
		buffer_consume(&c->in, taken);
		conn_hub_give_back(hub, &c->in);
	} else if (taken < count) {
		conn_hub_lend(hub, &c->in);
		if (buffer_append(&c->in, at + taken, count - taken) != OK) {
			end(c, CONN_END_too_big);
			return false;
		}
	}
	return true;
}

void
conn_offer(struct conn *c)
{
	INVARIANT(c->hub->current == NULL);
	if (conn_is_open(c) && buffer_used(&c->in) > 0)
		hand_on(c, buffer_at(&c->in), buffer_used(&c->in));
}

/* read_once: as receive, and ERR_MISSING once the connection is gone. */
static enum err
read_once(struct conn *c, size_t *bytes, size_t *room)
{
	struct conn_hub *hub = c->hub;
	size_t used = buffer_used(&c->in);
	uint8_t *to = hub->scratch;

	*room = CONN_SCRATCH_BYTES;
	if (used > 0) {
		*room = c->in.limit_bytes - used;
		if (*room > READ_CHUNK)
			*room = READ_CHUNK;
		if (*room == 0) {
			end(c, CONN_END_too_big);
			return ERR_MISSING;
		}
		if (buffer_reserve(&c->in, *room, &to) != OK)
			return ERR_FULL;
	}
	enum err e = receive(c, to, *room, bytes);
	if (e != OK)
		return e;
	c->read_count += *bytes;
	if (used > 0) {
		buffer_commit(&c->in, *bytes);
		to = buffer_at(&c->in);
	}
	return hand_on(c, to, used + *bytes) ? OK : ERR_MISSING;
}

/* take_in reads what is there; false: the connection is gone. */
static bool
take_in(struct conn *c)
{
	size_t total = 0, bytes = 0, room = 0;
	enum err e = OK;

	while (total < READ_BUDGET && (!c->is_paused || c->failed)) {
		e = read_once(c, &bytes, &room);
		if (e != OK)
			break;
		total += bytes;
		/* a short read has emptied a socket, but not a TLS session */
		if (bytes < room && c->tls == NULL)
			return true;
	}
	if (e == ERR_MISSING)
		return false;
	if (e == ERR_AGAIN)
		return true;
	if (e != OK) {
		end(c,
		    e == ERR_CLOSED      ? CONN_END_closed
			: c->tls != NULL ? CONN_END_tls
					 : CONN_END_reset);
		return false;
	}
	if (c->tls != NULL && !c->is_paused) {
		c->is_rereading = true;
		conn_mark_dirty(c);
	}
	return true;
}

static bool
now_open(struct conn *c)
{
	c->is_dialling = false;
	conn_want_usual(c);
	if (buffer_used(&c->out) > 0 || c->is_shutting)
		conn_mark_dirty(c);
	return call(c, c->calls->opened);
}

static void
step_handshake(struct conn *c)
{
	enum tls_wants wants;
	enum err e = tls_handshake(c->tls, &wants);

	if (e == ERR_AGAIN) {
		want(c, wants == TLS_WANTS_WRITE ? EPOLLOUT : EPOLLIN);
		return;
	}
	if (e != OK) {
		end(c, CONN_END_tls);
		return;
	}
	if (now_open(c))
		take_in(c); /* the first record may have come along */
}

static void
step_dial(struct conn *c)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (c->tls != NULL && c->is_connected) {
		step_handshake(c);
		return;
	}
	if (getsockopt(c->watch.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ||
	    error != 0) {
		end(c, CONN_END_refused);
		return;
	}
	c->is_connected = true;
	if (c->tls != NULL) {
		step_handshake(c);
		return;
	}
	now_open(c);
}

static void
on_ready(void *ctx, uint32_t events)
{
	struct conn *c = ctx;

	if (c->is_dialling) {
		step_dial(c);
		return;
	}
	if ((events & EPOLLOUT) != 0 && c->failed == CONN_END_none) {
		bool was_blocked = c->blocked_since_ms != 0;

		conn_push(c);
		if (was_blocked && c->blocked_since_ms == 0 &&
		    c->failed == CONN_END_none && !call(c, c->calls->room))
			return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return;
	if (c->is_paused && (events & EPOLLIN) == 0)
		loop_watch_remove(c->hub->loop, &c->watch);
	else
		take_in(c);
}

/*
 * conn_fail reads what the peer still said, then ends. A peer that goes on
 * talking while it does not listen is not heard out.
 */
void
conn_fail(struct conn *c)
{
	for (int i = 0; i < 32; i++) {
		uint64_t before = c->read_count;

		if (!take_in(c))
			return;
		if (c->read_count - before < READ_BUDGET)
			break;
	}
	end(c, c->failed);
}

/* conn_reread hands on what waits in memory, then reads on. */
void
conn_reread(struct conn *c)
{
	c->is_rereading = false;
	if (buffer_used(&c->in) > 0 &&
	    !hand_on(c, buffer_at(&c->in), buffer_used(&c->in)))
		return;
	take_in(c);
}

void
conn_init(struct conn *c, struct conn_hub *hub, const struct conn_calls *calls,
    void *ctx, struct conn_limits limits)
{
	*c = (struct conn){.hub = hub, .calls = calls, .ctx = ctx};
	c->watch = (struct loop_watch){.fd = -1, .ready = on_ready, .ctx = c};
	buffer_init(&c->in, limits.read_bytes);
	buffer_init(&c->out, limits.write_bytes);
}

/* forget_last: what ended the connection before this one is not its fault. */
static void
forget_last(struct conn *c)
{
	INVARIANT(!conn_is_open(c));
	c->failed = CONN_END_none;
	c->blocked_since_ms = 0;
	c->is_paused = c->is_shutting = c->is_shut = false;
	c->is_rereading = false;
}

static enum err
join_loop(struct conn *c, int fd, uint32_t events)
{
	int one = 1;

	/* an ipc socket refuses this, and needs it as little */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->watch.fd = fd;
	c->wanted = events;
	if (loop_watch_add(c->hub->loop, &c->watch, events) == OK)
		return OK;
	tls_session_destroy(&c->tls);
	fd_close(&c->watch.fd);
	return ERR_SYSTEM;
}

enum err
conn_open(struct conn *c, int fd, struct tls_context *tls)
{
	forget_last(c);
	if (tls != NULL && tls_session_create(&c->tls, tls, fd, NULL) != OK) {
		fd_close(&fd);
		return ERR_SYSTEM;
	}
	c->is_dialling = tls != NULL;
	c->is_connected = true;
	return join_loop(c, fd, EPOLLIN);
}

enum err
conn_dial(struct conn *c, const struct sockaddr *to, socklen_t size,
    struct tls_context *tls, const char *tls_name)
{
	forget_last(c);
	int fd = socket(
	    to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_SYSTEM;
	if (connect(fd, to, size) < 0 && errno != EINPROGRESS) {
		int error = errno;

		fd_close(&fd);
		errno = error;
		return ERR_SYSTEM;
	}
	if (tls != NULL &&
	    tls_session_create(&c->tls, tls, fd, tls_name) != OK) {
		fd_close(&fd);
		return ERR_MALFORMED;
	}
	c->is_dialling = true;
	c->is_connected = false;
	return join_loop(c, fd, EPOLLOUT);
}

void
conn_pause(struct conn *c, bool is_paused)
{
	if (!conn_is_open(c) || c->is_paused == is_paused)
		return;
	c->is_paused = is_paused;
	if (c->is_dialling)
		return;
	if (is_paused) {
		conn_want_usual(c);
		return;
	}
	if (!c->watch.is_watched) {
		c->wanted = 0;
		if (loop_watch_add(c->hub->loop, &c->watch, EPOLLIN) == OK)
			c->wanted = EPOLLIN;
		else
			c->failed = CONN_END_reset;
	}
	conn_want_usual(c);
	/* bytes that came before the pause wait in memory, not in the kernel */
	c->is_rereading = true;
	conn_mark_dirty(c);
	loop_post(c->hub->loop, &c->hub->again);
}
