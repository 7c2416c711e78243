// SPDX-License-Identifier: MIT
/* conn_write - the half of conn that sends; see conn.c for the notes. */

#include <errno.h>

#include "protocol/base/conn_hub.h"
#include "protocol/base/tls.h"

enum {
	EARLY_FLUSH = 128 * 1024 /* a queue this long does not wait */
};

static enum err
send_some(struct conn *c, size_t *bytes)
{
	enum tls_wants wants;
	size_t left = buffer_used(&c->out);

	if (c->tls != NULL)
		return tls_write(
		    c->tls, buffer_at(&c->out), left, bytes, &wants);
	ssize_t n = send(c->watch.fd, buffer_at(&c->out), left, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_AGAIN
							 : ERR_SYSTEM;
	*bytes = (size_t)n;
	return OK;
}

/* close_our_side: everything is out; the peer learns that nothing follows. */
static void
close_our_side(struct conn *c)
{
	c->is_shut = true;
	if (c->tls != NULL)
		tls_say_goodbye(c->tls);
	shutdown(c->watch.fd, SHUT_WR);
}

/* conn_push sends until the queue is empty or the kernel full; no callbacks. */
void
conn_push(struct conn *c)
{
	size_t bytes = 0;
	enum err e = OK;

	while (e == OK && buffer_used(&c->out) > 0) {
		e = send_some(c, &bytes);
		if (e != OK)
			break;
		c->written_count += bytes;
		buffer_consume(&c->out, bytes);
		if (c->blocked_since_ms != 0)
			c->blocked_since_ms = loop_now_ms(c->hub->loop);
	}
	if (e == ERR_AGAIN) {
		if (c->blocked_since_ms == 0)
			c->blocked_since_ms = loop_now_ms(c->hub->loop);
	} else {
		c->blocked_since_ms = 0;
	}
	if (e != OK && e != ERR_AGAIN) {
		c->failed = CONN_END_reset;
		buffer_truncate(&c->out, 0);
		conn_mark_dirty(c);
	}
	conn_hub_give_back(c->hub, &c->out);
	if (c->is_shutting && !c->is_shut && buffer_used(&c->out) == 0 &&
	    c->failed == CONN_END_none)
		close_our_side(c);
	conn_want_usual(c);
}

void
conn_shut(struct conn *c)
{
	if (!conn_is_open(c) || c->is_shutting)
		return;
	c->is_shutting = true;
	if (c->is_paused)
		conn_pause(c, false);
	if (c->blocked_since_ms == 0)
		conn_mark_dirty(c);
}

enum err
conn_write(struct conn *c, const void *data, size_t bytes)
{
	if (!conn_is_open(c) || c->is_shutting || c->failed != CONN_END_none)
		return ERR_CLOSED;
	conn_hub_lend(c->hub, &c->out);
	enum err e = buffer_append(&c->out, data, bytes);
	if (e != OK && c->blocked_since_ms == 0 && !c->is_dialling) {
		/* the budget is for what the peer does not take */
		conn_push(c);
		if (c->failed != CONN_END_none)
			return ERR_CLOSED;
		conn_hub_lend(c->hub, &c->out);
		e = buffer_append(&c->out, data, bytes);
	}
	conn_written(c);
	return e;
}

struct buffer *
conn_out(struct conn *c)
{
	conn_hub_lend(c->hub, &c->out);
	return &c->out;
}

void
conn_written(struct conn *c)
{
	if (!conn_is_open(c) || c->failed != CONN_END_none) {
		buffer_truncate(&c->out, 0);
		conn_hub_give_back(c->hub, &c->out);
		return;
	}
	if (buffer_used(&c->out) == 0) {
		conn_hub_give_back(c->hub, &c->out);
		return;
	}
	if (c->blocked_since_ms != 0)
		return;
	if (buffer_used(&c->out) >= EARLY_FLUSH && !c->is_dialling)
		conn_push(c);
	else
		conn_mark_dirty(c);
}

void
conn_flush(struct conn *c)
{
	if (conn_is_open(c) && c->blocked_since_ms == 0 && !c->is_dialling &&
	    c->failed == CONN_END_none)
		conn_push(c);
}
