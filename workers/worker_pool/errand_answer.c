// SPDX-License-Identifier: MIT
/*
 * errand_answer - what a runner says about a call, and what its gateway hears.
 *
 * Design notes
 *
 * A call that has ended on its runner may still have chunks here that its
 * gateway has no room for: it stays until they are gone, and its last frame
 * waits behind them.
 */

#include <string.h>

#include "workers/worker_pool/worker_pool.h"

enum {
	HELD_HEAD = 5,       /* kind, length */
	FAILED_PAUSE_MS = 50 /* between two lines about failed calls */
};

#define COUNT(wp, name) stats_add((wp)->slot, COUNTER_worker_pool_##name, 1)

static uint64_t
now_ms_of(const struct errand *e)
{
	return loop_now_ms(e->crew->wp->loop);
}

/* left: it has ended on its runner; true: somebody wants the answer. */
static bool
left(struct errand *e, enum pool_end end)
{
	bool is_wanted;

	e->runner_id = 0;
	is_wanted = pool_end(e->crew->pool, &e->work, end, now_ms_of(e)) &&
	    !e->is_answered && e->session != NULL;
	recycle_served(&e->crew->runners[e->work.runner]);
	return is_wanted;
}

/*
 * cut ends a call whose answer nobody can be given. What its runner still
 * makes of it is for nobody: it is told, and keeps its place until it is back.
 */
static void
cut(struct errand *e)
{
	errand_refuse(e, TEXT("bad_result"), TEXT("bad_result"));
	if (e->runner_id == 0)
		return; /* it had ended there */
	(void)pool_cancel(e->crew->pool, &e->work, now_ms_of(e));
	runner_give_up(&e->crew->runners[e->work.runner], e);
}

/* hold keeps a frame until the gateway has room. */
static void
hold(struct errand *e, enum link_kind kind, struct text value)
{
	uint8_t head[HELD_HEAD] = {(uint8_t)kind};

	memcpy(head + 1, &value.len, sizeof(value.len));
	if (buffer_append(&e->held, head, sizeof(head)) != OK ||
	    buffer_append(&e->held, value.at, value.len) != OK)
		/* more than any credit allows: runner_peer has seen to it */
		cut(e);
}

/* pass hands a frame to the gateway; false: it has no room for a chunk. */
static bool
pass(struct errand *e, enum link_kind kind, struct text value)
{
	if (kind == FRAME_CHUNK) {
		enum err err = link_session_chunk(
		    e->session, e->link_id, e->chunk_count, value);

		if (err == ERR_FULL)
			return false;
		if (err == OK)
			e->chunk_count++;
		else
			cut(e);
		return true;
	}
	e->is_answered = true;
	if (kind == FRAME_END)
		link_session_end(e->session, e->link_id);
	else
		link_session_result(e->session, e->link_id, value);
	return true;
}

void
errand_flush(struct errand *e)
{
	while (buffer_used(&e->held) > 0 && !e->is_answered &&
	    e->session != NULL) {
		const uint8_t *at = buffer_at(&e->held);
		struct text value = {.at = (const char *)at + HELD_HEAD};

		memcpy(&value.len, at + 1, sizeof(value.len));
		if (!pass(e, (enum link_kind)at[0], value))
			return;
		if (!e->is_answered)
			buffer_consume(&e->held, HELD_HEAD + value.len);
	}
	errand_settle(e);
}

static void
pass_or_hold(struct errand *e, enum link_kind kind, struct text value)
{
	if (buffer_used(&e->held) > 0 || !pass(e, kind, value))
		hold(e, kind, value);
}

static void
answered(struct errand *e)
{
	struct quarantine *q = &e->crew->wp->quarantine;

	COUNT(e->crew->wp, answered);
	if (q->suspect_count > 0)
		quarantine_answered(q, e->work.fingerprint);
	errand_executed(e, true, NULL);
}

void
errand_result(struct errand *e, struct text value)
{
	answered(e);
	if (left(e, POOL_OK))
		pass_or_hold(e, FRAME_RESULT, value);
	errand_settle(e);
}

void
errand_end(struct errand *e)
{
	answered(e);
	if (left(e, POOL_OK))
		pass_or_hold(e, FRAME_END, TEXT(""));
	errand_settle(e);
}

