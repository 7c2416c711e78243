// SPDX-License-Identifier: MIT
/* tracing_hops - the hops of a traced request behind its begin: nodes, the
 * end. */

#include "workers/gateway/tracing.h"

#include <inttypes.h>
#include <stdio.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "protocol/pack.h"
#include "workers/gateway/gateway.h"

/* --- the ends --- */

void
tracing_ended(struct traced *traced, bool is_success, bool is_async)
{
	if (traced == NULL || traced->is_over)
		return;
	traced->is_over = true;
	HOP(traced, end, "success=%s async=%s duration_us=%" PRIu64,
	    is_success ? "true" : "false", is_async ? "true" : "false",
	    clock_mono_us() - traced->span.arrived_us);
}

void
tracing_failed(struct traced *traced, enum answer_code code, struct text error)
{
	char room[128];
	struct buffer quoted;

	if (traced == NULL || traced->is_over)
		return;
	traced->is_over = true;
	buffer_init(&quoted, sizeof(room));
	if (error.len > 48)
		error.len = 48;
	facts_put(&quoted, "error", error);
	struct text words = buffer_text(&quoted);
	HOP(traced, error, "kind=%s %.*s", answer_code_name(code),
	    TEXT_ARG(words));
	HOP(traced, end,
	    "success=false async=false duration_us=%" PRIu64 " error=%s",
	    clock_mono_us() - traced->span.arrived_us, answer_code_name(code));
	buffer_finish(&quoted);
}

void
tracing_listen(struct traced *traced)
{
	bool wants = traced != NULL && traced->is_recorded;

	trace_listen(wants ? &traced->span : NULL, "gateway");
}

void
tracing_release(struct traced **traced)
{
	if (*traced == NULL)
		return;
	trace_listen(NULL, NULL); /* it might be this one that listens */
	if (!(*traced)->is_over)
		HOP(*traced, end,
		    "success=false async=false duration_us=%" PRIu64
		    " error=client_gone",
		    clock_mono_us() - (*traced)->span.arrived_us);
	memory_free(*traced);
	*traced = NULL;
}

/* --- nodes --- */

void
tracing_sent(const struct call *call, struct text node, bool is_local)
{
	const struct compiled *f = call->function;
	const struct traced *traced = call->traced;

	if (traced == NULL)
		return;
	HOP(traced, node, "node=%.*s", TEXT_ARG(node));
	HOP(traced, dispatch, "mode=%s mfa=%.*s.%.*s/%u",
	    is_local ? "local" : "remote", TEXT_ARG(f->module),
	    TEXT_ARG(f->function), arguments_count(f->arguments));
}

void
tracing_passed_over(const struct call *call, struct text node, enum err e)
{
	HOP(call->traced, fallback, "node=%.*s reason=%s", TEXT_ARG(node),
	    err_name(e));
}

void
tracing_on_served(void *owner, void *of, struct text hops)
{
	const struct call *call = of;
	uint64_t queue_us = 0, run_us = 0;

	(void)owner;
	if (call->traced == NULL ||
	    unpack_field_u64(hops, "run_us", &run_us) != OK)
		return;
	if (unpack_field_u64(hops, "queue_us", &queue_us) != OK)
		queue_us = 0;
	HOP(call->traced, served, "queue_us=%" PRIu64 " run_us=%" PRIu64,
	    queue_us, run_us);
}

uint32_t
tracing_hints_count(const struct call *call)
{
	return call->traced == NULL ? 0 : 1 + 2u * call->traced->is_recorded;
}

void
tracing_hints(const struct call *call, struct packer *p)
{
	char text[TRACEPARENT_BYTES + 1];

	if (call->traced == NULL)
		return;
	traceparent_write(&call->traced->span.at, text);
	pack_field_string(p, "traceparent", text);
	if (!call->traced->is_recorded)
		return;
	pack_field_u64(p, "hops", call->traced->span.flags);
	pack_field_u64(p, "traces", call->traced->span.places);
}
