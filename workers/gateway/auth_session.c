// SPDX-License-Identifier: MIT
/* auth_session - the life of a session that has an identity: the warning
 * before its end, the refresh that puts the end off, the end. */

#include <inttypes.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "workers/gateway/auth_private.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/phoenix_binary.h"

enum {
	ANSWER_BYTES = 128,
	REFUSED_MS = 200 /* between two refreshes that were refused */
};

static void
put_frame(struct client *c, enum err e)
{
	client_written(c, e == OK ? 1 : 0);
	if (e != OK)
		client_is_slow(c);
}

/* --- the end --- */

static void
warn(struct client *c, uint64_t left_ms)
{
	struct buffer payload;

	buffer_init(&payload, ANSWER_BYTES);
	if (buffer_printf(
		&payload, "{\"expires_in_ms\":%" PRIu64 "}", left_ms) != OK)
		left_ms = 0;
	for (uint32_t i = 0; i < c->session.count; i++) {
		const struct channel *channel = session_at(&c->session, i);
		const struct phoenix_address to = {
		    .form = c->form,
		    .join_ref = channel->join_ref,
		    .ref = TEXT("null"),
		    .topic = channel->topic,
		};

		if (c->state != CLIENT_OPEN)
			break;
		c->auth.is_warned = true;
		put_frame(c,
		    phoenix_put_push(client_out(c), &to,
			TEXT("\"token_expiring\""), buffer_text(&payload)));
	}
	buffer_finish(&payload);
}

void
auth_look(struct client *c, uint64_t now_ms)
{
	struct gateway *g = c->gateway;
	const struct identity *who = c->identity;

	if (who == NULL || who->expires_ms == 0 || c->state != CLIENT_OPEN)
		return;
	if (now_ms >= who->expires_ms) {
		COUNT(g, auth_expired);
		event_note(EVENT_client_cut,
		    "peer=%s reason=token_expired user=%.*s", c->peer,
		    TEXT_ARG(who->user_id));
		client_close(c, WEBSOCKET_POLICY, "token expired");
	} else if (!c->auth.is_warned && g->options->auth.expiring_ms > 0 &&
	    now_ms + g->options->auth.expiring_ms + 2 * AUTH_LOOK_MS >=
		who->expires_ms) {
		warn(c, who->expires_ms - now_ms);
	}
}

/* --- refresh --- */

/* Whom to answer; `ref` and the channel's texts are borrowed. */
static struct phoenix_address
address_of(
    const struct channel *channel, enum phoenix_form form, struct text ref)
{
	return (struct phoenix_address){
	    .form = form,
	    .join_ref = channel->join_ref,
	    .ref = ref,
	    .topic = channel->topic,
	};
}

static void
say_no(struct client *c, const struct phoenix_address *to, const char *reason)
{
	struct text json =
	    arena_printf(&c->gateway->arena, "{\"reason\":\"%s\"}", reason);

	COUNT(c->gateway, auth_refresh_refused);
	put_frame(c, phoenix_put_reply(client_out(c), to, false, json));
}

/* say_refused: who guesses must wait before the next signature is verified
 * for him. */
static void
say_refused(
    struct client *c, const struct phoenix_address *to, const char *reason)
{
	c->auth.refused_ms = loop_now_ms(c->gateway->loop);
	say_no(c, to, reason);
}

/* say_yes: from here on the session is what the new token says. */
static void
say_yes(
    struct client *c, const struct phoenix_address *to, struct identity *next)
{
	struct arena *arena = &c->gateway->arena;
	struct text json = TEXT("{\"expires_in_ms\":null}");
	uint64_t now_ms = clock_wall_ms();

	identity_release(&c->identity);
	c->identity = next;
	c->auth.is_warned = false;
	if (next->expires_ms > now_ms)
		json = arena_printf(arena, "{\"expires_in_ms\":%" PRIu64 "}",
		    next->expires_ms - now_ms);
	COUNT(c->gateway, auth_refreshed);
	put_frame(c, phoenix_put_reply(client_out(c), to, true, json));
}

/* settle answers with what was found out; `next` is ours to keep or drop. */
static void
settle(struct client *c, const struct phoenix_address *to,
    struct identity *next, const char *reason)
{
	if (next == NULL) {
		auth_note_refusal(c->gateway->auth, c->peer, reason);
		say_refused(c, to, "refused");
	} else if (!text_eq(next->user_id, c->identity->user_id)) {
		auth_note_refusal(c->gateway->auth, c->peer, "other_user");
		say_refused(c, to, "other_user");
		identity_release(&next);
	} else {
		say_yes(c, to, next);
	}
}

