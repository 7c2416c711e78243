// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * All forms of a value are read through one table of heads: type, bytes of
 * length or number behind the type byte, bytes of body that are fixed. So
 * there is one place that can misjudge a length, and it is tested with every
 * first byte and every cut.
 */

#include "protocol/unpack.h"

#include <string.h>

#include "protocol/base/big_endian.h"

#define FOUR(x)    x, x, x, x
#define SIXTEEN(x) FOUR(x), FOUR(x), FOUR(x), FOUR(x)

const uint8_t pack_types[256] = {
    SIXTEEN(PACK_INT), SIXTEEN(PACK_INT), SIXTEEN(PACK_INT), /* 00-2f */
    SIXTEEN(PACK_INT), SIXTEEN(PACK_INT), SIXTEEN(PACK_INT), /* 30-5f */
    SIXTEEN(PACK_INT), SIXTEEN(PACK_INT),                    /* 60-7f */
    SIXTEEN(PACK_MAP), SIXTEEN(PACK_ARRAY),                  /* 80-9f */
    SIXTEEN(PACK_TEXT), SIXTEEN(PACK_TEXT),                  /* a0-bf */
    PACK_NIL, PACK_BROKEN, PACK_BOOL, PACK_BOOL,             /* c0-c3 */
    PACK_BIN, PACK_BIN, PACK_BIN, PACK_EXT,                  /* c4-c7 */
    PACK_EXT, PACK_EXT, PACK_FLOAT, PACK_FLOAT,              /* c8-cb */
    FOUR(PACK_INT), FOUR(PACK_INT),                          /* cc-d3 */
    FOUR(PACK_EXT),                                          /* d4-d7 */
    PACK_EXT, PACK_TEXT, PACK_TEXT, PACK_TEXT,               /* d8-db */
    PACK_ARRAY, PACK_ARRAY, PACK_MAP, PACK_MAP,              /* dc-df */
    SIXTEEN(PACK_INT), SIXTEEN(PACK_INT),                    /* e0-ff */
};

/* For c0-df: bytes of number or length behind the type byte. */
static const uint8_t number_bytes[32] = {
    0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8, /* c0-cf */
    1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4, /* d0-df */
};

/* One value's head, taken apart. */
struct head {
	enum pack_type type;
	uint8_t byte;    /* the first one */
	uint64_t number; /* integer bits, length or count */
	size_t bytes;    /* of the head itself */
	size_t body;     /* bytes behind it that are no values */
};

/* fixed_number: what the first byte alone says. */
static uint64_t
fixed_number(uint8_t byte)
{
	if (byte < 0x80)
		return byte;
	if (byte < 0xa0)
		return byte & 0x0f;
	if (byte < 0xc0)
		return byte & 0x1f;
	if (byte >= 0xe0)
		return (uint64_t)(int64_t)(int8_t)byte;
	if (byte >= 0xd4 && byte <= 0xd8) /* ext of 1, 2, 4, 8, 16 bytes */
		return 1ull << (byte - 0xd4);
	return byte & 1; /* false, true */
}

/* read_head takes a head apart and checks that its body is there. */
static enum err
read_head(const struct unpacker *u, struct head *h)
{
	size_t left = unpack_left(u);

	if (left == 0)
		return ERR_MALFORMED;
	uint8_t byte = u->at[0];
	unsigned more =
	    byte >= 0xc0 && byte < 0xe0 ? number_bytes[byte - 0xc0] : 0;

	if (pack_types[byte] == PACK_BROKEN || left < 1 + more)
		return ERR_MALFORMED;
	*h = (struct head){
	    .type = (enum pack_type)pack_types[byte],
	    .byte = byte,
	    .number = more > 0 ? big_endian_read(u->at + 1, more)
			       : fixed_number(byte),
	    .bytes = 1 + more,
	};
	if (h->type == PACK_TEXT || h->type == PACK_BIN)
		h->body = h->number;
	if (h->type == PACK_EXT)
		h->body = h->number + 1;
	left -= h->bytes;
	if (h->type == PACK_ARRAY && h->number > left)
		return ERR_MALFORMED;
	if (h->type == PACK_MAP && h->number * 2 > left)
		return ERR_MALFORMED;
	return h->body > left ? ERR_MALFORMED : OK;
}

