// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Control frames are at most 125 bytes, so they wait in the caller's bytes
 * until they are whole and need no memory of ours. A data frame that is not
 * whole is taken as far as it came: the caller can then read everybody's
 * bytes into one shared buffer and an idle client owns none.
 *
 * Our own frames open with room for a four-byte head, the one all answers
 * between 126 bytes and 64 KiB have; the others move once.
 */

#include "workers/gateway/websocket.h"

#include <string.h>

#include "protocol/base/big_endian.h"

enum {
	HEAD_ROOM = 4,
	LENGTH_16 = 126,
	LENGTH_64 = 127
};

/* A frame head as read. */
struct head {
	uint64_t length;
	uint8_t bytes; /* of the head itself, mask included */
	uint8_t kind;
	bool is_last;
};

void
websocket_init(struct websocket *w, size_t message_bytes)
{
	*w = (struct websocket){.kind = 0};
	buffer_init(&w->message, message_bytes);
}

void
websocket_finish(struct websocket *w)
{
	buffer_finish(&w->message);
}

/* unmask works a word at a time; `at` says which mask byte comes first. */
static void
unmask(uint8_t *bytes, size_t size, const uint8_t mask[4], uint8_t at)
{
	uint8_t turned[8];
	uint64_t wide, word;
	size_t i = 0;

	for (unsigned k = 0; k < sizeof(turned); k++)
		turned[k] = mask[(at + k) & 3];
	memcpy(&wide, turned, sizeof(wide));
	for (; i + sizeof(word) <= size; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		word ^= wide;
		memcpy(bytes + i, &word, sizeof(word));
	}
	for (; i < size; i++)
		bytes[i] ^= turned[i & 7];
}

/* utf8_lead sets what must follow a first byte; RFC 3629, table 3-7. */
static bool
utf8_lead(struct websocket_utf8 *u, uint8_t c)
{
	u->low = 0x80;
	u->high = 0xbf;
	if (c >= 0xc2 && c <= 0xdf) {
		u->left = 1;
	} else if (c >= 0xe0 && c <= 0xef) {
		u->left = 2;
		u->low = c == 0xe0 ? 0xa0 : 0x80;
		u->high = c == 0xed ? 0x9f : 0xbf;
	} else if (c >= 0xf0 && c <= 0xf4) {
		u->left = 3;
		u->low = c == 0xf0 ? 0x90 : 0x80;
		u->high = c == 0xf4 ? 0x8f : 0xbf;
	} else {
		return false;
	}
	return true;
}

static bool
utf8_step(struct websocket_utf8 *u, uint8_t c)
{
	if (u->left == 0)
		return c < 0x80 || utf8_lead(u, c);
	if (c < u->low || c > u->high)
		return false;
	u->left--;
	u->low = 0x80;
	u->high = 0xbf;
	return true;
}

static bool
utf8_feed(struct websocket_utf8 *u, const uint8_t *bytes, size_t size)
{
	size_t i = 0;

	while (i < size) {
		uint64_t word;

		if (u->left == 0 && size - i >= sizeof(word)) {
			memcpy(&word, bytes + i, sizeof(word));
			if ((word & 0x8080808080808080u) == 0) {
				i += sizeof(word);
				continue;
			}
		}
		if (!utf8_step(u, bytes[i++]))
			return false;
	}
	return true;
}

static bool
is_known(uint8_t kind)
{
	return kind <= WEBSOCKET_BINARY ||
	    (kind >= WEBSOCKET_CLOSE && kind <= WEBSOCKET_PONG);
}

/* check_head judges all that the first two bytes already show. */
static enum err
check_head(const struct websocket *w, const struct head *h, uint8_t first,
    uint8_t second)
{
	if ((first & 0x70) != 0 || (second & 0x80) == 0 || !is_known(h->kind))
		return ERR_MALFORMED;
	if (h->kind >= WEBSOCKET_CLOSE)
		return h->is_last && (second & 0x7f) <= WEBSOCKET_CONTROL_BYTES
		    ? OK
		    : ERR_MALFORMED;
	/* a continuation continues something, and nothing else may start */
	return (h->kind == WEBSOCKET_MORE) == (w->kind != 0) ? OK
							     : ERR_MALFORMED;
}

static enum err
read_length(struct head *h, const uint8_t *bytes, uint8_t code)
{
	h->length = code;
	if (code == LENGTH_16)
		h->length = big_endian_read(bytes, 2);
	else if (code == LENGTH_64)
		h->length = big_endian_read(bytes, 8);
	/* "the minimal number of bytes MUST be used", and no sign bit */
	if ((code == LENGTH_16 && h->length < 126) ||
	    (code == LENGTH_64 && h->length <= UINT16_MAX) ||
	    h->length > INT64_MAX)
		return ERR_MALFORMED;
	return OK;
}

