// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A caller that closes inside a callback is still on the stack above it: it
 * is freed by a post, on the next turn.
 *
 * With no descriptor left, the spare one takes the next caller; once that is
 * lent, too, a caller who waits for nothing makes room. Callers of ours stay
 * connected between questions and dial again when they have one.
 */

#include "workers/kit/porch.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/buffer.h"
#include "protocol/base/conn_listen.h"
#include "protocol/base/fd.h"
#include "protocol/base/memory.h"
#include "protocol/base/spare.h"
#include "protocol/endpoint.h"
#include "protocol/sp.h"

enum {
	BACKLOG = 128,
	SOCKET_MODE = 0700,
	CALLERS_MOST = 512,
	READ_BYTES = 64 << 10,
	PAUSE_MS = 50,                      /* no descriptor: try again then */
	OUT_BYTES = 4 * ENDPOINT_MOST_BYTES /* unread answers of one caller */
};

struct caller {
	struct porch *porch;
	struct caller *next;
	struct loop_watch watch;
	struct buffer in;
	struct buffer out;
	uint32_t uid;
	uint32_t pid;
	uint32_t asked; /* requests taken and not yet answered */
	bool is_greeted;
	bool is_held; /* its next request was told "not now" */
	bool is_gone;
};

struct porch {
	struct loop *loop;
	struct porch_events events;
	struct loop_watch listener;
	struct caller *callers;
	struct caller *graveyard;
	struct loop_post bury;
	struct spare spare;
	struct loop_timer resume; /* accept again */
	uint32_t count;
	bool is_resuming;
};

/* --- a caller's end --- */

static void
bury(void *ctx)
{
	struct porch *porch = ctx;

	while (porch->graveyard != NULL) {
		struct caller *c = porch->graveyard;

		porch->graveyard = c->next;
		buffer_finish(&c->in);
		buffer_finish(&c->out);
		memory_free(c);
	}
}

static void
hang_up(struct caller *c)
{
	struct porch *porch = c->porch;
	struct caller **at = &porch->callers;

	if (c->is_gone)
		return;
	c->is_gone = true;
	loop_watch_remove(porch->loop, &c->watch);
	fd_close(&c->watch.fd);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->next = porch->graveyard;
	porch->graveyard = c;
	porch->count--;
	porch->events.gone(porch->events.ctx, c);
	loop_post(porch->loop, &porch->bury);
}

/* --- out --- */

static void
want(struct caller *c)
{
	uint32_t events = c->is_held ? 0 : EPOLLIN;

	if (buffer_used(&c->out) > 0)
		events |= EPOLLOUT;
	if (!c->is_gone)
		loop_watch_change(c->porch->loop, &c->watch, events);
}

