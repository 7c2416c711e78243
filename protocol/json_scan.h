// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_JSON_SCAN_H
#define PROTOCOL_JSON_SCAN_H

/*
 * json_scan - the two loops that see every byte of a string: how far it is
 * plain, and how long one UTF-8 sequence is. Shared by json and json_out.
 *
 * Trust:  any bytes; never reads at or behind `end`.
 * Owner:  no memory.
 */

#include <stdint.h>
#include <string.h>

#define JSON_EACH(byte) (0x0101010101010101ull * (byte))

/*
 * json_odd marks (bit 7) the bytes of a word that end a plain run: a quote, a
 * backslash, a control byte, anything that is not ASCII. A borrow can mark
 * bytes above a true mark as well, so only the lowest mark counts.
 */
static inline uint64_t
json_odd(uint64_t word)
{
	uint64_t quote = word ^ JSON_EACH('"');
	uint64_t slash = word ^ JSON_EACH('\\');
	uint64_t odd = (quote - JSON_EACH(1)) & ~quote;

	odd |= (slash - JSON_EACH(1)) & ~slash;
	odd |= (word - JSON_EACH(0x20)) & ~word;
	return (odd | word) & JSON_EACH(0x80);
}

/* json_plain points at the first byte from `at` that is not plain, or `end`. */
static inline const uint8_t *
json_plain(const uint8_t *at, const uint8_t *end)
{
	while (end - at >= 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		uint64_t odd = json_odd(word);
		if (odd != 0) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			return at + (unsigned)__builtin_ctzll(odd) / 8;
#else
			break;
#endif
		}
		at += 8;
	}
	while (
	    at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
		at++;
	return at;
}

/*
 * json_utf8 gives the bytes of the sequence at `at`, 0 when it is none that
 * RFC 3629 allows (overlong, surrogate, above U+10FFFF, cut off).
 */
static inline unsigned
json_utf8(const uint8_t *at, const uint8_t *end)
{
	uint8_t first = at[0];
	unsigned bytes = first < 0x80 ? 1
	    : first < 0xc2            ? 0
	    : first < 0xe0            ? 2
	    : first < 0xf0            ? 3
	    : first < 0xf5            ? 4
				      : 0;

	if (bytes <= 1)
		return bytes;
	if (end - at < (int)bytes)
		return 0;
	for (unsigned i = 1; i < bytes; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((first == 0xe0 && at[1] < 0xa0) ||
	    (first == 0xed && at[1] > 0x9f) ||
	    (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
		return 0;
	return bytes;
}

#endif /* PROTOCOL_JSON_SCAN_H */
