// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Signatures are the one thing here that takes long (30 to 300 us each), so
 * a turn verifies AUTH_SIGNATURES of them, or TURN_US long, and the calls of
 * everybody else go on in between. Who does not get one this turn is queued and
 * served by a timer; who comes while others wait is queued behind them.
 *
 * A token that was good stays good until it expires, the keys change or it
 * is revoked; that is what the cache knows.
 */

#include "workers/gateway/auth.h"

#include <inttypes.h>
#include <sys/random.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "protocol/settings.h"
#include "workers/gateway/auth_private.h"
#include "workers/gateway/base64url.h"
#include "workers/gateway/gateway.h"

enum {
	SERVE_MS = 1,  /* until those who wait are served again */
	TURN_US = 2000 /* of one turn for signatures: ES384 takes 0.7 ms each */
};

/* --- the queue --- */

static void
stand_in(struct client *c, uint32_t ms)
{
	struct auth *a = c->gateway->auth;

	c->auth.next = NULL;
	c->auth.back = a->last;
	*a->last = c;
	a->last = &c->auth.next;
	a->waiting++;
	stats_set(a->gateway->slot, COUNTER_gateway_auth_waiting, a->waiting);
	if (ms == 0 || !loop_timer_is_running(&a->serve))
		loop_timer_start(a->gateway->loop, &a->serve,
		    loop_now_ms(a->gateway->loop) + ms);
}

bool
auth_queue(struct client *c)
{
	if (c->gateway->auth->waiting >= c->gateway->options->auth.max_waiting)
		return false;
	c->auth.stage = AUTH_QUEUED;
	stand_in(c, SERVE_MS);
	return true;
}

void
auth_queue_decided(struct client *c)
{
	c->auth.stage = c->auth.found != NULL ? AUTH_DECIDED : AUTH_FAILED;
	stand_in(c, 0);
}

void
auth_unqueue(struct client *c)
{
	struct auth *a = c->gateway->auth;

	if (c->auth.back == NULL)
		return;
	*c->auth.back = c->auth.next;
	if (c->auth.next != NULL)
		c->auth.next->auth.back = c->auth.back;
	else
		a->last = c->auth.back;
	c->auth.back = NULL;
	a->waiting--;
	stats_set(a->gateway->slot, COUNTER_gateway_auth_waiting, a->waiting);
}

static bool
has_share(const struct auth *a)
{
	/* a token may take JWT_TRIES of them */
	return a->signatures + JWT_TRIES <= AUTH_SIGNATURES &&
	    a->spent_us < TURN_US;
}

static void
on_serve(void *ctx)
{
	struct auth *a = ctx;

	while (a->first != NULL && has_share(a)) {
		struct client *c = a->first;

		auth_unqueue(c);
		if (c->auth.stage == AUTH_QUEUED)
			c->auth.stage = AUTH_FRESH;
		a->is_serving = true;
		if (c->state == CLIENT_HEAD)
			conn_offer(&c->conn); /* may be the client's end */
		else if (c->state == CLIENT_OPEN)
			auth_resume_refresh(c);
		a->is_serving = false;
	}
	if (a->first != NULL)
		loop_timer_start(a->gateway->loop, &a->serve,
		    loop_now_ms(a->gateway->loop) + SERVE_MS);
}

/* --- tokens --- */

void
auth_note_refusal(struct auth *a, const char *peer, const char *reason)
{
	uint64_t second = loop_now_ms(a->gateway->loop) / 1000;

	COUNT(a->gateway, auth_refused);
	if (a->noted_second != second) {
		a->noted_second = second;
		a->notes = 0;
	}
	if (a->notes == AUTH_NOTES) {
		a->unnoted++;
		return;
	}
	a->notes++;
	event_note(EVENT_auth_refused, "peer=%s reason=%s unnoted=%" PRIu64,
	    peer, reason, a->unnoted);
	a->unnoted = 0;
}

