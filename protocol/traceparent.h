// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TRACEPARENT_H
#define PROTOCOL_TRACEPARENT_H

/*
 * traceparent - the W3C header that ties what many programs do for one
 * request to one name, read and written.
 *
 *   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *
 * Pure: random bits are the caller's to bring.
 *
 * Trust:  comes from strangers. Whatever breaks a rule of the specification
 *         is as good as absent; nothing of it is quoted.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

enum {
	TRACE_ID_HEX = 32,
	SPAN_ID_HEX = 16,
	TRACEPARENT_BYTES = 55, /* of version 00 */
	TRACEPARENT_SAMPLED = 1
};

struct traceparent {
	uint64_t trace[2]; /* the trace id, big half first; never both 0 */
	uint64_t span;     /* who asks: the parent of what follows; never 0 */
	uint8_t flags;
};

/* traceparent_read: ERR_MALFORMED leaves `to` as it was. */
enum err traceparent_read(struct text, struct traceparent *to) MUST_USE;

/* traceparent_write gives TRACEPARENT_BYTES and a NUL. */
void traceparent_write(
    const struct traceparent *, char to[TRACEPARENT_BYTES + 1]);

/* traceparent_new makes names of random bits, forbidden zeros left out. */
void traceparent_new(struct traceparent *, const uint64_t chance[3]);

/* The ids alone, as they stand in records; a NUL behind them. */
void trace_id_write(const struct traceparent *, char to[TRACE_ID_HEX + 1]);
void span_id_write(uint64_t span, char to[SPAN_ID_HEX + 1]);
enum err trace_id_read(struct text, uint64_t to[2]) MUST_USE;
enum err span_id_read(struct text, uint64_t *to) MUST_USE;

#endif /* PROTOCOL_TRACEPARENT_H */
