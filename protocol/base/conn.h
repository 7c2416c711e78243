// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_CONN_H
#define PROTOCOL_BASE_CONN_H

/*
 * conn - one non-blocking stream socket in the loop: bytes in, bytes out.
 *
 * Used by the front door and by the link. Knows nothing of what the bytes
 * mean. Reads go through one scratch buffer of the hub and writes through
 * buffers the hub lends out, so a connection with nothing in flight holds no
 * buffer at all. Writes of one turn leave in one send at its end; EPOLLOUT is
 * asked for only while the peer does not take what is queued.
 *
 * Trust:  the peer chooses how much arrives and how slowly it reads; both
 *         buffers have a limit fixed at conn_init.
 * Owner:  struct conn is the caller's (usually inside its own struct). It may
 *         be closed and freed inside any of its callbacks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/loop.h"

struct conn;
struct tls_context; /* protocol/base/tls.h */
struct tls_session;

enum conn_end {
	CONN_END_none,
	CONN_END_closed,  /* the peer closed in order, or conn_shut is done */
	CONN_END_reset,   /* the peer or the kernel broke the connection */
	CONN_END_refused, /* conn_dial did not get through */
	CONN_END_too_big, /* `arrived` took nothing of a full read buffer */
	CONN_END_tls,     /* handshake refused, or a record that is no TLS */
};

/* One constant table per kind of connection. NULL: not interested. */
struct conn_calls {
	/* dialled (and TLS agreed): bytes may flow; also after TLS accept */
	void (*opened)(void *ctx);
	/*
	 * `count` unread bytes, all there are; gives back how many it took. The
	 * rest comes again, longer, with the next arrival. The bytes may be
	 * changed in place (unmasking), as long as the taken part is not
	 * needed.
	 */
	size_t (*arrived)(void *ctx, uint8_t *bytes, size_t count);
	/* all that was queued has gone to the kernel after it had been blocked
	 */
	void (*room)(void *ctx);
	/* the socket is gone; called once, never after conn_close */
	void (*ended)(void *ctx, enum conn_end why);
};

enum {
	CONN_SPARES = 32,             /* empty buffers a hub keeps for reuse */
	CONN_SPARE_BYTES = 64 * 1024, /* larger ones are given back */
	CONN_SCRATCH_BYTES = 256 * 1024,
};

/* What all connections of one loop share. */
struct conn_hub {
	struct loop *loop;
	struct loop_hook turn_end;
	struct loop_post again;   /* TLS bytes already read but not handed on */
	struct loop_hook *before; /* conn_hub_before_flush */
	struct conn **dirty;      /* have something to write this turn */
	uint32_t dirty_count;
	uint32_t dirty_size;
	struct conn *current; /* whose callback runs; NULL once it is closed */
	uint8_t *scratch;
	struct buffer spares[CONN_SPARES];
	uint32_t spare_count;
};

/* conn_hub_init hangs the hub into the loop; one per loop, for its life. */
void conn_hub_init(struct conn_hub *, struct loop *);
void conn_hub_finish(struct conn_hub *);

/*
 * conn_hub_before_flush adds a hook that runs each turn just before the
 * queued bytes leave: the place to close a batch into one message.
 */
void conn_hub_before_flush(struct conn_hub *, struct loop_hook *);
void conn_hub_forget_flush(struct conn_hub *, struct loop_hook *);

struct conn_limits {
	size_t read_bytes;  /* most unread bytes kept */
	size_t write_bytes; /* most unsent bytes queued */
};

struct conn {
	struct conn_hub *hub;
	const struct conn_calls *calls;
	void *ctx;
	struct loop_watch watch; /* .fd is the socket, -1 when closed */
	struct buffer in;
	struct buffer out;
	struct tls_session *tls;   /* NULL: plain */
	uint64_t blocked_since_ms; /* 0: the peer takes what we send; else the
				   last time it took anything */
	uint64_t read_count;       /* bytes since conn_init */
	uint64_t written_count;
	uint32_t wanted;      /* epoll events in force */
	uint32_t dirty_slot;  /* place in hub->dirty + 1; 0: clean */
	enum conn_end failed; /* noticed while writing; told at turn end */
	bool is_dialling;     /* connect or TLS handshake under way */
	bool is_connected;    /* TCP or ipc is through; TLS may not be */
	bool is_paused;       /* conn_pause */
	bool is_shutting;     /* conn_shut: sends the rest, then ends */
	bool is_shut;         /* our side is closed, theirs is awaited */
	bool is_rereading;    /* on its way to `again` */
};

/* conn_init prepares a connection that is not open yet. */
void conn_init(struct conn *, struct conn_hub *, const struct conn_calls *,
    void *ctx, struct conn_limits);

/*
 * conn_open takes over a connected socket (from accept). With `tls` the
 * handshake starts as a server and `opened` is called after it; plain
 * connections are open at once, without that call. On ERR_SYSTEM the
 * descriptor is closed.
 */
enum err conn_open(struct conn *, int fd, struct tls_context *) MUST_USE;

/*
 * conn_dial starts connecting; `opened` or `ended` comes later, never from
 * inside. A refusal known at once (nobody listens on an ipc path) is ERR_SYSTEM
 * with errno, and no callback. Set a timer: the kernel's patience is minutes.
 * `tls_name` is the name the peer's certificate must carry.
 */
enum err conn_dial(struct conn *, const struct sockaddr *, socklen_t,
    struct tls_context *, const char *tls_name) MUST_USE;

/* conn_close closes now; queued bytes are lost; takes a closed one. */
void conn_close(struct conn *);

/*
 * conn_shut sends what is queued, closes our side and calls `ended` when the
 * peer has closed its own; `arrived` is not called again. Bound it by a timer
 * and conn_close.
 */
void conn_shut(struct conn *);

static inline bool
conn_is_open(const struct conn *c)
{
	return c->watch.fd >= 0;
}

/* conn_write queues all of it or, above the budget, nothing: ERR_FULL. */
enum err conn_write(struct conn *, const void *, size_t bytes) MUST_USE;

/*
 * conn_out lends the write queue for appending in place; conn_written must
 * follow in the same callback. What is already in it must stay.
 */
struct buffer *conn_out(struct conn *);
void conn_written(struct conn *);

/* conn_flush sends now instead of at the end of the turn. */
void conn_flush(struct conn *);

/* conn_unsent counts the bytes the kernel has not taken yet. */
static inline size_t
conn_unsent(const struct conn *c)
{
	return buffer_used(&c->out);
}

/*
 * conn_offer hands the unread bytes on again, without waiting for more: for an
 * owner who took nothing because it was not ready. Not from inside a
 * callback of any connection.
 */
void conn_offer(struct conn *);

/* conn_pause stops reading (the peer feels it as back-pressure). */
void conn_pause(struct conn *, bool is_paused);

#endif /* PROTOCOL_BASE_CONN_H */
