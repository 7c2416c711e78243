// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_JSON_STRING_H
#define PROTOCOL_JSON_STRING_H

/*
 * json_string - strings as JSON writes them.
 *
 * A string is scanned once to its closing quote, which checks all of it and
 * measures what it will become; only one that holds escapes is then written
 * byte by byte.
 *
 * Trust:  any bytes; never reads at or behind `end`. What json_string_scan
 *         passes is UTF-8 when decoded.
 * Owner:  no memory.
 */

#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/json_scan.h"

/* A string between its quotes. */
struct json_quoted {
	const uint8_t *from;
	uint32_t raw;     /* bytes as written */
	uint32_t decoded; /* bytes as meant; fewer, if there are escapes */
};

enum err json_string_scan_long(const uint8_t **at, const uint8_t *end,
    struct json_quoted *, const char **what) MUST_USE;

/*
 * json_string_scan steps over a string, `*at` on its opening quote, and checks
 * it. On an error `*at` is the place and `what` the reason: ERR_UTF8 for bytes
 * that are not UTF-8, ERR_MALFORMED for the rest, lone surrogates included.
 */
static inline enum err MUST_USE
json_string_scan(const uint8_t **at, const uint8_t *end, struct json_quoted *q,
    const char **what)
{
	const uint8_t *from = *at + 1, *to = json_plain(from, end);

	if (to == end || *to != '"')
		return json_string_scan_long(at, end, q, what);
	q->from = from;
	q->raw = q->decoded = (uint32_t)(to - from);
	*at = to + 1;
	return OK;
}

/* json_string_decode writes the meaning of a scanned string. */
void json_string_decode(const struct json_quoted *, char *to);

#endif /* PROTOCOL_JSON_STRING_H */
