// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_AUTH_H
#define WORKERS_GATEWAY_AUTH_H

/*
 * auth - lets a client in or not, says who it is, and takes that back when
 * its time is over.
 *
 * A client whose answer takes time (a signature beyond this turn's share, a
 * question to a service) waits with its HTTP head unread, so it costs no
 * more than a slow stranger and the header time-out ends it. Whatever goes
 * wrong on the way refuses: no key file, no node, no room.
 *
 * Trust:  tokens, parameters and headers are strangers'; what verifies them
 *         is jwt.h, or the service the settings name.
 * Owner:  struct auth is the gateway's; a waiting client stands in its queue
 *         and is taken out by auth_leave.
 */

#include <stdbool.h>
#include <stdint.h>

#include "workers/gateway/http.h"

struct auth;
struct auth_ask;
struct channel;
struct client;
struct gateway;
struct identity;
struct phoenix_message;
struct settings;
struct store;

enum {
	AUTH_SIGNATURES = 16, /* verified in one turn of the loop */
	AUTH_NOTES = 20       /* lines about refusals, a second */
};

enum auth_mode {
	AUTH_NONE,
	AUTH_JWT,
	AUTH_FUNCTION
};

/* Where a client stands. */
enum auth_stage {
	AUTH_FRESH,   /* nobody has looked at it */
	AUTH_QUEUED,  /* waits for its turn */
	AUTH_ASKED,   /* a service decides */
	AUTH_DECIDED, /* welcome: `found` says who it is, until it is in */
	AUTH_FAILED   /* not welcome */
};

/* A refresh under way: whom to answer, and the token. */
struct auth_refresh {
	uint32_t channel; /* serial of its join */
	uint32_t form;    /* enum phoenix_form */
	struct text ref;  /* JSON */
	struct text token;
};

/* What a client keeps of it; zeroed is fresh. */
struct auth_place {
	struct client *next;
	struct client **back; /* NULL: not in the queue */
	enum auth_stage stage;
	bool is_warned;      /* token_expiring was pushed */
	uint64_t refused_ms; /* when its last refresh was; 0: never */
	struct auth_refresh *refresh;
	struct auth_ask *ask;   /* the question a service has; NULL: none */
	struct identity *found; /* what came of it, until it is looked at */
	const char *reason;     /* why nothing came of it */
};

void auth_create(struct auth **, struct gateway *, const struct settings *);
void auth_destroy(struct auth **);
void auth_on_settings(struct auth *);
void auth_on_second(struct auth *);
void auth_on_turn_end(struct auth *);

/*
 * auth_knock decides about an upgrade: 101, 403, 503, or 0: later, then the
 * head is read again (conn_offer).
 */
int auth_knock(struct client *, const struct http_upgrade *);

/* auth_is_waiting: auth_knock said later, and nothing has come of it yet. */
bool auth_is_waiting(const struct client *);

/* auth_refresh takes the event refresh_token of a joined channel. */
void auth_take_refresh(
    struct client *, const struct channel *, struct phoenix_message *);

enum {
	AUTH_LOOK_MS = 1000 /* between two calls of auth_look */
};

/*
 * auth_look acts on time: warns, or closes. `now_ms` is wall time. The warning
 * comes up to two looks early, since late it would be of no use.
 */
void auth_look(struct client *, uint64_t now_ms);

/*
 * auth_read_revoked looks at the store's list; sessions that are revoked end
 * in this turn or the next, not inside this call.
 */
enum err auth_read_revoked(struct auth *, struct store *) MUST_USE;

/* auth_leave: the client goes. */
void auth_leave(struct client *);

#endif /* WORKERS_GATEWAY_AUTH_H */
