// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_BIG_ENDIAN_H
#define PROTOCOL_BASE_BIG_ENDIAN_H

/*
 * big_endian - numbers as wires and sorted keys have them: highest byte first.
 *
 * Trust:  none needed: any bytes are a number. Who calls has looked that
 *         `bytes` of them (at most 8) are there.
 * Owner:  no memory.
 */

#include <stdint.h>

static inline uint64_t
big_endian_read(const uint8_t *from, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | from[i];
	return value;
}

/* big_endian_write writes the low `bytes` bytes of the number. */
static inline void
big_endian_write(uint8_t *to, uint64_t value, unsigned bytes)
{
	while (bytes > 0) {
		to[--bytes] = (uint8_t)value;
		value >>= 8;
	}
}

#endif /* PROTOCOL_BASE_BIG_ENDIAN_H */
