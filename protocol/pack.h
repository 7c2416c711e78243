// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_PACK_H
#define PROTOCOL_PACK_H

/*
 * pack - msgpack written to a buffer. Reading is protocol/unpack.h, which
 * comes along.
 *
 * Integers and heads take their shortest form, so equal values have equal
 * bytes (JSON.md's golden vectors lean on it). A "span" is a struct text that
 * holds exactly one packed value.
 *
 * Trust:  writes what it is given; texts from outside have been checked by
 *         whoever read them. The buffer's limit bounds the result.
 * Owner:  the packer borrows its buffer.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/unpack.h"

/*
 * The first failure stays (ERR_FULL: the buffer's limit), later writes do
 * nothing: ask once, at the end, with pack_finish.
 */
struct packer {
	struct buffer *out;
	enum err err;
};

static inline void
pack_init(struct packer *p, struct buffer *out)
{
	*p = (struct packer){.out = out};
}

static inline enum err MUST_USE
pack_finish(const struct packer *p)
{
	return p->err;
}

/* pack_room gives space for `bytes`, or NULL with the error kept. */
uint8_t *pack_room_slow(struct packer *, size_t bytes);

static inline uint8_t *
pack_room(struct packer *p, size_t bytes)
{
	const struct buffer *b = p->out;

	if (p->err == OK && b->size - b->end >= bytes &&
	    b->end - b->start + bytes <= b->limit_bytes)
		return b->memory + b->end;
	return pack_room_slow(p, bytes);
}

static inline void
pack_byte(struct packer *p, uint8_t byte)
{
	uint8_t *to = pack_room(p, 1);

	if (to != NULL) {
		*to = byte;
		p->out->end++;
	}
}

static inline void
pack_nil(struct packer *p)
{
	pack_byte(p, 0xc0);
}

static inline void
pack_bool(struct packer *p, bool value)
{
	pack_byte(p, value ? 0xc3 : 0xc2);
}

void pack_u64_long(struct packer *, uint64_t);
void pack_i64_long(struct packer *, int64_t);

static inline void
pack_u64(struct packer *p, uint64_t value)
{
	if (value < 0x80)
		pack_byte(p, (uint8_t)value);
	else
		pack_u64_long(p, value);
}

static inline void
pack_i64(struct packer *p, int64_t value)
{
	if (value >= -32 && value < 0x80)
		pack_byte(p, (uint8_t)value);
	else
		pack_i64_long(p, value);
}

void pack_f64(struct packer *, double);
void pack_text_long(struct packer *, struct text);
void pack_bin(struct packer *, struct text);
void pack_ext(struct packer *, int8_t type, struct text);

/* pack_timestamp writes the msgpack timestamp ext in its shortest form. */
void pack_timestamp(struct packer *, int64_t seconds, uint32_t nanoseconds);

static inline void
pack_text(struct packer *p, struct text t)
{
	uint8_t *to;

	if (t.len >= 32) {
		pack_text_long(p, t);
	} else if ((to = pack_room(p, t.len + 1)) != NULL) {
		*to = (uint8_t)(0xa0 | t.len);
		if (t.len > 0)
			memcpy(to + 1, t.at, t.len);
		p->out->end += t.len + 1;
	}
}

/* pack_string writes a C string: keys, mostly. */
static inline void
pack_string(struct packer *p, const char *s)
{
	pack_text(p, (struct text){.at = s, .len = (uint32_t)strlen(s)});
}

/* pack_field_… write one key of a map and its value. */
static inline void
pack_field_string(struct packer *p, const char *key, const char *value)
{
	pack_string(p, key);
	pack_string(p, value);
}

static inline void
pack_field_u64(struct packer *p, const char *key, uint64_t value)
{
	pack_string(p, key);
	pack_u64(p, value);
}

static inline void
pack_field_text(struct packer *p, const char *key, struct text value)
{
	pack_string(p, key);
	pack_text(p, value);
}

/* pack_field_given: nil for a text nobody gave (at NULL; "" was given). */
void pack_field_given(struct packer *, const char *key, struct text);

/* pack_field_filled: nil for a text with nothing in it. */
void pack_field_filled(struct packer *, const char *key, struct text);

static inline void
pack_field_bool(struct packer *p, const char *key, bool value)
{
	pack_string(p, key);
	pack_bool(p, value);
}

/*
 * pack_text_room writes the head of a text and gives the place of its `len`
 * bytes for the caller to fill at once; NULL when they do not fit.
 */
char *pack_text_room(struct packer *, uint32_t len);

/* A container's items follow its head: `count` items, or count × key, value. */
void pack_array_long(struct packer *, uint32_t count);
void pack_map_long(struct packer *, uint32_t count);

static inline void
pack_array(struct packer *p, uint32_t count)
{
	if (count < 16)
		pack_byte(p, (uint8_t)(0x90 | count));
	else
		pack_array_long(p, count);
}

static inline void
pack_map(struct packer *p, uint32_t count)
{
	if (count < 16)
		pack_byte(p, (uint8_t)(0x80 | count));
	else
		pack_map_long(p, count);
}

/* pack_raw appends a span as it is. */
void pack_raw(struct packer *, struct text span);

/*
 * When the count is known only at the end: pack_open leaves a byte for the
 * head and gives its place, pack_close_* writes the head there (and moves
 * what follows if 16 or more items need a longer one).
 */
size_t pack_open(struct packer *);
void pack_close_array(struct packer *, size_t place, uint32_t count);
void pack_close_map(struct packer *, size_t place, uint32_t count);

#endif /* PROTOCOL_PACK_H */
