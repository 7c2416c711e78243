// SPDX-License-Identifier: MIT
#include "workers/gateway/ask.h"

#include <string.h>

#include "protocol/base/memory.h"
#include "workers/gateway/dispatch.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/identity.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/permit.h"
#include "workers/gateway/pipeline.h"
#include "workers/gateway/settle.h"

static void
put_text(struct packer *p, const char *key, struct text t)
{
	pack_string(p, key);
	if (t.at == NULL)
		pack_nil(p);
	else
		pack_text(p, t);
}

static void
put_roles(struct packer *p, const struct identity *who)
{
	uint32_t count = who != NULL ? who->role_count : 0;

	pack_string(p, "user_roles");
	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_text(p, who->roles[i]);
}

static void
put_request(struct packer *p, const struct compiled *f,
    const struct client *c, const struct request *r)
{
	pack_map(p, 8);
	put_text(p, "request_id", r->request_id);
	put_text(p, "service", f->service);
	put_text(p, "request_type", f->request_type);
	put_text(p, "version",
	    f->version.len > 0 ? f->version : (struct text){.at = NULL});
	put_text(p, "user_id", r->user_id);
	put_roles(p, c->identity);
	put_text(p, "device_id", r->device_id);
	pack_string(p, "args");
	if (r->args.len > 0)
		pack_raw(p, r->args);
	else
		pack_map(p, 0);
}

/* put_more appends the items of the callback's own arguments. */
static void
put_more(struct packer *p, const struct function_target *callback)
{
	struct unpacker u;
	struct text item;
	uint32_t count;

	unpack_init(&u, callback->args);
	if (callback->arg_count == 0 || unpack_array(&u, &count) != OK)
		return;
	while (count-- > 0 && unpack_raw(&u, &item) == OK)
		pack_raw(p, item);
}

static struct text
keep(char **at, struct text t)
{
	struct text kept = {.at = t.at == NULL ? NULL : *at, .len = t.len};

	if (t.len > 0)
		memcpy(*at, t.at, t.len);
	*at += t.len;
	return kept;
}

/* args_in finds the arguments where they stand in the question already. */
static struct text
args_in(struct text question)
{
	struct unpacker u;
	struct text request, args;
	uint32_t count;

	unpack_init(&u, question);
	INVARIANT(unpack_array(&u, &count) == OK &&
	    unpack_raw(&u, &request) == OK &&
	    unpack_map_find(request, TEXT("args"), &args) == OK);
	return args;
}

struct ask *
ask_create(struct gateway *g, const struct compiled *f, const struct client *c,
    const struct request *r)
{
	struct packer p;

	buffer_truncate(&g->packed, 0);
	pack_init(&p, &g->packed);
	pack_array(&p, f->callback.arg_count + 1);
	put_request(&p, f, c, r);
	put_more(&p, &f->callback);
	INVARIANT(pack_finish(&p) == OK); /* payloads were bounded before */
	struct text question = buffer_text(&g->packed);
	struct ask *a = memory_new(sizeof(*a) + question.len +
	    r->request_id.len + r->user_id.len + r->device_id.len +
	    r->id_json.len);
	char *at = (char *)(a + 1);
	a->question = keep(&at, question);
	a->request = (struct request){
	    .request_id = keep(&at, r->request_id),
	    .id_json = keep(&at, r->id_json),
	    .request_type = f->request_type,
	    .service = f->service,
	    .user_id = keep(&at, r->user_id),
	    .device_id = keep(&at, r->device_id),
	    .args = args_in(a->question),
	};
	buffer_truncate(&g->packed, 0);
	return a;
}

bool
ask_is_open(const struct call *call)
{
	return call->ask != NULL && call->ask->is_open;
}

bool
ask_is_due(const struct call *call, uint32_t place)
{
	return call->ask != NULL && (call->ask->allowed >> place & 1) == 0;
}

void
ask_anew(struct call *call)
{
	if (call->ask != NULL)
		call->ask->allowed = 0;
}

void
ask_failed(struct gateway *g, struct call *call, const char *reason)
{
	struct ask *a = call->ask;

	nodes_cancel(call); /* one that answered has it no more */
	a->is_open = false;
	permit_note(g,
	    &(struct permit_denial){
		.user_id = a->request.user_id,
		.request_id = a->request.id_json,
		.function = call->function,
		.mode = call->function->callback_shown,
		.reason = reason,
	    });
	settle_refuse(g, call, ANSWER_denied, TEXT(ANSWER_TEXT_DENIED));
}

void
ask_on_answer(struct gateway *g, struct call *call, struct text value)
{
	struct ask *a = call->ask;

	call->link = NULL;
	a->is_open = false;
	if (!text_eq(value, TEXT("\xc3"))) {
		ask_failed(g, call,
		    text_eq(value, TEXT("\xc2")) ? "false" : "not_true");
		return;
	}
	call->tried--; /* the node that allowed it runs it */
	a->allowed |= (uint8_t)(1u << call->tried);
	pipeline_resume(g, call);
}

void
ask_on_lost(struct gateway *g, struct call *call, bool was_dispatched)
{
	call->link = NULL;
	call->ask->is_open = false;
	if (was_dispatched)
		ask_failed(g, call, "lost");
	else
		dispatch_on(g, call);
}
