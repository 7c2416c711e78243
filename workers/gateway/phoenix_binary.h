// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_PHOENIX_BINARY_H
#define WORKERS_GATEWAY_PHOENIX_BINARY_H

/*
 * phoenix_binary - the binary frames of Phoenix V2.
 *
 *   client push   0, join_ref, ref, topic, event lengths, then those, data
 *   server push   0, join_ref, topic, event lengths, then those, data
 *   server reply  1, join_ref, ref, topic, status lengths, then those, data
 *
 * The data is the value a text frame would carry, as msgpack. A payload is
 * always a map, and no map of msgpack begins with '{': data that does is
 * JSON, and is answered in binary frames around JSON.
 *
 * Trust:  every byte comes from strangers; lengths are one byte each, and the
 *         data passes pack_check before it is looked at.
 * Owner:  no memory; a message borrows the arena.
 */

#include "workers/gateway/phoenix.h"

enum err phoenix_binary_read(
    struct text frame, struct arena *, struct phoenix_message *) MUST_USE;

/* phoenix_binary_payload gives the data of a push as JSON, in `to`. ERR_TYPE:
 * it is msgpack and JSON has no words for it; else as pack_check. */
enum err phoenix_binary_payload(
    struct phoenix_message *, struct buffer *to) MUST_USE;

/* phoenix_binary_open starts a push; the data is appended next. */
enum err phoenix_binary_open(struct buffer *, const struct phoenix_address *,
    struct text event, size_t *frame) MUST_USE;

/* Whole WebSocket frames; `payload` and `response` are JSON. */
enum err phoenix_binary_push(struct buffer *, const struct phoenix_address *,
    struct text event, struct text payload) MUST_USE;
enum err phoenix_binary_reply(struct buffer *, const struct phoenix_address *,
    bool is_ok, struct text response) MUST_USE;

#endif /* WORKERS_GATEWAY_PHOENIX_BINARY_H */
