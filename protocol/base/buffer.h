// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_BUFFER_H
#define PROTOCOL_BASE_BUFFER_H

/*
 * buffer - bytes waiting between a producer and a consumer, with a ceiling.
 *
 * Append at the end, consume at the front. Memory grows by doubling up to
 * `limit_bytes` and never above: what does not fit is ERR_FULL and nothing of
 * it is taken. An empty buffer can give its memory back (buffer_release), so
 * ten thousand idle clients cost nothing.
 *
 * Trust:  lengths may come from strangers: they are compared with the limit
 *         before any memory is asked for.
 * Owner:  the struct is the caller's (init/finish); the bytes are ours.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct buffer {
	uint8_t *memory;
	size_t start;       /* offset of the first unread byte */
	size_t end;         /* offset behind the last byte */
	size_t size;        /* bytes of memory */
	size_t limit_bytes; /* most unread bytes it may ever hold */
};

void buffer_init(struct buffer *, size_t limit_bytes);
void buffer_finish(struct buffer *);

/* buffer_release frees the memory if nothing is unread. */
void buffer_release(struct buffer *);

static inline size_t
buffer_used(const struct buffer *b)
{
	return b->end - b->start;
}

static inline uint8_t *
buffer_at(const struct buffer *b)
{
	return b->memory + b->start;
}

/*
 * buffer_reserve makes room for `bytes` more and points `to` at it; what was
 * really written there is added with buffer_commit.
 */
enum err buffer_reserve(struct buffer *, size_t bytes, uint8_t **to) MUST_USE;
void buffer_commit(struct buffer *, size_t bytes);

enum err buffer_append(struct buffer *, const void *, size_t bytes) MUST_USE;
enum err buffer_append_text(struct buffer *, struct text) MUST_USE;
enum err buffer_printf(struct buffer *, const char *fmt, ...) MUST_USE
    PRINTF(2, 3);

/* buffer_consume drops bytes from the front. */
void buffer_consume(struct buffer *, size_t bytes);

/* buffer_truncate cuts unread bytes to `used`: undoes a half-done append. */
void buffer_truncate(struct buffer *, size_t used);

/* buffer_text borrows all unread bytes. */
struct text buffer_text(const struct buffer *);

#endif /* PROTOCOL_BASE_BUFFER_H */
