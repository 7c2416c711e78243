// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_BASE64URL_H
#define WORKERS_GATEWAY_BASE64URL_H

/*
 * base64url - RFC 4648 without padding, one spelling for one value.
 *
 * Two texts that decode to the same bytes would be two tokens with one
 * signature: what is not canonical (padding, blanks, bits set behind the
 * last byte) is refused.
 *
 * Trust:  every byte comes from strangers; nothing is written behind `size`.
 * Owner:  no memory.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

/* base64url_decode: ERR_MALFORMED; ERR_TOO_BIG when `size` is too small. */
enum err base64url_decode(
    struct text, uint8_t *to, size_t size, size_t *bytes) MUST_USE;

/* base64url_decode_any takes `+` and `/` as well: what a browser's btoa
 * makes. */
enum err base64url_decode_any(
    struct text, uint8_t *to, size_t size, size_t *bytes) MUST_USE;

#endif /* WORKERS_GATEWAY_BASE64URL_H */
