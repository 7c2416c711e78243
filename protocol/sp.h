// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_SP_H
#define PROTOCOL_SP_H

/*
 * sp - the bytes of nng's SP wire: eight bytes of handshake each way, then
 * frames of a length and a payload. A question's payload is hops and an id
 * (u32 each, the id with its high bit set), then the body; an answer opens
 * with the same hops and id.
 *
 * Pure: no sockets, no memory. What is in a body is others' business.
 *
 * Trust:  what is read comes from the other end: a length is compared with
 *         the caller's limit before anybody takes memory for it.
 * Owner:  what is read borrows the bytes given.
 * Errors: ERR_AGAIN (not all there yet), ERR_TOO_BIG, ERR_MALFORMED.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

/* What a socket says it is in its handshake. */
enum sp_protocol {
	SP_PUB0 = 0x20,
	SP_SUB0 = 0x21,
	SP_REQ0 = 0x30, /* asks */
	SP_REP0 = 0x31  /* answers */
};

/* Bytes of a frame before its payload: ipc puts a 01 before the length. */
enum sp_transport {
	SP_TCP = 8, /* with or without TLS */
	SP_IPC = 9
};

enum {
	SP_HANDSHAKE_BYTES = 8,
	SP_ID_BYTES = 4,
	SP_QUESTION_BYTES = SP_IPC + SP_ID_BYTES,
	SP_HOPS_BYTES = 9 * SP_ID_BYTES /* hops and id that our ends take */
};

void sp_write_handshake(uint8_t to[SP_HANDSHAKE_BYTES], enum sp_protocol);
bool sp_is_handshake(const uint8_t *, enum sp_protocol);

/* sp_write_head writes `transport` bytes; sp_write_id four. */
void sp_write_head(uint8_t *to, enum sp_transport, uint64_t payload_bytes);
void sp_write_id(uint8_t to[SP_ID_BYTES], uint32_t id);

/* sp_write_question: head and id, its high bit added, of one over ipc. */
void sp_write_question(
    uint8_t to[SP_QUESTION_BYTES], uint32_t id, uint64_t body_bytes);

/*
 * sp_read_head tells how long the payload behind the head is; it may not be
 * there yet. A head that cannot be one is refused at its first wrong byte.
 */
enum err sp_read_head(const uint8_t *, size_t count, enum sp_transport,
    uint32_t max_bytes, uint32_t *payload_bytes) MUST_USE;

/* sp_read_frame: the same, and the whole payload is there. */
enum err sp_read_frame(const uint8_t *, size_t count, enum sp_transport,
    uint32_t max_bytes, struct text *payload) MUST_USE;

/* sp_measure_hops: bytes of hops and id in front; 0: they do not end. */
uint32_t sp_measure_hops(const char *payload, uint32_t bytes);

struct sp_message {
	struct text body;   /* behind the id */
	uint32_t id;        /* with its high bit */
	size_t whole_bytes; /* of the wire */
};

/* sp_read takes a frame apart. `max_bytes` bounds hops, id and body. */
enum err sp_read(const uint8_t *, size_t count, enum sp_transport,
    uint32_t max_bytes, struct sp_message *) MUST_USE;

#endif /* PROTOCOL_SP_H */
