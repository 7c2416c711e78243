// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_HEARTBEAT_H
#define WORKERS_WORKER_POOL_HEARTBEAT_H

/*
 * heartbeat - asks one runner whether it lives, and says when it does not.
 *
 * Pure: the time comes as an argument; whoever holds it sends the pings and
 * tells the pongs.
 *
 * Trust:  pong numbers are a runner's; one that was not asked is no answer.
 * Owner:  whoever holds the struct; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/pool_spec.h"

enum heartbeat_act {
	HEARTBEAT_NOTHING,
	HEARTBEAT_PING,   /* send a PING with `number` */
	HEARTBEAT_MISSED, /* no answer in time; said once for each */
	HEARTBEAT_FAILED, /* too many in a row: `heartbeat_timeout` */
};

struct heartbeat {
	const struct heartbeat_spec *spec; /* NULL: not watched */
	uint64_t number;                   /* of the last ping */
	uint64_t next_ms;                  /* of the next ping */
	uint64_t sent_ms;                  /* of the one that is out */
	bool is_out;                       /* a ping waits for its pong */
	bool has_failed; /* said, and not dependent: watched on */
	uint64_t missed; /* in a row */
	uint64_t sent;   /* counters of the runner's life */
	uint64_t received;
	uint64_t timeouts;
	uint64_t latency_ms; /* of the last pong */
};

/* heartbeat_begin begins a life. Not enabled: it will never act. */
void heartbeat_begin(
    struct heartbeat *, const struct heartbeat_spec *, uint64_t now_ms);

/*
 * heartbeat_turn says what is due; again until NOTHING. `may_ping` false: the
 * runner cannot answer while it works (then its deadlines are watched): what
 * is out is forgotten, nothing is sent. After FAILED with spec->dependent the
 * runner is to be replaced; else it is watched on and only said.
 */
enum heartbeat_act heartbeat_turn(
    struct heartbeat *, bool may_ping, uint64_t now_ms);

/* heartbeat_pong: false: nobody asked that. */
bool heartbeat_pong(struct heartbeat *, uint64_t number, uint64_t now_ms);

/* heartbeat_next_ms: when a turn is due; 0: never. */
uint64_t heartbeat_next_ms(const struct heartbeat *);

#endif /* WORKERS_WORKER_POOL_HEARTBEAT_H */
