// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Two kinds of port. The clients' is what this program is for: if it is in
 * use, nothing starts. The operators' must never be the reason not to serve
 * clients: in use or refused, another is taken, and if there is none the tree
 * runs without. Both are opened here, before anything lives, so that no death
 * below closes them and a second banyand on the machine sees at once what is
 * taken: binding and listening tell it, no lock file has to.
 */

#include "supervisor/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/address.h"
#include "protocol/base/clock.h"
#include "protocol/base/fd.h"

enum {
	FIRST_LISTEN_FD = 3, /* of systemd's socket activation */
	BIND_MS = 2000,
	MONITOR_PORT_FIRST = 50000,
	MONITOR_PORT_LAST = 55000,
	MONITOR_BACKLOG = 1024,
	DEFER_S = 2,
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

/* address_of reads the host of the setting `key`. */
static socklen_t
address_of(const struct guard *g, enum setting key, uint64_t number,
    struct sockaddr_storage *to)
{
	const char *host = settings_string(g->settings, key);
	socklen_t length = address_of_ip(host, (uint16_t)number, to);

	if (length > 0)
		return length;
	guard_fail(EXIT_SETTINGS,
	    "%s: `%s` is no address; use one like 127.0.0.1",
	    key == SETTING_gateway_bind ? "gateway.bind" : "monitoring.host",
	    host);
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
	const struct sockaddr_in6 *a6 = (const void *)&at;
	const struct sockaddr_in6 *b6 = (const void *)wanted;
	bool is_same_host = at.ss_family == AF_INET6
	    ? memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0
	    : a->sin_addr.s_addr == b->sin_addr.s_addr;
	/* the port has the same place in sockaddr_in and sockaddr_in6 */
	return is_same_host && (b->sin_port == 0 || a->sin_port == b->sin_port);
}

void
guard_listen(struct guard *g)
{
	unsigned port =
	    (unsigned)settings_u64(g->settings, SETTING_gateway_port);
	struct sockaddr_storage at;
	socklen_t length = address_of(g, SETTING_gateway_bind, port, &at);
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

/* --- the operators' ports --- */

static void
set_port(struct sockaddr_storage *at, uint16_t port)
{
	/* the same place in sockaddr_in and sockaddr_in6 */
	((struct sockaddr_in *)(void *)at)->sin_port = htons(port);
}

/* open_at gives a listening socket or -1 with errno. */
static int
open_at(const struct sockaddr_storage *at, socklen_t length)
{
	int fd = bind_it(at, length);
	int seconds = DEFER_S;

	/* whoever says nothing stays in the kernel, and who comes to us has
	 * his request with him: a flood cannot push him out in between */
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds,
		    sizeof(seconds));
	if (fd >= 0 && listen(fd, MONITOR_BACKLOG) < 0) {
		int saved_errno = errno;

		fd_close(&fd); /* somebody else listens since we bound */
		errno = saved_errno;
	}
	return fd;
}

/* open_free takes any free port of the range, beginning somewhere in it. */
static int
open_free(struct sockaddr_storage *at, socklen_t length)
{
	const uint32_t ports = MONITOR_PORT_LAST - MONITOR_PORT_FIRST + 1;
	uint32_t first = (uint32_t)getpid();
	int fd = -1;

	if (getrandom(&first, sizeof(first), GRND_NONBLOCK) < 0)
		first = (uint32_t)getpid();
	for (uint32_t i = 0; i < ports && fd < 0; i++) {
		set_port(at,
		    (uint16_t)(MONITOR_PORT_FIRST +
			(first % ports + i) % ports));
		fd = open_at(at, length);
		if (fd < 0 && errno != EADDRINUSE && errno != EACCES)
			break;
	}
	return fd;
}

/* open_port: `fd` is -1 or what a guard before us had open. */
static int
open_port(const struct guard *g, enum setting key, int fd)
{
	uint64_t port = settings_u64(g->settings, key);
	struct sockaddr_storage at;
	socklen_t length = address_of(g, SETTING_monitoring_host, port, &at);

	if (fd >= 0 && is_same_place(fd, &at))
		return fd;
	fd_close(&fd);
	if (port != 0)
		fd = open_at(&at, length);
	if (fd < 0 && port != 0)
		event_note(EVENT_monitor_port_taken, "port=%u why=\"%s\"",
		    (unsigned)port, strerror(errno));
	if (fd < 0)
		fd = open_free(&at, length);
	if (fd < 0)
		event_note(EVENT_monitor_not_listening, "host=%s why=\"%s\"",
		    settings_string(g->settings, SETTING_monitoring_host),
		    strerror(errno));
	return fd;
}

void
guard_listen_monitor(struct guard *g)
{
	bool is_on = settings_bool(g->settings, SETTING_monitoring_enabled);
	bool is_apart = is_on &&
	    settings_bool(g->settings, SETTING_prometheus_enabled) &&
	    settings_u64(g->settings, SETTING_prometheus_port) != 0;

	if (is_on)
		g->monitor_fd =
		    open_port(g, SETTING_monitoring_port, g->monitor_fd);
	else
		fd_close(&g->monitor_fd);
	if (is_apart)
		g->prometheus_fd =
		    open_port(g, SETTING_prometheus_port, g->prometheus_fd);
	else
		fd_close(&g->prometheus_fd);
}

void
guard_tell_monitor(const struct guard *g)
{
	char url[FD_URL];

	if (g->monitor_fd < 0 || fd_url(g->monitor_fd, "http", url) != OK)
		return;
	event_note(EVENT_monitor_listening, "url=%s", url);
	dprintf(STDOUT_FILENO,
	    "monitoring: %s\nexport BANYAN_MONITORING_URL=%s\n", url, url);
}
