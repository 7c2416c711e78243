// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_JSON_H
#define PROTOCOL_JSON_H

/*
 * json - JSON read once: a cursor over the text, and any value under it
 * straight to msgpack, without a tree. The way back is protocol/json_out.h,
 * which comes along. What becomes what is told in JSON.md.
 *
 * Trust:  every byte comes from strangers. Limits are looked at before memory
 *         is taken; texts that come out are UTF-8; whatever the cursor has
 *         stepped over was valid JSON.
 * Owner:  the reader borrows the text. Strings that need no unescaping are
 *         borrowed from it too, the others live in the caller's arena.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/json_out.h"
#include "protocol/pack.h"

enum {
	JSON_BYTES = 1000000,    /* of one text */
	JSON_DEPTH = 32,         /* containers inside each other */
	JSON_NODES = PACK_NODES, /* values and keys */
};

struct json_limits {
	uint32_t bytes;
	uint32_t depth; /* at most JSON_DEPTH */
	uint32_t nodes;
};

#define JSON_LIMITS ((struct json_limits){JSON_BYTES, JSON_DEPTH, JSON_NODES})

/*
 * What went wrong: ERR_MALFORMED, ERR_UTF8, ERR_RANGE (a number), ERR_TOO_BIG
 * (bytes, nodes, digits), ERR_TOO_DEEP, ERR_FULL (the buffer's limit).
 */
struct json_error {
	enum err err;
	uint32_t offset;  /* bytes from the start of the text */
	const char *what; /* a literal for people */
};

enum json_type {
	JSON_NOTHING, /* the end of the text, or what no value starts with */
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json_reader {
	const uint8_t *start;
	const uint8_t *at;
	const uint8_t *end;
	uint32_t depth_left;
	uint32_t nodes_left;
	bool is_first; /* just behind a '[' or '{' */
	struct json_error error;
};

/*
 * json_to_pack converts a text that is exactly one value. On an error nothing
 * is appended; `error` may be NULL.
 */
enum err json_to_pack(struct text, struct buffer *out, struct json_limits,
    struct json_error *error) MUST_USE;

/*
 * The cursor. Each call steps over what it read; after an error the reader is
 * spent and `error` tells why. ERR_TYPE (another value stands there) is the
 * exception: it moves nothing, and the caller may try something else.
 */
enum err json_open(
    struct json_reader *, struct text, struct json_limits) MUST_USE;

/* json_peek steps over white space and tells what comes. */
enum json_type json_peek(struct json_reader *);

enum err json_null(struct json_reader *) MUST_USE;
enum err json_string(
    struct json_reader *, struct arena *, struct text *) MUST_USE;

/* json_skip steps over a value of any type and borrows its text. */
enum err json_skip(struct json_reader *, struct text *raw) MUST_USE;

/* json_pack converts the value that comes next. */
enum err json_pack(struct json_reader *, struct packer *) MUST_USE;

/*
 * Containers: enter, then ask for each item whether there is one and read it
 * (or skip it): the last `more` = false leaves the container.
 *
 *	e = json_array(&r);
 *	while (e == OK && (e = json_array_next(&r, &more)) == OK && more)
 *		e = json_string(&r, &arena, &item);
 */
enum err json_array(struct json_reader *) MUST_USE;
enum err json_array_next(struct json_reader *, bool *more) MUST_USE;
enum err json_object(struct json_reader *) MUST_USE;
enum err json_object_next(struct json_reader *, struct arena *,
    struct text *key, bool *more) MUST_USE;

/* json_close: nothing but white space may be left. */
enum err json_close(struct json_reader *) MUST_USE;

#endif /* PROTOCOL_JSON_H */
