// SPDX-License-Identifier: MIT
#include "supervisor/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/limits.h"
#include "protocol/routes.h"

enum {
	FIRST_LISTEN_FD = 3, /* of systemd's socket activation */
	BIND_MS = 2000,
};

static bool
is_listener(int fd)
{
	int value = 0;
	socklen_t length = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) ==
	    0 &&
	    value != 0;
}

/* activated gives the socket systemd opened for us, or -1. */
static int
activated(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	int at = 0;

	if (pid == NULL || count == NULL || atol(pid) != getpid() ||
	    atol(count) < 1)
		return -1;
	for (int i = 0; names != NULL && i < (int)atol(count); i++) {
		const char *end = strchrnul(names, ':');

		if ((size_t)(end - names) == strlen("gateway") &&
		    strncmp(names, "gateway", strlen("gateway")) == 0)
			at = i;
		names = *end == ':' ? end + 1 : NULL;
	}
	return is_listener(FIRST_LISTEN_FD + at) ? FIRST_LISTEN_FD + at : -1;
}

static socklen_t
address_of(const struct guard *g, struct sockaddr_storage *to)
{
	const char *host = settings_string(g->settings, SETTING_gateway_bind);
	uint16_t port =
	    htons((uint16_t)settings_u64(g->settings, SETTING_gateway_port));
	struct sockaddr_in *v4 = (void *)to;
	struct sockaddr_in6 *v6 = (void *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = port;
		return sizeof(*v6);
	}
	guard_fail(EXIT_SETTINGS,
	    "gateway.bind: `%s` is no address; use one like 127.0.0.1", host);
}

/* bind_it tries a while: a gateway of the last tree may just be ending. */
static int
bind_it(const struct sockaddr_storage *at, socklen_t length)
{
	int fd = socket(
	    at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (const struct sockaddr *)at, length) == 0)
		return fd;
	int saved_errno = errno;
	fd_close(&fd);
	errno = saved_errno;
	return -1;
}

static bool
is_same_place(int fd, const struct sockaddr_storage *wanted)
{
	struct sockaddr_storage at;
	socklen_t length = sizeof(at);

	if (!is_listener(fd) ||
	    getsockname(fd, (struct sockaddr *)&at, &length) < 0 ||
	    at.ss_family != wanted->ss_family)
		return false;
	const struct sockaddr_in *a = (const void *)&at;
	const struct sockaddr_in *b = (const void *)wanted;
	/* the port has the same place in sockaddr_in and sockaddr_in6 */
	return b->sin_port == 0 || a->sin_port == b->sin_port;
}

void
guard_listen(struct guard *g)
{
	unsigned port =
	    (unsigned)settings_u64(g->settings, SETTING_gateway_port);
	struct sockaddr_storage at;
	socklen_t length = address_of(g, &at);
	uint64_t deadline_ms = clock_mono_ms() + BIND_MS;
	bool was_taken_over = g->listen_fd >= 0;

	if (was_taken_over && is_same_place(g->listen_fd, &at))
		return;
	fd_close(&g->listen_fd);
	g->listen_fd = activated();
	if (g->listen_fd >= 0) {
		if (fd_set_nonblocking(g->listen_fd) != OK ||
		    fd_set_cloexec(g->listen_fd, true) != OK)
			guard_fail(EXIT_SYSTEM,
			    "the socket handed over by "
			    "systemd is unusable");
		return;
	}
	while ((g->listen_fd = bind_it(&at, length)) < 0 &&
	    errno == EADDRINUSE && was_taken_over &&
	    clock_mono_ms() < deadline_ms)
		poll(NULL, 0, 10);
	if (g->listen_fd < 0 && errno == EADDRINUSE)
		guard_fail(EXIT_SYSTEM,
		    "port %u is in use; see who has it with `ss -ltnp 'sport "
		    "= :%u'` or choose another with --port",
		    port, port);
	if (g->listen_fd < 0 ||
	    listen(g->listen_fd,
		(int)settings_u64(g->settings, SETTING_gateway_backlog)) < 0)
		guard_fail(EXIT_SYSTEM,
		    "cannot listen on %s port %u: %s; choose another address "
		    "with gateway.bind or --port",
		    settings_string(g->settings, SETTING_gateway_bind), port,
		    strerror(errno));
}

