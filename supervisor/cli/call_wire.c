// SPDX-License-Identifier: MIT
#include "supervisor/cli/call_wire.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"

enum {
	HEAD_BYTES = 16 << 10,
	OP_CONTINUE = 0,
	OP_TEXT = 1,
	OP_CLOSE = 8,
	OP_PING = 9,
	OP_PONG = 10
};

enum err
call_url_parse(struct text url, struct call_url *to)
{
	char rest[512];
	struct text scheme = TEXT("ws://");

	if (!text_starts_with(url, scheme))
		return ERR_TYPE;
	url.at += scheme.len;
	url.len -= scheme.len;
	if (text_copy(url, rest, sizeof(rest)) != OK)
		return ERR_TOO_BIG;
	char *path = strchr(rest, '/');
	snprintf(to->path, sizeof(to->path), "%.255s",
	    path != NULL ? path : "/socket");
	if (path != NULL)
		*path = '\0';
	char *port = strrchr(rest, ':');
	if (port != NULL && strchr(port, ']') == NULL)
		*port++ = '\0';
	else
		port = NULL;
	snprintf(
	    to->port, sizeof(to->port), "%.7s", port != NULL ? port : "80");
	char *host = rest;
	size_t len = strlen(host);
	if (host[0] == '[' && len > 1 && host[len - 1] == ']') {
		host[len - 1] = '\0';
		host++;
	}
	snprintf(to->host, sizeof(to->host), "%.127s", host);
	return to->host[0] != '\0' ? OK : ERR_MALFORMED;
}

/* --- bytes --- */

static enum err
wait_for(struct call_wire *w, short events)
{
	uint64_t now_ms = clock_mono_ms();
	struct pollfd poll_fd = {.fd = w->fd, .events = events};

	if (now_ms >= w->until_ms)
		return ERR_TIMEOUT;
	int n = poll(&poll_fd, 1, (int)(w->until_ms - now_ms));
	return n == 0 ? ERR_TIMEOUT : n < 0 && errno != EINTR ? ERR_SYSTEM : OK;
}

static enum err
send_all(struct call_wire *w, const void *data, size_t bytes)
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

/* receive_more reads at least one byte more into `in`. */
static enum err
receive_more(struct call_wire *w)
{
	uint8_t *to;

	for (;;) {
		enum err e = buffer_reserve(&w->in, 16 << 10, &to);

		if (e != OK)
			return e;
		ssize_t n = recv(w->fd, to, 16 << 10, 0);
		if (n > 0) {
			buffer_commit(&w->in, (size_t)n);
			return OK;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return ERR_CLOSED;
		e = wait_for(w, POLLIN);
		if (e != OK)
			return e;
	}
}

/* --- dialling --- */

static enum err
dial_one(struct call_wire *w, const struct addrinfo *address)
{
	int failure = 0;
	socklen_t size = sizeof(failure);
	int one = 1;

	w->fd = socket(
	    address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd < 0)
		return ERR_SYSTEM;
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(w->fd, address->ai_addr, address->ai_addrlen) == 0)
		return OK;
	enum err e = errno == EINPROGRESS ? wait_for(w, POLLOUT) : ERR_SYSTEM;
	if (e == OK &&
	    getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 &&
	    failure == 0)
		return OK;
	snprintf(w->why, sizeof(w->why), "%s",
	    e == ERR_TIMEOUT ? "no answer in time"
			     : strerror(failure != 0 ? failure : errno));
	fd_close(&w->fd);
	return e == OK ? ERR_SYSTEM : e;
}

static enum err
dial(struct call_wire *w, const struct call_url *url)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	enum err e = ERR_NOT_FOUND;
	int failure = getaddrinfo(url->host, url->port, &hints, &list);

	if (failure != 0) {
		snprintf(w->why, sizeof(w->why), "%s", gai_strerror(failure));
		return ERR_NOT_FOUND;
	}
	for (struct addrinfo *a = list; a != NULL && e != OK; a = a->ai_next)
		e = dial_one(w, a);
	freeaddrinfo(list);
	return e;
}

