// SPDX-License-Identifier: MIT
#ifndef TEST_BENCH_CLIENT_H
#define TEST_BENCH_CLIENT_H

/*
 * client - one Phoenix V2 client of the load generator: connects, joins,
 * keeps a number of calls in flight and writes down how each ended.
 *
 * Written for speed: one read and one write per wake-up, frames patched from
 * a template. It shares no code with the gateway, so that a mistake made
 * there is not made here again.
 *
 * Owner:  create/destroy; the ledger and the job are the caller's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "test/bench/ledger.h"

/* What a call is promised: workers/gateway/README.md, response_type. */
enum job_kind {
	JOB_SYNC,  /* push, reply */
	JOB_ASYNC, /* acknowledgement, reply; later a push */
	JOB_STREAM /* "init", reply; parts numbered from 0; an end */
};

/* What all clients of a run have in common. */
struct job {
	enum job_kind kind;
	const char *host; /* numeric */
	uint16_t port;
	const char *path; /* "/socket/websocket?vsn=2.0.0" */
	const char *topic;
	const char *event;
	const char *service;
	const char *function;
	const char *args;   /* JSON */
	const char *expect; /* text every answer must hold, or NULL */
	bool is_echo;       /* the server sends every frame back once */
	uint32_t pipeline;  /* calls in flight per client */
	uint64_t timeout_ns;
	uint64_t calls_left; /* still to be sent, by all clients together */
	bool is_stopping;    /* send no more */
};

enum client_state {
	CLIENT_CLOSED,
	CLIENT_CONNECTING,
	CLIENT_UPGRADING,
	CLIENT_JOINING,
	CLIENT_JOINED,
};

struct client;

struct client *client_create(struct job *, struct ledger *);
void client_destroy(struct client **);

int client_fd(const struct client *);
enum client_state client_state(const struct client *);
uint32_t client_in_flight(const struct client *);

/* client_connect starts over on a new socket; ERR_SYSTEM when that fails. */
enum err client_connect(struct client *) MUST_USE;

/*
 * client_ready reads what came, counts it, sends what may be sent. An error
 * means that the socket is closed: calls in flight have been counted as lost.
 */
enum err client_ready(
    struct client *, uint32_t events, uint64_t now_ns) MUST_USE;

/* client_send fills the free places in the pipeline. */
enum err client_send(struct client *, uint64_t now_ns) MUST_USE;

/* client_wants_write: bytes wait for EPOLLOUT. */
bool client_wants_write(const struct client *);

/* client_expire ends calls that waited too long. */
void client_expire(struct client *, uint64_t now_ns);

#endif /* TEST_BENCH_CLIENT_H */
