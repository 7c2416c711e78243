// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_RELAY_H
#define WORKERS_RELAY_RELAY_H

/*
 * relay - the worker: gateways call in by the link, groups.h decides, answers
 * and messages go back by their lanes, what changed goes to the disk.
 *
 * Trust:  gateways are our own; ids, users and messages in their calls are
 *         strangers' and are bounded here before anything is kept.
 * Owner:  the state is the kit's, from start to stop.
 */

#include "protocol/base/arena.h"
#include "protocol/base/buffer.h"
#include "protocol/base/conn.h"
#include "protocol/link/link_server.h"
#include "protocol/tables/commands.h"
#include "workers/kit/worker.h"
#include "workers/relay/audit.h"
#include "workers/relay/keeping.h"
#include "workers/relay/lanes.h"

struct settings;

/* An answer that waits until what it says is durable. */
struct parked {
	struct parked *next;
	uint64_t gateway;
	uint64_t call;
	uint32_t epoch; /* of the lane when it was asked */
	uint32_t bytes; /* of the value behind it */
};

struct parked_list {
	struct parked *first, **end;
};

struct relay {
	struct worker *worker;
	struct conn_hub hub;
	struct link_server *server;
	struct groups *groups;
	struct lanes lanes;
	struct keeping keeping;
	struct parked_list waiting;    /* for the next commit */
	struct parked_list committing; /* for the one at work */
	struct loop_hook turn_end;
	struct loop_timer tick;
	struct buffer value;   /* an answer being made */
	struct buffer message; /* a message being made */
	uint32_t max_id_bytes;
	uint32_t max_message_bytes;
	uint64_t reattach_ms;
	uint64_t lane_bytes;
	uint64_t began_us; /* of the call being answered */
	struct audit audit;
};

/* --- relay.c --- */

void relay_start(struct worker *);
void relay_stop(struct worker *);
void relay_drain(struct worker *, uint32_t allowed_ms);
enum reload_result relay_on_settings(struct worker *, struct worker_reload *);
void relay_on_sibling_died(struct worker *, const struct worker_sibling *);

/* relay_now tells the groups what time it is. */
void relay_now(struct relay *);

/* relay_answer sends r->value as the result, or parks it until it is safe. */
void relay_answer(struct relay *, struct lane *, uint64_t call);

/* relay_gateway_over ends a gateway's life and its clients' memberships;
 * `reason` NULL: it left as it was asked to. */
void relay_gateway_over(struct relay *, struct lane *, const char *reason);

/* --- requests.c: what a gateway calls --- */

void requests_take(
    struct relay *, struct link_session *, const struct link_frame *);

/* --- attach.c: gateways that come and their clients that go --- */

void attach_take(
    struct relay *, struct link_session *, const struct link_frame *);
void attach_gone(struct relay *, struct lane *, const struct link_frame *);

/* attach_answer says that a gateway's word was heard. */
void attach_answer(struct relay *, struct lane *, const struct link_frame *);

/* --- news.c: events and counters --- */

void news_of(
    void *relay, enum groups_news, const struct group *, const struct member *);
void news_sent(
    struct relay *, const struct group *, struct text user, uint32_t count);
void news_rejected(
    struct relay *, struct text group, struct text user, const char *status);

RELAY_COMMANDS(DECLARE_COMMAND)

#endif /* WORKERS_RELAY_RELAY_H */