/* read_head gives the head at `bytes`, or ERR_AGAIN when it is cut short. */
static enum err
read_head(const struct websocket *w, const uint8_t *bytes, size_t size,
    struct head *h)
{
	if (size < 2)
		return ERR_AGAIN;
	uint8_t code = bytes[1] & 0x7f;
	unsigned wide = code == LENGTH_16 ? 2 : code == LENGTH_64 ? 8 : 0;

	h->kind = bytes[0] & 0x0f;
	h->is_last = (bytes[0] & 0x80) != 0;
	h->bytes = (uint8_t)(2 + wide + 4);
	enum err e = check_head(w, h, bytes[0], bytes[1]);
	if (e != OK)
		return e;
	if (size < 2 + wide)
		return ERR_AGAIN;
	e = read_length(h, bytes + 2, code);
	if (e == OK && h->kind < WEBSOCKET_CLOSE &&
	    h->length > w->message.limit_bytes - buffer_used(&w->message))
		return ERR_TOO_BIG;
	return e == OK && size < h->bytes ? ERR_AGAIN : e;
}

/* is_close_code: what a peer may say; 1005, 1006 and 1015 are never sent. */
static bool
is_close_code(uint16_t code)
{
	if (code >= 3000 && code <= 4999)
		return true;
	return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
	    code != 1006;
}

static enum err
read_close(struct websocket_event *event)
{
	struct text data = event->data;

	event->close_code = WEBSOCKET_NO_CODE;
	if (data.len == 0)
		return OK;
	if (data.len == 1)
		return ERR_MALFORMED;
	event->close_code =
	    (uint16_t)big_endian_read((const uint8_t *)data.at, 2);
	event->data = (struct text){.at = data.at + 2, .len = data.len - 2};
	if (!is_close_code(event->close_code))
		return ERR_MALFORMED;
	return text_is_utf8(event->data) ? OK : ERR_UTF8;
}

static enum err
give(struct websocket_event *event, uint8_t kind, uint8_t *bytes, size_t size)
{
	*event = (struct websocket_event){
	    .kind = (enum websocket_kind)kind,
	    .data = {.at = (const char *)bytes, .len = (uint32_t)size},
	};
	return kind == WEBSOCKET_CLOSE ? read_close(event) : OK;
}

/* end_message checks that the text did not stop inside a letter. */
static enum err
end_message(struct websocket *w, uint8_t *bytes, size_t size,
    struct websocket_event *event)
{
	uint8_t kind = w->kind;

	w->kind = 0;
	w->is_in_frame = false;
	return w->utf8.left == 0 ? give(event, kind, bytes, size) : ERR_UTF8;
}

/* take_piece moves payload that is here into the message under way. */
static enum err
take_piece(struct websocket *w, uint8_t *bytes, size_t size, size_t *used,
    struct websocket_event *event)
{
	size_t piece = size < w->left ? size : (size_t)w->left;
	bool is_whole =
	    piece == w->left && w->is_last && buffer_used(&w->message) == 0;

	unmask(bytes, piece, w->mask, w->mask_at);
	w->mask_at = (uint8_t)((w->mask_at + piece) & 3);
	w->left -= piece;
	*used += piece;
	if (w->kind == WEBSOCKET_TEXT && !utf8_feed(&w->utf8, bytes, piece))
		return ERR_UTF8;
	if (is_whole)
		return end_message(w, bytes, piece, event);
	enum err e = buffer_append(&w->message, bytes, piece);
	if (e != OK)
		return e == ERR_FULL ? ERR_TOO_BIG : e;
	if (w->left > 0)
		return ERR_AGAIN;
	w->is_in_frame = false;
	if (!w->is_last)
		return ERR_AGAIN;
	w->is_given = true;
	return end_message(
	    w, buffer_at(&w->message), buffer_used(&w->message), event);
}

/* take_control gives a control frame once it is whole. */
static enum err
take_control(const struct head *h, uint8_t *bytes, size_t size, size_t *used,
    struct websocket_event *event)
{
	uint8_t *data = bytes + h->bytes;

	if (size - h->bytes < h->length)
		return ERR_AGAIN;
	unmask(data, (size_t)h->length, data - 4, 0);
	*used += h->bytes + (size_t)h->length;
	return give(event, h->kind, data, (size_t)h->length);
}

