// SPDX-License-Identifier: MIT
/*
 * inflight - the commands conns and calls: who is here, what is under way,
 * and the end of one of them. Ids carry instance and life of the gateway, so
 * an id told a moment ago never ends somebody else's.
 */

#include <inttypes.h>
#include <stdio.h>

#include "protocol/events.h"
#include "protocol/pack.h"
#include "workers/gateway/ask.h"
#include "workers/gateway/flow.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/hooked.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/pick.h"
#include "workers/gateway/settle.h"

enum {
	LIMIT = 100,
	LIMIT_MOST = 10000,
	ID_BYTES = 72
};

/* What a list is narrowed to; an empty text or 0 narrows nothing. */
struct filter {
	struct text user;
	struct text service;
	struct text function;
	struct text state;
	uint64_t older_ms;
	uint64_t limit;
};

static bool
read_filter(struct command *command, struct filter *f)
{
	enum err e = OK;

	*f = (struct filter){.limit = LIMIT};
	if (command_text(command, "user", &f->user) == ERR_TYPE ||
	    command_text(command, "service", &f->service) == ERR_TYPE ||
	    command_text(command, "function", &f->function) == ERR_TYPE ||
	    command_text(command, "state", &f->state) == ERR_TYPE)
		e = ERR_TYPE;
	if (command_u64(command, "older", &f->older_ms) == ERR_TYPE ||
	    command_u64(command, "limit", &f->limit) == ERR_TYPE ||
	    f->limit > LIMIT_MOST)
		e = ERR_TYPE;
	if (e != OK)
		command_fail(command, CLASS_INVALID, "--older 5000 --limit 20",
		    "`older` is in milliseconds, `limit` up to %d", LIMIT_MOST);
	return e == OK;
}

static void
make_id(const struct gateway *g, uint64_t serial, char to[ID_BYTES])
{
	snprintf(to, ID_BYTES, "%u-%" PRIu64 "-%" PRIu64,
	    worker_instance(g->worker), worker_life(g->worker), serial);
}

static bool
has_id(const struct gateway *g, uint64_t serial, struct text id)
{
	char mine[ID_BYTES];

	make_id(g, serial, mine);
	return text_is(id, mine);
}

static bool
fits(struct text wanted, struct text is)
{
	return wanted.len == 0 || text_eq(wanted, is);
}

static uint64_t
since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/* --- connections --- */

static const char *
client_word(const struct client *c)
{
	switch (c->state) {
	case CLIENT_HEAD:
		return "head";
	case CLIENT_OPEN:
		return "open";
	case CLIENT_CLOSING:
	default:
		return "closing";
	}
}

static void
pack_client(struct packer *p, const struct client *c)
{
	const struct gateway *g = c->gateway;
	uint64_t now_ms = loop_now_ms(g->loop);
	char id[ID_BYTES];

	make_id(g, c->serial, id);
	pack_map(p, 12);
	pack_field_string(p, "id", id);
	pack_string(p, "user");
	pack_text(p, identity_user_of(c));
	pack_field_bool(p, "is_verified", c->identity != NULL);
	pack_field_string(p, "peer", c->peer);
	pack_field_string(p, "state", client_word(c));
	pack_field_u64(p, "age_ms", since(now_ms, c->opened_ms));
	pack_field_u64(p, "idle_ms", since(now_ms, c->heard_ms));
	pack_field_u64(p, "channels", c->session.count);
	pack_field_u64(p, "calls", c->call_count);
	pack_field_u64(p, "bytes_in", c->conn.read_count);
	pack_field_u64(p, "bytes_out", c->conn.written_count);
	pack_field_u64(p, "unsent_bytes", conn_unsent(&c->conn));
}

void
gateway_cmd_conns_list(struct worker *w, struct command *command)
{
	struct gateway *g = worker_state(w);
	struct packer *p = command->result;
	struct filter f;
	uint64_t now_ms = loop_now_ms(g->loop);
	uint32_t packed = 0, total = 0;

	if (!read_filter(command, &f))
		return;
	pack_map(p, 2);
	pack_string(p, "conns");
	size_t place = pack_open(p);
	for (const struct client *c = g->clients.first; c != NULL;
	     c = c->next) {
		if (!fits(f.user, identity_user_of(c)) ||
		    !fits(f.state, text_of(client_word(c))) ||
		    since(now_ms, c->opened_ms) < f.older_ms)
			continue;
		total++;
		if (packed == f.limit)
			continue;
		pack_client(p, c);
		packed++;
	}
	pack_close_array(p, place, packed);
	pack_field_u64(p, "total", total);
}

static bool
read_id(struct command *command, struct text *id)
{
	if (command_text(command, "id", id) == OK && id->len > 0)
		return true;
	command_fail(command, CLASS_INVALID,
	    "`banyan conns` and `banyan calls` show the ids",
	    "the ID of what to end is wanted");
	return false;
}

static void
pack_killed(struct packer *p, struct text id, bool is_killed)
{
	pack_map(p, 2);
	pack_string(p, "id");
	pack_text(p, id);
	pack_field_bool(p, "killed", is_killed);
}

