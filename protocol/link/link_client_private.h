// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LINK_LINK_CLIENT_PRIVATE_H
#define PROTOCOL_LINK_LINK_CLIENT_PRIVATE_H

/*
 * link_client_private - what link_client.c (sending, life) and
 * link_client_read.c (what the node says) share; for nobody else.
 *
 * Trust:  the node is a stranger; peer.h and the frame codec bound what
 *         it says.
 * Owner:  link_client.c.
 */

#include <string.h>

#include "protocol/link/calls.h"
#include "protocol/link/link_client.h"
#include "protocol/link/peer.h"

enum link_phase {
	PHASE_RESTING, /* between two connections */
	PHASE_DIALLING,
	PHASE_HANDSHAKE, /* SP's eight bytes */
	PHASE_GREETING,  /* HELLO */
	PHASE_LIVE
};

struct link_client {
	struct conn_hub *hub;
	const struct link_client_calls *calls_back;
	void *owner;
	struct link_url url;
	struct tls_context *tls;
	struct conn conn;
	struct loop_timer timer; /* redial, dial limit or tick, by phase */
	struct loop_hook hook;
	enum link_phase phase;
	enum link_state state;
	enum link_fault last_fault;
	uint32_t rest_ms; /* the last pause before a dial */
	struct link_peer peer;
	struct link_calls calls;
	struct buffer waiting; /* records: calls of this turn */
	struct {
		uint32_t message_id; /* 0: free */
		uint64_t id;         /* the call in it; 0: HELLO, PING */
	} asked[LINK_WINDOW];        /* unary: messages without their answer */
	uint32_t message_id;         /* of the last message */
	uint32_t send_bytes;
	uint32_t in_flight_limit;
	uint32_t failures; /* since the last life worth its name */
	uint64_t seed;
	uint64_t generations, dials, call_count, lost_count, late_count;
	uint64_t live_since_ms;
	uint64_t state_since_ms;
};

size_t link_client_arrived(void *ctx, uint8_t *bytes, size_t count);
void link_client_end(struct link_client *, enum link_fault);
void link_client_greet(struct link_client *);

/* link_client_say sends a message of one plain frame; kind 0: of none. */
void link_client_say(struct link_client *, enum link_kind);

/* link_client_send_batch is the hook at the end of a turn. */
void link_client_send_batch(void *client);
void link_client_now_live(struct link_client *);
void link_client_now_draining(struct link_client *);

#endif /* PROTOCOL_LINK_LINK_CLIENT_PRIVATE_H */
