// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Heads are written by hand rather than through msgpack-c: its packer calls
 * back for every few bytes, and the hot path writes one head per value. The
 * tests hold the two against each other on random values.
 */

#include "protocol/pack.h"

#include "protocol/base/big_endian.h"

uint8_t *
pack_room_slow(struct packer *p, size_t bytes)
{
	uint8_t *to = NULL;

	if (p->err == OK)
		p->err = buffer_reserve(p->out, bytes, &to);
	return p->err == OK ? to : NULL;
}

/* head writes a type byte with a number of `bytes` bytes behind it. */
static void
head(struct packer *p, uint8_t type, uint64_t value, unsigned bytes)
{
	uint8_t *to = pack_room(p, 1 + bytes);

	if (to == NULL)
		return;
	to[0] = type;
	big_endian_write(to + 1, value, bytes);
	p->out->end += 1 + bytes;
}

void
pack_u64_long(struct packer *p, uint64_t value)
{
	if (value < 0x80)
		pack_byte(p, (uint8_t)value);
	else if (value <= UINT8_MAX)
		head(p, 0xcc, value, 1);
	else if (value <= UINT16_MAX)
		head(p, 0xcd, value, 2);
	else if (value <= UINT32_MAX)
		head(p, 0xce, value, 4);
	else
		head(p, 0xcf, value, 8);
}

void
pack_i64_long(struct packer *p, int64_t value)
{
	if (value >= 0)
		pack_u64_long(p, (uint64_t)value);
	else if (value >= -32)
		pack_byte(p, (uint8_t)value);
	else if (value >= INT8_MIN)
		head(p, 0xd0, (uint64_t)value, 1);
	else if (value >= INT16_MIN)
		head(p, 0xd1, (uint64_t)value, 2);
	else if (value >= INT32_MIN)
		head(p, 0xd2, (uint64_t)value, 4);
	else
		head(p, 0xd3, (uint64_t)value, 8);
}

void
pack_f64(struct packer *p, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	head(p, 0xcb, bits, 8);
}

void
pack_field_given(struct packer *p, const char *key, struct text t)
{
	pack_string(p, key);
	if (t.at == NULL)
		pack_nil(p);
	else
		pack_text(p, t);
}

void
pack_field_filled(struct packer *p, const char *key, struct text t)
{
	pack_string(p, key);
	if (t.len == 0)
		pack_nil(p);
	else
		pack_text(p, t);
}

void
pack_raw(struct packer *p, struct text span)
{
	uint8_t *to = pack_room(p, span.len);

	if (to == NULL || span.len == 0)
		return;
	memcpy(to, span.at, span.len);
	p->out->end += span.len;
}

/* sized writes bytes behind a head; undone when they do not fit behind it. */
static void
sized(struct packer *p, uint8_t type, unsigned len_bytes, struct text t)
{
	if (pack_room(p, 1 + len_bytes + (size_t)t.len) == NULL)
		return;
	head(p, type, t.len, len_bytes);
	pack_raw(p, t);
}

void
pack_text_long(struct packer *p, struct text t)
{
	if (t.len < 32)
		pack_text(p, t);
	else if (t.len <= UINT8_MAX)
		sized(p, 0xd9, 1, t);
	else if (t.len <= UINT16_MAX)
		sized(p, 0xda, 2, t);
	else
		sized(p, 0xdb, 4, t);
}

char *
pack_text_room(struct packer *p, uint32_t len)
{
	unsigned more = len < 32 ? 0
	    : len <= UINT8_MAX   ? 1
	    : len <= UINT16_MAX  ? 2
				 : 4;
	uint8_t type =
	    len < 32 ? (uint8_t)(0xa0 | len) : (uint8_t)(0xd9 + more / 2);

	if (pack_room(p, 1 + more + (size_t)len) == NULL)
		return NULL;
	head(p, type, len, more);
	p->out->end += len;
	return (char *)p->out->memory + p->out->end - len;
}