/* expect reads a head of one type. */
static enum err
expect(const struct unpacker *u, enum pack_type type, struct head *h)
{
	enum err e = read_head(u, h);

	if (e == OK && h->type != type)
		return ERR_TYPE;
	return e;
}

static void
take(struct unpacker *u, const struct head *h)
{
	u->at += h->bytes + h->body;
}

/* body borrows the bytes behind a head. */
static struct text
body(const struct unpacker *u, const struct head *h)
{
	return (struct text){
	    .at = (const char *)u->at + h->bytes,
	    .len = (uint32_t)h->body,
	};
}

const char *
pack_type_name(enum pack_type type)
{
	static const char *const names[] = {
	    [PACK_END] = "nothing",
	    [PACK_NIL] = "nil",
	    [PACK_BOOL] = "boolean",
	    [PACK_INT] = "integer",
	    [PACK_FLOAT] = "float",
	    [PACK_TEXT] = "text",
	    [PACK_BIN] = "binary",
	    [PACK_ARRAY] = "array",
	    [PACK_MAP] = "map",
	    [PACK_EXT] = "extension",
	    [PACK_BROKEN] = "broken",
	};

	return (size_t)type < COUNT_OF(names) ? names[type] : "unknown";
}

enum err
unpack_nil(struct unpacker *u)
{
	struct head h;
	enum err e = expect(u, PACK_NIL, &h);

	if (e == OK)
		take(u, &h);
	return e;
}

enum err
unpack_bool(struct unpacker *u, bool *value)
{
	struct head h;
	enum err e = expect(u, PACK_BOOL, &h);

	if (e != OK)
		return e;
	*value = h.number == 1;
	take(u, &h);
	return OK;
}

enum err
unpack_f64(struct unpacker *u, double *value)
{
	struct head h;
	enum err e = expect(u, PACK_FLOAT, &h);

	if (e != OK)
		return e;
	if (h.byte == 0xca) {
		uint32_t bits = (uint32_t)h.number;
		float single;

		memcpy(&single, &bits, sizeof single);
		*value = (double)single;
	} else {
		memcpy(value, &h.number, sizeof *value);
	}
	take(u, &h);
	return OK;
}

/* Whether an integer's bits stand for a number below zero. */
static bool
is_negative(const struct head *h)
{
	bool is_signed = h->byte >= 0xe0 || (h->byte >= 0xd0 && h->byte < 0xd4);

	return is_signed && (h->number >> 63) != 0;
}

/* read_int reads an integer and extends the sign of the short forms. */
static enum err
read_int(const struct unpacker *u, struct head *h)
{
	enum err e = expect(u, PACK_INT, h);

	if (e != OK)
		return e;
	if (h->byte >= 0xd0 && h->byte < 0xd4) {
		unsigned unused = 64 - 8 * (unsigned)(h->bytes - 1);

		h->number =
		    (uint64_t)((int64_t)(h->number << unused) >> unused);
	}
	return OK;
}

enum err
unpack_u64_long(struct unpacker *u, uint64_t *value)
{
	struct head h;
	enum err e = read_int(u, &h);

	if (e != OK)
		return e;
	if (is_negative(&h))
		return ERR_RANGE;
	*value = h.number;
	take(u, &h);
	return OK;
}

enum err
unpack_i64_long(struct unpacker *u, int64_t *value)
{
	struct head h;
	enum err e = read_int(u, &h);

	if (e != OK)
		return e;
	if (!is_negative(&h) && h.number > INT64_MAX)
		return ERR_RANGE;
	*value = (int64_t)h.number;
	take(u, &h);
	return OK;
}

enum err
unpack_u32(struct unpacker *u, uint32_t *value)
{
	struct head h;
	enum err e = read_int(u, &h);

	if (e != OK)
		return e;
	if (is_negative(&h) || h.number > UINT32_MAX)
		return ERR_RANGE;
	*value = (uint32_t)h.number;
	take(u, &h);
	return OK;
}

enum err
unpack_text_long(struct unpacker *u, struct text *t)
{
	struct head h;
	enum err e = expect(u, PACK_TEXT, &h);

	if (e != OK)
		return e;
	*t = body(u, &h);
	take(u, &h);
	return OK;
}