/* remember keeps the refresh until it can be answered; one at a time. */
static void
remember(struct client *c, const struct channel *channel,
    const struct phoenix_message *m, struct text token)
{
	struct auth_refresh *r =
	    memory_new(sizeof(*r) + m->from.ref.len + token.len);
	char *at = (char *)(r + 1);

	memcpy(at, m->from.ref.at, m->from.ref.len);
	memcpy(at + m->from.ref.len, token.at, token.len);
	*r = (struct auth_refresh){
	    .channel = channel->serial,
	    .form = (uint32_t)m->from.form,
	    .ref = {.at = at, .len = m->from.ref.len},
	    .token = {.at = at + m->from.ref.len, .len = token.len},
	};
	c->auth.refresh = r;
}

/* result_of says what came of the refresh that waited. */
static struct identity *
result_of(struct client *c, struct text token, const char **reason)
{
	struct auth *a = c->gateway->auth;
	struct identity *next = c->auth.found;

	*reason = c->auth.reason;
	c->auth.found = NULL;
	if (a->mode == AUTH_JWT &&
	    auth_check_token(a, token, &next, reason) != OK)
		return NULL;
	if (next != NULL && auth_is_revoked(a, next)) {
		*reason = "revoked";
		identity_release(&next);
	}
	return next;
}

void
auth_resume_refresh(struct client *c)
{
	struct auth_refresh *r = c->auth.refresh;
	const char *reason;

	c->auth.refresh = NULL;
	c->auth.stage = AUTH_DECIDED;
	if (r == NULL)
		return;
	const struct channel *channel = session_find(&c->session, r->channel);
	struct identity *next = result_of(c, r->token, &reason);
	if (channel != NULL) {
		struct phoenix_address to =
		    address_of(channel, (enum phoenix_form)r->form, r->ref);

		arena_reset(&c->gateway->arena);
		settle(c, &to, next, reason);
	} else {
		identity_release(&next);
	}
	memory_free(r);
}

/* read_token takes `token` out of the payload; all of it must be sound. */
static enum err
read_token(struct gateway *g, struct phoenix_message *m, struct text *token)
{
	struct json_reader *json = &m->payload;
	struct text key, ignored;
	bool more = true;
	enum err e = OK;

	*token = (struct text){.at = NULL, .len = 0};
	if (m->payload_bytes > JWT_BYTES * 2)
		return ERR_TOO_BIG;
	if (m->from.form == PHOENIX_V2_BINARY) {
		buffer_truncate(&g->payload, 0);
		e = phoenix_binary_payload(m, &g->payload);
	}
	if (e == OK)
		e = json_object(json);
	while (e == OK) {
		e = json_object_next(json, &g->arena, &key, &more);
		if (e != OK || !more)
			break;
		e = text_is(key, "token") ? json_string(json, &g->arena, token)
					  : json_skip(json, &ignored);
	}
	if (e == OK)
		e = phoenix_end(m);
	return e == OK && token->len == 0 ? ERR_MISSING : e;
}

void
auth_take_refresh(
    struct client *c, const struct channel *channel, struct phoenix_message *m)
{
	struct gateway *g = c->gateway;
	struct phoenix_address to =
	    address_of(channel, m->from.form, m->from.ref);
	struct identity *next = NULL;
	const char *reason = NULL;
	struct text token;
	enum err e = read_token(g, m, &token);

	if (e != OK) {
		say_no(c, &to, "invalid_payload");
		return;
	}
	if (g->auth->mode == AUTH_NONE || c->identity == NULL) {
		say_no(c, &to, "not_verified");
		return;
	}
	if (c->auth.refresh != NULL ||
	    (c->auth.refused_ms != 0 &&
		loop_now_ms(g->loop) < c->auth.refused_ms + REFUSED_MS)) {
		say_no(c, &to, "busy");
		return;
	}
	e = ERR_AGAIN;
	if (g->auth->mode == AUTH_JWT)
		e = auth_check_token(g->auth, token, &next, &reason);
	if (e != ERR_AGAIN) {
		settle(c, &to, e == OK ? next : NULL, reason);
		return;
	}
	bool is_waiting = g->auth->mode == AUTH_JWT
	    ? auth_queue(c)
	    : auth_ask(c, NULL, token) == OK;
	if (is_waiting)
		remember(c, channel, m, token);
	else
		say_no(c, &to, "busy");
}