void
gateway_cmd_conns_kill(struct worker *w, struct command *command)
{
	struct gateway *g = worker_state(w);
	struct text id, reason = TEXT("closed by an operator");
	bool is_killed = false;

	if (!read_id(command, &id))
		return;
	if (command_text(command, "reason", &reason) == ERR_TYPE ||
	    reason.len > 120 || !text_is_utf8(reason)) {
		command_fail(command, CLASS_INVALID, NULL,
		    "`reason` is a text of up to 120 bytes");
		return;
	}
	for (struct client *c = g->clients.first, *next; c != NULL; c = next) {
		next = c->next;
		if (c->state == CLIENT_CLOSING || !has_id(g, c->serial, id))
			continue;
		COUNT(g, kicked);
		event_note(EVENT_client_cut, "peer=%s reason=operator why=%.*s",
		    c->peer, TEXT_ARG(reason));
		client_close(
		    c, WEBSOCKET_POLICY, arena_string(command->arena, reason));
		is_killed = true;
	}
	pack_killed(command->result, id, is_killed);
}

/* --- calls --- */

static const char *
call_word(const struct call *call)
{
	if (hooked_is_open(call))
		return "hook";
	if (ask_is_open(call))
		return "permission";
	if (pick_is_open(call) || pick_is_waiting(call))
		return "choosing";
	if (call->is_resting)
		return "retrying";
	return call->link != NULL ? "running" : "waiting";
}

static struct text
user_of(const struct call *call)
{
	return call->client != NULL ? identity_user_of(call->client) : TEXT("");
}

/* bare takes a JSON text's quotes away; escapes in it stay. */
static struct text
bare(struct text json)
{
	return json.len >= 2 ? (struct text){json.at + 1, json.len - 2} : json;
}

static void
pack_call(struct gateway *g, struct packer *p, const struct call *call)
{
	const struct compiled *f = call->function;
	uint64_t now_ms = loop_now_ms(g->loop);
	char id[ID_BYTES];

	make_id(g, call->serial, id);
	pack_map(p, 13);
	pack_field_string(p, "id", id);
	pack_string(p, "request_id");
	pack_text(p, bare(call->request_id));
	pack_string(p, "user");
	pack_text(p, user_of(call));
	pack_string(p, "service");
	pack_text(p, f->service);
	pack_string(p, "function");
	pack_text(p, f->request_type);
	pack_string(p, "version");
	pack_text(p, f->version);
	pack_field_string(p, "type", flow_response_name(f));
	pack_field_string(p, "state", call_word(call));
	pack_field_u64(
	    p, "age_ms", since(loop_now_us(g->loop), call->arrived_us) / 1000);
	pack_string(p, "left_ms");
	if (call->deadline_ms == CALL_NO_DEADLINE)
		pack_nil(p);
	else
		pack_u64(p, since(call->deadline_ms, now_ms));
	pack_string(p, "node");
	if (call->link != NULL && call->tried > 0)
		pack_text(
		    p, nodes_name(f->nodes[call->order[call->tried - 1]]));
	else
		pack_nil(p);
	pack_field_u64(p, "retries", call->retries);
	pack_field_bool(p, "has_client", call->client != NULL);
}

struct listing {
	struct gateway *gateway;
	struct packer *out;
	const struct filter *filter;
	uint32_t packed, total;
};

static void
list_call(void *ctx, struct call *call)
{
	struct listing *l = ctx;
	const struct filter *f = l->filter;
	uint64_t age_ms =
	    since(loop_now_us(l->gateway->loop), call->arrived_us) / 1000;

	if (!fits(f->user, user_of(call)) ||
	    !fits(f->service, call->function->service) ||
	    !fits(f->function, call->function->request_type) ||
	    !fits(f->state, text_of(call_word(call))) || age_ms < f->older_ms)
		return;
	l->total++;
	if (l->packed == f->limit)
		return;
	pack_call(l->gateway, l->out, call);
	l->packed++;
}

void
gateway_cmd_calls_list(struct worker *w, struct command *command)
{
	struct gateway *g = worker_state(w);
	struct filter f;
	struct listing l = {.gateway = g, .out = command->result, .filter = &f};

	if (!read_filter(command, &f))
		return;
	pack_map(l.out, 2);
	pack_string(l.out, "calls");
	size_t place = pack_open(l.out);
	calls_each(&g->calls, list_call, &l);
	pack_close_array(l.out, place, l.packed);
	pack_field_u64(l.out, "total", l.total);
}

struct search {
	const struct gateway *gateway;
	struct text id;
	struct call *found;
};

static void
match(void *ctx, struct call *call)
{
	struct search *s = ctx;

	if (s->found == NULL && !call->is_over &&
	    has_id(s->gateway, call->serial, s->id))
		s->found = call;
}

void
gateway_cmd_calls_kill(struct worker *w, struct command *command)
{
	struct gateway *g = worker_state(w);
	struct search s = {.gateway = g};

	if (!read_id(command, &s.id))
		return;
	calls_each(&g->calls, match, &s);
	if (s.found != NULL) {
		event_note(EVENT_call_killed, "id=%.*s service=%.*s type=%.*s",
		    TEXT_ARG(s.id), TEXT_ARG(s.found->function->service),
		    TEXT_ARG(s.found->function->request_type));
		settle_kill(g, s.found);
	}
	pack_killed(command->result, s.id, s.found != NULL);
}
