// SPDX-License-Identifier: MIT
#include "supervisor/cli/request.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/endpoint.h"
#include "protocol/pack.h"

enum {
	GREETING = 8,
	HEAD = 1 + 8 + 4, /* 01, length, request id */
	REQUEST_ID = 1,
	SLICE_MS = 200 /* between two signs of life */
};

static const uint8_t our_greeting[GREETING] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
static const uint8_t its_greeting[GREETING] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};

struct wire {
	int fd;
	uint64_t began_ms;
	uint64_t until_ms;
	void (*waiting)(uint64_t waited_ms);
};

/* wait_for sleeps until the socket is ready, or tells that it still waits. */
static enum err
wait_for(const struct wire *w, short events)
{
	uint64_t now_ms = clock_mono_ms();
	struct pollfd poll_fd = {.fd = w->fd, .events = events};

	if (now_ms >= w->until_ms)
		return ERR_TIMEOUT;
	uint64_t left_ms = w->until_ms - now_ms;
	int n =
	    poll(&poll_fd, 1, (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS));
	if (n < 0 && errno != EINTR)
		return ERR_SYSTEM;
	if (n == 0 && w->waiting != NULL)
		w->waiting(clock_mono_ms() - w->began_ms);
	return OK; /* the caller tries, and comes back if it was too early */
}

static enum err
send_all(const struct wire *w, const void *data, size_t bytes)
{
	const char *at = data;

	while (bytes > 0) {
		ssize_t n = send(w->fd, at, bytes, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			enum err e = wait_for(w, POLLOUT);

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

static enum err
receive_all(const struct wire *w, void *data, size_t bytes)
{
	char *at = data;

	while (bytes > 0) {
		ssize_t n = recv(w->fd, at, bytes, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			enum err e = wait_for(w, POLLIN);

			if (e != OK)
				return e;
			continue;
		}
		if (n <= 0)
			return ERR_CLOSED;
		at += n;
		bytes -= (size_t)n;
	}
	return OK;
}

static enum err
dial(const char *path, int *fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (text_copy(text_of(path), address.sun_path,
		sizeof(address.sun_path)) != OK)
		return ERR_TOO_BIG;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return ERR_SYSTEM;
	if (connect(*fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return OK;
	enum err e = errno == EACCES || errno == EPERM ? ERR_DENIED
	    : errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR
	    ? ERR_NOT_FOUND
	    : ERR_SYSTEM;
	fd_close(fd);
	return e;
}

static void
put_u64(uint8_t *to, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		to[i] = (uint8_t)value;
}

static uint64_t
get_u64(const uint8_t *from)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | from[i];
	return value;
}

static enum err
send_question(const struct wire *w, const struct request *request)
{
	uint8_t head[HEAD] = {1};
	struct buffer body;
	struct packer p;

	buffer_init(&body, ENDPOINT_MOST_BYTES - 64);
	pack_init(&p, &body);
	pack_map(&p, 3);
	pack_string(&p, "op");
	pack_string(&p, request->op);
	pack_string(&p, "args");
	pack_raw(&p, request->args);
	pack_string(&p, "v");
	pack_u64(&p, 1);
	enum err e = pack_finish(&p);
	put_u64(head + 1, 4 + buffer_used(&body));
	head[9] = 0x80; /* ends the hops */
	head[12] = REQUEST_ID;
	if (e == OK)
		e = send_all(w, our_greeting, GREETING);
	if (e == OK)
		e = send_all(w, head, HEAD);
	if (e == OK)
		e = send_all(w, buffer_at(&body), buffer_used(&body));
	buffer_finish(&body);
	return e;
}

static enum err
receive_answer(const struct wire *w, struct buffer *bytes)
{
	uint8_t greeting[GREETING];
	uint8_t head[HEAD];
	uint8_t *to;
	enum err e = receive_all(w, greeting, GREETING);

	if (e != OK)
		return e;
	if (memcmp(greeting, its_greeting, GREETING) != 0)
		return ERR_MALFORMED;
	e = receive_all(w, head, HEAD);
	if (e != OK)
		return e;
	uint64_t length = get_u64(head + 1);
	if (head[0] != 1 || length < 4 || length > ENDPOINT_MOST_BYTES + 64)
		return ERR_MALFORMED;
	e = buffer_reserve(bytes, length - 4, &to);
	if (e == OK)
		e = receive_all(w, to, length - 4);
	if (e == OK)
		buffer_commit(bytes, length - 4);
	return e;
}

static enum err
read_answer(struct reply *reply)
{
	struct text raw = buffer_text(&reply->bytes);
	struct text error;

	if (pack_check(raw, (struct pack_limits){PACK_DEPTH, 1 << 22}) != OK ||
	    unpack_field_bool(raw, "ok", &reply->is_ok) != OK)
		return ERR_MALFORMED;
	reply->class = TEXT("internal");
	reply->message = TEXT("");
	reply->hint = TEXT("");
	if (reply->is_ok)
		return unpack_map_find(raw, TEXT("result"), &reply->result);
	if (unpack_map_find(raw, TEXT("error"), &error) != OK)
		return ERR_MALFORMED;
	if (unpack_field_text(error, "class", &reply->class) != OK ||
	    unpack_field_text(error, "message", &reply->message) != OK)
		return ERR_MALFORMED;
	if (unpack_field_text(error, "hint", &reply->hint) != OK)
		reply->hint = TEXT("");
	return OK;
}

/*
 * is_anothers: a refused peer is only hung up on, which looks like a death.
 * Who owns the socket tells the two apart.
 */
static bool
is_anothers(const char *path)
{
	struct stat st;

	return geteuid() != 0 && stat(path, &st) == 0 && st.st_uid != geteuid();
}

enum err
request_ask(const struct request *request, struct reply *reply)
{
	struct wire w = {.fd = -1,
	    .began_ms = clock_mono_ms(),
	    .until_ms = clock_mono_ms() + request->timeout_ms,
	    .waiting = request->waiting};
	enum err e;

	*reply = (struct reply){.is_ok = false};
	buffer_init(&reply->bytes, ENDPOINT_MOST_BYTES + 64);
	e = dial(request->path, &w.fd);
	if (e == OK)
		e = send_question(&w, request);
	if (e == OK)
		e = receive_answer(&w, &reply->bytes);
	if (e == ERR_CLOSED && is_anothers(request->path))
		e = ERR_DENIED;
	if (e == OK)
		e = read_answer(reply);
	fd_close(&w.fd);
	return e;
}

void
request_finish(struct reply *reply)
{
	buffer_finish(&reply->bytes);
}
