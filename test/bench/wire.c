// SPDX-License-Identifier: MIT
#include "test/bench/wire.h"

#include <string.h>

#include "protocol/base/err.h"

static const uint8_t mask_key[4] = {0x5a, 0x17, 0xc3, 0x88};

void
wire_put_upgrade(
    struct buffer *out, const char *host, uint16_t port, const char *path)
{
	INVARIANT(buffer_printf(out,
		      "GET %s HTTP/1.1\r\nHost: %s:%u\r\n"
		      "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		      "Sec-WebSocket-Version: 13\r\n\r\n",
		      path, host, port) == OK);
}

void
wire_put_frame(
    struct buffer *out, uint8_t opcode, const char *bytes, size_t length)
{
	uint8_t *to;
	size_t head = length < 126 ? 6 : 8;

	INVARIANT(buffer_reserve(out, head + length, &to) == OK);
	to[0] = (uint8_t)(0x80 | opcode);
	to[1] = (uint8_t)(0x80 | (length < 126 ? length : 126));
	if (length >= 126) {
		to[2] = (uint8_t)(length >> 8);
		to[3] = (uint8_t)length;
	}
	memcpy(to + head - 4, mask_key, 4);
	to += head;

	uint64_t mask, word;
	size_t i = 0;

	memcpy(&mask, mask_key, 4);
	memcpy((uint8_t *)&mask + 4, mask_key, 4);
	for (; i + 8 <= length; i += 8) {
		memcpy(&word, bytes + i, 8);
		word ^= mask;
		memcpy(to + i, &word, 8);
	}
	for (; i < length; i++)
		to[i] = (uint8_t)bytes[i] ^ mask_key[i & 3];
	buffer_commit(out, head + length);
}

size_t
wire_frame_at(const struct buffer *in, uint8_t *opcode, struct text *payload)
{
	const uint8_t *at = buffer_at(in);
	size_t used = buffer_used(in), head = 2;

	if (used < 2)
		return 0;
	uint64_t length = at[1] & 0x7f;

	if (length >= 126)
		head = length == 126 ? 4 : 10;
	if (used < head)
		return 0;
	if (head > 2) {
		length = 0;
		for (size_t i = 2; i < head; i++)
			length = length << 8 | at[i];
	}
	if (used - head < length)
		return 0;
	*opcode = at[0] & 0x0f;
	*payload = (struct text){(const char *)at + head, (uint32_t)length};
	return head + (size_t)length;
}

/* quoted reads "…" or null at `at`; moves behind the comma that follows. */
static bool
quoted(const char **at, const char *end, struct text *t)
{
	const char *from = *at, *quote;

	*t = (struct text){0};
	if (end - from >= 5 && memcmp(from, "null,", 5) == 0) {
		*at = from + 5;
		return true;
	}
	if (from == end || *from != '"')
		return false;
	quote = memchr(from + 1, '"', (size_t)(end - from - 1));
	if (quote == NULL || end - quote < 2 || quote[1] != ',')
		return false;
	*t = (struct text){from + 1, (uint32_t)(quote - from - 1)};
	*at = quote + 2;
	return true;
}

bool
wire_take_apart(struct text whole, struct wire_message *m)
{
	const char *at = whole.at + 1, *end = whole.at + whole.len;
	struct text join_ref, topic;

	m->whole = whole;
	return whole.len > 2 && *whole.at == '[' &&
	    quoted(&at, end, &join_ref) && quoted(&at, end, &m->ref) &&
	    quoted(&at, end, &topic) && quoted(&at, end, &m->event);
}

struct text
wire_behind(struct text t, const char *literal)
{
	size_t bytes = strlen(literal);
	const char *at = memmem(t.at, t.len, literal, bytes);

	if (at == NULL)
		return (struct text){0};
	at += bytes;
	return (struct text){at, (uint32_t)(t.at + t.len - at)};
}

uint64_t
wire_number(struct text t)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < t.len && t.at[i] >= '0' && t.at[i] <= '9'; i++)
		value = value * 10 + (uint64_t)(t.at[i] - '0');
	return value;
}

bool
wire_ends_with(struct text t, const char *tail)
{
	size_t bytes = strlen(tail);

	return t.len >= bytes && memcmp(t.at + t.len - bytes, tail, bytes) == 0;
}
