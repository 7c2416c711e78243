// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_AUDIT_H
#define WORKERS_RELAY_AUDIT_H

/*
 * audit - the gateways call the roll of their clients, and what the relay
 * believes is held against it; every relay.audit.audit_interval_ms, and when an
 * operator asks.
 *
 *   every attached lane ◀─ {roll: N}         a message like any other
 *   gateway ─▶ roll [N, [[client, [channel, …]], …]]   judged on arrival
 *   all have answered, or ROLL_MS is over ─▶ groups, store, report
 *
 * What is judged is in judge.h. Nothing is ended unless relay.audit.cleanup
 * or --fix says so, and then in the turn of the judgement.
 *
 * Trust:  rolls come from our own gateways; who does not answer in time has
 *         memberships that are unconfirmed, never stale.
 * Owner:  start/finish; parked commands are the kit's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/loop.h"
#include "workers/relay/judge.h"

struct audit_waiter;
struct lane;
struct link_frame;
struct relay;
struct settings;

struct audit {
	struct loop_timer next;
	struct loop_timer late; /* gateways have had their time */
	uint64_t interval_ms;   /* 0: only when asked */
	bool is_cleaning;       /* the setting */
	/* the one under way */
	uint64_t number;
	uint64_t began_us;
	bool is_running;
	bool is_fixing;
	bool is_asked; /* an operator waits: the store is looked at, too */
	struct findings findings;
	struct judged ended;
	struct audit_waiter *waiting;
	/* those that came meanwhile: they want a look of their own */
	struct audit_waiter *behind;
	bool wants_fix;
	/* the last one */
	struct buffer report; /* one packed map; empty: none yet */
	uint32_t last_issues;
};

void audit_start(struct relay *);
void audit_set(struct relay *, const struct settings *);

/* audit_stop ends the one under way with what it knows; no other begins. */
void audit_stop(struct relay *);
void audit_finish(struct relay *);

/* audit_take: a gateway's roll. */
void audit_take(struct relay *, struct lane *, const struct link_frame *);

#endif /* WORKERS_RELAY_AUDIT_H */