static void
start_frame(struct websocket *w, const struct head *h, const uint8_t *bytes)
{
	memcpy(w->mask, bytes + h->bytes - 4, sizeof(w->mask));
	w->mask_at = 0;
	w->left = h->length;
	w->is_last = h->is_last;
	w->is_in_frame = true;
	if (h->kind != WEBSOCKET_MORE) {
		w->kind = h->kind;
		w->utf8 = (struct websocket_utf8){.left = 0};
	}
}

/* forget_given drops a message that lay in our own memory. */
static void
forget_given(struct websocket *w)
{
	if (!w->is_given)
		return;
	w->is_given = false;
	buffer_consume(&w->message, buffer_used(&w->message));
	buffer_release(&w->message);
}

enum err
websocket_read(struct websocket *w, uint8_t *bytes, size_t size, size_t *used,
    struct websocket_event *event)
{
	*used = 0;
	forget_given(w);
	for (;;) {
		struct head h;
		enum err e;

		if (!w->is_in_frame) {
			e = read_head(w, bytes + *used, size - *used, &h);
			if (e != OK)
				return e;
			if (h.kind >= WEBSOCKET_CLOSE)
				return take_control(&h, bytes + *used,
				    size - *used, used, event);
			start_frame(w, &h, bytes + *used);
			*used += h.bytes;
		}
		e = take_piece(w, bytes + *used, size - *used, used, event);
		if (e != ERR_AGAIN || w->is_in_frame)
			return e;
	}
}

enum websocket_close
websocket_close_code(enum err e)
{
	if (e == ERR_UTF8)
		return WEBSOCKET_BAD_TEXT;
	if (e == ERR_TOO_BIG)
		return WEBSOCKET_TOO_BIG;
	return e == ERR_MALFORMED ? WEBSOCKET_PROTOCOL : WEBSOCKET_INTERNAL;
}

/* put_head writes a head for `length` bytes; a server masks nothing. */
static size_t
put_head(uint8_t *to, enum websocket_kind kind, uint64_t length)
{
	unsigned wide = length < 126 ? 0 : length <= UINT16_MAX ? 2 : 8;

	to[0] = (uint8_t)(0x80 | kind);
	to[1] = wide == 0 ? (uint8_t)length : wide == 2 ? LENGTH_16 : LENGTH_64;
	big_endian_write(to + 2, length, wide);
	return 2 + wide;
}

enum err
websocket_put(struct buffer *b, enum websocket_kind kind, struct text data)
{
	uint8_t *to;
	enum err e =
	    buffer_reserve(b, (size_t)data.len + WEBSOCKET_HEAD_BYTES, &to);

	if (e != OK)
		return e;
	size_t head = put_head(to, kind, data.len);
	if (data.len > 0)
		memcpy(to + head, data.at, data.len);
	buffer_commit(b, head + data.len);
	return OK;
}

enum err
websocket_put_close(struct buffer *b, uint16_t code, struct text reason)
{
	char data[WEBSOCKET_CONTROL_BYTES];
	uint32_t len = reason.len;

	if (code == WEBSOCKET_NO_CODE)
		return websocket_put(b, WEBSOCKET_CLOSE, TEXT(""));
	if (len > sizeof(data) - 2)
		len = sizeof(data) - 2;
	data[0] = (char)(code >> 8);
	data[1] = (char)(code & 0xff);
	if (len > 0)
		memcpy(data + 2, reason.at, len);
	return websocket_put(
	    b, WEBSOCKET_CLOSE, (struct text){.at = data, .len = len + 2});
}

enum err
websocket_open(struct buffer *b, size_t *frame)
{
	uint8_t *to;
	enum err e = buffer_reserve(b, HEAD_ROOM, &to);

	*frame = buffer_used(b);
	if (e == OK)
		buffer_commit(b, HEAD_ROOM);
	return e;
}

enum err
websocket_shut(struct buffer *b, size_t frame, enum websocket_kind kind)
{
	uint8_t head[WEBSOCKET_HEAD_BYTES], *end;
	size_t length = buffer_used(b) - frame - HEAD_ROOM;
	size_t bytes = put_head(head, kind, length);
	enum err e = OK;

	if (bytes > HEAD_ROOM) {
		e = buffer_reserve(b, bytes - HEAD_ROOM, &end);
		if (e != OK)
			return e;
		buffer_commit(b, bytes - HEAD_ROOM);
	}
	uint8_t *at = buffer_at(b) + frame;
	if (bytes != HEAD_ROOM)
		memmove(at + bytes, at + HEAD_ROOM, length);
	memcpy(at, head, bytes);
	if (bytes < HEAD_ROOM)
		buffer_truncate(b, frame + bytes + length);
	return e;
}
