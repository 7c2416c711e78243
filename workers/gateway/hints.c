// SPDX-License-Identifier: MIT
#include "workers/gateway/hints.h"

#include "protocol/json.h"
#include "workers/gateway/ask.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/hooked.h"
#include "workers/gateway/identity.h"
#include "workers/gateway/pick.h"
#include "workers/gateway/tracing.h"

/* begin gives the gateway's buffer, empty. */
static struct packer
begin(struct gateway *g, uint32_t count)
{
	struct packer p;

	buffer_truncate(&g->hints, 0);
	pack_init(&p, &g->hints);
	pack_map(&p, count);
	return p;
}

static struct text
end(struct gateway *g, struct packer *p)
{
	return pack_finish(p) == OK ? buffer_text(&g->hints) : TEXT("");
}

struct text
hints_for_local(struct gateway *g, const struct call *call)
{
	const struct compiled *f = call->function;
	bool is_hook = hooked_is_open(call);
	struct text pool =
	    is_hook ? f->hooks->hooks[call->hooked->kind].pool : f->pool;
	struct packer p =
	    begin(g, 5u + (pool.len > 0) + tracing_hints_count(call));

	if (pool.len > 0) {
		pack_string(&p, "pool");
		pack_text(&p, pool);
	}
	pack_string(&p, "session");
	/* a call of the kind `none` may have outlived its client */
	pack_text(&p,
	    call->client == NULL ? TEXT("") : identity_user_of(call->client));
	pack_string(&p, "once");
	pack_bool(&p, is_hook || !f->is_idempotent);
	pack_string(&p, "stream");
	pack_bool(&p,
	    f->response == FUNCTION_STREAM && !is_hook && !ask_is_open(call) &&
		!pick_is_open(call));
	pack_string(&p, "service");
	pack_text(&p, f->service);
	pack_string(&p, "request_type");
	pack_text(&p, f->request_type);
	tracing_hints(call, &p);
	return end(g, &p);
}

struct text
hints_for_service(struct gateway *g, const struct call *call)
{
	uint32_t count = tracing_hints_count(call);

	if (count == 0)
		return TEXT("");
	struct packer p = begin(g, count);
	tracing_hints(call, &p);
	return end(g, &p);
}

/* put_request_id: a call keeps its id as JSON, ready for the answer. */
static void
put_request_id(struct packer *p, struct text json)
{
	struct json_reader reader;

	if (json_open(&reader, json, JSON_LIMITS) != OK ||
	    json_pack(&reader, p) != OK)
		pack_nil(p);
}

static void
put_user(struct packer *p, const struct client *c)
{
	const struct identity *who = c->identity;
	uint32_t count = who == NULL ? 0 : who->role_count;

	pack_string(p, "user");
	pack_text(p, identity_user_of(c));
	pack_string(p, "roles");
	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_text(p, who->roles[i]);
}

struct text
hints_for_relay(struct gateway *g, const struct call *call)
{
	struct packer p = begin(g, 5);

	/* a call of the kind `none` outlives its client and its channel: then
	 * nobody asks, and no membership may begin where nobody listens */
	if (call->client == NULL ||
	    session_find(&call->client->session, call->channel) == NULL)
		return TEXT("");
	pack_string(&p, "client");
	pack_u64(&p, call->client->serial);
	pack_string(&p, "channel");
	pack_u64(&p, call->channel);
	put_user(&p, call->client);
	pack_string(&p, "request_id");
	put_request_id(&p, call->request_id);
	return end(g, &p);
}
