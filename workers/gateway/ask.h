// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_ASK_H
#define WORKERS_GATEWAY_ASK_H

/*
 * ask - a function's permission callback: the question goes to the very node
 * that would run the call, and the call waits for its answer in the table of
 * calls, not on the loop.
 *
 * Exactly `true` lets the call go on, to limits, arguments and that node. All
 * else denies: another value, an error, no answer in time, a node lost. A node
 * that was not asked never runs the call: where one allowed it and then did
 * not take it, the next is asked first.
 *
 * Trust:  the question carries what the session vouches for (user, roles) and
 *         what the client sent (arguments, device), each in its own field.
 * Owner:  an ask is its call's; one block, freed with it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "workers/gateway/request.h"

struct call;
struct client;
struct compiled;
struct gateway;

struct ask {
	struct text question;   /* msgpack: [request, the callback's args…] */
	struct request request; /* to go on with once it is allowed */
	bool is_open;           /* the question is on a node */
	bool is_admitted;       /* limits and arguments are behind it */
	uint8_t allowed; /* bit n: place n of the call's order said yes */
};

/* ask_create keeps what the call needs of a request that will be gone. */
struct ask *ask_create(struct gateway *, const struct compiled *,
    const struct client *, const struct request *);

/* ask_is_open: what its node says next is an answer to the question. */
bool ask_is_open(const struct call *);

/* ask_is_due: this place of the order has yet to allow the call. */
bool ask_is_due(const struct call *, uint32_t place);

/* ask_anew: the order was made again, and nobody in it has said anything. */
void ask_anew(struct call *);

/*
 * What became of the question: each ends the call or lets it go on. Lost
 * before it left, it goes to the next node; `reason` is for the record.
 */
void ask_on_answer(struct gateway *, struct call *, struct text value);
void ask_on_lost(struct gateway *, struct call *, bool was_dispatched);
void ask_failed(struct gateway *, struct call *, const char *reason);

#endif /* WORKERS_GATEWAY_ASK_H */
