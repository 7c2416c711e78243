// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LINK_PEER_H
#define PROTOCOL_LINK_PEER_H

/*
 * peer - what one end of a link knows of the other during one connection.
 *
 * Pure: no socket, no clock; time is an argument. Counts messages both ways,
 * knows who must answer whom, when to ask "are you there", and when to stop
 * believing it.
 *
 * Trust:  stamps and HELLOs are the other end's words; each is checked against
 *         what was said before, and the first lie ends the generation.
 * Owner:  no memory.
 */

#include "protocol/link/frame.h"

enum link_due {
	LINK_DUE_nothing,
	LINK_DUE_ping,
	LINK_DUE_dead
};

struct link_peer {
	bool is_gateway;  /* we are; the other is a service */
	bool is_greeted;  /* its HELLO is here */
	bool is_unary;    /* the service answers each message with one */
	bool is_draining; /* it said so */
	bool owes_answer; /* it pinged us */
	uint64_t boot;    /* the service's */
	uint64_t sent_seq;
	uint64_t heard_seq;
	uint64_t acked_seq;   /* of ours, known to have arrived */
	uint32_t unacked;     /* heard with frames, since we last sent */
	uint32_t outstanding; /* unary: messages without their answer */
	uint32_t max_bytes;   /* it takes no more in one message */
	uint64_t heard_ms;
	uint64_t pinged_ms;
	uint64_t ticked_ms;
	uint64_t patient_ms; /* unary: a call may keep it busy until then */
	uint32_t dead_ms;    /* silence that is believed to be death */
};

void link_peer_init(
    struct link_peer *, bool is_gateway, uint64_t boot, uint64_t now_ms);

/* link_peer_hear takes the stamp of a message before its frames. */
enum link_fault link_peer_hear(
    struct link_peer *, const struct link_head *, uint64_t now_ms) MUST_USE;
enum link_fault link_peer_greet(
    struct link_peer *, const struct link_hello *) MUST_USE;

/* link_peer_may_send: a unary peer takes LINK_WINDOW messages at once. */
bool link_peer_may_send(const struct link_peer *);

/* link_peer_needs_ack: a message should go even without frames. */
bool link_peer_needs_ack(const struct link_peer *);

/* link_peer_stamp makes the stamp of the message that is sent now. */
struct link_stamp link_peer_stamp(struct link_peer *);

/* link_peer_wait: a unary call was sent that may take so long. */
void link_peer_wait(struct link_peer *, uint64_t until_ms);

/*
 * link_peer_tick, called about every LINK_PING_MS / 2. A tick that comes much
 * later than that means that we were stopped, not the peer: its time is
 * extended by as much, so that what waits in the socket is read first.
 */
enum link_due link_peer_tick(struct link_peer *, uint64_t now_ms);

/* link_peer_is_quiet: all we ever sent has arrived (drain waits for it). */
bool link_peer_is_quiet(const struct link_peer *);

#endif /* PROTOCOL_LINK_PEER_H */