void
errand_chunk(struct errand *e, struct text value)
{
	COUNT(e->crew->wp, chunks);
	if (!e->is_answered && e->session != NULL)
		pass_or_hold(e, FRAME_CHUNK, value);
}

/* end_of: what a runner's word says about the runner itself. */
static enum pool_end
end_of(struct text code)
{
	if (text_is(code, "not_dispatched") || text_is(code, "draining") ||
	    text_is(code, "expired"))
		return POOL_NOTHING;
	return text_is(code, "bad_result") ? POOL_FAILED : POOL_ANSWERED_ERROR;
}

/* note_failed: callers decide how often it happens, not how much is logged. */
static void
note_failed(const struct errand *e, struct text code, struct text text)
{
	struct worker_pool *wp = e->crew->wp;
	uint64_t now_ms = now_ms_of(e);

	if (now_ms - wp->told_failed_ms < FAILED_PAUSE_MS) {
		wp->untold_failed++;
		return;
	}
	event_note(EVENT_local_call_failed,
	    "pool=%.*s worker_id=%.*s/%u command=%s code=%.*s error=\"%.*s\" "
	    "untold=%llu",
	    TEXT_ARG(e->crew->spec->name), TEXT_ARG(e->crew->spec->name),
	    e->work.runner + 1, e->label, (int)(code.len < 32 ? code.len : 32),
	    code.at, (int)(text.len < 200 ? text.len : 200), text.at,
	    (unsigned long long)wp->untold_failed);
	wp->told_failed_ms = now_ms;
	wp->untold_failed = 0;
}

/*
 * errand_error: our own words stay, with our own texts; whatever else a
 * function says is an inner matter, as it is for a service.
 */
void
errand_error(struct errand *e, struct text code, struct text text)
{
	enum pool_end end = end_of(code);

	COUNT(e->crew->wp, failed);
	errand_executed(e, false, NULL);
	note_failed(e, code, text);
	if (left(e, end)) {
		if (text_is(code, "not_dispatched") ||
		    text_is(code, "draining"))
			errand_refuse(
			    e, TEXT("unavailable"), TEXT(ERRAND_UNAVAILABLE));
		else if (text_is(code, "expired"))
			errand_refuse(e, code, TEXT("timeout"));
		else if (text_is(code, "bad_result"))
			errand_refuse(e, code, TEXT("bad_result"));
		else
			errand_refuse(e, TEXT("internal"), text);
	}
	errand_settle(e);
}

void
errand_abandon(struct errand *e)
{
	if (e->runner_id != 0)
		runner_give_up(&e->crew->runners[e->work.runner], e);
}

/* errand_bad: its runner broke a rule about this call alone. */
void
errand_bad(struct errand *e, bool is_over)
{
	COUNT(e->crew->wp, failed);
	errand_executed(e, false, "bad_result");
	if (!is_over) {
		cut(e);
		return;
	}
	errand_refuse(e, TEXT("bad_result"), TEXT("bad_result"));
	(void)left(e, POOL_FAILED);
	errand_settle(e);
}

void
errand_late(struct errand *e)
{
	(void)left(e, POOL_OK);
	errand_settle(e);
}

void
errand_cancel(struct errand *e)
{
	uint64_t now_ms = now_ms_of(e);

	if (e->is_answered || e->work.state == POOL_WORK_ABANDONED)
		return; /* it crossed the answer */
	COUNT(e->crew->wp, cancelled);
	errand_refuse(e, TEXT("expired"), TEXT("cancelled"));
	if (e->work.state != POOL_WORK_OUT &&
	    !pool_cancel(e->crew->pool, &e->work, now_ms))
		errand_abandon(e);
	errand_settle(e);
}

/* errand_forget: there is nobody to answer; what waits is not begun. */
void
errand_forget(struct errand *e)
{
	uint64_t now_ms = now_ms_of(e);

	e->session = NULL;
	buffer_truncate(&e->held, 0);
	if (e->work.state == POOL_WORK_OUT ||
	    e->work.state == POOL_WORK_ABANDONED) {
		errand_settle(e);
		return;
	}
	COUNT(e->crew->wp, cancelled);
	errand_executed(e, false, "client_down");
	if (!pool_cancel(e->crew->pool, &e->work, now_ms))
		errand_abandon(e);
	errand_settle(e);
}
