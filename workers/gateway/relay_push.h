// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_RELAY_PUSH_H
#define WORKERS_GATEWAY_RELAY_PUSH_H

/*
 * relay_push - one message of a group on its way to many clients: the
 * response object once per serializer, a head for each.
 *
 * A client that does not read is told when half of its budget is full
 * (`slow_reader`, once until it has caught up), and cut when all of it is.
 *
 * Trust:  what a member said is a stranger's; it has no form in JSON, or it
 *         is written as any result is.
 * Owner:  open/close; in between it borrows the message.
 */

#include <stdbool.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct channel;
struct client;
struct gateway;

struct relay_push {
	struct gateway *gateway;
	struct text message; /* span: {to, push, request_id} */
	struct buffer json;
	struct buffer packed; /* empty until a binary client comes */
	uint64_t bytes;       /* appended to clients so far */
};

/* relay_push_open: ERR_… when JSON has no words for the message. */
enum err relay_push_open(
    struct relay_push *, struct gateway *, struct text message) MUST_USE;
void relay_push_to(
    struct relay_push *, struct client *, const struct channel *);
void relay_push_close(struct relay_push *);

#endif /* WORKERS_GATEWAY_RELAY_PUSH_H */
