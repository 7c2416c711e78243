// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BUS_MESSAGE_H
#define PROTOCOL_BUS_MESSAGE_H

/*
 * bus_message - the bytes of one message of the monitor's PUB socket:
 * "channel/topic", a zero byte, one msgpack map.
 *
 * With a secret the map's last pair is `hmac`: HMAC-SHA256 in lower-case hex
 * over the topic, the zero byte, and the bytes of all pairs before it (the
 * map's head is left out: it counts the `hmac` too).
 *
 * Trust:  a received message may hold anything: it is checked as a whole
 *         before any of it is believed.
 * Owner:  what is read borrows the raw bytes.
 */

#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/text.h"
#include "protocol/pack.h"

enum {
	BUS_TOPIC = 128, /* bytes, the zero byte included */
	BUS_MESSAGE_BYTES = 1 << 20,
	BUS_SECRET_ENOUGH = 16, /* bytes a secret should have */
};

struct bus_message {
	struct buffer *out;
	struct packer packer; /* pack the pairs here */
	size_t pairs_at;
	size_t topic_bytes;
	bool is_signed;
};

/* bus_message_begin: exactly `pairs` pairs must be packed before the end. */
enum err bus_message_begin(struct bus_message *, struct buffer *out,
    const char *topic, uint32_t pairs, bool is_signed) MUST_USE;
enum err bus_message_end(struct bus_message *, struct text secret) MUST_USE;

enum bus_verdict {
	BUS_GOOD,     /* signed with our secret */
	BUS_ACCEPTED, /* we have no secret: anything well formed is taken */
	BUS_INVALID_SIGNATURE,
	BUS_UNSECURED, /* unsigned, and we have a secret */
	BUS_INVALID_FORMAT
};

/* The words of the contract: "invalid_signature" …; "ok" for the good. */
const char *bus_verdict_name(enum bus_verdict);

/* bus_message_read judges a message; `topic` and `map` are set unless it is
 * BUS_INVALID_FORMAT. */
enum bus_verdict bus_message_read(
    struct text raw, struct text secret, struct text *topic, struct text *map);

#endif /* PROTOCOL_BUS_MESSAGE_H */
