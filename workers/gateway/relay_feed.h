// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_RELAY_FEED_H
#define WORKERS_GATEWAY_RELAY_FEED_H

/*
 * relay_feed - what members of groups say to each other, from the relay to the
 * clients of this gateway.
 *
 * One stream from the relay carries all messages: each with its receivers, as
 * pairs of client and channel. The response object is written once for text
 * and once for binary clients; only the head in front of it is each client's
 * own. In return the relay hears of clients and channels that end, and, after
 * its own death or ours, which of them are still there.
 *
 * Trust:  the relay is of our own tree; what members say is strangers' and
 *         passed the link's checks.
 * Owner:  create/destroy. A client that has asked the relay for something is
 *         in a table here until client_left.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"

struct client;
struct gateway;
struct link_client;
struct relay_feed;

void relay_feed_create(struct relay_feed **, struct gateway *);
void relay_feed_destroy(struct relay_feed **);

/* relay_feed_on_link: the link to the relay carries calls, or does not. */
void relay_feed_on_link(struct relay_feed *, struct link_client *, bool);

/*
 * What the link says of `call`: false when it is not one of ours. _ended is
 * for result, error, end and loss.
 */
bool relay_feed_message(struct relay_feed *, void *call, struct text value);
bool relay_feed_ended(struct relay_feed *, void *call);

/* relay_feed_asked: a call of this client is on its way to the relay. */
void relay_feed_asked(struct relay_feed *, struct client *);

/* Memberships end with the socket, or with the channel that joined. */
void relay_feed_client_left(struct relay_feed *, struct client *);
void relay_feed_channel_left(
    struct relay_feed *, const struct client *, uint32_t serial);

#endif /* WORKERS_GATEWAY_RELAY_FEED_H */