/* make creates segment `which` (FD_STATS + which) anew. */
static enum err
make(struct guard *g, int which)
{
	struct limits_size size;

	switch (which + FD_STATS) {
	case FD_STATS:
		return stats_create(&g->segments[which]);
	case FD_EVENTS:
		return events_create(&g->segments[which]);
	case FD_ROUTES:
		return routes_create(ROUTES_DEFAULT_FUNCTIONS,
		    (uint32_t)settings_u64(
			g->settings, SETTING_gateway_sticky_entries),
		    &g->segments[which]);
	case FD_LIMITS:
	default:
		size = (struct limits_size){
		    .keys = {(uint32_t)settings_u64(
				 g->settings, SETTING_rate_limiter_keys_small),
			(uint32_t)settings_u64(
			    g->settings, SETTING_rate_limiter_keys_medium),
			(uint32_t)settings_u64(
			    g->settings, SETTING_rate_limiter_keys_large)}};
		return limits_create(&size, &g->segments[which]);
	}
}

/* is_usable: an inherited segment speaks our version. */
static bool
is_usable(int fd, int which)
{
	struct limits limits;
	struct routes routes;
	struct events events;
	struct stats stats;

	switch (which + FD_STATS) {
	case FD_STATS:
		if (stats_map(fd, &stats) != OK)
			return false;
		stats_unmap(&stats);
		return true;
	case FD_EVENTS:
		if (events_map(fd, &events) != OK)
			return false;
		events_unmap(&events);
		return true;
	case FD_ROUTES:
		if (routes_map(fd, &routes) != OK)
			return false;
		routes_unmap(&routes);
		return true;
	case FD_LIMITS:
	default:
		if (limits_map(fd, &limits) != OK)
			return false;
		limits_unmap(&limits);
		return true;
	}
}

static void
map_own(struct guard *g)
{
	enum err e = stats_map(g->segments[0], &g->stats);

	if (e == OK)
		e = events_map(g->segments[FD_EVENTS - FD_STATS], &g->events);
	if (e != OK)
		guard_fail(EXIT_SYSTEM, "shared memory cannot be mapped: %s",
		    err_name(e));
	g->slot = stats_slot_at(&g->stats, STATS_SLOT_GUARD);
	stats_begin(g->slot, ROLE_guard, 0, 1, clock_mono_ms());
	event_attach(&g->events, STATS_SLOT_GUARD, 1);
}

void
guard_segments(struct guard *g)
{
	for (int i = 0; i < GUARD_SEGMENTS; i++) {
		if (g->segments[i] >= 0 && is_usable(g->segments[i], i))
			continue;
		fd_close(&g->segments[i]);
		if (make(g, i) != OK)
			guard_fail(EXIT_SYSTEM,
			    "no shared memory: %s; free some memory or lower "
			    "rate_limiter.keys_*",
			    strerror(errno));
	}
	map_own(g);
}

void
guard_remake_segments(struct guard *g)
{
	event_detach();
	stats_unmap(&g->stats);
	events_unmap(&g->events);
	for (int i = 0; i < GUARD_SEGMENTS; i++)
		fd_close(&g->segments[i]);
	guard_segments(g);
	stats_add(g->slot, COUNTER_guard_segments_remade, GUARD_SEGMENTS);
}

void
guard_inherit(struct guard *g, int supervisor_pidfd)
{
	/* refused (another user's tree, a hardened kernel): all is made anew */
	g->listen_fd = (int)syscall(
	    SYS_pidfd_getfd, supervisor_pidfd, FD_LISTEN_GATEWAY, 0);
	for (int i = 0; i < GUARD_SEGMENTS; i++)
		g->segments[i] = (int)syscall(
		    SYS_pidfd_getfd, supervisor_pidfd, FD_STATS + i, 0);
}
