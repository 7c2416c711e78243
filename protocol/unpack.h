// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_UNPACK_H
#define PROTOCOL_UNPACK_H

/*
 * unpack - msgpack read by a cursor that takes no memory, and the check that
 * foreign bytes pass first.
 *
 * Trust:  pack_check is run ONCE on bytes from outside, before anything else
 *         looks at them: counts, depth, nodes, exactly one value. The cursor
 *         is bounded as well and never reads behind its end, so a forgotten
 *         check costs an error, not memory. Texts inside are not known to be
 *         UTF-8 (text_is_utf8 knows).
 * Owner:  the cursor and all spans borrow the bytes they were made from.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

enum {
	/* containers inside each other: JSON's 32, and what carries them */
	PACK_DEPTH = 40,
	PACK_NODES = 65536, /* values and keys in one message */
	PACK_EXT_TIMESTAMP = -1,
};

enum pack_type {
	PACK_END, /* the cursor is at its end */
	PACK_NIL,
	PACK_BOOL,
	PACK_INT, /* any integer, whatever its sign and width */
	PACK_FLOAT,
	PACK_TEXT,
	PACK_BIN,
	PACK_ARRAY,
	PACK_MAP,
	PACK_EXT,
	PACK_BROKEN, /* 0xc1, which no writer may send */
};

/*
 * Every unpack_* below moves the cursor only when it returns OK. Else:
 * ERR_MALFORMED (bytes end early, 0xc1), ERR_TYPE (something else stands
 * there), ERR_RANGE (an integer that does not fit).
 */
struct unpacker {
	const uint8_t *at;
	const uint8_t *end;
};

static inline void
unpack_init(struct unpacker *u, struct text bytes)
{
	u->at = (const uint8_t *)bytes.at;
	u->end = bytes.len > 0 ? u->at + bytes.len : u->at;
}

static inline bool
unpack_is_done(const struct unpacker *u)
{
	return u->at == u->end;
}

static inline size_t
unpack_left(const struct unpacker *u)
{
	return (size_t)(u->end - u->at);
}

/* pack_types maps a value's first byte to its type. */
extern const uint8_t pack_types[256];

static inline enum pack_type
unpack_peek(const struct unpacker *u)
{
	return u->at < u->end ? (enum pack_type)pack_types[*u->at] : PACK_END;
}

/* The word for a type in messages: "text", "array". */
const char *pack_type_name(enum pack_type);

enum err unpack_nil(struct unpacker *) MUST_USE;
enum err unpack_bool(struct unpacker *, bool *) MUST_USE;
enum err unpack_f64(struct unpacker *, double *) MUST_USE; /* f32 too */
enum err unpack_bin(struct unpacker *, struct text *) MUST_USE;
enum err unpack_ext(struct unpacker *, int8_t *type, struct text *) MUST_USE;
enum err unpack_timestamp(
    struct unpacker *, int64_t *seconds, uint32_t *nanoseconds) MUST_USE;

enum err unpack_u64_long(struct unpacker *, uint64_t *) MUST_USE;
enum err unpack_i64_long(struct unpacker *, int64_t *) MUST_USE;
enum err unpack_text_long(struct unpacker *, struct text *) MUST_USE;
enum err unpack_array_long(struct unpacker *, uint32_t *) MUST_USE;
enum err unpack_map_long(struct unpacker *, uint32_t *) MUST_USE;
enum err unpack_skip_long(struct unpacker *) MUST_USE;

static inline enum err MUST_USE
unpack_u64(struct unpacker *u, uint64_t *value)
{
	if (u->at < u->end && *u->at < 0x80) {
		*value = *u->at++;
		return OK;
	}
	return unpack_u64_long(u, value);
}

static inline enum err MUST_USE
unpack_i64(struct unpacker *u, int64_t *value)
{
	if (u->at < u->end && *u->at < 0x80) {
		*value = *u->at++;
		return OK;
	}
	return unpack_i64_long(u, value);
}

/* unpack_u32 refuses more than 2^32 - 1 with ERR_RANGE. */
enum err unpack_u32(struct unpacker *, uint32_t *) MUST_USE;

static inline enum err MUST_USE
unpack_text(struct unpacker *u, struct text *t)
{
	if (u->at < u->end && (*u->at & 0xe0) == 0xa0) {
		uint32_t len = *u->at & 0x1f;

		if (len < unpack_left(u)) {
			*t = (struct text){(const char *)u->at + 1, len};
			u->at += len + 1;
			return OK;
		}
		return ERR_MALFORMED;
	}
	return unpack_text_long(u, t);
}

/*
 * unpack_array and unpack_map read the head: `count` items (map: pairs)
 * follow. A count above what the bytes left could hold is ERR_MALFORMED, so
 * it may size memory.
 */
static inline enum err MUST_USE
unpack_array(struct unpacker *u, uint32_t *count)
{
	if (u->at < u->end && (*u->at & 0xf0) == 0x90) {
		uint32_t n = *u->at & 0x0f;

		if (n < unpack_left(u)) {
			*count = n;
			u->at++;
			return OK;
		}
		return ERR_MALFORMED;
	}
	return unpack_array_long(u, count);
}

static inline enum err MUST_USE
unpack_map(struct unpacker *u, uint32_t *count)
{
	if (u->at < u->end && (*u->at & 0xf0) == 0x80) {
		uint32_t n = *u->at & 0x0f;

		if (2 * n < unpack_left(u)) {
			*count = n;
			u->at++;
			return OK;
		}
		return ERR_MALFORMED;
	}
	return unpack_map_long(u, count);
}

/* unpack_skip steps over one value, whatever is in it; any depth. */
static inline enum err MUST_USE
unpack_skip(struct unpacker *u)
{
	if (u->at < u->end && *u->at < 0x80) {
		u->at++;
		return OK;
	}
	return unpack_skip_long(u);
}

/* unpack_raw steps over one value and borrows its bytes. */
enum err unpack_raw(struct unpacker *, struct text *span) MUST_USE;

/*
 * unpack_map_find looks up a text key in a span that is a map and borrows the
 * value's span. Of equal keys the last one counts, as in JSON.
 * ERR_NOT_FOUND, ERR_TYPE (no map), ERR_MALFORMED.
 */
enum err unpack_map_find(
    struct text map, struct text key, struct text *value) MUST_USE;

/* A field of a map in one step; errors of both steps. */
enum err unpack_field_text(
    struct text map, const char *key, struct text *) MUST_USE;
enum err unpack_field_u64(
    struct text map, const char *key, uint64_t *) MUST_USE;
enum err unpack_field_bool(struct text map, const char *key, bool *) MUST_USE;

/* ---- checking ----------------------------------------------------------- */

struct pack_limits {
	uint32_t depth; /* at most PACK_DEPTH */
	uint32_t nodes;
};

#define PACK_LIMITS ((struct pack_limits){PACK_DEPTH, PACK_NODES})

/*
 * pack_check passes bytes that are exactly one value within the limits. It
 * reads each head once and takes no memory. ERR_MALFORMED (cut off, 0xc1,
 * counts the bytes cannot hold, bytes left over), ERR_TOO_DEEP, ERR_TOO_BIG.
 */
enum err pack_check(struct text bytes, struct pack_limits) MUST_USE;

#endif /* PROTOCOL_UNPACK_H */
