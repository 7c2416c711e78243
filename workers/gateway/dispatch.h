// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_DISPATCH_H
#define WORKERS_GATEWAY_DISPATCH_H

/*
 * dispatch - a call on its way to a node, and what comes of it.
 *
 * A call that no node took goes to the next one silently. A call that a node
 * took and lost goes to the next one only if its function is idempotent; else
 * its client hears at once that nobody knows whether it ran.
 *
 * Trust:  results come from services and have passed the link's checks.
 * Owner:  calls are the table's (calls.h).
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "workers/gateway/answer.h"

struct call;
struct compiled;
struct gateway;
struct request;

/* dispatch_first chooses among the function's nodes and sends, or answers. */
void dispatch_first(struct gateway *, struct call *, const struct request *);

/*
 * dispatch_ask does the same for a call whose permission is a callback's to
 * give: the question goes first, and nothing is said to the client yet.
 */
void dispatch_ask(struct gateway *, struct call *, const struct request *);

/* dispatch_refusal: how a call ends that no node has taken, for `e`. */
#define DISPATCH_NO_NODE "no target nodes available"
enum answer_code dispatch_refusal(const struct compiled *, enum err e);

/* dispatch_on sends a call to the next node of its order, or ends it. */
void dispatch_on(struct gateway *, struct call *);

/* What a link reports of a call it took; each is the last it says of it. */
void dispatch_on_result(struct gateway *, struct call *, struct text value);
void dispatch_on_error(
    struct gateway *, struct call *, struct text code, struct text message);
/* An error of a node of our own tree: its code and text are for the client. */
void dispatch_on_refused(
    struct gateway *, struct call *, struct text code, struct text message);
void dispatch_on_lost(struct gateway *, struct call *, bool was_dispatched);

/* dispatch_expire ends all calls whose time is over, and goes on with those
 * that have rested. */
void dispatch_expire(struct gateway *);

#endif /* WORKERS_GATEWAY_DISPATCH_H */
