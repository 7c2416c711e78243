// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LINK_LINK_SERVER_PRIVATE_H
#define PROTOCOL_LINK_LINK_SERVER_PRIVATE_H

/*
 * link_server_private - what link_server.c (doors, life), link_session.c
 * (one gateway: what it says) and link_session_answer.c (what it is answered)
 * share; for nobody else.
 *
 * Trust:  gateways are checked as link_server.h says.
 * Owner:  link_server.c.
 */

#include "protocol/base/conn_listen.h"
#include "protocol/link/calls.h"
#include "protocol/link/link_server.h"
#include "protocol/link/peer.h"

enum {
	LINK_UNSENT_ENOUGH = 256 * 1024, /* in the socket's queue */
};

struct link_door {
	struct link_server *server;
	struct conn_acceptor acceptor;
	struct link_url url;
	int fd;
	struct link_door *next;
};

struct link_session {
	struct link_server *server;
	struct link_session *next;
	enum link_transport transport;
	struct conn conn;
	struct link_peer peer;
	struct link_calls open; /* streams, and calls that are kept */
	struct buffer frames;   /* answers not yet in a message, back to back */
	uint32_t frame_count;
	struct buffer lengths; /* a u32 for each */
	uint64_t
	    pinged_seq;    /* of our last PING; its ack comes before another */
	uint32_t reply_id; /* SP id of the last request */
	uint32_t call_count;   /* not answered yet */
	bool is_shaken;        /* SP's eight bytes are through */
	bool is_refused_chunk; /* somebody waits for room */
	bool says_draining, says_ping;
	bool has_overflowed; /* an answer did not fit: over at the turn's end */
	bool is_over;        /* freed at the end of the turn */
};

struct link_server {
	struct link_server_options options;
	struct link_door *doors;
	struct link_session *sessions;
	struct loop_hook hook;
	struct loop_timer tick;
	bool is_draining;
};

void link_session_open(struct link_server *, int fd, enum link_transport);
void link_session_over(struct link_session *, enum link_fault);
void link_session_send(struct link_session *);
void link_session_hello(struct link_session *, const struct link_hello *);

/* link_session_adjust stops reading from a gateway that does not read. */
void link_session_adjust(struct link_session *);

#endif /* PROTOCOL_LINK_LINK_SERVER_PRIVATE_H */
