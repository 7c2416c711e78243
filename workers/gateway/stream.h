// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_STREAM_H
#define WORKERS_GATEWAY_STREAM_H

/*
 * stream - calls that are answered in parts: each part goes to the client at
 * once, and the node gets its credit back when the client's socket has taken
 * it. So what waits for a slow reader waits in the service, not made yet.
 *
 * Trust:  parts come from services; one without credit ends its stream.
 *         stop_stream comes from strangers and names only their own streams.
 * Owner:  calls are the table's (calls.h).
 */

#include <stdint.h>

#include "protocol/base/text.h"

struct call;
struct channel;
struct client;
struct gateway;
struct phoenix_message;

void stream_init(struct gateway *);

/* stream_open gives a stream its first window; the link tells the node. */
void stream_open(struct gateway *, struct call *);

/* What a link reports: a part, and the end without one. */
void stream_on_part(struct gateway *, struct call *, struct text value);
void stream_on_end(struct gateway *, struct call *);

/* stream_on_room: the client has taken all that waited for it. */
void stream_on_room(struct client *);

/* stream_on_stop answers the event stop_stream of a joined channel. */
void stream_on_stop(
    struct client *, const struct channel *, struct phoenix_message *);

#endif /* WORKERS_GATEWAY_STREAM_H */
