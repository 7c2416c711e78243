// SPDX-License-Identifier: MIT
#include "workers/gateway/hook_notes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/events.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/hooked.h"
#include "workers/gateway/tracing.h"

/* What each kind of hook is noted as. An encoder has no event but its
 * failure: it is part of the result. */
static const struct {
	enum event start, stop, exception;
	bool is_quiet;
} events[HOOK_KINDS] = {
    [HOOK_BEFORE] = {EVENT_hook_before_start, EVENT_hook_before_stop,
	EVENT_hook_before_exception, false},
    [HOOK_ENCODE] = {.exception = EVENT_result_encode_exception,
	.is_quiet = true},
    [HOOK_AFTER] = {EVENT_hook_after_start, EVENT_hook_after_stop,
	EVENT_hook_after_exception, false},
};

static const struct hook *
hook_of(const struct call *call)
{
	return &call->function->hooks->hooks[call->hooked->kind];
}

/* Which hook of which call, as fields: each word is cut (event_word). */
struct fields {
	char at[5 * EVENTS_WORD + 96];
};

static const char *
put_fields(struct fields *to, const struct call *call)
{
	const struct hook *h = hook_of(call);
	const struct compiled *f = call->function;
	struct event_word module, function, id, service, type;

	snprintf(to->at, sizeof(to->at),
	    "module=%s function=%s type=%s request_id=%s service=%s "
	    "request_type=%s",
	    event_word(&module, h->module), event_word(&function, h->function),
	    hook_kind_name(call->hooked->kind),
	    event_word(&id, call->hooked->request.request_id),
	    event_word(&service, f->service),
	    event_word(&type, f->request_type));
	return to->at;
}

void
hook_note_start(const struct call *call)
{
	enum hook_kind kind = call->hooked->kind;
	struct fields fields;

	if (!events[kind].is_quiet && event_happens(events[kind].start))
		event_tell(events[kind].start, "%s system_time=%" PRIu64,
		    put_fields(&fields, call), clock_wall_us() * 1000);
}

static uint64_t
duration_us(const struct gateway *g, const struct call *call)
{
	return loop_now_us(g->loop) - call->hooked->asked_us;
}

/* hop tells the trace of the request, if it has one. */
static void
hop(const struct call *call, const char *status, const char *reason)
{
	switch (call->hooked->kind) {
	case HOOK_BEFORE:
		HOP(call->traced, hook_before, "status=%s reason=%s", status,
		    reason);
		return;
	case HOOK_AFTER:
		HOP(call->traced, hook_after, "status=%s reason=%s", status,
		    reason);
		return;
	case HOOK_ENCODE:
	case HOOK_KINDS:
		return;
	}
}

void
hook_note_stop(struct gateway *g, const struct call *call, const char *result)
{
	enum hook_kind kind = call->hooked->kind;
	struct fields fields;

	hop(call, strcmp(result, "rejected") == 0 ? "error" : "ok", result);
	if (!events[kind].is_quiet && event_happens(events[kind].stop))
		event_tell(events[kind].stop,
		    "%s result=%s duration_us=%" PRIu64,
		    put_fields(&fields, call), result, duration_us(g, call));
}

void
hook_note_exception(struct gateway *g, const struct call *call,
    enum hook_failure how, struct text detail)
{
	enum event id = events[call->hooked->kind].exception;
	const char *kind = hook_failure_kind(how);
	struct text words = text_of(hook_failure_words(how));
	struct fields fields;
	struct event_word reason;
	uint64_t unnoted;

	event_word(&reason, detail.len > 0 ? detail : words);
	hop(call, "error", reason.at);
	if (!event_happens(id))
		return;
	put_fields(&fields, call);
	/* the log has a budget of lines, those who attached have not */
	if (notes_take(&g->hook_failures, loop_now_ms(g->loop), &unnoted))
		event_tell(id,
		    "%s kind=%s reason=%s stacktrace=- duration_us=%" PRIu64
		    " unnoted=%" PRIu64,
		    fields.at, kind, reason.at, duration_us(g, call), unnoted);
	else
		event_record(id,
		    "%s kind=%s reason=%s stacktrace=- duration_us=%" PRIu64,
		    fields.at, kind, reason.at, duration_us(g, call));
}

void
hook_note_unregistered(struct gateway *g, const struct compiled *f)
{
	struct event_word name, service, type;
	uint64_t unnoted;

	if (!event_happens(EVENT_hook_unregistered) ||
	    !notes_take(&g->hook_failures, loop_now_ms(g->loop), &unnoted))
		return;
	event_tell(EVENT_hook_unregistered,
	    "service=%s request_type=%s key=%s hook=%s unnoted=%" PRIu64,
	    event_word(&service, f->service),
	    event_word(&type, f->request_type), f->hooks->missing_key,
	    event_word(&name, f->hooks->missing), unnoted);
}