/* --- the upgrade --- */

/* expected_accept is what RFC 6455 4.2.2 makes of our key. */
static void
expected_accept(const char *key, char to[32])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	char joined[80];

	snprintf(joined, sizeof(joined),
	    "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	EVP_Digest(joined, strlen(joined), digest, &size, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *)to, digest, (int)size);
}

/* take_head waits for the blank line and takes the head out of `in`. */
static enum err
take_head(struct call_wire *w, char head[HEAD_BYTES])
{
	for (;;) {
		struct text seen = buffer_text(&w->in);
		const char *end = memmem(seen.at, seen.len, "\r\n\r\n", 4);

		if (end != NULL && end - seen.at + 4 < HEAD_BYTES) {
			size_t len = (size_t)(end - seen.at) + 4;

			memcpy(head, seen.at, len);
			head[len] = '\0';
			buffer_consume(&w->in, len);
			return OK;
		}
		if (seen.len >= HEAD_BYTES)
			return ERR_MALFORMED;
		enum err e = receive_more(w);
		if (e != OK)
			return e;
	}
}

static enum err
check_head(struct call_wire *w, const char *head, const char *key)
{
	char accept[32];
	char wanted[64];

	if (strncmp(head, "HTTP/1.1 101", 12) != 0) {
		snprintf(w->why, sizeof(w->why), "it answered: %.*s",
		    (int)strcspn(head, "\r"), head);
		return strncmp(head, "HTTP/1.1 403", 12) == 0 ? ERR_DENIED
							      : ERR_CLOSED;
	}
	expected_accept(key, accept);
	snprintf(wanted, sizeof(wanted), "Sec-WebSocket-Accept: %s", accept);
	if (strcasestr(head, wanted) == NULL) {
		snprintf(w->why, sizeof(w->why),
		    "its Sec-WebSocket-Accept is wrong");
		return ERR_MALFORMED;
	}
	return OK;
}

static enum err
upgrade(struct call_wire *w, const struct call_url *url)
{
	unsigned char random[16];
	char key[32];
	char head[HEAD_BYTES];
	bool has_token = url->token != NULL && url->token[0] != '\0';
	/* params of the URL, which a service may decide by */
	const char *query = url->path + strcspn(url->path, "?");

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return ERR_SYSTEM;
	EVP_EncodeBlock((unsigned char *)key, random, sizeof(random));
	int n = snprintf(head, sizeof(head),
	    "GET %.*s/websocket?vsn=2.0.0%s%s HTTP/1.1\r\n"
	    "Host: %s:%s\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: %s%s%s\r\n\r\n",
	    (int)(query - url->path), url->path, *query != '\0' ? "&" : "",
	    *query != '\0' ? query + 1 : "", url->host, url->port, key,
	    has_token ? "\r\nAuthorization: Bearer " : "",
	    has_token ? url->token : "");
	if (n < 0 || n >= HEAD_BYTES)
		return ERR_TOO_BIG;
	enum err e = send_all(w, head, (size_t)n);
	if (e == OK)
		e = take_head(w, head);
	if (e == OK)
		return check_head(w, head, key);
	if (w->why[0] == '\0')
		snprintf(w->why, sizeof(w->why), "no upgrade: %s", err_name(e));
	return e;
}

enum err
call_wire_open(
    struct call_wire *w, const struct call_url *url, uint64_t until_ms)
{
	*w = (struct call_wire){.fd = -1, .until_ms = until_ms};
	buffer_init(&w->in, CALL_MESSAGE_BYTES + (32 << 10));
	enum err e = dial(w, url);

	return e == OK ? upgrade(w, url) : e;
}

/* --- frames --- */

