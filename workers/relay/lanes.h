// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_LANES_H
#define WORKERS_RELAY_LANES_H

/*
 * lanes - one way to each life of each gateway: its answers and its messages,
 * in the order they were given, within its credit.
 *
 * A message waits while the gateway has no credit left, and what comes behind
 * it waits as well, so that an answer `left` never overtakes a message that
 * was sent before. A lane outlives its link: a gateway that comes back finds
 * the messages, not the answers.
 *
 * Trust:  gateways are our own processes; credit and counts are bounded.
 * Owner:  lanes are ours until lanes_drop; sessions are the link's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/text.h"

struct link_session;

struct lane {
	struct lane *next;
	uint64_t gateway; /* one life of one gateway: random */
	uint64_t life;    /* as its parent counts; 0: not heard yet */
	uint32_t instance;
	uint32_t epoch; /* changes with each link: old answers have no one */
	struct link_session *session; /* NULL: it is awaited */
	uint64_t call;                /* its attach */
	uint64_t index;               /* of the next message on it */
	int64_t credit_bytes;
	uint64_t leave_ms;      /* monotonic: awaited until then */
	uint64_t roll_asked;    /* the last audit that asked for its roll */
	uint64_t roll_answered; /* … that was answered */
	struct buffer queue;
};

struct lanes {
	struct lane *first;
};

void lanes_finish(struct lanes *);

struct lane *lanes_of_gateway(const struct lanes *, uint64_t gateway);
struct lane *lanes_of_session(
    const struct lanes *, const struct link_session *);

/* lanes_add makes a lane that is awaited. */
struct lane *lanes_add(struct lanes *, uint64_t gateway);
void lanes_drop(struct lanes *, struct lane *);

/* lane_attach: the gateway is there, and takes `credit` bytes of messages. */
void lane_attach(
    struct lane *, struct link_session *, uint64_t call, uint64_t credit);

/* lane_detach forgets the link, and the answers that waited for it. */
void lane_detach(struct lane *);
void lane_credit(struct lane *, uint64_t bytes);

/* lane_end ends the stream of messages in order: what waited for credit is
 * dropped, and counted; answers still go out. */
uint32_t lane_end(struct lane *);

/* lane_send sends what waits, as far as credit and link allow. */
void lane_send(struct lane *);

void lane_result(struct lane *, uint64_t call, struct text value);
void lane_error(
    struct lane *, uint64_t call, const char *code, const char *text);

/* lane_message queues one message; lane_is_full is asked before. */
void lane_message(struct lane *, struct text value);
bool lane_is_full(const struct lane *, uint64_t most_bytes);

#endif /* WORKERS_RELAY_LANES_H */
