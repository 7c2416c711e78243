// SPDX-License-Identifier: MIT
#include "workers/gateway/base64url.h"

#include <stdbool.h>

static int
six_bits(char c, bool takes_any)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-' || (takes_any && c == '+'))
		return 62;
	return c == '_' || (takes_any && c == '/') ? 63 : -1;
}

static enum err
decode(
    struct text from, bool takes_any, uint8_t *to, size_t size, size_t *bytes)
{
	size_t count = (size_t)from.len * 6 / 8, at = 0;
	uint32_t held = 0, held_bits = 0;

	if (from.len % 4 == 1)
		return ERR_MALFORMED;
	if (count > size)
		return ERR_TOO_BIG;
	for (uint32_t i = 0; i < from.len; i++) {
		int bits = six_bits(from.at[i], takes_any);

		if (bits < 0)
			return ERR_MALFORMED;
		held = held << 6 | (uint32_t)bits;
		held_bits += 6;
		if (held_bits >= 8) {
			held_bits -= 8;
			to[at++] = (uint8_t)(held >> held_bits);
			held &= (1u << held_bits) - 1;
		}
	}
	*bytes = at;
	return held == 0 ? OK : ERR_MALFORMED;
}

enum err
base64url_decode(struct text from, uint8_t *to, size_t size, size_t *bytes)
{
	return decode(from, false, to, size, bytes);
}

enum err
base64url_decode_any(struct text from, uint8_t *to, size_t size, size_t *bytes)
{
	return decode(from, true, to, size, bytes);
}
