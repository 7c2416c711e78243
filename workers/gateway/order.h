// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_ORDER_H
#define WORKERS_GATEWAY_ORDER_H

/*
 * order - in which order the nodes of a function are asked for one call: what
 * choose.h decides, with the facts it needs: who is live, whose turn it is,
 * which node a value sticks to.
 *
 * Trust:  keys are strangers' bytes and only hashed; what the shared memory
 *         says of a node counts only if that node is a live candidate.
 * Owner:  the order is the call's.
 */

#include <stdint.h>

struct call;
struct gateway;
struct request;

/* order_choose fills in the call's candidates, best first. */
void order_choose(struct gateway *, struct call *, const struct request *);

/* order_foresee does the same and takes no turn, no chance and keeps nothing.
 */
void order_foresee(struct gateway *, struct call *, const struct request *);

/* order_among does so among some of the function's nodes; at least one. */
void order_among(struct gateway *, struct call *, const struct request *,
    const uint8_t *places, uint32_t count);

/* order_first puts one node first, as far as it is live. */
void order_first(struct call *, uint8_t place);

/*
 * order_anew looks again which nodes are live, for another attempt: in the
 * order of the function's list, from behind the node that failed.
 */
void order_anew(struct call *);

/* order_on_second gives back sticky values whose hour is over. */
void order_on_second(struct gateway *);

#endif /* WORKERS_GATEWAY_ORDER_H */
