// SPDX-License-Identifier: MIT
#include "supervisor/cli/listen.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"

enum {
	GREETING = 8,
	HEAD = 1 + 8, /* 01, length */
	REDIAL_MS = 20,
	SLICE = 64 << 10,
	MESSAGE_MOST = 4 << 20
};

static const uint8_t our_greeting[GREETING] = {0, 'S', 'P', 0, 0, 0x21, 0, 0};
static const uint8_t its_greeting[GREETING] = {0, 'S', 'P', 0, 0, 0x20, 0, 0};

void
listen_init(struct listen *l, const char *path)
{
	*l = (struct listen){.path = path, .fd = -1};
	buffer_init(&l->in, 2 * MESSAGE_MOST);
}

static void
hang_up(struct listen *l)
{
	fd_close(&l->fd);
	buffer_truncate(&l->in, 0);
	l->given = 0;
	l->is_greeted = false;
	l->redial_ms = clock_mono_ms() + REDIAL_MS;
}

void
listen_finish(struct listen *l)
{
	fd_close(&l->fd);
	buffer_finish(&l->in);
}

enum err
listen_dial(struct listen *l)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	enum err e = OK;

	if (text_copy(text_of(l->path), address.sun_path,
		sizeof(address.sun_path)) != OK)
		return ERR_TOO_BIG;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return ERR_SYSTEM;
	if (connect(l->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		e = errno == EACCES || errno == EPERM ? ERR_DENIED
						      : ERR_NOT_FOUND;
	else if (send(l->fd, our_greeting, GREETING, MSG_NOSIGNAL) != GREETING)
		e = ERR_CLOSED;
	if (e != OK)
		hang_up(l);
	return e;
}

static uint64_t
length_of(const uint8_t *head)
{
	uint64_t value = 0;

	for (int i = 1; i < HEAD; i++)
		value = value << 8 | head[i];
	return value;
}

/* take finds a whole message in what was read. ERR_AGAIN: not yet. */
static enum err
take(struct listen *l, struct text *message)
{
	uint64_t length;

	buffer_consume(&l->in, l->given);
	l->given = 0;
	if (!l->is_greeted && buffer_used(&l->in) >= GREETING) {
		if (memcmp(buffer_at(&l->in), its_greeting, GREETING) != 0)
			return ERR_MALFORMED;
		buffer_consume(&l->in, GREETING);
		l->is_greeted = true;
	}
	if (!l->is_greeted || buffer_used(&l->in) < HEAD)
		return ERR_AGAIN;
	length = length_of(buffer_at(&l->in));
	if (buffer_at(&l->in)[0] != 1 || length > MESSAGE_MOST)
		return ERR_MALFORMED;
	if (buffer_used(&l->in) < HEAD + length)
		return ERR_AGAIN;
	*message = (struct text){
	    (const char *)buffer_at(&l->in) + HEAD, (uint32_t)length};
	l->given = HEAD + length;
	return OK;
}

/* fill reads what there is; false when the other end is gone. */
static bool
fill(struct listen *l)
{
	uint8_t *to;
	ssize_t n;

	if (buffer_reserve(&l->in, SLICE, &to) != OK)
		return false;
	n = recv(l->fd, to, SLICE, MSG_DONTWAIT);
	if (n > 0)
		buffer_commit(&l->in, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* sleep_for waits for bytes, or for the time to dial again. */
static bool
wait_for(const struct listen *l, uint64_t until_ms)
{
	uint64_t now_ms = clock_mono_ms();
	uint64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 0;
	struct pollfd poll_fd = {.fd = l->fd, .events = POLLIN};

	if (l->fd < 0 && left_ms > REDIAL_MS)
		left_ms = REDIAL_MS;
	return poll(&poll_fd, 1, (int)left_ms) > 0;
}

enum err
listen_next(struct listen *l, uint32_t wait_ms, struct text *message)
{
	uint64_t until_ms = clock_mono_ms() + wait_ms;

	for (;;) {
		enum err e = take(l, message);

		if (e == OK)
			return OK;
		if (e != ERR_AGAIN)
			hang_up(l);
		if (l->fd < 0 && clock_mono_ms() >= l->redial_ms)
			(void)!listen_dial(l);
		if (wait_for(l, until_ms) && l->fd >= 0 && !fill(l))
			hang_up(l);
		else if (clock_mono_ms() >= until_ms)
			return ERR_TIMEOUT;
	}
}