static enum err
send_frame(struct call_wire *w, int op, struct text body)
{
	uint8_t head[14] = {(uint8_t)(0x80 | op)};
	size_t size = 2;
	struct buffer frame;
	uint8_t *to;

	if (body.len < 126) {
		head[1] = (uint8_t)(0x80 | body.len);
	} else {
		int bytes = body.len < 65536 ? 2 : 8;

		head[1] = (uint8_t)(0x80 | (bytes == 2 ? 126 : 127));
		for (int i = bytes - 1; i >= 0; i--)
			head[size++] = (uint8_t)((uint64_t)body.len >> (8 * i));
	}
	uint8_t *mask = head + size;
	if (getrandom(mask, 4, 0) != 4)
		return ERR_SYSTEM;
	size += 4;
	buffer_init(&frame, CALL_MESSAGE_BYTES + sizeof(head));
	enum err e = buffer_append(&frame, head, size);
	if (e == OK)
		e = buffer_reserve(&frame, body.len, &to);
	if (e == OK) {
		for (uint32_t i = 0; i < body.len; i++)
			to[i] = (uint8_t)body.at[i] ^ mask[i % 4];
		buffer_commit(&frame, body.len);
		e = send_all(w, buffer_at(&frame), buffer_used(&frame));
	}
	buffer_finish(&frame);
	return e;
}

enum err
call_wire_send(struct call_wire *w, struct text message)
{
	return send_frame(w, OP_TEXT, message);
}

static enum err
need(struct call_wire *w, size_t bytes)
{
	while (buffer_used(&w->in) < bytes) {
		enum err e = receive_more(w);

		if (e != OK)
			return e;
	}
	return OK;
}

/* take_frame appends a frame's body to `body` and tells its first byte. */
static enum err
take_frame(struct call_wire *w, uint8_t *first, struct buffer *body)
{
	size_t head = 2;
	enum err e = need(w, head);

	if (e != OK)
		return e;
	const uint8_t *at = buffer_at(&w->in);
	uint64_t length = at[1] & 0x7f;
	*first = at[0];
	if ((at[0] & 0x70) != 0 || (at[1] & 0x80) != 0)
		return ERR_MALFORMED; /* reserved bits; a masked server */
	size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
	head += more;
	e = need(w, head);
	if (e != OK)
		return e;
	at = buffer_at(&w->in);
	if (more > 0)
		length = 0;
	for (size_t i = 0; i < more; i++)
		length = length << 8 | at[2 + i];
	if (length > CALL_MESSAGE_BYTES)
		return ERR_TOO_BIG;
	e = need(w, head + length);
	if (e == OK)
		e = buffer_append(body, buffer_at(&w->in) + head, length);
	if (e == OK)
		buffer_consume(&w->in, head + length);
	return e;
}

static enum err
said_goodbye(struct call_wire *w, struct text body)
{
	if (body.len >= 2)
		w->close_code = (uint8_t)body.at[0] << 8 | (uint8_t)body.at[1];
	snprintf(w->why, sizeof(w->why), "closed by the gateway: %d %.*s",
	    w->close_code, body.len > 2 ? (int)body.len - 2 : 0,
	    body.len > 2 ? body.at + 2 : "");
	return ERR_CLOSED;
}

enum err
call_wire_receive(struct call_wire *w, struct buffer *message)
{
	struct buffer control;
	uint8_t first = 0;
	enum err e = OK;
	bool is_whole = false;

	buffer_init(&control, CALL_MESSAGE_BYTES);
	while (e == OK && !is_whole) {
		buffer_truncate(&control, 0);
		e = take_frame(w, &first, &control);
		if (e != OK)
			break;
		int op = first & 0x0f;
		struct text body = buffer_text(&control);
		if (op == OP_PING)
			e = send_frame(w, OP_PONG, body);
		else if (op == OP_CLOSE)
			e = said_goodbye(w, body);
		else if (op == OP_TEXT || op == OP_CONTINUE)
			e = buffer_append_text(message, body);
		else if (op != OP_PONG)
			e = ERR_MALFORMED;
		is_whole =
		    (op == OP_TEXT || op == OP_CONTINUE) && (first & 0x80) != 0;
	}
	buffer_finish(&control);
	return e;
}

void
call_wire_close(struct call_wire *w)
{
	if (w->fd >= 0) {
		enum err e = send_frame(w, OP_CLOSE, TEXT("\x03\xe8"));
		(void)e;
	}
	fd_close(&w->fd);
	buffer_finish(&w->in);
}
