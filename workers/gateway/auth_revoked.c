// SPDX-License-Identifier: MIT
/* auth_revoked - an operator ends sessions: those of revoked users and tokens
 * for good, those of a kicked user until he comes back. */

#include "protocol/events.h"
#include "protocol/store.h"
#include "workers/gateway/auth_private.h"
#include "workers/gateway/gateway.h"

static enum err
visit(void *ctx, const struct store_revocation *r)
{
	const struct revocation next = {
	    .name = r->name, .is_token = r->is_token, .at_ms = r->at_ms};

	return revoked_add(ctx, &next);
}

enum err
auth_read_revoked(struct auth *a, struct store *store)
{
	struct revoked next;
	uint64_t mark = a->revoked_mark;

	revoked_init(&next);
	enum err e = store_read_revoked(store, visit, &next, &mark);
	if (e != OK) {
		revoked_finish(&next);
		return e == ERR_EXISTS ? OK : e;
	}
	revoked_finish(&a->revoked);
	a->revoked = next;
	a->revoked_mark = mark;
	stats_set(a->gateway->slot, COUNTER_gateway_auth_revoked, next.count);
	loop_timer_start(
	    a->gateway->loop, &a->sweep, loop_now_ms(a->gateway->loop));
	return OK;
}

bool
auth_is_revoked(struct auth *a, const struct identity *who)
{
	/* what woke us may come right behind a revocation */
	gateway_look_at_store(a->gateway);
	return revoked_has(&a->revoked, who);
}

void
auth_sweep(void *ctx)
{
	struct auth *a = ctx;
	struct gateway *g = a->gateway;

	for (struct client *c = g->clients.first, *next; c != NULL; c = next) {
		next = c->next;
		if (c->state != CLIENT_OPEN || c->identity == NULL ||
		    !revoked_has(&a->revoked, c->identity))
			continue;
		COUNT(g, sessions_revoked);
		event_note(EVENT_client_cut, "peer=%s reason=revoked user=%.*s",
		    c->peer, TEXT_ARG(c->identity->user_id));
		client_close(c, WEBSOCKET_POLICY, "revoked");
	}
}

void
gateway_cmd_kick(struct worker *w, struct command *command)
{
	struct gateway *g = worker_state(w);
	struct text user = {.len = 0};
	uint64_t closed = 0;

	if (command_text(command, "choice", &user) != OK || user.len == 0) {
		command_fail(command, CLASS_INVALID, "banyan kick USER|all",
		    "a user is wanted, or `all`");
		return;
	}
	bool is_all = text_is(user, "all");
	for (struct client *c = g->clients.first, *next; c != NULL; c = next) {
		next = c->next;
		if (c->state != CLIENT_OPEN ||
		    (!is_all && !text_eq(identity_user_of(c), user)))
			continue;
		closed++;
		COUNT(g, kicked);
		client_close(c, WEBSOCKET_GOING_AWAY, "kicked");
	}
	event_note(EVENT_kicked, "user=%.*s closed=%llu", TEXT_ARG(user),
	    (unsigned long long)closed);
	pack_map(command->result, 2);
	pack_string(command->result, "user");
	pack_text(command->result, user);
	pack_field_u64(command->result, "closed", closed);
}
