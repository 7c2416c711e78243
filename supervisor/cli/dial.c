// SPDX-License-Identifier: MIT
#include "supervisor/cli/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/base/text.h"

enum {
	SLICE_MS = 200 /* between two signs of life */
};

/* wait_for sleeps until the socket is ready; meanwhile it says it waits. */
static enum err
wait_for(const struct dial *d, short events)
{
	struct pollfd poll_fd = {.fd = d->fd, .events = events};

	for (;;) {
		uint64_t now_ms = clock_mono_ms();

		if (now_ms >= d->until_ms)
			return ERR_TIMEOUT;
		uint64_t left_ms = d->until_ms - now_ms;
		int n = poll(&poll_fd, 1,
		    (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS));
		if (n > 0)
			return OK;
		if (n < 0 && errno != EINTR)
			return ERR_SYSTEM;
		if (n == 0 && d->waiting != NULL)
			d->waiting(clock_mono_ms() - d->began_ms);
	}
}

enum err
dial_send(struct dial *d, const void *data, size_t bytes)
{
	const char *at = data;

	while (bytes > 0) {
		ssize_t n = send(d->fd, at, bytes, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			enum err e = wait_for(d, POLLOUT);

			if (e != OK)
				return e;
			continue;
		}
		if (n < 0)
			return ERR_CLOSED;
		at += n;
		bytes -= (size_t)n;
	}
	return OK;
}

enum err
dial_receive(struct dial *d)
{
	uint8_t *to;

	for (;;) {
		enum err e = buffer_reserve(&d->in, DIAL_READ_BYTES, &to);

		if (e != OK)
			return e;
		ssize_t n = recv(d->fd, to, DIAL_READ_BYTES, 0);
		if (n > 0) {
			buffer_commit(&d->in, (size_t)n);
			return OK;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return ERR_CLOSED;
		e = wait_for(d, POLLIN);
		if (e != OK)
			return e;
	}
}

enum err
dial_need(struct dial *d, size_t bytes)
{
	enum err e = OK;

	while (e == OK && buffer_used(&d->in) < bytes)
		e = dial_receive(d);
	return e;
}

static enum err
dial_one(struct dial *d, const struct addrinfo *address)
{
	int failure = 0;
	socklen_t size = sizeof(failure);
	int one = 1;

	d->fd = socket(
	    address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->fd < 0)
		return ERR_SYSTEM;
	setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(d->fd, address->ai_addr, address->ai_addrlen) == 0)
		return OK;
	enum err e = errno == EINPROGRESS ? wait_for(d, POLLOUT) : ERR_SYSTEM;
	if (e == OK &&
	    getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 &&
	    failure == 0)
		return OK;
	snprintf(d->why, sizeof(d->why), "%s",
	    e == ERR_TIMEOUT ? "no answer in time"
			     : strerror(failure != 0 ? failure : errno));
	fd_close(&d->fd);
	return e == OK ? ERR_SYSTEM : e;
}

enum err
dial_open(struct dial *d, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	enum err e = ERR_NOT_FOUND;

	d->began_ms = clock_mono_ms();
	int failure = getaddrinfo(host, port, &hints, &list);
	if (failure != 0) {
		snprintf(d->why, sizeof(d->why), "%s", gai_strerror(failure));
		return ERR_NOT_FOUND;
	}
	for (struct addrinfo *a = list; a != NULL && e != OK; a = a->ai_next)
		e = dial_one(d, a);
	freeaddrinfo(list);
	return e;
}

enum err
dial_open_path(struct dial *d, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	d->began_ms = clock_mono_ms();
	if (text_copy(text_of(path), address.sun_path,
		sizeof(address.sun_path)) != OK)
		return ERR_TOO_BIG;
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->fd < 0)
		return ERR_SYSTEM;
	if (connect(d->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return OK;
	enum err e = errno == EACCES || errno == EPERM ? ERR_DENIED
	    : errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR
	    ? ERR_NOT_FOUND
	    : ERR_SYSTEM;
	snprintf(d->why, sizeof(d->why), "%s", strerror(errno));
	fd_close(&d->fd);
	return e;
}

enum err
dial_take_head(struct dial *d, char head[DIAL_HEAD_BYTES])
{
	for (;;) {
		struct text seen = buffer_text(&d->in);
		const char *end = memmem(seen.at, seen.len, "\r\n\r\n", 4);

		if (end != NULL && end - seen.at + 4 < DIAL_HEAD_BYTES) {
			size_t len = (size_t)(end - seen.at) + 4;

			memcpy(head, seen.at, len);
			head[len] = '\0';
			buffer_consume(&d->in, len);
			return OK;
		}
		if (seen.len >= DIAL_HEAD_BYTES)
			return ERR_MALFORMED;
		enum err e = dial_receive(d);
		if (e != OK)
			return e;
	}
}

void
dial_hang_up(struct dial *d)
{
	fd_close(&d->fd);
	buffer_truncate(&d->in, 0);
}

void
dial_close(struct dial *d)
{
	fd_close(&d->fd);
	buffer_finish(&d->in);
}
