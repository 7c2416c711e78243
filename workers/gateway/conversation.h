// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_CONVERSATION_H
#define WORKERS_GATEWAY_CONVERSATION_H

/*
 * conversation - Phoenix with one client: what a message means (session.h)
 * and the frames that answer it; calls go on to the pipeline.
 *
 * Trust:  messages are strangers'; what is no envelope ends the connection.
 * Owner:  no memory; frames go to the client's queue.
 */

#include "workers/gateway/client.h"

/* conversation_take reads and obeys one message. */
void conversation_take(struct client *, enum phoenix_form, struct text data);

/* conversation_on_settings points the channels at the new rules; one that has
 * none any more is closed. */
void conversation_on_settings(struct client *);

#endif /* WORKERS_GATEWAY_CONVERSATION_H */
