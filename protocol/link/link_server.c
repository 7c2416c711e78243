// SPDX-License-Identifier: MIT
#include "protocol/link/link_server_private.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/base/memory.h"

enum {
	TICK_MS = LINK_PING_MS / 2,
	BACKLOG = 128,
	ACCEPT_PER_WAKE = 16,
	SOCKET_MODE = 0660,
};

static void
free_session(struct link_session *s)
{
	conn_close(&s->conn);
	buffer_finish(&s->frames);
	buffer_finish(&s->lengths);
	link_calls_finish(&s->open);
	memory_free(s);
}

/* bury frees the sessions that ended this turn; nobody looks at them now. */
static void
bury(struct link_server *server)
{
	struct link_session **at = &server->sessions;

	while (*at != NULL) {
		struct link_session *s = *at;

		if (!s->is_over) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		free_session(s);
	}
}

static void
before_flush(void *ctx)
{
	struct link_server *server = ctx;

	for (struct link_session *s = server->sessions; s != NULL; s = s->next)
		link_session_send(s);
	bury(server);
}

static void
on_tick(void *ctx)
{
	struct link_server *server = ctx;
	struct loop *loop = server->options.hub->loop;
	uint64_t now_ms = loop_now_ms(loop);

	for (struct link_session *s = server->sessions; s != NULL;
	     s = s->next) {
		if (s->conn.is_paused) /* we do not listen: no judgement */
			s->peer.heard_ms = now_ms;
		if (link_peer_tick(&s->peer, now_ms) == LINK_DUE_dead)
			link_session_over(s, LINK_FAULT_dead);
		else if (server->is_draining && s->call_count == 0 &&
		    s->peer.acked_seq >= s->pinged_seq &&
		    !link_peer_is_quiet(&s->peer))
			s->says_ping = true;
	}
	loop_timer_start(loop, &server->tick,
	    now_ms + (server->is_draining ? LINK_REDIAL_MIN_MS : TICK_MS));
}

void
link_server_create(
    struct link_server **out, const struct link_server_options *options)
{
	struct link_server *server = MEMORY_NEW(struct link_server);
	struct loop *loop = options->hub->loop;

	server->options = *options;
	server->hook = (struct loop_hook){.run = before_flush, .ctx = server};
	server->tick = (struct loop_timer){.due = on_tick, .ctx = server};
	conn_hub_before_flush(options->hub, &server->hook);
	loop_timer_start(loop, &server->tick, loop_now_ms(loop) + TICK_MS);
	*out = server;
}

void
link_server_destroy(struct link_server **out)
{
	struct link_server *server = *out;

	if (server == NULL)
		return;
	conn_hub_forget_flush(server->options.hub, &server->hook);
	loop_timer_stop(server->options.hub->loop, &server->tick);
	while (server->sessions != NULL) {
		struct link_session *s = server->sessions;

		/* calls that are kept must not keep the session */
		link_session_over(s, LINK_FAULT_stopped);
		server->sessions = s->next;
		free_session(s);
	}
	while (server->doors != NULL) {
		struct link_door *door = server->doors;

		server->doors = door->next;
		conn_acceptor_stop(&door->acceptor);
		fd_close(&door->fd);
		if (door->url.transport == LINK_IPC)
			unlink(door->url.host);
		memory_free(door);
	}
	memory_free(server);
	*out = NULL;
}

static void
on_accepted(void *ctx, int fd, const struct sockaddr_storage *peer)
{
	struct link_door *door = ctx;
	uint32_t uid;

	(void)peer;
	if (door->url.transport == LINK_IPC &&
	    (conn_peer_uid(fd, &uid) != OK || (uid != geteuid() && uid != 0))) {
		fd_close(&fd);
		return;
	}
	link_session_open(door->server, fd, door->url.transport);
}

static void
write_bound(const struct link_door *door, char *to, size_t size)
{
	static const char *const schemes[] = {
	    [LINK_IPC] = "ipc",
	    [LINK_TCP] = "tcp",
	    [LINK_TLS] = "tls+tcp",
	};
	struct sockaddr_in at = {0};
	socklen_t bytes = sizeof(at);
	const char *scheme = schemes[door->url.transport];

	if (door->url.transport == LINK_IPC) {
		snprintf(to, size, "%s://%s", scheme, door->url.host);
		return;
	}
	/* both families keep the port at the same place */
	(void)getsockname(door->fd, (struct sockaddr *)&at, &bytes);
	bool is_six = door->url.address.ss_family == AF_INET6;
	snprintf(to, size, "%s://%s%s%s:%u", scheme, is_six ? "[" : "",
	    door->url.host, is_six ? "]" : "", ntohs(at.sin_port));
}

static enum err
open_door(const struct link_url *url, int *fd)
{
	if (url->transport == LINK_IPC)
		return conn_listen_ipc(url->host, SOCKET_MODE, BACKLOG, fd);
	return conn_listen_tcp((const struct sockaddr *)&url->address,
	    url->address_bytes, BACKLOG, fd);
}

enum err
link_server_listen(
    struct link_server *server, struct text where, char *bound, size_t size)
{
	struct link_url url;
	int fd;

	if (link_url_parse(where, &url) != OK)
		return ERR_MALFORMED;
	if (url.transport == LINK_TLS && server->options.tls == NULL)
		return ERR_DENIED;
	if (url.transport == LINK_TCP && !link_url_is_local(&url))
		return ERR_DENIED; /* anyone there could call, and listen in */
	enum err e = open_door(&url, &fd);
	if (e != OK)
		return e;
	struct link_door *door = MEMORY_NEW(struct link_door);
	door->server = server;
	door->url = url;
	door->fd = fd;
	door->acceptor.accepted = on_accepted;
	door->acceptor.ctx = door;
	door->acceptor.per_wake = ACCEPT_PER_WAKE;
	door->next = server->doors;
	server->doors = door;
	if (bound != NULL)
		write_bound(door, bound, size);
	return conn_acceptor_start(&door->acceptor, server->options.hub, fd);
}

void
link_server_drain(struct link_server *server)
{
	struct loop *loop = server->options.hub->loop;

	if (server->is_draining)
		return;
	server->is_draining = true;
	for (struct link_session *s = server->sessions; s != NULL; s = s->next)
		s->says_draining = s->peer.is_greeted;
	loop_timer_start(
	    loop, &server->tick, loop_now_ms(loop) + LINK_REDIAL_MIN_MS);
}

bool
link_server_is_quiet(const struct link_server *server)
{
	for (struct link_session *s = server->sessions; s != NULL; s = s->next)
		if (!s->is_over && s->peer.is_greeted &&
		    (s->call_count > 0 || s->frame_count > 0 ||
			s->says_draining || !link_peer_is_quiet(&s->peer)))
			return false;
	return true;
}

uint32_t
link_server_session_count(const struct link_server *server)
{
	uint32_t count = 0;

	for (struct link_session *s = server->sessions; s != NULL; s = s->next)
		count += !s->is_over;
	return count;
}
