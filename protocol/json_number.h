// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_JSON_NUMBER_H
#define PROTOCOL_JSON_NUMBER_H

/*
 * json_number - numbers as JSON writes them, both ways.
 *
 * Trust:  any bytes; a number of more than JSON_NUMBER_MOST bytes is refused,
 *         so nobody makes us round a million digits.
 * Owner:  no memory. Assumes the C locale: nobody here calls setlocale.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"

enum {
	JSON_NUMBER_MOST = 1024, /* bytes of one number */
	JSON_NUMBER_ROOM = 32,   /* bytes a printed number may take */
};

enum json_number_kind {
	JSON_UNSIGNED, /* 0 … 2^64 - 1 */
	JSON_SIGNED,   /* -2^63 … -1 */
	JSON_FLOAT,
};

struct json_number {
	enum json_number_kind kind;
	union {
		uint64_t u;
		int64_t i;
		double f;
	};
};

/*
 * json_number_read reads the number at `*at` and moves behind it; on an error
 * `*at` is where it was noticed. ERR_MALFORMED, ERR_RANGE (no float64 is that
 * large), ERR_TOO_BIG.
 */
enum err json_number_read(
    const uint8_t **at, const uint8_t *end, struct json_number *) MUST_USE;

/* Each writes without a NUL and gives the count of bytes. */
size_t json_number_put_u64(char to[JSON_NUMBER_ROOM], uint64_t);
size_t json_number_put_f64(char to[JSON_NUMBER_ROOM], double finite);

#endif /* PROTOCOL_JSON_NUMBER_H */
