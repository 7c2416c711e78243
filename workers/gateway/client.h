// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_CLIENT_H
#define WORKERS_GATEWAY_CLIENT_H

/*
 * client - one stranger's socket: its head, its frames, its channels, its
 * time-outs, and the budget of what waits to be read by him.
 *
 * Trust:  everything comes from strangers, through the codecs; what they make
 *         us keep is bounded by the settings.
 * Owner:  clients are ours from client_create until their socket is gone.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "protocol/base/conn.h"
#include "protocol/base/loop.h"
#include "protocol/relay_cut.h"
#include "protocol/traceparent.h"
#include "workers/gateway/answer.h"
#include "workers/gateway/auth.h"
#include "workers/gateway/calls.h"
#include "workers/gateway/identity.h"
#include "workers/gateway/session.h"
#include "workers/gateway/websocket.h"

struct gateway;

enum client_state {
	CLIENT_HEAD,   /* its HTTP head is awaited */
	CLIENT_OPEN,   /* frames */
	CLIENT_CLOSING /* we have said goodbye */
};

enum {
	CLIENT_PEER_BYTES = 46 /* an address as text */
};

struct client {
	struct gateway *gateway;
	struct client *next;
	struct client **back;
	struct conn conn;
	struct websocket websocket;
	struct session session;
	struct identity *identity; /* NULL: unverified */
	struct auth_place auth;
	uint64_t serial;        /* never reused in a life of this gateway */
	struct call_list calls; /* in flight */
	uint32_t call_count;
	uint32_t stream_count; /* of them */
	enum client_state state;
	enum phoenix_form form;
	struct loop_timer timer;
	uint64_t opened_ms;
	uint64_t heard_ms;  /* its last byte */
	uint64_t inside_ms; /* since when a message is incomplete; 0: none */
	struct client *next_in_feed; /* relay_feed's */
	bool is_in_feed;             /* it has asked the relay for something */
	enum relay_cut cut;          /* how it ended */
	bool is_told_slow;           /* that it reads too slowly */
	bool has_claimed;         /* a payload named another user; noted once */
	struct traceparent trace; /* of its HTTP head; span 0: none */
	char peer[CLIENT_PEER_BYTES];
	char guest[IDENTITY_GUEST_BYTES]; /* its name while unverified */
};

struct clients {
	struct client *first;
	uint32_t count;
	uint64_t serial; /* the last one given */
};

/* client_create takes a fresh socket over, or closes it. */
void client_create(struct gateway *, int fd, const struct sockaddr_storage *);

/* client_refuse answers 503 and closes. */
void client_refuse(struct gateway *, int fd);

/* client_destroy ends it without a word; its calls are cancelled. */
void client_destroy(struct client *);

/* client_close says goodbye with a code and a reason, once. */
void client_close(struct client *, uint16_t code, const char *reason);

/*
 * client_out and client_written frame an append to what waits for the
 * client. After an append that ended with ERR_FULL call client_is_slow.
 */
struct buffer *client_out(struct client *);
void client_written(struct client *, uint32_t frames);
void client_is_slow(struct client *);

#endif /* WORKERS_GATEWAY_CLIENT_H */
