// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_SETTLE_H
#define WORKERS_GATEWAY_SETTLE_H

/*
 * settle - how a call is taken and how it ends, for its client: what is said
 * at once, what is said at last, and that both are said once.
 *
 *   sync    at the end: push, reply
 *   async   at once: push "taken", reply; at the end: push
 *   stream  at once: push "init", reply; its parts; at the end: push
 *   none    at once: reply; its outcome is counted and told to nobody
 *
 * Whoever ends a call here must not touch it afterwards.
 *
 * Trust:  results and messages come from services, through the link's checks.
 * Owner:  calls are the table's (calls.h).
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/function.h"
#include "workers/gateway/answer.h"

struct call;
struct client;
struct gateway;

/*
 * settle_accept says at once what the kind of call wants said at once. False:
 * there was no room for another call of its kind, it was refused and is gone.
 */
bool settle_accept(struct gateway *, struct call *);

/* settle_has_room: one more call of that kind could be taken now. */
bool settle_has_room(const struct gateway *, enum function_response);

/* settle_address finds out how to reach the caller: false when it has left. */
bool settle_address(const struct call *, struct answer_to *);

/*
 * settle_value ends a call with a result. With a result JSON has no words for
 * it ends with the error `bad_result`.
 */
void settle_value(
    struct gateway *, struct call *, enum answer_shape, struct text value);
/*
 * settle_fail ends it with an error of ours, settle_error with a service's,
 * settle_refuse with a text the client may read as it is.
 */
void settle_fail(
    struct gateway *, struct call *, enum answer_code, const char *detail);
void settle_error(struct gateway *, struct call *, struct text message);
void settle_refuse(
    struct gateway *, struct call *, enum answer_code, struct text);

/*
 * settle_say is what the three come to: it ends a call with an error, unless
 * a hook is to see it first. Its text may be in the gateway's arena.
 */
void settle_say(struct gateway *, struct call *, const struct answer_error *);

/* settle_quietly ends a call whose client has left; its node is told. */
void settle_quietly(struct gateway *, struct call *);

/*
 * settle_client_gone and settle_channels_gone end what waited for a client or
 * for the channels it has left. A call of the kind `none` runs on.
 */
void settle_client_gone(struct client *);
void settle_channels_gone(struct client *);

/*
 * settle_leaving ends all calls of a client because this gateway goes, with
 * an error for each.
 */
void settle_leaving(struct client *);

/* settle_kill ends one because an operator says so: with an error that tells
 * whether it may have run. */
void settle_kill(struct gateway *, struct call *);

/* settle_rest ends what is left when all clients have gone. */
void settle_rest(struct gateway *);

/*
 * settle_too_slow writes the last word of each call that was promised one, as
 * long as there is room. The client is cut next, the calls end with it.
 */
void settle_too_slow(struct client *);

#endif /* WORKERS_GATEWAY_SETTLE_H */
