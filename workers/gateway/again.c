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

/* bare takes the quotes off a JSON text. */
static struct text
bare(struct text json)
{
	if (json.len < 2)
		return json;
	return (struct text){.at = json.at + 1, .len = json.len - 2};
}

static const char *
failure_name(enum retry_failure how)
{
	return how == RETRY_ANSWERED    ? "answered"
	    : how == RETRY_MAY_HAVE_RUN ? "lost"
					: "not_sent";
}

/* note_exhausted: only where something was tried again. */
static void
note_exhausted(
    struct gateway *g, const struct call *call, enum retry_failure how)
{
	struct event_word id, service, type;
	bool is_noted;
	const struct compiled *f = call->function;
	uint64_t unnoted = 0;

	if (call->retries == 0)
		return;
	COUNT(g, retries_exhausted);
	HOP(call->traced, retry_exhausted, "mode=%s type=%s result=error",
	    mode_name(f), "error");
	is_noted = notes_take(&g->exhaustions, loop_now_ms(g->loop), &unnoted);
	if (!event_happens(EVENT_retry_exhausted))
		return;
	(is_noted ? event_tell : event_record)(EVENT_retry_exhausted,
	    "request_id=%s service=%s request_type=%s mode=%s attempts=%u "
	    "last_error=%s unnoted=%" PRIu64,
	    event_word(&id, bare(call->request_id)),
	    event_word(&service, f->service),
	    event_word(&type, f->request_type), mode_name(f), call->retries + 1,
	    failure_name(how), unnoted);
}

static bool
is_local(const struct compiled *f)
{
	return f->node_count == 1 && text_is(nodes_name(f->nodes[0]), "local");
}

static void
note_retry(const struct call *call, uint64_t backoff_ms)
{
	const struct compiled *f = call->function;
	struct event_word id, service, type;

	if (!event_happens(EVENT_retry))
		return;
	event_tell(EVENT_retry,
	    "attempt=%u backoff_ms=%" PRIu64 " mode=%s type=%s nodes=%u "
	    "request_id=%s service=%s request_type=%s",
	    f->retry_count - call->retries + 1, backoff_ms, mode_name(f),
	    is_local(f) ? "local" : "remote", f->node_count,
	    event_word(&id, bare(call->request_id)),
	    event_word(&service, f->service),
	    event_word(&type, f->request_type));
}

/* is_orphan: the relay takes a call for its sender alone, and he is gone, or
 * has left the channel he asked on. */
static bool
is_orphan(const struct call *call)
{
	const struct compiled *f = call->function;

	return f->node_count > 0 && nodes_is_relay(f->nodes[0]) &&
	    (call->client == NULL ||
		session_find(&call->client->session, call->channel) == NULL);
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
		note_exhausted(g, call, how);
		return false;
	}
	call->retries++;
	call->is_resting = true;
	HOP(call->traced, retry,
	    "attempt=%u mode=%s backoff_ms=%" PRIu64 " type=error result=%s",
	    call->retries, mode_name(f), at_ms - r.now_ms, failure_name(how));
	note_retry(call, at_ms - r.now_ms);
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
