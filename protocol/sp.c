// SPDX-License-Identifier: MIT
#include "protocol/sp.h"

#include <string.h>

#include "protocol/base/big_endian.h"

enum {
	IPC_MARK = 1,
	LENGTH_BYTES = 8,
	LAST_HOP = 0x80 /* the high bit of an id's first byte */
};

void
sp_write_handshake(uint8_t to[SP_HANDSHAKE_BYTES], enum sp_protocol protocol)
{
	const uint8_t bytes[SP_HANDSHAKE_BYTES] = {
	    0, 'S', 'P', 0, 0, (uint8_t)protocol, 0, 0};

	memcpy(to, bytes, sizeof(bytes));
}

bool
sp_is_handshake(const uint8_t *bytes, enum sp_protocol protocol)
{
	uint8_t expected[SP_HANDSHAKE_BYTES];

	sp_write_handshake(expected, protocol);
	return memcmp(bytes, expected, sizeof(expected)) == 0;
}

void
sp_write_head(uint8_t *to, enum sp_transport transport, uint64_t payload_bytes)
{
	if (transport == SP_IPC)
		*to++ = IPC_MARK;
	big_endian_write(to, payload_bytes, LENGTH_BYTES);
}

void
sp_write_id(uint8_t to[SP_ID_BYTES], uint32_t id)
{
	big_endian_write(to, id, SP_ID_BYTES);
}

void
sp_write_question(
    uint8_t to[SP_QUESTION_BYTES], uint32_t id, uint64_t body_bytes)
{
	sp_write_head(to, SP_IPC, SP_ID_BYTES + body_bytes);
	sp_write_id(to + SP_IPC, id);
	to[SP_IPC] |= LAST_HOP;
}

enum err
sp_read_head(const uint8_t *at, size_t count, enum sp_transport transport,
    uint32_t max_bytes, uint32_t *payload_bytes)
{
	size_t head = (size_t)transport;

	if (count > 0 && transport == SP_IPC && at[0] != IPC_MARK)
		return ERR_MALFORMED;
	if (count < head)
		return ERR_AGAIN;
	uint64_t length =
	    big_endian_read(at + head - LENGTH_BYTES, LENGTH_BYTES);
	if (length > max_bytes)
		return ERR_TOO_BIG;
	*payload_bytes = (uint32_t)length;
	return OK;
}

enum err
sp_read_frame(const uint8_t *at, size_t count, enum sp_transport transport,
    uint32_t max_bytes, struct text *payload)
{
	uint32_t bytes;
	enum err e = sp_read_head(at, count, transport, max_bytes, &bytes);

	if (e != OK)
		return e;
	if (count - (size_t)transport < bytes)
		return ERR_AGAIN;
	*payload = (struct text){
	    .at = (const char *)at + (size_t)transport, .len = bytes};
	return OK;
}

uint32_t
sp_measure_hops(const char *payload, uint32_t bytes)
{
	for (uint32_t at = 0; bytes - at >= SP_ID_BYTES; at += SP_ID_BYTES)
		if (((uint8_t)payload[at] & LAST_HOP) != 0)
			return at + SP_ID_BYTES;
	return 0;
}

enum err
sp_read(const uint8_t *at, size_t count, enum sp_transport transport,
    uint32_t max_bytes, struct sp_message *m)
{
	uint32_t bytes, hops;
	enum err e = sp_read_head(at, count, transport, max_bytes, &bytes);

	if (e != OK)
		return e;
	if (bytes < SP_ID_BYTES)
		return ERR_MALFORMED; /* whatever is still to come */
	if (count - (size_t)transport < bytes)
		return ERR_AGAIN;
	/* devices on the way put hops in front */
	const char *payload = (const char *)at + (size_t)transport;
	hops = sp_measure_hops(payload, bytes);
	if (hops == 0)
		return ERR_MALFORMED;
	m->whole_bytes = (size_t)transport + bytes;
	m->id = (uint32_t)big_endian_read(
	    (const uint8_t *)payload + hops - SP_ID_BYTES, SP_ID_BYTES);
	m->body = (struct text){payload + hops, bytes - hops};
	return OK;
}