void
pack_bin(struct packer *p, struct text t)
{
	if (t.len <= UINT8_MAX)
		sized(p, 0xc4, 1, t);
	else if (t.len <= UINT16_MAX)
		sized(p, 0xc5, 2, t);
	else
		sized(p, 0xc6, 4, t);
}

/* fixed_ext gives the one-byte head for lengths 1, 2, 4, 8, 16, else 0. */
static uint8_t
fixed_ext(uint32_t len)
{
	switch (len) {
	case 1:
		return 0xd4;
	case 2:
		return 0xd5;
	case 4:
		return 0xd6;
	case 8:
		return 0xd7;
	case 16:
		return 0xd8;
	default:
		return 0;
	}
}

void
pack_ext(struct packer *p, int8_t type, struct text t)
{
	uint8_t fixed = fixed_ext(t.len);
	size_t used = buffer_used(p->out);

	if (fixed != 0)
		pack_byte(p, fixed);
	else if (t.len <= UINT8_MAX)
		head(p, 0xc7, t.len, 1);
	else if (t.len <= UINT16_MAX)
		head(p, 0xc8, t.len, 2);
	else
		head(p, 0xc9, t.len, 4);
	pack_byte(p, (uint8_t)type);
	pack_raw(p, t);
	if (p->err != OK) /* nothing of it, rather than a head alone */
		buffer_truncate(p->out, used);
}

void
pack_timestamp(struct packer *p, int64_t seconds, uint32_t nanoseconds)
{
	uint8_t bytes[12];
	uint32_t len = 12;

	if (seconds >= 0 && seconds < (1ll << 34)) {
		uint64_t both = (uint64_t)nanoseconds << 34 | (uint64_t)seconds;

		len = both <= UINT32_MAX ? 4 : 8;
		big_endian_write(bytes, both, len);
	} else {
		big_endian_write(bytes, nanoseconds, 4);
		big_endian_write(bytes + 4, (uint64_t)seconds, 8);
	}
	pack_ext(
	    p, PACK_EXT_TIMESTAMP, (struct text){(const char *)bytes, len});
}

void
pack_array_long(struct packer *p, uint32_t count)
{
	if (count < 16)
		pack_byte(p, (uint8_t)(0x90 | count));
	else if (count <= UINT16_MAX)
		head(p, 0xdc, count, 2);
	else
		head(p, 0xdd, count, 4);
}

void
pack_map_long(struct packer *p, uint32_t count)
{
	if (count < 16)
		pack_byte(p, (uint8_t)(0x80 | count));
	else if (count <= UINT16_MAX)
		head(p, 0xde, count, 2);
	else
		head(p, 0xdf, count, 4);
}

size_t
pack_open(struct packer *p)
{
	size_t place = buffer_used(p->out);

	pack_byte(p, 0xc1); /* broken on purpose until it is closed */
	return place;
}

/* close_at writes a container's head at its place; `small` is the one-byte
 * form, `large` the type with two bytes of count, followed by that with four.
 */
static void
close_at(struct packer *p, size_t place, uint32_t count, const uint8_t types[2])
{
	unsigned more = count < 16 ? 0 : count <= UINT16_MAX ? 2 : 4;

	if (pack_room(p, more) == NULL)
		return;
	uint8_t *at = buffer_at(p->out) + place;
	size_t behind = buffer_used(p->out) - place - 1;

	if (more == 0) {
		*at = (uint8_t)(types[0] | count);
		return;
	}
	memmove(at + 1 + more, at + 1, behind);
	*at = (uint8_t)(types[1] + (more == 4));
	big_endian_write(at + 1, count, more);
	p->out->end += more;
}

void
pack_close_array(struct packer *p, size_t place, uint32_t count)
{
	static const uint8_t types[2] = {0x90, 0xdc};

	close_at(p, place, count, types);
}

void
pack_close_map(struct packer *p, size_t place, uint32_t count)
{
	static const uint8_t types[2] = {0x80, 0xde};

	close_at(p, place, count, types);
}
