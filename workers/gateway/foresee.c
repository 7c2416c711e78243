// SPDX-License-Identifier: MIT
#include "workers/gateway/foresee.h"

#include <string.h>

#include "protocol/json.h"
#include "workers/gateway/checks.h"
#include "workers/gateway/dispatch.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/limiter.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/order.h"
#include "workers/gateway/permit.h"
#include "workers/gateway/refusal.h"
#include "workers/gateway/settle.h"

/* read_foreseen reads as read_payload does, from a text of its own. */
static enum err
read_foreseen(struct gateway *g, struct text payload, struct request *r,
    struct request_error *error)
{
	struct json_limits limits = JSON_LIMITS;
	struct json_reader reader;
	struct packer args;

	*r = (struct request){.id_json = TEXT("\"unknown\"")};
	if (payload.len > g->options->max_payload_bytes) {
		request_too_big(
		    g->options->max_payload_bytes, payload.len, error);
		return ERR_TOO_BIG;
	}
	limits.depth--; /* the frame around it */
	buffer_truncate(&g->args, 0);
	pack_init(&args, &g->args);
	if (json_open(&reader, payload, limits) != OK) {
		request_malformed(reader.error.what, error);
		return ERR_MALFORMED;
	}
	return request_read(&reader, &g->arena, &args, r, error);
}

/* foresee_node finds the node a call would be sent to now. */
static void
foresee_node(struct gateway *g, struct refusal *to, struct foresight *f)
{
	struct call call = {.function = f->function};

	if (!settle_has_room(g, f->function->response)) {
		refuse_failed(to, ANSWER_unavailable, "");
		return;
	}
	if (f->function->chooser.is_valid)
		return; /* that function would say, and is not called */
	order_foresee(g, &call, &f->request);
	f->order_count = call.order_count;
	memcpy(f->order, call.order, sizeof(f->order));
	for (uint32_t i = 0; i < call.order_count && f->node == NULL; i++)
		if (nodes_is_live(f->function->nodes[call.order[i]]))
			f->node = f->function->nodes[call.order[i]];
	if (f->node == NULL)
		refuse_failed(to, dispatch_refusal(f->function, ERR_CLOSED),
		    DISPATCH_NO_NODE);
}

/* foresee_permitted is what comes behind the permission, as for a call that
 * waited for somebody's word. */
static void
foresee_permitted(struct gateway *g, struct refusal *to, struct foresight *f)
{
	struct text info;

	if (limiter_admits(to, &f->request) &&
	    checks_prepare(to, f->function, &f->request, &info))
		foresee_node(g, to, f);
}

static void
foresee_asked(struct gateway *g, struct refusal *to, struct foresight *f)
{
	f->is_asked = true;
	to->foreseen = &f->then;
	foresee_permitted(g, to, f);
}

/* foresee_behind_hooks: what a before hook makes of the request is its own
 * affair; other hooks see only what comes out. */
static void
foresee_behind_hooks(struct gateway *g, struct refusal *to, struct foresight *f)
{
	f->has_hooks = true;
	f->is_hooked = hook_set_has(f->function->hooks, HOOK_BEFORE);
	if (f->is_hooked)
		to->foreseen = &f->then;
	if (f->function->callback.is_valid)
		foresee_asked(g, to, f);
	else if (permit_allows(to, f->function, &f->request))
		foresee_permitted(g, to, f);
}

void
foresee(struct gateway *g, struct foresight *f)
{
	struct request_error error;
	struct text info;
	struct refusal to = {.gateway = g,
	    .client = f->client,
	    .request = &f->request,
	    .to = {.request_type = TEXT("\"\"")},
	    .foreseen = &f->foreseen};

	enum err e = read_foreseen(g, f->payload, &f->request, &error);
	if (!checks_readable(&to, f->rule, e, &error))
		return;
	switch (checks_pass(&to, f->rule, &f->request, &f->function, &info)) {
	case PASSED_HOOKS:
		foresee_behind_hooks(g, &to, f);
		break;
	case PASSED_ASK:
		foresee_asked(g, &to, f);
		break;
	case PASSED:
		foresee_node(g, &to, f);
		break;
	case PASSED_NOT:
		break;
	}
}

bool
foresee_permission(struct foresight *f, struct foreseen *to)
{
	struct refusal refusal = {.gateway = f->client->gateway,
	    .client = f->client,
	    .request = &f->request,
	    .foreseen = to};

	return permit_allows(&refusal, f->function, &f->request);
}

bool
foresee_arguments(struct foresight *f, struct foreseen *to)
{
	struct refusal refusal = {.gateway = f->client->gateway,
	    .client = f->client,
	    .request = &f->request,
	    .foreseen = to};
	struct text info;

	return checks_prepare(&refusal, f->function, &f->request, &info);
}
