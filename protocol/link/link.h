// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LINK_LINK_H
#define PROTOCOL_LINK_LINK_H

/*
 * link - the words both ends of a service link use. See protocol/LINK.md.
 *
 * Trust:  constants; the codecs that use them do the checking.
 * Owner:  no memory.
 */

#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/unpack.h"

enum link_kind {
	FRAME_HELLO = 1,
	FRAME_CALL = 2,
	FRAME_RESULT = 3,
	FRAME_ERROR = 4,
	FRAME_CHUNK = 5,
	FRAME_END = 6,
	FRAME_CANCEL = 7,
	FRAME_CREDIT = 8,
	FRAME_PING = 9,
	FRAME_DRAINING = 10,
};

enum {
	LINK_VERSION = 1,
	LINK_MAX_BYTES = 16 * 1024 * 1024, /* one message, refused above */
	LINK_NODES = 1024 * 1024,          /* msgpack values in one message */
	/* of one value: its message holds it and others, and their frames */
	LINK_VALUE_NODES = LINK_NODES / 2,
	LINK_VALUE_DEPTH = PACK_DEPTH - 5,
	LINK_WINDOW = 32,    /* requests a unary peer has outstanding */
	LINK_PING_MS = 1000, /* silence after which we ask */
	LINK_DEAD_MS = 3000, /* silence after which the peer is dead */
	LINK_DIAL_MS = 3000, /* dial, TLS, SP handshake and HELLO together */
	LINK_ACK_EVERY = 8,  /* messages received before a bare ack */
	LINK_CREDIT_MOST = 1024 * 1024 * 1024, /* more credit counts as this */
	LINK_REDIAL_MIN_MS = 20,
	LINK_REDIAL_MAX_MS = 5000,
};

/* One call, as a gateway asks for it. */
struct link_request {
	struct text module;
	struct text function;
	struct text args;  /* span of an array */
	struct text facts; /* span of a map {request_id, user_id, …}; empty */
	uint32_t deadline_ms; /* left; 0: none */
	uint32_t
	    credit_bytes;  /* of chunks it may send at first; 0: no stream */
	struct text hints; /* span of a map for our own worker_pool and relay,
			      and of a traced call; empty: none */
};

/* Why a generation (the life of one connection) ended. */
enum link_fault {
	LINK_FAULT_none,
	LINK_FAULT_refused,   /* nobody there, or dial too slow */
	LINK_FAULT_closed,    /* the peer closed or died */
	LINK_FAULT_handshake, /* not SP, or the wrong SP protocol */
	LINK_FAULT_hello,     /* no HELLO, or one we cannot agree with */
	LINK_FAULT_garbage,   /* bytes that are no envelope */
	LINK_FAULT_too_big,   /* a message above max_bytes */
	LINK_FAULT_gap,       /* a seq is missing */
	LINK_FAULT_boot,      /* another instance answers than said HELLO */
	LINK_FAULT_dead,      /* silent for LINK_DEAD_MS */
	LINK_FAULT_twice,     /* answered what was answered already */
	LINK_FAULT_denied,    /* peer uid, TLS, or a URL not allowed */
	LINK_FAULT_stopped,   /* we closed it */
};

const char *link_fault_name(enum link_fault);

#endif /* PROTOCOL_LINK_LINK_H */