/* admit gives a hold of a good identity, unless it was revoked. */
static enum err
admit(struct auth *a, struct identity *who, struct identity **to,
    const char **reason)
{
	if (auth_is_revoked(a, who)) {
		*reason = "revoked";
		return ERR_DENIED;
	}
	*to = identity_hold(who);
	return OK;
}

static enum err
verify(struct auth *a, struct text token, const struct token_digest *digest,
    struct identity **to, const char **reason)
{
	struct gateway *g = a->gateway;
	struct identity facts;
	struct arena arena;
	uint32_t before = a->signatures;
	uint64_t before_us = clock_mono_us();
	enum err e = ERR_DENIED;

	arena_init(&arena);
	enum jwt_verdict v = jwt_verify(a->keys, &g->options->auth.rules, token,
	    clock_wall_ms(), &arena, &facts, &a->signatures);
	stats_add(
	    g->slot, COUNTER_gateway_auth_signatures, a->signatures - before);
	a->spent_us += clock_mono_us() - before_us;
	*reason = jwt_verdict_name(v);
	if (v == JWT_IS_good) {
		struct identity *found = identity_create(&facts);

		tokens_keep(a->tokens, digest, found);
		e = admit(a, found, to, reason);
		identity_release(&found);
	}
	arena_finish(&arena);
	return e;
}

enum err
auth_check_token(struct auth *a, struct text token, struct identity **to,
    const char **reason)
{
	struct token_digest digest;

	*reason = "malformed";
	if (token.len > JWT_BYTES)
		return ERR_DENIED;
	*reason = "no_keys";
	if (a->keys == NULL)
		return ERR_DENIED;
	tokens_digest(a->tokens, token, &digest);
	struct identity *known =
	    tokens_find(a->tokens, &digest, clock_wall_ms());
	if (known != NULL) {
		COUNT(a->gateway, auth_cached);
		return admit(a, known, to, reason);
	}
	if (!has_share(a) || (a->first != NULL && !a->is_serving))
		return ERR_AGAIN;
	return verify(a, token, &digest, to, reason);
}

/* --- the upgrade --- */

/*
 * find_token: of the subprotocol, else of the header, else of the query.
 * ERR_MISSING: it brings none.
 */
static enum err
find_token(const struct gateway *g, const struct http_upgrade *u,
    char to[JWT_BYTES + 1], struct text *token)
{
	size_t bytes = 0;
	enum err e = OK;

	*token = u->authorization;
	if (u->bearer.len > 0) {
		e = base64url_decode_any(
		    u->bearer, (uint8_t *)to, JWT_BYTES, &bytes);
		*token = (struct text){.at = to, .len = (uint32_t)bytes};
	} else if (token->len == 0) {
		e = http_query(u->query, g->options->auth.token_parameter, to,
		    JWT_BYTES + 1);
		*token = e == OK ? text_of(to) : TEXT("");
	}
	if (e == OK && token->len == 0)
		return ERR_MISSING;
	return e;
}

static int
knock_with_token(struct client *c, const struct http_upgrade *u)
{
	struct auth *a = c->gateway->auth;
	const char *reason = "malformed";
	char bytes[JWT_BYTES + 1];
	struct text token;
	enum err e = find_token(c->gateway, u, bytes, &token);

	if (e == ERR_MISSING && c->gateway->options->auth.allow_anonymous)
		return 101;
	if (e == ERR_MISSING)
		reason = "no_token";
	else if (e == OK)
		e = auth_check_token(a, token, &c->identity, &reason);
	if (e == OK)
		return 101;
	if (e == ERR_AGAIN)
		return auth_queue(c) ? 0 : 503;
	auth_note_refusal(a, c->peer, reason);
	return 403;
}

static int
knock_at_service(struct client *c, const struct http_upgrade *u)
{
	struct auth *a = c->gateway->auth;
	char bytes[JWT_BYTES + 1];
	struct text token;
	enum err e = find_token(c->gateway, u, bytes, &token);

	if (e == ERR_MISSING)
		token = (struct text){.at = NULL, .len = 0};
	if (e == OK || e == ERR_MISSING)
		e = auth_ask(c, u, token);
	if (e == OK) {
		c->auth.stage = AUTH_ASKED;
		return 0;
	}
	auth_note_refusal(a, c->peer, e == ERR_FULL ? "busy" : "malformed");
	return e == ERR_FULL ? 503 : 403;
}

