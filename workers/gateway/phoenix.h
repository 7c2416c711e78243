// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_PHOENIX_H
#define WORKERS_GATEWAY_PHOENIX_H

/*
 * phoenix - the envelope of Phoenix Channels: [join_ref, ref, topic, event,
 * payload] of V2, the object of V1, and the binary frames of V2.
 *
 * It reads the four names and stops in front of the payload, so whoever wants
 * the payload reads it in the same pass, and whoever does not pays for it
 * only in checking. References are kept and echoed as the JSON they came as:
 * a client that numbers its messages gets its numbers back.
 *
 * Trust:  every byte comes from strangers; references, topics and events
 *         above their limits are refused before they are kept anywhere.
 * Owner:  no memory; a message borrows the frame and the arena.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/json.h"

enum {
	PHOENIX_REF_BYTES = 256,  /* of a reference, as JSON */
	PHOENIX_NAME_BYTES = 1024 /* of a topic or an event, as JSON */
};

/* How a socket speaks: agreed at the upgrade, or per frame for binary. */
enum phoenix_form {
	PHOENIX_V1,
	PHOENIX_V2,
	PHOENIX_V2_BINARY,     /* the payload is msgpack */
	PHOENIX_V2_BINARY_JSON /* a binary frame around JSON */
};

static inline bool
phoenix_is_binary(enum phoenix_form form)
{
	return form >= PHOENIX_V2_BINARY;
}

/* Whom a frame is for. All are JSON: "null", "\"7\"", "\"api:lobby\"". */
struct phoenix_address {
	enum phoenix_form form;
	struct text join_ref;
	struct text ref;
	struct text topic;
};

struct phoenix_message {
	struct phoenix_address from;
	struct text topic; /* as text; empty when it is no string */
	struct text event; /* as text */
	/* standing in front of the payload; with V2_BINARY not before
	 * phoenix_binary_payload */
	struct json_reader payload;
	struct text data;       /* binary: the payload as sent */
	uint32_t payload_bytes; /* as sent */
};

/*
 * phoenix_read reads an envelope. Of a binary frame it finds out which of the
 * two kinds it is: `from.form` says so. Errors: ERR_MALFORMED and ERR_UTF8 (no
 * JSON, or none of this shape), ERR_TOO_BIG (a name above its limit), ERR_TYPE.
 */
enum err phoenix_read(enum phoenix_form, struct text frame, struct arena *,
    struct phoenix_message *) MUST_USE;

/*
 * phoenix_end is called behind the payload: the envelope must end there (what
 * V2 allows behind it is skipped).
 */
enum err phoenix_end(struct phoenix_message *) MUST_USE;

/* phoenix_skip_payload passes a payload nobody asks for, then the end. */
enum err phoenix_skip_payload(struct phoenix_message *) MUST_USE;

/*
 * phoenix_open starts a WebSocket frame that carries `event` (JSON) up to its
 * payload; the payload is appended next, as JSON or for V2_BINARY as msgpack;
 * phoenix_shut ends it. On an error: buffer_truncate(b, frame).
 */
enum err phoenix_open(struct buffer *, const struct phoenix_address *,
    struct text event, size_t *frame) MUST_USE;
enum err phoenix_shut(
    struct buffer *, enum phoenix_form, size_t frame) MUST_USE;

/* Whole frames. `response` is JSON. */
enum err phoenix_put_reply(struct buffer *, const struct phoenix_address *,
    bool is_ok, struct text response) MUST_USE;
enum err phoenix_put_push(struct buffer *, const struct phoenix_address *,
    struct text event, struct text payload) MUST_USE;
/* The channel's end: in order (phx_close), or not (phx_error). */
enum err phoenix_put_close(
    struct buffer *, const struct phoenix_address *) MUST_USE;
enum err phoenix_put_error(
    struct buffer *, const struct phoenix_address *) MUST_USE;

#endif /* WORKERS_GATEWAY_PHOENIX_H */
