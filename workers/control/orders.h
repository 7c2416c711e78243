// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONTROL_ORDERS_H
#define WORKERS_CONTROL_ORDERS_H

/*
 * orders - what only the supervisor can do: asked for here, done there,
 * answered when it says so (protocol/handover.h tells when that is).
 *
 * Trust:  names come from operators; target.h looks them up first.
 * Owner:  inside struct control; a pending order holds its parked command.
 */

#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/loop.h"
#include "protocol/handover.h"

struct command;
struct worker;

enum {
	ORDERS_MOST = 64 /* as many as there are desks */
};

/* What goes on with a command when the supervisor is done, or is silent. */
typedef void orders_after(struct worker *, struct command *);

struct order_pending {
	struct worker *worker;
	struct command *command; /* NULL: this place is free */
	uint64_t id;
	enum order order;
	struct loop_timer deadline;
	struct buffer reloaded; /* what each worker made of new settings */
	uint32_t reloaded_count;
	orders_after *after; /* NULL: the answer is the command's result */
};

struct orders {
	uint64_t last_id;
	struct order_pending pending[ORDERS_MOST];
};

void orders_start(struct worker *, struct orders *);

/*
 * orders_prove has the supervisor prove that supervision works; what came of
 * it stands in `stats` when `after` is called, on a later turn.
 */
void orders_prove(struct worker *, struct command *, orders_after *after);

#endif /* WORKERS_CONTROL_ORDERS_H */