enum err
unpack_bin(struct unpacker *u, struct text *t)
{
	struct head h;
	enum err e = expect(u, PACK_BIN, &h);

	if (e != OK)
		return e;
	*t = body(u, &h);
	take(u, &h);
	return OK;
}

enum err
unpack_ext(struct unpacker *u, int8_t *type, struct text *t)
{
	struct head h;
	enum err e = expect(u, PACK_EXT, &h);

	if (e != OK)
		return e;
	*t = body(u, &h);
	*type = (int8_t)t->at[0];
	t->at++;
	t->len--;
	take(u, &h);
	return OK;
}

enum err
unpack_timestamp(struct unpacker *u, int64_t *seconds, uint32_t *nanoseconds)
{
	struct unpacker ahead = *u;
	struct text t;
	int8_t type;
	uint64_t nanos = 0;
	enum err e = unpack_ext(&ahead, &type, &t);

	if (e != OK)
		return e;
	const uint8_t *at = (const uint8_t *)t.at;

	if (type != PACK_EXT_TIMESTAMP ||
	    (t.len != 4 && t.len != 8 && t.len != 12))
		return ERR_TYPE;
	if (t.len == 4)
		*seconds = (int64_t)big_endian_read(at, 4);
	if (t.len == 8) {
		uint64_t both = big_endian_read(at, 8);

		nanos = both >> 34;
		*seconds = (int64_t)(both & ((1ull << 34) - 1));
	}
	if (t.len == 12) {
		nanos = big_endian_read(at, 4);
		*seconds = (int64_t)big_endian_read(at + 4, 8);
	}
	if (nanos > 999999999)
		return ERR_RANGE;
	*nanoseconds = (uint32_t)nanos;
	*u = ahead;
	return OK;
}

enum err
unpack_array_long(struct unpacker *u, uint32_t *count)
{
	struct head h;
	enum err e = expect(u, PACK_ARRAY, &h);

	if (e != OK)
		return e;
	*count = (uint32_t)h.number;
	take(u, &h);
	return OK;
}

enum err
unpack_map_long(struct unpacker *u, uint32_t *count)
{
	struct head h;
	enum err e = expect(u, PACK_MAP, &h);

	if (e != OK)
		return e;
	*count = (uint32_t)h.number;
	take(u, &h);
	return OK;
}

enum err
unpack_skip_long(struct unpacker *u)
{
	struct unpacker ahead = *u;
	uint64_t wanted = 1; /* values still to step over */
	struct head h;

	while (wanted > 0) {
		enum err e = read_head(&ahead, &h);

		if (e != OK)
			return e;
		take(&ahead, &h);
		wanted--;
		if (h.type == PACK_ARRAY)
			wanted += h.number;
		if (h.type == PACK_MAP)
			wanted += h.number * 2;
	}
	*u = ahead;
	return OK;
}

enum err
unpack_raw(struct unpacker *u, struct text *span)
{
	const uint8_t *from = u->at;
	enum err e = unpack_skip(u);

	if (e == OK)
		*span =
		    (struct text){(const char *)from, (uint32_t)(u->at - from)};
	return e;
}

/* stack of the check: items still wanted by each open container */
struct levels {
	uint64_t wanted[PACK_DEPTH + 1];
	uint32_t depth; /* index of the innermost; 0 is the message itself */
};

enum err
pack_check(struct text bytes, struct pack_limits limits)
{
	struct unpacker u;
	struct levels open = {.wanted = {1}};
	uint32_t depth = limits.depth < PACK_DEPTH ? limits.depth : PACK_DEPTH;
	uint32_t nodes = 0;
	struct head h;

	unpack_init(&u, bytes);
	for (;;) {
		while (open.depth > 0 && open.wanted[open.depth] == 0)
			open.depth--;
		if (open.wanted[open.depth] == 0)
			break;
		enum err e = read_head(&u, &h);
		if (e != OK)
			return e;
		if (++nodes > limits.nodes)
			return ERR_TOO_BIG;
		take(&u, &h);
		open.wanted[open.depth]--;
		if (h.type != PACK_ARRAY && h.type != PACK_MAP)
			continue;
		if (open.depth == depth)
			return ERR_TOO_DEEP;
		open.wanted[++open.depth] =
		    h.type == PACK_MAP ? h.number * 2 : h.number;
	}
	return unpack_is_done(&u) ? OK : ERR_MALFORMED;
}
