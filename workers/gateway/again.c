// SPDX-License-Identifier: MIT
#include "workers/gateway/again.h"

#include <inttypes.h>

#include "protocol/events.h"
#include "workers/gateway/ask.h"
#include "workers/gateway/dispatch.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/order.h"
#include "workers/gateway/pick.h"
#include "workers/gateway/tracing.h"

static const char *
mode_name(const struct compiled *f)
{
	return f->retry_mode == FUNCTION_RETRY_SAME_NODE ? "same_node"
							 : "all_nodes";
}

/* note_exhausted: only where something was tried again. */
static void
note_exhausted(struct gateway *g, const struct call *call)
{
	const struct compiled *f = call->function;
	uint64_t unnoted;

	if (call->retries == 0)
		return;
	COUNT(g, retries_exhausted);
	HOP(call->traced, retry_exhausted, "mode=%s type=%s result=error",
	    mode_name(f), "error");
	if (!notes_take(&g->exhaustions, loop_now_ms(g->loop), &unnoted))
		return;
	event_note(EVENT_retry_exhausted,
	    "request=%.*s service=%.*s type=%.*s mode=%s attempts=%u "
	    "unnoted=%" PRIu64,
	    TEXT_ARG(call->request_id), TEXT_ARG(f->service),
	    TEXT_ARG(f->request_type), mode_name(f), call->retries + 1,
	    unnoted);
}

/* is_orphan: the relay takes a call for its sender alone, and he is gone. */
static bool
is_orphan(const struct call *call)
{
	const struct compiled *f = call->function;

	return call->client == NULL && f->node_count > 0 &&
	    nodes_is_relay(f->nodes[0]);
}

bool
again_later(struct gateway *g, struct call *call, enum retry_failure how)
{
	const struct compiled *f = call->function;
	uint64_t at_ms;
	const struct retry r = {
	    .done = call->retries,
	    .count = f->retry_count,
	    .is_idempotent = f->is_idempotent,
	    .now_ms = loop_now_ms(g->loop),
	    .deadline_ms = call->deadline_ms,
	};

	if (f->retry_count == 0)
		return false;
	/* parts that were passed on must not come again */
	if (call->has_parts || is_orphan(call) ||
	    !retry_again(&r, how, gateway_chance(g), &at_ms)) {
		note_exhausted(g, call);
		return false;
	}
	call->retries++;
	call->is_resting = true;
	HOP(call->traced, retry,
	    "attempt=%u mode=%s backoff_ms=%" PRIu64 " type=error result=%s",
	    call->retries, mode_name(f), at_ms - r.now_ms,
	    how == RETRY_ANSWERED          ? "answered"
		: how == RETRY_MAY_HAVE_RUN ? "lost"
					    : "not_sent");
	calls_rest(&g->calls, call, at_ms);
	return true;
}

void
again_now(struct gateway *g, struct call *call)
{
	const struct compiled *f = call->function;

	call->is_resting = false;
	calls_arm(&g->calls, call, call->deadline_ms);
	COUNT(g, retries);
	event_note(EVENT_retry,
	    "request=%.*s service=%.*s type=%.*s mode=%s attempt=%u "
	    "remaining=%u",
	    TEXT_ARG(call->request_id), TEXT_ARG(f->service),
	    TEXT_ARG(f->request_type), mode_name(f), call->retries + 1,
	    f->retry_count - call->retries);
	if (f->retry_mode == FUNCTION_RETRY_ALL_NODES && f->is_resolved) {
		pick_anew(g, call);
		return;
	}
	if (f->retry_mode == FUNCTION_RETRY_ALL_NODES) {
		order_anew(call);
		ask_anew(call);
	}
	call->tried = 0;
	dispatch_on(g, call);
}

bool
again_helps(enum answer_code code)
{
	static const bool helps[ANSWER_CODES_COUNT] = {
	    [ANSWER_unavailable] = true,
	    [ANSWER_not_dispatched] = true,
	    [ANSWER_dispatched_unknown] = true, /* if it may run twice */
	    [ANSWER_expired] = true,
	    [ANSWER_draining] = true,
	    [ANSWER_bad_result] = true,
	    [ANSWER_internal] = true,
	};

	return helps[code];
}
