// SPDX-License-Identifier: MIT
#include "protocol/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SMALLEST = 256 /* first allocation, bytes */
};

void
buffer_init(struct buffer *b, size_t limit_bytes)
{
	*b = (struct buffer){.limit_bytes = limit_bytes};
}

void
buffer_finish(struct buffer *b)
{
	free(b->memory);
	*b = (struct buffer){.limit_bytes = b->limit_bytes};
}

void
buffer_release(struct buffer *b)
{
	if (buffer_used(b) == 0)
		buffer_finish(b);
}

/* slide moves the unread bytes to the front: room without new memory. */
static void
slide(struct buffer *b)
{
	if (b->start == 0)
		return;
	memmove(b->memory, b->memory + b->start, buffer_used(b));
	b->end -= b->start;
	b->start = 0;
}

enum err
buffer_reserve(struct buffer *b, size_t bytes, uint8_t **to)
{
	size_t used = buffer_used(b);

	if (used > b->limit_bytes || bytes > b->limit_bytes - used)
		return ERR_FULL;
	if (b->size - b->end < bytes)
		slide(b);
	if (b->size - b->end < bytes) {
		size_t size = b->size > SMALLEST ? b->size : SMALLEST;

		while (size < used + bytes)
			size *= 2;
		uint8_t *memory = realloc(b->memory, size);
		INVARIANT(memory != NULL);
		b->memory = memory;
		b->size = size;
	}
	*to = b->memory + b->end;
	return OK;
}

void
buffer_commit(struct buffer *b, size_t bytes)
{
	INVARIANT(bytes <= b->size - b->end);
	b->end += bytes;
}

enum err
buffer_append(struct buffer *b, const void *data, size_t bytes)
{
	uint8_t *to;

	if (bytes == 0)
		return OK; /* there may be no memory yet */
	enum err e = buffer_reserve(b, bytes, &to);
	if (e != OK)
		return e;
	memcpy(to, data, bytes);
	b->end += bytes;
	return OK;
}

enum err
buffer_append_text(struct buffer *b, struct text t)
{
	return buffer_append(b, t.at, t.len);
}

enum err
buffer_printf(struct buffer *b, const char *fmt, ...)
{
	va_list args, again;
	uint8_t *to;
	enum err e = ERR_MALFORMED;

	va_start(args, fmt);
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, fmt, args);
	if (length >= 0)
		e = buffer_reserve(b, (size_t)length + 1, &to);
	if (e == OK) {
		vsnprintf((char *)to, (size_t)length + 1, fmt, again);
		b->end += (size_t)length;
	}
	va_end(again);
	va_end(args);
	return e;
}

void
buffer_consume(struct buffer *b, size_t bytes)
{
	INVARIANT(bytes <= buffer_used(b));
	b->start += bytes;
	if (b->start == b->end)
		b->start = b->end = 0;
}

void
buffer_truncate(struct buffer *b, size_t used)
{
	INVARIANT(used <= buffer_used(b));
	b->end = b->start + used;
}

struct text
buffer_text(const struct buffer *b)
{
	return (struct text){
	    .at = buffer_used(b) > 0 ? (const char *)buffer_at(b) : NULL,
	    .len = (uint32_t)buffer_used(b),
	};
}
