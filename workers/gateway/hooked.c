// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The response of a call with an after hook is kept here until the hook has
 * answered, so that it can go out as it was whatever becomes of the hook. An
 * acknowledgement ("taken", "init") is no response: it says nothing a hook
 * could change, and goes out at once.
 *
 * A before hook that could not be asked at all (no pool, no room) rejects
 * nothing: its call gets the answer of a saturated pool, and may be repeated.
 */

#include "workers/gateway/hooked.h"

#include "protocol/base/memory.h"
#include "protocol/inspect.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/hook_notes.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/pipeline.h"
#include "workers/gateway/question.h"
#include "workers/gateway/refusal.h"
#include "workers/gateway/settle.h"

/* keep_request packs the request and copies what is not in that map. */
static void
keep_request(struct gateway *g, const struct compiled *f,
    const struct client *c, const struct request *r, struct hooked *h)
{
	struct packer p;
	char *old = h->request_bytes;
	struct request kept;

	buffer_truncate(&g->packed, 0);
	pack_init(&p, &g->packed);
	question_put_request(&p, f, c, r);
	INVARIANT(pack_finish(&p) == OK); /* what is in it was bounded before */
	struct text map = buffer_text(&g->packed);
	char *at = h->request_bytes =
	    memory_new(map.len + question_request_bytes(r));
	h->shown = question_keep(&at, map);
	question_keep_request(&at, h->shown, f, r, &kept);
	h->request = kept;
	buffer_truncate(&g->packed, 0);
	memory_free(old); /* `r` may have been in it */
}

struct hooked *
hooked_create(struct gateway *g, const struct compiled *f,
    const struct client *c, const struct request *r)
{
	struct hooked *h = MEMORY_NEW(struct hooked);

	keep_request(g, f, c, r, h);
	return h;
}

bool
hooked_is_open(const struct call *call)
{
	return call->hooked != NULL && call->hooked->is_open;
}

bool
hooked_has_not_run(const struct call *call)
{
	return hooked_is_open(call) && call->hooked->kind == HOOK_BEFORE;
}

/* --- asking --- */

/* make_question packs [request, config, (response,) extras…], or for an
 * encoder [result, extras…]. */
static enum err
make_question(struct gateway *g, const struct call *call, struct text *question)
{
	const struct hooked *h = call->hooked;
	const struct hook_set *set = call->function->hooks;
	const struct function_target *extras = &set->hooks[h->kind].extras;
	static const uint32_t own[HOOK_KINDS] = {
	    [HOOK_BEFORE] = 2, [HOOK_ENCODE] = 1, [HOOK_AFTER] = 3};
	struct packer p;

	buffer_truncate(&g->packed, 0);
	pack_init(&p, &g->packed);
	pack_array(&p, own[h->kind] + extras->arg_count);
	if (h->kind == HOOK_ENCODE) {
		pack_raw(&p, h->response.result);
	} else {
		pack_raw(&p, h->shown);
		pack_raw(&p, set->config);
	}
	if (h->kind == HOOK_AFTER)
		hook_put_response(&p, h->request.request_id, &h->response);
	question_put_args(&p, extras);
	*question = buffer_text(&g->packed);
	return pack_finish(&p);
}

static void failed(
    struct gateway *, struct call *, enum hook_failure, struct text detail);

static void
ask(struct gateway *g, struct call *call, enum hook_kind kind)
{
	struct hooked *h = call->hooked;
	struct text question;

	h->kind = kind;
	h->asked_us = loop_now_us(g->loop);
	COUNT(g, hooks_run);
	hook_note_start(call);
	enum err e = make_question(g, call, &question);
	if (e == OK)
		e = nodes_hook(call, question);
	buffer_truncate(&g->packed, 0);
	if (e != OK) {
		failed(g, call, HOOK_FAILURE_no_runner, TEXT(""));
		return;
	}
	calls_arm(&g->calls, call,
	    loop_now_ms(g->loop) + call->function->hooks->timeout_ms);
	stats_set(g->slot, COUNTER_gateway_in_flight, g->calls.count);
}

void
hooked_begin(struct gateway *g, struct call *call)
{
	if (hook_set_has(call->function->hooks, HOOK_BEFORE))
		ask(g, call, HOOK_BEFORE);
	else
		pipeline_go_on(g, call);
}

/* --- responses --- */

/* keep_response copies it; it may be borrowed from the one before. */
static void
keep_response(struct hooked *h, const struct hook_response *r)
{
	char *old = h->response_bytes;
	char *at = h->response_bytes =
	    memory_new((size_t)r->result.len + r->error.len + 1);
	struct hook_response kept = *r;

	kept.result = question_keep(&at, r->result);
	kept.error = question_keep(&at, r->error);
	h->response = kept;
	h->has_response = true;
	memory_free(old);
}

