// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_PICK_H
#define WORKERS_GATEWAY_PICK_H

/*
 * pick - nodes that a function of the operator's picks for each call: `nodes:
 * {resolver: target}` names them, `choose_node_mode: {custom: target}` says
 * which of those listed comes first.
 *
 * It is asked in the tree's own pool (the node `local`), and the call waits in
 * the table of calls meanwhile. A node heard of for the first time gets a
 * moment to come up. What the function says wrong, or not in time, ends the
 * call: there is no node to fall back on.
 *
 * Trust:  the function is the operator's, its answer is checked nevertheless:
 *         names only, of nodes that may be dialled, never of the tree itself.
 * Owner:  a pick is its call's; one block, freed with it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "workers/gateway/request.h"

struct call;
struct gateway;

struct pick {
	struct text question;   /* msgpack: [request, (names,) args…] */
	struct request request; /* a choice may go by its fields */
	bool is_open;           /* the question is on its way */
	bool is_waiting;        /* for a node to come up … */
	uint64_t until_ms;      /* … and not beyond this */
};

/* pick_begin asks; the call goes on with dispatch_on. */
void pick_begin(struct gateway *, struct call *, const struct request *);

/* pick_anew asks again, for another attempt. */
void pick_anew(struct gateway *, struct call *);

bool pick_is_open(const struct call *);
bool pick_is_waiting(const struct call *);

void pick_on_answer(struct gateway *, struct call *, struct text value);
void pick_failed(struct gateway *, struct call *, const char *reason);

/* pick_go looks whether a node has come up meanwhile. */
void pick_go(struct gateway *, struct call *);

#endif /* WORKERS_GATEWAY_PICK_H */
