// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LINK_FRAME_H
#define PROTOCOL_LINK_FRAME_H

/*
 * frame - the bytes of a link message: our envelope [1, seq, ack, boot,
 * [frames...]] in the body of an SP message, and the frames in it.
 *
 * Trust:  all that is read comes from the other end: link_read_head checks
 *         the whole message once, frames are read by a bounded cursor.
 * Owner:  what is read borrows the message.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/link/link.h"
#include "protocol/link/url.h"
#include "protocol/pack.h"
#include "protocol/sp.h"

/* link_sp: how nng frames messages on this transport. */
static inline enum sp_transport
link_sp(enum link_transport transport)
{
	return transport == LINK_IPC ? SP_IPC : SP_TCP;
}

struct link_stamp {
	uint64_t seq;
	uint64_t ack;
	uint64_t boot;
};

struct link_head {
	struct link_stamp stamp;
	uint32_t frame_count;
	struct unpacker frames;
};

enum err link_read_head(struct text body, struct link_head *) MUST_USE;

/* Only what the kind has is set. */
struct link_frame {
	uint64_t kind; /* enum link_kind, or one we do not know */
	uint64_t id;
	struct text module, function, args, facts; /* CALL */
	struct text value;      /* RESULT, CHUNK, HELLO: one span */
	struct text code, text; /* ERROR */
	uint64_t number;   /* CALL: deadline_ms; CHUNK: index; CREDIT: bytes */
	uint64_t credit;   /* CALL */
	struct text hints; /* CALL: span of a map; empty: none */
	struct text hops;  /* RESULT: the same; its service's own time */
};

enum err link_read_frame(struct unpacker *, struct link_frame *) MUST_USE;

struct link_hello {
	uint64_t version;
	uint64_t boot;
	uint64_t max_bytes;
	bool is_unary;
	struct text name;
};

enum err link_read_hello(struct text span, struct link_hello *) MUST_USE;

/* Writers append one frame. */
void link_write_hello(
    struct packer *, const struct link_hello *, bool is_reply);
void link_write_call(struct packer *, uint64_t id, const struct link_request *);
void link_write_result(struct packer *, uint64_t id, struct text value);
/* The same with a map of what the service says of its own time. */
void link_write_result_hops(
    struct packer *, uint64_t id, struct text value, struct text hops);
void link_write_error(
    struct packer *, uint64_t id, struct text code, struct text text);
void link_write_chunk(
    struct packer *, uint64_t id, uint64_t index, struct text value);
void link_write_plain(struct packer *, enum link_kind, uint64_t id);
void link_write_credit(struct packer *, uint64_t id, uint64_t bytes);

/*
 * A message is begun, gets its frames appended, and is ended: begin leaves
 * room for the length that end fills in. `place` ties the two.
 */
enum {
	LINK_HEAD_BYTES = 13 + 1 + 1 + 3 * 9 + 5
};
enum err link_begin(struct buffer *, enum link_transport, uint32_t id,
    struct link_stamp, uint32_t frame_count, size_t *place) MUST_USE;
void link_end(struct buffer *, enum link_transport, size_t place);

#endif /* PROTOCOL_LINK_FRAME_H */
