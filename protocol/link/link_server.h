// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LINK_LINK_SERVER_H
#define PROTOCOL_LINK_LINK_SERVER_H

/*
 * link_server - the service's end of the link: gateways come, call, and get
 * their answers at any time, in any order, in parts.
 *
 * Knows no functions. What is answered while a gateway does not read stays
 * queued in the order it was given; results always fit (a gateway that lets
 * too many pile up is not read from any more), chunks are refused without
 * credit until `credit`, and above a budget of the session until `room`.
 *
 * Trust:  gateways are checked by uid (ipc) or certificate (tls+tcp), and all
 *         they send by the same codec that has a fuzz target.
 * Owner:  create/destroy. A session is good until `gone` was called for it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/conn.h"
#include "protocol/link/frame.h"

struct link_server;
struct link_session; /* one connected gateway */

struct link_server_calls {
	/* answer `frame->id` once, now or later, unless `gone` comes first */
	void (*call)(
	    void *owner, struct link_session *, const struct link_frame *);
	/* nobody waits for the answer; it may still be given */
	void (*cancel)(void *owner, struct link_session *, uint64_t id);
	/* a stream may send more; told behind its bytes were added */
	void (*credit)(
	    void *owner, struct link_session *, uint64_t id, uint64_t bytes);
	/* chunks refused by the session's budget may be tried again */
	void (*room)(void *owner, struct link_session *);
	/* forget its calls: nobody can be answered there any more */
	void (*gone)(void *owner, struct link_session *, enum link_fault);
};

struct link_server_options {
	struct conn_hub *hub;
	const struct link_server_calls *calls;
	void *owner;
	struct text name;        /* told in HELLO */
	uint64_t boot;           /* random; names this life of the service */
	struct tls_context *tls; /* for tls+tcp:// */
	uint32_t calls_at_once; /* per session, then it is not read; 0: 20000 */
};

void link_server_create(
    struct link_server **, const struct link_server_options *);
void link_server_destroy(struct link_server **);

/*
 * link_server_listen: beyond loopback only with tls+tcp:// (ERR_DENIED).
 * ERR_MALFORMED: no such URL. ERR_EXISTS: somebody else listens there.
 * `bound` (may be NULL) gets the real URL, port 0 filled in.
 */
enum err link_server_listen(struct link_server *, struct text url, char *bound,
    size_t bound_size) MUST_USE;

/* link_server_drain says DRAINING to all; new calls come back not_dispatched.
 */
void link_server_drain(struct link_server *);

/* link_server_is_quiet: every call answered, and every answer has arrived. */
bool link_server_is_quiet(const struct link_server *);

uint32_t link_server_session_count(const struct link_server *);

/* Exactly one of result, error, end per call. */
void link_session_result(struct link_session *, uint64_t id, struct text value);
/* For a call whose hints ask for `hops`: a map of the service's own time. */
void link_session_result_hops(
    struct link_session *, uint64_t id, struct text value, struct text hops);
void link_session_error(
    struct link_session *, uint64_t id, struct text code, struct text text);
void link_session_end(struct link_session *, uint64_t id);

/*
 * link_session_chunk: `index` counts from 0. ERR_FULL: nothing is left of the
 * call's credit or the session's budget; wait for `credit` or `room`. A chunk
 * may be larger than what is left. ERR_DENIED: the call is no stream, or is
 * answered. ERR_TOO_BIG: no message could carry it. ERR_CLOSED.
 */
enum err link_session_chunk(struct link_session *, uint64_t id, uint64_t index,
    struct text value) MUST_USE;

/*
 * link_session_credit: the bytes of chunks that may go now; 0: wait for
 * `credit` or `room`, one of which will come while the gateway reads.
 */
uint32_t link_session_credit(struct link_session *, uint64_t id);

/* link_session_is_full: no stream of this gateway may send; wait for `room`. */
bool link_session_is_full(const struct link_session *);

/* link_session_want_room: somebody waits for `room`, refused or not. */
void link_session_want_room(struct link_session *);

/*
 * link_session_keep remembers the owner's call by its id until it is
 * answered; link_session_kept finds it again, or NULL.
 */
void link_session_keep(struct link_session *, uint64_t id, void *call);
void *link_session_kept(const struct link_session *, uint64_t id);

/* link_session_queued counts the bytes a gateway has not taken yet. */
size_t link_session_queued(const struct link_session *);

#endif /* PROTOCOL_LINK_LINK_SERVER_H */
