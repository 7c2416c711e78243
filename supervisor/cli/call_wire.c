// SPDX-License-Identifier: MIT
#include "supervisor/cli/call_wire.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "protocol/base/big_endian.h"

enum {
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

static enum err
check_head(struct call_wire *w, const char *head, const char *key)
{
	char accept[32];
	char wanted[64];

	if (strncmp(head, "HTTP/1.1 101", 12) != 0) {
		snprintf(w->dial.why, sizeof(w->dial.why), "it answered: %.*s",
		    (int)strcspn(head, "\r"), head);
		return strncmp(head, "HTTP/1.1 403", 12) == 0 ? ERR_DENIED
							      : ERR_CLOSED;
	}
	expected_accept(key, accept);
	snprintf(wanted, sizeof(wanted), "Sec-WebSocket-Accept: %s", accept);
	if (strcasestr(head, wanted) == NULL) {
		snprintf(w->dial.why, sizeof(w->dial.why),
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
	char head[DIAL_HEAD_BYTES];
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
	if (n < 0 || n >= DIAL_HEAD_BYTES)
		return ERR_TOO_BIG;
	enum err e = dial_send(&w->dial, head, (size_t)n);
	if (e == OK)
		e = dial_take_head(&w->dial, head);
	if (e == OK)
		return check_head(w, head, key);
	if (w->dial.why[0] == '\0')
		snprintf(w->dial.why, sizeof(w->dial.why), "no upgrade: %s",
		    err_name(e));
	return e;
}

enum err
call_wire_open(
    struct call_wire *w, const struct call_url *url, uint64_t until_ms)
{
	*w = (struct call_wire){.dial = {.fd = -1, .until_ms = until_ms}};
	buffer_init(&w->dial.in, CALL_MESSAGE_BYTES + DIAL_READ_BYTES);
	enum err e = dial_open(&w->dial, url->host, url->port);

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
		unsigned bytes = body.len < 65536 ? 2 : 8;

		head[1] = (uint8_t)(0x80 | (bytes == 2 ? 126 : 127));
		big_endian_write(head + size, body.len, bytes);
		size += bytes;
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
		e = dial_send(&w->dial, buffer_at(&frame), buffer_used(&frame));
	}
	buffer_finish(&frame);
	return e;
}

enum err
call_wire_send(struct call_wire *w, struct text message)
{
	return send_frame(w, OP_TEXT, message);
}

/* take_frame appends a frame's body to `body` and tells its first byte. */
static enum err
take_frame(struct call_wire *w, uint8_t *first, struct buffer *body)
{
	size_t head = 2;
	enum err e = dial_need(&w->dial, head);

	if (e != OK)
		return e;
	const uint8_t *at = buffer_at(&w->dial.in);
	uint64_t length = at[1] & 0x7f;
	*first = at[0];
	if ((at[0] & 0x70) != 0 || (at[1] & 0x80) != 0)
		return ERR_MALFORMED; /* reserved bits; a masked server */
	unsigned more = length == 126 ? 2 : length == 127 ? 8 : 0;
	head += more;
	e = dial_need(&w->dial, head);
	if (e != OK)
		return e;
	at = buffer_at(&w->dial.in);
	if (more > 0)
		length = big_endian_read(at + 2, more);
	if (length > CALL_MESSAGE_BYTES)
		return ERR_TOO_BIG;
	e = dial_need(&w->dial, head + length);
	if (e == OK)
		e = buffer_append(body, buffer_at(&w->dial.in) + head, length);
	if (e == OK)
		buffer_consume(&w->dial.in, head + length);
	return e;
}

static enum err
said_goodbye(struct call_wire *w, struct text body)
{
	if (body.len >= 2)
		w->close_code = (uint8_t)body.at[0] << 8 | (uint8_t)body.at[1];
	snprintf(w->dial.why, sizeof(w->dial.why),
	    "closed by the gateway: %d %.*s", w->close_code,
	    body.len > 2 ? (int)body.len - 2 : 0,
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
	if (w->dial.fd >= 0) {
		enum err e = send_frame(w, OP_CLOSE, TEXT("\x03\xe8"));
		(void)e;
	}
	dial_close(&w->dial);
}
