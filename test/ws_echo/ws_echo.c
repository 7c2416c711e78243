// SPDX-License-Identifier: MIT
/*
 * ws_echo - sends every message back: the front door's codec around nothing,
 * for the Autobahn cases.
 *
 * usage: ws_echo [MESSAGE_BYTES]; listens on a free port of 127.0.0.1, prints
 * it, serves ws://127.0.0.1:PORT/echo/websocket until its input closes.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/base/conn.h"
#include "protocol/base/conn_listen.h"
#include "protocol/base/memory.h"
#include "workers/gateway/http.h"
#include "workers/gateway/websocket.h"

enum {
	WRITE_BYTES = 256 << 20,
	MESSAGE_BYTES = 32 << 20,
	LINGER_MS = 1000
};

struct echo {
	struct loop *loop;
	struct conn_hub hub;
	struct conn_acceptor acceptor;
	struct loop_watch input;
	size_t message_bytes;
};

struct peer {
	struct echo *echo;
	struct conn conn;
	struct websocket websocket;
	struct loop_timer linger;
	bool is_open; /* upgraded */
	bool is_over; /* close frame sent */
};

static void
end_peer(struct peer *p)
{
	loop_timer_stop(p->echo->loop, &p->linger);
	conn_close(&p->conn);
	websocket_finish(&p->websocket);
	memory_free(p);
}

static void
on_linger(void *ctx)
{
	end_peer(ctx);
}

static void
say_goodbye(struct peer *p)
{
	p->is_over = true;
	loop_timer_start(
	    p->echo->loop, &p->linger, loop_now_ms(p->echo->loop) + LINGER_MS);
	conn_shut(&p->conn);
}

static void
must(enum err e)
{
	if (e != OK) {
		fprintf(stderr, "ws_echo: %s\n", err_name(e));
		exit(1);
	}
}

static void
answer(struct peer *p, const struct websocket_event *event)
{
	struct buffer *out = conn_out(&p->conn);

	switch (event->kind) {
	case WEBSOCKET_TEXT:
	case WEBSOCKET_BINARY:
		must(websocket_put(out, event->kind, event->data));
		break;
	case WEBSOCKET_PING:
		must(websocket_put(out, WEBSOCKET_PONG, event->data));
		break;
	case WEBSOCKET_CLOSE:
		must(websocket_put_close(out, event->close_code, TEXT("")));
		break;
	case WEBSOCKET_MORE:
	case WEBSOCKET_PONG:
		break;
	}
	conn_written(&p->conn);
	if (event->kind == WEBSOCKET_CLOSE)
		say_goodbye(p);
}

static size_t
read_frames(struct peer *p, uint8_t *bytes, size_t count)
{
	struct websocket_event event;
	size_t taken = 0, used;
	enum err e = OK;

	while (e == OK && !p->is_over) {
		e = websocket_read(
		    &p->websocket, bytes + taken, count - taken, &used, &event);
		taken += used;
		if (e == OK)
			answer(p, &event);
	}
	if (e != OK && e != ERR_AGAIN) {
		must(websocket_put_close(conn_out(&p->conn),
		    (uint16_t)websocket_close_code(e), text_of(err_name(e))));
		conn_written(&p->conn);
		say_goodbye(p);
	}
	return p->is_over ? count : taken;
}

static size_t
read_head(struct peer *p, const uint8_t *bytes, size_t count)
{
	static const struct http_rules rules = {
	    .mount = {.at = "/echo", .len = 5},
	    .any_origin = true,
	};
	struct text head = {(const char *)bytes, (uint32_t)count};
	struct http_upgrade upgrade;
	size_t used;
	int status;

	if (http_read(&rules, head, &upgrade, &used, &status) != OK)
		return 0;
	if (status == 101) {
		must(http_welcome(&upgrade, conn_out(&p->conn)));
		conn_written(&p->conn);
		p->is_open = true;
		return used;
	}
	must(http_refuse(status, conn_out(&p->conn)));
	conn_written(&p->conn);
	say_goodbye(p);
	return count;
}

static size_t
on_arrived(void *ctx, uint8_t *bytes, size_t count)
{
	struct peer *p = ctx;
	size_t used = 0;

	if (!p->is_open)
		used = read_head(p, bytes, count);
	if (p->is_open && !p->is_over)
		used += read_frames(p, bytes + used, count - used);
	return p->is_over ? count : used;
}

static void
on_ended(void *ctx, enum conn_end why)
{
	(void)why;
	end_peer(ctx);
}

static void
on_accepted(void *ctx, int fd, const struct sockaddr_storage *from)
{
	static const struct conn_calls calls = {
	    .arrived = on_arrived,
	    .ended = on_ended,
	};
	struct echo *echo = ctx;
	struct peer *p = MEMORY_NEW(struct peer);

	(void)from;
	p->echo = echo;
	p->linger = (struct loop_timer){.due = on_linger, .ctx = p};
	websocket_init(&p->websocket, echo->message_bytes);
	conn_init(&p->conn, &echo->hub, &calls, p,
	    (struct conn_limits){
		.read_bytes = HTTP_HEAD_BYTES, .write_bytes = WRITE_BYTES});
	if (conn_open(&p->conn, fd, NULL) != OK)
		memory_free(p);
}

static void
on_input(void *ctx, uint32_t events)
{
	char byte;

	(void)events;
	if (read(STDIN_FILENO, &byte, 1) <= 0)
		loop_stop(ctx);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(at);
	static struct echo echo;
	int fd;

	echo.message_bytes =
	    argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : MESSAGE_BYTES;
	must(loop_create(&echo.loop));
	conn_hub_init(&echo.hub, echo.loop);
	must(conn_listen_tcp((struct sockaddr *)&at, size, 64, &fd));
	if (getsockname(fd, (struct sockaddr *)&at, &size) != 0)
		return 1;
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	echo.acceptor.accepted = on_accepted;
	echo.acceptor.ctx = &echo;
	echo.acceptor.per_wake = 16;
	must(conn_acceptor_start(&echo.acceptor, &echo.hub, fd));
	echo.input = (struct loop_watch){
	    .fd = STDIN_FILENO, .ready = on_input, .ctx = echo.loop};
	must(loop_watch_add(echo.loop, &echo.input, EPOLLIN));
	loop_run(echo.loop, 500);
	return 0;
}