static void
flush(struct caller *c)
{
	while (!c->is_gone && buffer_used(&c->out) > 0) {
		ssize_t n = send(c->watch.fd, buffer_at(&c->out),
		    buffer_used(&c->out), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			hang_up(c);
		else
			buffer_consume(&c->out, (size_t)n);
	}
	if (!c->is_gone)
		buffer_release(&c->out);
	want(c);
}

void
porch_reply(struct caller *c, struct text header, struct text body)
{
	uint8_t head[SP_IPC];

	if (c->is_gone)
		return;
	c->asked--;
	sp_write_head(head, SP_IPC, (uint64_t)header.len + body.len);
	if (buffer_append(&c->out, head, sizeof(head)) != OK ||
	    buffer_append_text(&c->out, header) != OK ||
	    buffer_append_text(&c->out, body) != OK)
		hang_up(c); /* it does not read what it asks for */
	else
		flush(c);
}

/* --- in --- */

/* take_frame hands on one request; false when there is none to take. */
static bool
take_frame(struct caller *c)
{
	const struct porch_events *events = &c->porch->events;
	struct text payload = {0};
	enum err e = sp_read_frame(buffer_at(&c->in), buffer_used(&c->in),
	    SP_IPC, ENDPOINT_MOST_BYTES + SP_HOPS_BYTES, &payload);

	if (e == ERR_AGAIN)
		return false;
	uint32_t header = e != OK
	    ? 0
	    : sp_measure_hops(payload.at,
		  payload.len < SP_HOPS_BYTES ? payload.len : SP_HOPS_BYTES);
	if (header == 0) {
		hang_up(c);
		return false;
	}
	c->asked++; /* it may be answered before `request` returns */
	c->is_held =
	    !events->request(events->ctx, c, (struct text){payload.at, header},
		(struct text){payload.at + header, payload.len - header});
	c->asked -= c->is_held;
	if (c->is_held || c->is_gone)
		return false;
	buffer_consume(&c->in, SP_IPC + (size_t)payload.len);
	return true;
}

static void
take_all(struct caller *c)
{
	if (!c->is_greeted && buffer_used(&c->in) >= SP_HANDSHAKE_BYTES) {
		c->is_greeted = sp_is_handshake(buffer_at(&c->in), SP_REQ0);
		buffer_consume(&c->in, SP_HANDSHAKE_BYTES);
		if (!c->is_greeted)
			hang_up(c);
	}
	while (!c->is_gone && c->is_greeted && !c->is_held && take_frame(c))
		;
	if (!c->is_gone)
		buffer_release(&c->in);
}

static void
read_some(struct caller *c)
{
	uint8_t *to;
	ssize_t n;

	if (buffer_reserve(&c->in, READ_BYTES, &to) != OK) {
		hang_up(c);
		return;
	}
	n = recv(c->watch.fd, to, READ_BYTES, 0);
	if (n > 0) {
		buffer_commit(&c->in, (size_t)n);
		take_all(c);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		hang_up(c);
	}
}

static void
caller_ready(void *ctx, uint32_t events)
{
	struct caller *c = ctx;

	if ((events & EPOLLOUT) != 0)
		flush(c);
	if (!c->is_gone && !c->is_held &&
	    (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		read_some(c);
	else if (!c->is_gone && (events & (EPOLLHUP | EPOLLERR)) != 0)
		hang_up(c); /* held, and nobody is left to answer */
	want(c);
}

void
porch_resume(struct porch *porch)
{
	struct caller *next;

	if (porch->is_resuming)
		return; /* an answer inside: the loop below goes on anyway */
	porch->is_resuming = true;
	for (struct caller *c = porch->callers; c != NULL; c = next) {
		next = c->next;
		if (!c->is_held)
			continue;
		c->is_held = false;
		take_all(c);
		want(c);
	}
	porch->is_resuming = false;
}

/* --- callers come --- */

static bool
is_welcome(struct porch *porch, int fd, struct ucred *peer)
{
	socklen_t size = sizeof(*peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) < 0)
		return false;
	if (peer->uid == geteuid() || peer->uid == 0)
		return porch->count < CALLERS_MOST;
	porch->events.stranger(porch->events.ctx, peer->uid);
	return false;
}

static void
let_in(struct porch *porch, int fd, const struct ucred *peer)
{
	struct caller *c = MEMORY_NEW(struct caller);
	uint8_t greeting[SP_HANDSHAKE_BYTES];

	c->porch = porch;
	c->uid = peer->uid;
	c->pid = (uint32_t)peer->pid;
	buffer_init(&c->in, ENDPOINT_MOST_BYTES + 2 * READ_BYTES);
	buffer_init(&c->out, OUT_BYTES);
	c->watch =
	    (struct loop_watch){.fd = fd, .ready = caller_ready, .ctx = c};
	c->next = porch->callers;
	porch->callers = c;
	porch->count++;
	sp_write_handshake(greeting, SP_REP0);
	if (loop_watch_add(porch->loop, &c->watch, EPOLLIN) != OK ||
	    buffer_append(&c->out, greeting, sizeof(greeting)) != OK)
		hang_up(c);
	else
		flush(c);
}

static bool
waits_for_nothing(const struct caller *c)
{
	int unread = 0;

	return c->asked == 0 && buffer_used(&c->in) == 0 &&
	    buffer_used(&c->out) == 0 &&
	    ioctl(c->watch.fd, FIONREAD, &unread) == 0 && unread == 0;
}

/* make_room hangs up on who came first of those that wait for nothing. */
static void
make_room(struct porch *porch)
{
	struct caller *first = NULL;

	for (struct caller *c = porch->callers; c != NULL; c = c->next)
		if (waits_for_nothing(c))
			first = c;
	if (first != NULL)
		hang_up(first);
}

static void
look_again_soon(struct porch *porch)
{
	loop_timer_start(
	    porch->loop, &porch->resume, loop_now_ms(porch->loop) + PAUSE_MS);
}

static void
accept_again(void *ctx)
{
	struct porch *porch = ctx;

	if (!spare_keep(&porch->spare, porch->listener.fd))
		look_again_soon(porch);
	loop_watch_change(porch->loop, &porch->listener, EPOLLIN);
}

static void
somebody_knocks(void *ctx, uint32_t events)
{
	struct porch *porch = ctx;
	struct ucred peer;
	int fd;

	(void)events;
	while ((fd = spare_accept(
		    &porch->spare, porch->listener.fd, NULL, NULL)) >= 0) {
		if (is_welcome(porch, fd, &peer))
			let_in(porch, fd, &peer);
		else
			fd_close(&fd);
		if (!spare_keep(&porch->spare, porch->listener.fd))
			look_again_soon(porch);
	}
	if (!spare_is_short(errno))
		return;
	make_room(porch);
	loop_watch_change(porch->loop, &porch->listener, 0);
	look_again_soon(porch);
}

/* --- opening --- */

static enum err
listen_at(struct porch *porch, const char *path)
{
	enum err e =
	    conn_listen_ipc(path, SOCKET_MODE, BACKLOG, &porch->listener.fd);

	return e == OK ? loop_watch_add(porch->loop, &porch->listener, EPOLLIN)
		       : e;
}

static const char *
reason_of(enum err e)
{
	if (e == ERR_TOO_BIG)
		return "its path is too long";
	if (e == ERR_EXISTS)
		return "somebody listens there";
	return e == ERR_DENIED ? "a file that is no socket is in its place"
			       : strerror(errno);
}

struct porch *
porch_open(struct loop *loop, const char *path,
    const struct porch_events *events, const char **why)
{
	struct porch *porch = MEMORY_NEW(struct porch);

	porch->loop = loop;
	porch->events = *events;
	porch->listener =
	    (struct loop_watch){.ready = somebody_knocks, .ctx = porch};
	porch->spare = SPARE_NONE;
	porch->resume = (struct loop_timer){.due = accept_again, .ctx = porch};
	porch->bury = (struct loop_post){.run = bury, .ctx = porch};
	loop_post_register(loop, &porch->bury);
	enum err e = listen_at(porch, path);
	if (e == OK) {
		accept_again(porch); /* with a spare from the start */
		return porch;
	}
	*why = reason_of(e);
	memory_free(porch);
	return NULL;
}

bool
porch_has_unsent(const struct porch *porch)
{
	for (const struct caller *c = porch->callers; c != NULL; c = c->next)
		if (buffer_used(&c->out) > 0)
			return true;
	return false;
}

uint32_t
porch_caller_uid(const struct caller *c)
{
	return c->uid;
}

uint32_t
porch_caller_pid(const struct caller *c)
{
	return c->pid;
}
