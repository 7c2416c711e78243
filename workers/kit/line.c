// SPDX-License-Identifier: MIT
#include "workers/kit/line.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "protocol/sp.h"

enum {
	REDIAL_FIRST_MS = 5,
	REDIAL_MOST_MS = 50,
	SLACK_BYTES = 64 << 10
};

static void
dial_later(struct line *l)
{
	struct loop *loop = l->conn.hub->loop;

	loop_timer_start(loop, &l->redial, loop_now_ms(loop) + l->wait_ms);
	l->wait_ms =
	    l->wait_ms * 2 < REDIAL_MOST_MS ? l->wait_ms * 2 : REDIAL_MOST_MS;
}

static void
dial(void *ctx)
{
	struct line *l = ctx;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, l->path, sizeof(address.sun_path));
	l->is_greeted = false;
	if (conn_dial(&l->conn, (const struct sockaddr *)&address,
		sizeof(address), NULL, NULL) != OK)
		dial_later(l);
}

void
line_want(struct line *l, bool is_wanted)
{
	l->is_wanted = is_wanted;
	if (!is_wanted)
		loop_timer_stop(l->conn.hub->loop, &l->redial);
	else if (!conn_is_open(&l->conn) && !loop_timer_is_running(&l->redial))
		dial(l);
}

/* --- what the connection says --- */

static void
opened(void *ctx)
{
	struct line *l = ctx;
	uint8_t greeting[SP_HANDSHAKE_BYTES];
	enum err e;

	sp_write_handshake(greeting, SP_REQ0);
	e = conn_write(&l->conn, greeting, sizeof(greeting));
	INVARIANT(e == OK);
	conn_flush(&l->conn);
}

static void
ended(void *ctx, enum conn_end why)
{
	struct line *l = ctx;
	bool was_greeted = l->is_greeted;

	(void)why;
	l->is_greeted = false;
	if (was_greeted)
		l->events->lost(l->ctx);
	if (l->is_wanted && !conn_is_open(&l->conn) &&
	    !loop_timer_is_running(&l->redial))
		dial_later(l);
}

static void
hang_up(struct line *l)
{
	conn_close(&l->conn);
	ended(l, CONN_END_none);
}

static size_t
greet(struct line *l, const uint8_t *bytes, size_t count)
{
	if (count < SP_HANDSHAKE_BYTES)
		return 0;
	l->is_greeted = sp_is_handshake(bytes, SP_REP0);
	if (!l->is_greeted) {
		hang_up(l);
		return count;
	}
	l->wait_ms = REDIAL_FIRST_MS;
	l->events->ready(l->ctx);
	return SP_HANDSHAKE_BYTES;
}

static size_t
arrived(void *ctx, uint8_t *bytes, size_t count)
{
	struct line *l = ctx;
	struct sp_message m;
	size_t taken = l->is_greeted ? 0 : greet(l, bytes, count);

	while (l->is_greeted && taken < count) {
		enum err e = sp_read(bytes + taken, count - taken, SP_IPC,
		    ENDPOINT_MOST_BYTES + SP_HOPS_BYTES, &m);

		if (e == ERR_AGAIN)
			break;
		if (e != OK) {
			hang_up(l);
			return count;
		}
		taken += m.whole_bytes;
		l->events->reply(l->ctx, m.id, m.body);
	}
	return taken;
}

static void
room(void *ctx)
{
	struct line *l = ctx;

	if (line_is_ready(l))
		l->events->ready(l->ctx);
}

static const struct conn_calls calls = {.opened = opened,
    .arrived = arrived,
    .room = room,
    .ended = ended};

void
line_init(struct line *l, struct conn_hub *hub, const char *path,
    const struct line_events *events, void *ctx)
{
	*l = (struct line){
	    .events = events, .ctx = ctx, .wait_ms = REDIAL_FIRST_MS};
	snprintf(l->path, sizeof(l->path), "%s", path);
	l->redial = (struct loop_timer){.due = dial, .ctx = l};
	conn_init(&l->conn, hub, &calls, l,
	    (struct conn_limits){ENDPOINT_MOST_BYTES + SLACK_BYTES,
		ENDPOINT_MOST_BYTES + SLACK_BYTES});
}

bool
line_is_ready(const struct line *l)
{
	return l->is_greeted && conn_unsent(&l->conn) == 0;
}

enum err
line_send(struct line *l, uint32_t id, struct text body)
{
	uint8_t head[SP_QUESTION_BYTES];

	sp_write_question(head, id, body.len);
	if (conn_write(&l->conn, head, sizeof(head)) != OK ||
	    conn_write(&l->conn, body.at, body.len) != OK)
		return ERR_CLOSED;
	conn_flush(&l->conn);
	return l->conn.failed == CONN_END_none ? OK : ERR_CLOSED;
}
