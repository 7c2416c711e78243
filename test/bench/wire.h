// SPDX-License-Identifier: MIT
#ifndef TEST_BENCH_WIRE_H
#define TEST_BENCH_WIRE_H

/*
 * wire - the bytes of a client: the upgrade, WebSocket frames with their
 * mask, Phoenix V2 messages taken apart as far as the ledger needs them.
 *
 * Trust:  the bytes come from the server under test: lengths are checked, no
 *         JSON is believed to be whole.
 * Owner:  texts point into the bytes they were found in.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/text.h"

/* One message of the server, taken apart as far as needed. */
struct wire_message {
	struct text ref;
	struct text event;
	struct text whole;
};

/* wire_put_upgrade asks for the WebSocket. */
void wire_put_upgrade(
    struct buffer *, const char *host, uint16_t port, const char *path);

/* wire_put_frame masks `length` bytes, at most 65535, and frames them. */
void wire_put_frame(
    struct buffer *, uint8_t opcode, const char *bytes, size_t length);

/* wire_frame_at finds a whole frame at the front of the input; 0: not yet. */
size_t wire_frame_at(
    const struct buffer *, uint8_t *opcode, struct text *payload);

/* wire_take_apart: false when it is no message of Phoenix V2. */
bool wire_take_apart(struct text whole, struct wire_message *);

/* wire_behind finds what stands behind a literal; .at is NULL without it. */
struct text wire_behind(struct text, const char *literal);

/* wire_number reads the digits in front; without any it is 0. */
uint64_t wire_number(struct text);

bool wire_ends_with(struct text, const char *tail);

#endif /* TEST_BENCH_WIRE_H */
