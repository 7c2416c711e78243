// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_ASKS_H
#define WORKERS_RELAY_ASKS_H

/*
 * asks - one call of a client, read (requests.c) and answered
 * (operations.c).
 *
 * Trust:  who asks is the gateway's word; the rest is a stranger's, bounded
 *         by requests.c.
 * Owner:  an ask borrows the call's frame and is gone when it is answered or
 *         its answer is parked.
 */

#include "workers/relay/relay.h"

/* One call, read. */
struct ask {
	struct relay *relay;
	struct lane *lane;
	uint64_t call;
	struct actor who;
	struct text request_id; /* span */
	struct text group;
	struct text type;
	struct text target;  /* user_id */
	struct text message; /* span */
};

/* ask_refuse answers with one of the gateway's codes. */
void ask_refuse(struct ask *, const char *code, const char *text);

/* Each answers its ask. */
void ask_create(struct ask *);
void ask_join(struct ask *);
void ask_leave(struct ask *);
void ask_accept(struct ask *);
void ask_mute(struct ask *);
void ask_unmute(struct ask *);
void ask_delete(struct ask *);
void ask_info(struct ask *);
void ask_list(struct ask *);
void ask_send(struct ask *);

#endif /* WORKERS_RELAY_ASKS_H */