/* settle ends the call with the response it has now. */
static void
settle(struct gateway *g, struct call *call)
{
	const struct hook_response *r = &call->hooked->response;

	call->hooked->is_settled = true;
	if (r->is_success)
		settle_value(g, call, r->shape, r->result);
	else
		settle_say(g, call,
		    &(struct answer_error){.code = r->code,
			.text = r->error,
			.retry_after_ms = r->retry_after_ms});
}

/* wants: is this kind of hook still to see the response? */
static bool
wants(const struct call *call, enum hook_kind kind)
{
	const struct hooked *h = call->hooked;

	if (!hook_set_has(call->function->hooks, kind))
		return false;
	return kind == HOOK_AFTER ||
	    (!h->is_encoded && h->response.is_success &&
		h->response.shape == ANSWER_FINAL);
}

static void
go_on(struct gateway *g, struct call *call)
{
	if (wants(call, HOOK_ENCODE))
		ask(g, call, HOOK_ENCODE);
	else if (wants(call, HOOK_AFTER))
		ask(g, call, HOOK_AFTER);
	else
		settle(g, call);
}

/* takes: a response that some hook wants to see is kept, and shown to it. */
static bool
takes(struct gateway *g, struct call *call, const struct hook_response *r)
{
	struct hooked *h = call->hooked;
	const struct hook_set *set = call->function->hooks;

	if (h->is_settled ||
	    (!hook_set_has(set, HOOK_AFTER) && !hook_set_has(set, HOOK_ENCODE)))
		return false;
	INVARIANT(!h->is_open);
	keep_response(h, r);
	call->link = NULL; /* whoever had it has it no more */
	go_on(g, call);
	return true;
}

bool
hooked_takes_value(struct gateway *g, struct call *call,
    enum answer_shape shape, struct text value)
{
	return call->hooked != NULL &&
	    takes(g, call,
		&(struct hook_response){
		    .is_success = true, .shape = shape, .result = value});
}

bool
hooked_takes_error(
    struct gateway *g, struct call *call, const struct answer_error *error)
{
	bool is_stream = call->function->response == FUNCTION_STREAM;

	return call->hooked != NULL &&
	    takes(g, call,
		&(struct hook_response){
		    .shape = is_stream ? ANSWER_LAST : ANSWER_FINAL,
		    .code = error->code,
		    .error = error->text,
		    .retry_after_ms = error->retry_after_ms});
}

/* --- failures --- */

/* trouble_of leaves the detail out unless clients may know it. */
static struct hook_trouble
trouble_of(const struct gateway *g, const struct call *call,
    enum hook_failure how, struct text detail)
{
	return (struct hook_trouble){.how = how,
	    .detail = gateway_tells_details(g) ? detail : TEXT(""),
	    .timeout_ms = call->function->hooks->timeout_ms};
}

static void
reject_failed(struct gateway *g, struct call *call, enum hook_failure how,
    struct text detail)
{
	const struct hook_trouble t = trouble_of(g, call, how, detail);
	struct hook_words words;

	if (how == HOOK_FAILURE_no_runner)
		settle_fail(g, call, ANSWER_unavailable, "");
	else
		settle_refuse(g, call,
		    how == HOOK_FAILURE_timeout ? ANSWER_expired
						: ANSWER_internal,
		    hook_words_failed(&words, &t));
}

/* fail_encoding makes an error of the result, for the after hook to see. */
static void
fail_encoding(struct gateway *g, struct call *call, enum hook_failure how,
    struct text detail)
{
	const struct hook_trouble t = trouble_of(g, call, how, detail);
	struct hook_words words;

	keep_response(call->hooked,
	    &(struct hook_response){.shape = ANSWER_FINAL,
		.code = ANSWER_bad_result,
		.error = hook_words_encoding(&words, &t)});
}

static void
failed(struct gateway *g, struct call *call, enum hook_failure how,
    struct text detail)
{
	struct hooked *h = call->hooked;

	nodes_cancel(call); /* one that answered has it no more */
	h->is_open = false;
	if (how == HOOK_FAILURE_timeout)
		COUNT(g, hooks_timed_out);
	else
		COUNT(g, hooks_failed);
	hook_note_exception(g, call, how, detail);
	switch (h->kind) {
	case HOOK_BEFORE:
		reject_failed(g, call, how, detail);
		return;
	case HOOK_ENCODE:
		h->is_encoded = true;
		fail_encoding(g, call, how, detail);
		go_on(g, call);
		return;
	case HOOK_AFTER:
		settle(g, call);
		return;
	case HOOK_KINDS:
		break;
	}
	INVARIANT(!"a kind of hook");
}

/* --- answers --- */

