// SPDX-License-Identifier: MIT
#ifndef WORKERS_KIT_LINE_H
#define WORKERS_KIT_LINE_H

/*
 * line - one connection to the endpoint of another role: nng's REQ0 wire, so
 * whatever speaks REP0 can answer. Dialled when wanted, kept while idle,
 * dialled again when it broke and is still wanted.
 *
 * A frame is handed over only when the other side has greeted and the kernel
 * has taken all before it: who stands still is sent no heap of old questions.
 *
 * Why not nng's own REQ (1.5.2): its dialer gives up for ever when a peer
 * closes in the middle of the handshake, and closing the socket to dial anew
 * can end the process ("panic: pthread_mutex_unlock").
 *
 * Trust:  lengths are bounded before memory is taken; who breaks the wire is
 *         hung up on.
 * Owner:  struct line is the caller's and lives as long as the loop.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/conn.h"
#include "protocol/endpoint.h"

struct line_events {
	void (*ready)(void *ctx); /* line_send may be called */
	void (*reply)(void *ctx, uint32_t id, struct text body); /* borrowed */
	void (*lost)(void *ctx); /* what was sent is not answered any more */
};

struct line {
	struct conn conn;
	const struct line_events *events;
	void *ctx;
	char path[ENDPOINT_PATH];
	struct loop_timer redial;
	uint32_t wait_ms; /* before the next attempt */
	bool is_greeted;
	bool is_wanted;
};

void line_init(struct line *, struct conn_hub *, const char *path,
    const struct line_events *, void *ctx);

/* line_want: while true, a missing connection is dialled. */
void line_want(struct line *, bool is_wanted);

bool line_is_ready(const struct line *);

/* line_send sends one frame; only a line that is ready. `id` comes back with
 * the reply, its high bit set. ERR_CLOSED: nobody has got the whole of it, and
 * `lost` follows. */
enum err line_send(struct line *, uint32_t id, struct text body) MUST_USE;

#endif /* WORKERS_KIT_LINE_H */
