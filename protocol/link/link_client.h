// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LINK_LINK_CLIENT_H
#define PROTOCOL_LINK_LINK_CLIENT_H

/*
 * link_client - the gateway's end of the link to one node.
 *
 * Keeps one connection to the node, dialled again with back-off for ever.
 * Calls of one loop turn leave as one message at its end. It has no idea what
 * is called, by whom, or what to do when a call is lost: it says whether the
 * call may have run, and the owner decides.
 *
 * Every accepted call gets exactly one of result, error, end or lost, unless
 * the owner forgets it first (link_cancel). Callbacks never come
 * from inside link_call.
 *
 * Trust:  everything the node sends; one message is checked whole before any
 *         of it is looked at. A node that breaks the protocol loses its
 *         connection, and its calls are settled.
 * Owner:  create/destroy; spans given to callbacks live until they return.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/conn.h"
#include "protocol/link/link.h"

struct link_client;

enum link_state {
	LINK_DOWN,     /* resting before the next dial, or dialling */
	LINK_LIVE,     /* takes calls */
	LINK_DRAINING, /* finishes what it has; send it nothing new */
};

enum link_lost {
	LINK_NOT_DISPATCHED,     /* never left: another node may run it */
	LINK_DISPATCHED_UNKNOWN, /* may have run */
};

/* `owner` is the client's, `call` what link_call was given. */
struct link_client_calls {
	void (*result)(void *owner, void *call, struct text value);
	void (*error)(
	    void *owner, void *call, struct text code, struct text text);
	/* a part of a stream, in order; give credit back with link_credit. A
	 * node that sends without credit fails the call with bad_result */
	void (*chunk)(void *owner, void *call, struct text value);
	void (*end)(void *owner, void *call); /* a stream is over */
	void (*lost)(void *owner, void *call, enum link_lost);
	/* told after each change; `fault` says why a generation ended */
	void (*state)(void *owner, enum link_state, enum link_fault);
	/* before `result`: what the service says of its own time, a map; may
	 * be NULL */
	void (*served)(void *owner, void *call, struct text hops);
};

struct link_client_options {
	struct conn_hub *hub;
	const struct link_client_calls *calls;
	void *owner;
	struct text url;         /* ipc://, tcp://, tls+tcp:// */
	struct tls_context *tls; /* for tls+tcp:// */
	uint64_t life;           /* of this gateway; goes into call ids */
	uint64_t seed;           /* for the jitter */
	uint32_t send_bytes;     /* queued towards the node; 0: 4 MiB */
	uint32_t in_flight;      /* calls at once; 0: 65536 */
};

/* ERR_MALFORMED: no such URL. Allow rules are link_url_is_allowed's. */
enum err link_client_create(
    struct link_client **, const struct link_client_options *) MUST_USE;

/* link_client_destroy drops all calls without a word. */
void link_client_destroy(struct link_client **);

/*
 * link_call puts a call into this turn's message. ERR_CLOSED: not LIVE.
 * ERR_FULL: a budget. ERR_TOO_BIG: above what the node takes. On OK `id` names
 * it; on an error nothing was kept and no callback comes.
 */
enum err link_call(struct link_client *, const struct link_request *,
    void *call, uint64_t *id) MUST_USE;

/* link_cancel forgets the call and tells the node; takes unknown ids. */
void link_cancel(struct link_client *, uint64_t id);

/* link_credit lets the node send so many bytes of chunks more. */
void link_credit(struct link_client *, uint64_t id, uint32_t bytes);

enum link_state link_client_state(const struct link_client *);
uint32_t link_client_in_flight(const struct link_client *);

/* What `banyan nodes` shows. */
struct link_client_facts {
	enum link_state state;
	enum link_fault last_fault;
	bool is_unary;
	uint32_t in_flight;
	uint64_t generations; /* connections that got as far as HELLO */
	uint64_t dials;
	uint64_t calls;
	uint64_t lost;
	uint64_t late; /* answers to calls no longer waited for */
	uint64_t boot;
	uint64_t live_since_ms;
	uint64_t state_since_ms;
	uint32_t rest_ms; /* before the next dial, as it was last chosen */
};
void link_client_facts(const struct link_client *, struct link_client_facts *);

/*
 * link_url_is_allowed: the rule security.node_urls. With no patterns: ipc://
 * inside runtime_dir and tcp to loopback. A pattern ends in '*' for "anything
 * that begins like this".
 */
bool link_url_is_allowed(struct text url, struct text runtime_dir,
    const struct text *patterns, uint32_t pattern_count);

#endif /* PROTOCOL_LINK_LINK_CLIENT_H */
