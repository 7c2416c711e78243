// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_CREDIT_H
#define WORKERS_GATEWAY_CREDIT_H

/*
 * credit - how many bytes of chunks the node of one stream may send ahead of
 * its client.
 *
 * A small chunk grows on its way to the client (an integer of one byte becomes
 * a frame of 170), so the window is measured in what the client's buffer will
 * hold: it opens small and is widened once the stream has shown how much its
 * chunks grow. Pure arithmetic.
 *
 * Trust:  sizes come from services; nothing here overflows on any of them.
 * Owner:  the struct is the caller's and holds no memory.
 */

#include <stdbool.h>
#include <stdint.h>

struct credit {
	int64_t left;    /* bytes the node may still send; may fall below 0 */
	uint64_t window; /* what it was given at first or since */
	uint64_t owed;   /* received and not yet given back */
	uint64_t grown;  /* bytes those became on their way to the client */
};

/* What bounds all streams of one client together. */
struct credit_rules {
	uint64_t window_bytes; /* gateway.stream_window_bytes */
	uint64_t buffer_bytes; /* gateway.client_buffer_bytes */
	uint32_t streams;      /* of this client, this one included */
};

enum {
	CREDIT_LEAST = 1024 /* a window is never smaller, whoever shares */
};

/* credit_open starts a stream and gives its first window. */
void credit_open(struct credit *, const struct credit_rules *);

/* credit_take notes a chunk; false: it came without any credit left. */
bool credit_take(struct credit *, uint32_t bytes);

/* credit_sent notes what the chunk became. */
void credit_sent(struct credit *, uint64_t bytes);

/* credit_is_due: half the window is owed, or the node has none left. */
bool credit_is_due(const struct credit *);

/*
 * credit_renew is called once the client has taken everything: it says how
 * many bytes to give, maybe 0 when many share now.
 */
uint32_t credit_renew(struct credit *, const struct credit_rules *);

#endif /* WORKERS_GATEWAY_CREDIT_H */