/* change takes over what a before hook may say. */
static void
change(struct gateway *g, struct call *call, const struct hook_before *b)
{
	struct hooked *h = call->hooked;
	struct request r = h->request;

	if (b->timeout_ms > 0)
		h->timeout_ms = b->timeout_ms;
	if (b->args.len > 0)
		r.args = b->args;
	if (b->has_device_id)
		r.device_id = b->device_id;
	if (b->args.len > 0 || b->has_device_id)
		keep_request(g, call->function, call->client, &r, h);
}

/* reject ends a call as its before hook says. */
static void
reject(struct gateway *g, struct call *call, struct text words)
{
	hook_note_stop(g, call, "rejected");
	COUNT(g, hooks_rejected);
	settle_refuse(g, call, ANSWER_denied, words);
}

static void
on_before(struct gateway *g, struct call *call, struct text value)
{
	struct hook_words words;
	struct hook_before b;

	hook_read_before(value, &b);
	switch (b.verdict) {
	case HOOK_ANSWERS_WRONG:
		failed(g, call, HOOK_FAILURE_answer, TEXT(""));
		return;
	case HOOK_REJECTS:
		reject(g, call, hook_words_rejected(&words, b.reason));
		return;
	case HOOK_CHANGES:
		change(g, call, &b);
		hook_note_stop(g, call, "ok");
		break;
	case HOOK_CONTINUES:
		hook_note_stop(g, call, "unchanged");
		break;
	}
	pipeline_go_on(g, call);
}

/* on_encoded: ["error", reason] is the function's own kind of failure. */
static void
on_encoded(struct gateway *g, struct call *call, struct text value)
{
	struct hooked *h = call->hooked;
	struct hook_response r = h->response;
	struct text reason;

	h->is_encoded = true;
	r.result = value;
	if (!hook_read_encoded(value, &reason)) {
		arena_reset(&g->arena);
		r = (struct hook_response){.shape = ANSWER_FINAL,
		    .code = ANSWER_internal,
		    .error = TEXT(ANSWER_TEXT_INTERNAL)};
		if (gateway_tells_details(g))
			r.error = inspect_printf(&g->arena,
			    ANSWER_TEXT_INTERNAL ": {:error, %v}", &reason);
	}
	keep_response(h, &r);
	go_on(g, call);
}

static void
on_after(struct gateway *g, struct call *call, struct text value)
{
	struct hooked *h = call->hooked;
	struct hook_response now;

	switch (hook_read_after(value, &h->response, &now)) {
	case HOOK_NO_RESPONSE:
		failed(g, call, HOOK_FAILURE_answer, TEXT(""));
		return;
	case HOOK_REPLACES:
		hook_note_stop(g, call, "replaced");
		COUNT(g, hooks_replaced);
		keep_response(h, &now);
		break;
	case HOOK_KEEPS:
		hook_note_stop(g, call, "kept");
		break;
	}
	settle(g, call);
}

void
hooked_on_answer(struct gateway *g, struct call *call, struct text value)
{
	call->link = NULL;
	call->hooked->is_open = false;
	switch (call->hooked->kind) {
	case HOOK_BEFORE:
		on_before(g, call, value);
		return;
	case HOOK_ENCODE:
		on_encoded(g, call, value);
		return;
	case HOOK_AFTER:
		on_after(g, call, value);
		return;
	case HOOK_KINDS:
		break;
	}
	INVARIANT(!"a kind of hook");
}

void
hooked_on_error(
    struct gateway *g, struct call *call, struct text code, struct text message)
{
	call->link = NULL;
	failed(g, call, hook_failure_of(code), message);
}

void
hooked_on_lost(struct gateway *g, struct call *call, bool was_dispatched)
{
	call->link = NULL;
	failed(g, call,
	    was_dispatched ? HOOK_FAILURE_lost : HOOK_FAILURE_no_runner,
	    TEXT(""));
}

void
hooked_on_stream(struct gateway *g, struct call *call)
{
	failed(g, call, HOOK_FAILURE_answer, TEXT(""));
}

void
hooked_on_time(struct gateway *g, struct call *call)
{
	failed(g, call, HOOK_FAILURE_timeout, TEXT(""));
}

bool
hooked_leave(struct gateway *g, struct call *call)
{
	struct hooked *h = call->hooked;

	if (h == NULL)
		return false;
	h->is_settled = true;
	h->is_open = false;
	if (!h->has_response)
		return false;
	/* a client that was promised an encoded result gets no other */
	if (wants(call, HOOK_ENCODE))
		fail_encoding(g, call, HOOK_FAILURE_leaving, TEXT(""));
	settle(g, call);
	return true;
}

void
hooked_unregistered(struct gateway *g, const struct compiled *f)
{
	COUNT(g, hooks_unregistered);
	hook_note_unregistered(g, f);
}
