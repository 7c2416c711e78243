// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_AUTH_PRIVATE_H
#define WORKERS_GATEWAY_AUTH_PRIVATE_H

/*
 * auth_private - what the parts of auth share: the queue and the tokens
 * (auth.c), the life of a session (auth_session.c), the key file
 * (auth_keys.c), the service that is asked (auth_function.c), what operators
 * take back (auth_revoked.c).
 *
 * Trust:  see auth.h.
 * Owner:  auth_create makes it, auth_destroy frees all of it.
 */

#include <sys/stat.h>

#include "protocol/base/loop.h"
#include "workers/gateway/auth.h"
#include "workers/gateway/identity.h"
#include "workers/gateway/jwt.h"
#include "workers/gateway/revoked.h"
#include "workers/gateway/tokens.h"

/* By what a file is known to have changed. */
struct key_mark {
	struct timespec written;
	struct timespec changed;
	off_t bytes;
	ino_t inode;
};

struct auth {
	struct gateway *gateway;
	enum auth_mode mode;
	struct jwks *keys; /* NULL: none could be read yet */
	struct key_mark mark;
	struct tokens *tokens;
	struct revoked revoked;
	uint64_t revoked_mark;        /* of the store's list, when last read */
	struct loop_timer sweep;      /* ends sessions that are revoked */
	uint32_t signatures;          /* verified in this turn */
	uint64_t spent_us;            /* on them */
	bool is_serving;              /* the queue, so nobody is overtaken */
	struct client *first, **last; /* the queue */
	uint32_t waiting;
	struct loop_timer serve;
	struct auth_node *nodes; /* that decide, in mode function */
	uint32_t node_count;
	uint32_t turn;                          /* whose it is among them */
	struct auth_ask *first_ask, **last_ask; /* the oldest first */
	uint32_t asks;
	struct loop_timer ask_timer;
	uint64_t noted_second; /* bounds lines about refusals */
	uint32_t notes;
	uint64_t unnoted;
};

/* auth_keys_look reads the key file if it is another than last time. */
void auth_keys_look(struct auth *, bool is_forced);

/* auth_note_refusal writes a line, within bounds; the counter has them all. */
void auth_note_refusal(struct auth *, const char *peer, const char *reason);

/*
 * auth_check_token: OK with the identity held, ERR_DENIED with the reason,
 * ERR_AGAIN: this turn has verified enough.
 */
enum err auth_check_token(struct auth *, struct text token, struct identity **,
    const char **reason) MUST_USE;

/* auth_sweep ends the sessions that are revoked by now. */
void auth_sweep(void *auth);

/*
 * auth_queue puts the client at the end; false when the queue is full.
 * auth_queue_decided: `found` or `reason` is there, to be looked at.
 */
bool auth_queue(struct client *);
void auth_queue_decided(struct client *);
void auth_unqueue(struct client *);

/* auth_is_revoked: an operator took this user or token back. */
bool auth_is_revoked(struct auth *, const struct identity *);

/* The links of mode function, and the time-out of what was asked on them. */
void auth_open_nodes(struct auth *);
void auth_close_nodes(struct auth *);
void auth_nodes_on_settings(struct auth *);
bool auth_has_live_node(const struct auth *);
void auth_on_ask_timer(void *auth);

/*
 * auth_ask puts a question about the client; auth_queue_decided follows.
 * `upgrade` is NULL for a refresh. ERR_MALFORMED, ERR_FULL: nothing was asked.
 */
enum err auth_ask(
    struct client *, const struct http_upgrade *, struct text token) MUST_USE;

/* auth_drop_ask: nobody waits for the answer any more. */
void auth_drop_ask(struct client *);

/* auth_resume_refresh goes on with a refresh whose turn has come. */
void auth_resume_refresh(struct client *);

#endif /* WORKERS_GATEWAY_AUTH_PRIVATE_H */