/* enter takes what the service said; it may have been revoked meanwhile. */
static int
enter(struct client *c)
{
	c->identity = c->auth.found;
	c->auth.found = NULL;
	if (!auth_is_revoked(c->gateway->auth, c->identity))
		return 101;
	auth_note_refusal(c->gateway->auth, c->peer, "revoked");
	return 403;
}

int
auth_knock(struct client *c, const struct http_upgrade *u)
{
	struct auth *a = c->gateway->auth;

	switch (c->auth.stage) {
	case AUTH_QUEUED:
	case AUTH_ASKED:
		return 0;
	case AUTH_DECIDED:
		return enter(c);
	case AUTH_FAILED:
		auth_note_refusal(a, c->peer, c->auth.reason);
		return 403;
	case AUTH_FRESH:
		break;
	}
	if (a->mode == AUTH_FUNCTION)
		return knock_at_service(c, u);
	return a->mode == AUTH_JWT ? knock_with_token(c, u) : 101;
}

bool
auth_is_waiting(const struct client *c)
{
	return c->auth.stage == AUTH_QUEUED || c->auth.stage == AUTH_ASKED;
}

/* --- life --- */

void
auth_leave(struct client *c)
{
	auth_unqueue(c);
	auth_drop_ask(c);
	identity_release(&c->auth.found);
	memory_free(c->auth.refresh);
	c->auth.refresh = NULL;
}

static void
make_tokens(struct auth *a)
{
	struct hash_seed seed;

	INVARIANT(getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed));
	tokens_destroy(&a->tokens);
	a->tokens = tokens_create(
	    a->mode == AUTH_JWT ? a->gateway->options->auth.cached_tokens : 0,
	    seed);
}

void
auth_create(
    struct auth **to, struct gateway *g, const struct settings *settings)
{
	struct auth *a = MEMORY_NEW(struct auth);

	*to = a;
	a->gateway = g;
	a->last = &a->first;
	a->last_ask = &a->first_ask;
	a->ask_timer = (struct loop_timer){.due = auth_on_ask_timer, .ctx = a};
	a->serve = (struct loop_timer){.due = on_serve, .ctx = a};
	a->sweep = (struct loop_timer){.due = auth_sweep, .ctx = a};
	revoked_init(&a->revoked);
	a->mode = (enum auth_mode)settings_choice(settings, SETTING_auth_mode);
	make_tokens(a);
	if (a->mode == AUTH_NONE)
		event_note(EVENT_auth_none, "mode=none");
	auth_keys_look(a, true);
	auth_open_nodes(a);
}

void
auth_destroy(struct auth **to)
{
	struct auth *a = *to;

	if (a == NULL)
		return;
	loop_timer_stop(a->gateway->loop, &a->serve);
	loop_timer_stop(a->gateway->loop, &a->sweep);
	loop_timer_stop(a->gateway->loop, &a->ask_timer);
	auth_close_nodes(a);
	tokens_destroy(&a->tokens);
	revoked_finish(&a->revoked);
	jwks_destroy(&a->keys);
	memory_free(a);
	*to = NULL;
}

void
auth_on_settings(struct auth *a)
{
	/* issuer or audience may be others: nothing known before counts */
	make_tokens(a);
	auth_keys_look(a, true);
	auth_nodes_on_settings(a);
}

void
auth_on_second(struct auth *a)
{
	bool is_shut = (a->mode == AUTH_JWT && a->keys == NULL) ||
	    (a->mode == AUTH_FUNCTION && !auth_has_live_node(a));

	auth_keys_look(a, false);
	stats_set(
	    a->gateway->slot, COUNTER_gateway_auth_is_shut, is_shut ? 1 : 0);
}

void
auth_on_turn_end(struct auth *a)
{
	a->signatures = 0;
	a->spent_us = 0;
}
