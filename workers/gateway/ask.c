// SPDX-License-Identifier: MIT
#include "workers/gateway/ask.h"

#include "protocol/base/memory.h"
#include "workers/gateway/dispatch.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/permit.h"
#include "workers/gateway/pipeline.h"
#include "workers/gateway/question.h"
#include "workers/gateway/settle.h"
#include "workers/gateway/tracing.h"

struct ask *
ask_create(struct gateway *g, const struct compiled *f, const struct client *c,
    const struct request *r)
{
	struct packer p;

	buffer_truncate(&g->packed, 0);
	pack_init(&p, &g->packed);
	pack_array(&p, f->callback.arg_count + 1);
	question_put_request(&p, f, c, r);
	question_put_args(&p, &f->callback);
	INVARIANT(pack_finish(&p) == OK); /* payloads were bounded before */
	struct text question = buffer_text(&g->packed);
	struct ask *a =
	    memory_new(sizeof(*a) + question.len + question_request_bytes(r));
	char *at = (char *)(a + 1);
	a->question = question_keep(&at, question);
	question_keep_request(&at, a->question, f, r, &a->request);
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
	HOP(call->traced, permission,
	    "permission=denied permission_mode=callback reason=%s", reason);
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
