// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_WEBSOCKET_H
#define WORKERS_GATEWAY_WEBSOCKET_H

/*
 * websocket - RFC 6455, the server's side: frames in, messages out, and back.
 *
 * A message that came whole in one frame is unmasked where it lies and given
 * as it lies; only pieces are copied. Text is checked as it arrives, so bad
 * UTF-8 ends a message at its first bad byte, not at its end. No extension is
 * ever agreed on, compression least of all.
 *
 * Trust:  bytes come from strangers. A length is compared with the limit
 *         before a byte of memory is asked for it.
 * Owner:  the struct is the caller's (init/finish); an event borrows from the
 *         bytes given or from the struct, until the next call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

/* The opcodes of RFC 6455. */
enum websocket_kind {
	WEBSOCKET_MORE = 0, /* continuation: never seen in an event */
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10
};

enum websocket_close {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_GOING_AWAY = 1001,
	WEBSOCKET_PROTOCOL = 1002,
	WEBSOCKET_REFUSED = 1003,
	WEBSOCKET_NO_CODE = 1005, /* a close frame without a code */
	WEBSOCKET_BAD_TEXT = 1007,
	WEBSOCKET_POLICY = 1008,
	WEBSOCKET_TOO_BIG = 1009,
	WEBSOCKET_INTERNAL = 1011,
	WEBSOCKET_RESTART = 1012,
	WEBSOCKET_TRY_LATER = 1013
};

enum {
	WEBSOCKET_CONTROL_BYTES = 125,
	WEBSOCKET_HEAD_BYTES = 14 /* the longest frame head */
};

/* Where a text stands between two of its bytes; zero is "between letters". */
struct websocket_utf8 {
	uint8_t left; /* continuation bytes still to come */
	uint8_t low;  /* bounds of the next one */
	uint8_t high;
};

struct websocket {
	struct buffer message; /* pieces of the message under way */
	uint64_t left;         /* payload bytes of the frame still to come */
	struct websocket_utf8 utf8;
	uint8_t mask[4];
	uint8_t mask_at;  /* 0…3: which mask byte is next */
	uint8_t kind;     /* of the message under way; 0: none */
	bool is_last;     /* the frame under way ends its message */
	bool is_in_frame; /* a data frame's head has been read */
	bool is_given;    /* `message` was given out: drop it first */
};

struct websocket_event {
	enum websocket_kind kind;
	struct text data;    /* unmasked; a close frame's reason */
	uint16_t close_code; /* WEBSOCKET_CLOSE: as sent, or 1005 */
};

/* websocket_init: messages above `message_bytes` are ERR_TOO_BIG. */
void websocket_init(struct websocket *, size_t message_bytes);
void websocket_finish(struct websocket *);

/*
 * websocket_read takes what it can of `bytes` (which it unmasks in place) and
 * says in `used` how much that was. OK: an event. ERR_AGAIN: more is needed;
 * keep what was not used. Else the connection ends with
 * websocket_close_code() of the error: ERR_MALFORMED, ERR_UTF8, ERR_TOO_BIG.
 */
enum err websocket_read(struct websocket *, uint8_t *bytes, size_t size,
    size_t *used, struct websocket_event *) MUST_USE;

/* websocket_is_inside: part of a message is here and the rest is awaited. */
static inline bool
websocket_is_inside(const struct websocket *w)
{
	return w->kind != 0;
}

enum websocket_close websocket_close_code(enum err);

/* websocket_put writes one whole frame. */
enum err websocket_put(
    struct buffer *, enum websocket_kind, struct text data) MUST_USE;

/* websocket_put_close: 1005 writes a close frame without a code. */
enum err websocket_put_close(
    struct buffer *, uint16_t code, struct text reason) MUST_USE;

/*
 * websocket_open starts a frame whose payload is appended to the buffer next
 * and whose length is not yet known; websocket_shut fills the head in. What
 * failed half-way is undone with buffer_truncate(b, frame).
 */
enum err websocket_open(struct buffer *, size_t *frame) MUST_USE;
enum err websocket_shut(
    struct buffer *, size_t frame, enum websocket_kind) MUST_USE;

#endif /* WORKERS_GATEWAY_WEBSOCKET_H */
