// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_DOOR_H
#define WORKERS_GATEWAY_DOOR_H

/*
 * door - the listening socket we inherit and share with our siblings: whom to
 * take, and when to leave it to them.
 *
 * Several gateways wait on one level-triggered listener. Each takes at most
 * 16 connections per wake-up, and leaves the rest to the others while it has
 * more than its share. Out of descriptors it rests, with enough kept back to
 * reach service nodes and to answer operators.
 *
 * A new gateway takes nobody until the first dial of each node it knows has
 * ended, or gateway.meet_timeout_ms is over: who comes after a restart finds
 * the services there. Meanwhile clients wait in the listener, or are taken by
 * our siblings.
 *
 * Trust:  connections are strangers'; nothing of them is read here.
 * Owner:  the listening socket is the guard's; it is never closed by us.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/conn_listen.h"

struct gateway;

enum {
	DOOR_PER_WAKE = 16,
	DOOR_SLACK = 16,    /* connections above the average we still take */
	DOOR_REST_MS = 5,   /* before we look at our share again */
	DOOR_RESERVED = 64, /* descriptors that clients never get */
	DOOR_STARVED_MS = 100
};

struct door {
	struct gateway *gateway;
	struct conn_acceptor acceptor;
	struct loop_timer rest;
	uint64_t noted_ms;    /* when starving was last noted */
	uint32_t descriptors; /* clients that may have one */
	bool is_open;
	bool is_resting;
	bool is_meeting; /* resting until the nodes are met */
};

void door_open(struct door *, struct gateway *, int listener);
void door_close(struct door *); /* draining: for good */

/* door_node_met: the first dial of a node has ended. */
void door_node_met(struct door *);

/* door_look: a client has gone, so there may be room again. */
void door_look(struct door *);

#endif /* WORKERS_GATEWAY_DOOR_H */
