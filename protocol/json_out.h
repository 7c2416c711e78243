// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_JSON_OUT_H
#define PROTOCOL_JSON_OUT_H

/*
 * json_out - msgpack to JSON text, in one pass over the bytes.
 *
 * Trust:  the bytes come from services: they have passed pack_check; here
 *         they meet what JSON has no words for. Invalid UTF-8 is replaced by
 *         U+FFFD and counted; an ext that is no timestamp, a timestamp
 *         outside the years 0 to 9999 or a key that is no text is an error
 *         (the wire's code `bad_result`).
 * Owner:  no memory but the caller's buffer, whose limit bounds the text.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct json_stats {
	uint64_t replaced; /* invalid UTF-8 sequences that became U+FFFD */
};

/*
 * pack_to_json appends one packed value as JSON. On an error nothing is
 * appended: ERR_TYPE, ERR_RANGE, ERR_MALFORMED, ERR_TOO_DEEP, ERR_FULL.
 * `stats` is added to; may be NULL.
 */
enum err pack_to_json(
    struct text span, struct buffer *out, struct json_stats *stats) MUST_USE;

/* For texts composed by hand: one value, quoted and escaped as it must be. */
enum err json_put_text(
    struct buffer *, struct text, struct json_stats *) MUST_USE;

/* json_put_f64: shortest digits that read back the same, always with a dot. */
enum err json_put_f64(struct buffer *, double) MUST_USE;

#endif /* PROTOCOL_JSON_OUT_H */
