// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_PIPELINE_H
#define WORKERS_GATEWAY_PIPELINE_H

/*
 * pipeline - a call from its request to the node that runs it:
 *
 *   decode → lookup → before hook → permission → limit → arguments → node
 *   → link
 *
 * Each step either hands on or answers. What follows is dispatch.h's.
 *
 * Trust:  requests are strangers' and come through codecs that bounded them.
 * Owner:  calls are the table's (calls.h).
 */

#include "workers/gateway/phoenix.h"

struct call;
struct channel;
struct client;
struct gateway;

/* pipeline_take takes an application event whose payload is still unread. */
void pipeline_take(
    struct client *, const struct channel *, struct phoenix_message *);

/*
 * pipeline_resume goes on with a call that its permission callback allowed:
 * limit, arguments, and then the node that was asked.
 */
void pipeline_resume(struct gateway *, struct call *);

/*
 * pipeline_go_on goes on with a call that its before hook has let pass:
 * permission, limit, arguments, node.
 */
void pipeline_go_on(struct gateway *, struct call *);

#endif /* WORKERS_GATEWAY_PIPELINE_H */
