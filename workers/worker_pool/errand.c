// SPDX-License-Identifier: MIT
/*
 * errand - one call, from its arrival to its answer.
 *
 * Design notes
 *
 * The domain (pool.h) decides when a call ends; here it is answered, once
 * (`is_answered`), and given back when both sides are through with it: it has
 * left the pool, and the gateway has heard.
 *
 * A request is copied only when it has to wait, or may be tried again: one
 * that finds a free runner goes from the gateway's message into the runner's
 * write queue.
 *
 * Chunks pass through with the gateway's credit: the runner has exactly the
 * window the gateway gave, so what is held here, when a gateway does not
 * read, is at most that window and the frame that crosses its end.
 */

#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "workers/worker_pool/errand_news.h"
#include "workers/worker_pool/worker_pool.h"

enum {
	KEPT_MOST = 2 * LINK_MAX_BYTES,
	KEPT_IDLE = 4096, /* a buffer kept by a free errand */
	HELD_MOST = 4 * LINK_MAX_BYTES,
	LOST_TEXT_MS = 1000,
};

#define COUNT(wp, name) stats_add((wp)->slot, COUNTER_worker_pool_##name, 1)

static uint64_t
now_ms_of(const struct errand *e)
{
	return loop_now_ms(e->crew->wp->loop);
}

/* --- beginnings and ends --- */

struct errand *
errand_take(struct crew *crew, struct link_session *session, uint64_t id)
{
	struct worker_pool *wp = crew->wp;
	struct errand *e = wp->free_errands;

	if (e != NULL) {
		wp->free_errands = e->next;
	} else {
		e = MEMORY_NEW(struct errand);
		buffer_init(&e->kept, KEPT_MOST);
		buffer_init(&e->held, HELD_MOST);
	}
	e->work = (struct pool_work){.owner = e};
	e->crew = crew;
	e->session = session;
	e->link_id = id;
	e->runner_id = e->chunk_count = 0;
	e->received_us = loop_now_us(wp->loop);
	e->may_repeat = e->is_stream = e->is_answered = false;
	e->given_up = NULL;
	e->before = NULL;
	e->next = wp->errands;
	if (e->next != NULL)
		e->next->before = e;
	wp->errands = e;
	wp->errand_count++;
	link_session_keep(session, id, e);
	return e;
}

static void
give_back(struct errand *e)
{
	struct worker_pool *wp = e->crew->wp;

	if (e->before != NULL)
		e->before->next = e->next;
	else
		wp->errands = e->next;
	if (e->next != NULL)
		e->next->before = e->before;
	wp->errand_count--;
	errand_trace_end(e);
	buffer_truncate(&e->kept, 0);
	buffer_truncate(&e->held, 0);
	if (e->kept.size > KEPT_IDLE)
		buffer_release(&e->kept);
	buffer_release(&e->held);
	e->next = wp->free_errands;
	wp->free_errands = e;
}

/* errand_settle gives it back when nobody needs it any more. */
void
errand_settle(struct errand *e)
{
	if (e->work.state == POOL_WORK_OUT &&
	    (e->is_answered || e->session == NULL))
		give_back(e);
}

void
errand_refuse(struct errand *e, struct text code, struct text text)
{
	if (e->is_answered || e->session == NULL)
		return;
	e->is_answered = true;
	buffer_truncate(&e->held, 0); /* an error may cut a stream short */
	link_session_error(e->session, e->link_id, code, text);
}

/* --- on its way in --- */

/* keep copies what the request borrows. */
static void
keep(struct errand *e)
{
	struct text *parts[] = {&e->request.module, &e->request.function,
	    &e->request.args, &e->request.facts};
	size_t place = 0;
	enum err err = OK;

	for (size_t i = 0; i < COUNT_OF(parts) && err == OK; i++)
		err = buffer_append(&e->kept, parts[i]->at, parts[i]->len);
	INVARIANT(err == OK); /* it came in one message of the link */
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		parts[i]->at = (const char *)buffer_at(&e->kept) + place;
		place += parts[i]->len;
	}
}

static void
note_capacity(struct errand *e, struct runner *r)
{
	const struct pool_runner *pr = pool_runner(e->crew->pool, r->index);

	if (pr->load < pr->capacity || pr->capacity < 2 ||
	    !event_happens(EVENT_capacity_reached))
		return;
	event_tell(EVENT_capacity_reached,
	    "pool=%.*s worker_pid=%d profile=thread capacity=%u load=%u "
	    "rejected=false",
	    TEXT_ARG(e->crew->spec->name), r->child->pid, pr->capacity,
	    pr->load);
}

/* note_full: a call found every runner with threads at its capacity, and was
 * queued or refused. */
static void
note_full(const struct crew *crew)
{
	uint32_t most = pool_spec_capacity(crew->spec);

	if (most < 2 || pool_ready(crew->pool) == 0 ||
	    !event_happens(EVENT_capacity_reached))
		return;
	event_tell(EVENT_capacity_reached,
	    "pool=%.*s profile=thread capacity=%u load=%u rejected=true",
	    TEXT_ARG(crew->spec->name), most * pool_ready(crew->pool),
	    pool_running(crew->pool));
}

/* hand_over sends it to the runner that the domain chose. */
static void
hand_over(struct errand *e)
{
	struct crew *crew = e->crew;
	struct runner *r = &crew->runners[e->work.runner];
	uint64_t now_ms = now_ms_of(e);
	uint64_t left_ms =
	    e->work.deadline_ms > now_ms ? e->work.deadline_ms - now_ms : 1;

	e->request.deadline_ms =
	    left_ms < UINT32_MAX ? (uint32_t)left_ms : UINT32_MAX;
	enum err err = runner_send(r, e);
	if (err == OK) {
		COUNT(crew->wp, dispatched);
		errand_trace_run(e);
		errand_trace_listen(e);
		errand_news_dispatched(e);
		note_capacity(e, r);
		errand_trace_listen(NULL);
		return;
	}
	bool is_wanted = pool_end(crew->pool, &e->work, POOL_NOTHING, now_ms);
	if (is_wanted && err == ERR_TOO_BIG)
		errand_refuse(e, TEXT("not_dispatched"),
		    TEXT("the call is too big for its node"));
	else if (is_wanted)
		errand_refuse(e, TEXT("unavailable"), TEXT(ERRAND_UNAVAILABLE));
	errand_settle(e);
}

static void
note_saturated(struct crew *crew)
{
	uint64_t now_ms = loop_now_ms(crew->wp->loop);

	COUNT(crew->wp, saturated);
	if (now_ms - crew->told_ms < LOST_TEXT_MS)
		return; /* once a second: each refusal is counted */
	crew->told_ms = now_ms;
	event_note(EVENT_pool_saturated,
	    "pool=%.*s queue_size=%u max_queue_size=%llu available_workers=%u "
	    "busy_workers=%u",
	    TEXT_ARG(crew->spec->name), pool_waiting(crew->pool),
	    (unsigned long long)crew->spec->max_queue_size,
	    pool_available(crew->pool), pool_busy(crew->pool));
}

static void
refuse(struct errand *e, enum pool_verdict verdict)
{
	struct worker_pool *wp = e->crew->wp;

	errand_news_rejected(e, verdict);
	if (verdict == POOL_LATE) {
		COUNT(wp, expired);
		errand_refuse(e, TEXT("expired"), TEXT("timeout"));
	} else {
		COUNT(wp, unavailable);
		if (verdict == POOL_SATURATED)
			note_saturated(e->crew);
		if (verdict == POOL_SATURATED || verdict == POOL_WORKER_BUSY)
			note_full(e->crew);
		errand_refuse(e, TEXT("unavailable"), TEXT(ERRAND_UNAVAILABLE));
	}
	errand_settle(e);
}

void
errand_submit(struct errand *e)
{
	struct crew *crew = e->crew;
	enum pool_verdict verdict =
	    pool_submit(crew->pool, &e->work, now_ms_of(e));

	if (verdict != POOL_DISPATCH && verdict != POOL_QUEUED) {
		refuse(e, verdict);
		return;
	}
	if ((verdict == POOL_QUEUED || e->may_repeat) &&
	    buffer_used(&e->kept) == 0)
		keep(e);
	if (verdict == POOL_DISPATCH) {
		hand_over(e);
		return;
	}
	event_note(EVENT_task_queued,
	    "system_time=%llu queue_size=%u pool_name=%.*s command=%s",
	    (unsigned long long)clock_wall_us() * 1000,
	    pool_waiting(crew->pool), TEXT_ARG(crew->spec->name), e->label);
	event_note(EVENT_queue_enqueued, "pool=%.*s command=%s queue_size=%u",
	    TEXT_ARG(crew->spec->name), e->label, pool_waiting(crew->pool));
	note_full(crew);
}

static void
note_dequeued(const struct errand *e, uint64_t now_ms)
{
	if (event_happens(EVENT_queue_dequeued))
		event_tell(EVENT_queue_dequeued,
		    "pool=%.*s command=%s waited_ms=%llu",
		    TEXT_ARG(e->crew->spec->name), e->label,
		    (unsigned long long)(now_ms - e->work.queued_ms));
}

void
errands_feed(struct runner *r)
{
	struct crew *crew = r->crew;
	uint64_t now_ms = loop_now_ms(crew->wp->loop);
	struct pool_work *work;

	if (r->is_lost)
		return;
	while ((work = pool_next(crew->pool, r->index, now_ms)) != NULL) {
		note_dequeued(work->owner, now_ms);
		hand_over(work->owner);
	}
}

/* --- what befalls it --- */

static bool
retry(struct errand *e)
{
	const struct crash_barrier_spec *barrier =
	    &e->crew->spec->crash_barrier;
	uint64_t pause_ms;

	if (!e->may_repeat || e->chunk_count > 0 ||
	    !crash_retries(barrier, e->work.is_once, e->work.tries, &pause_ms))
		return false;
	if (!pool_retry(e->crew->pool, &e->work, pause_ms, now_ms_of(e)))
		return false;
	COUNT(e->crew->wp, retried);
	event_note(EVENT_call_retried,
	    "pool=%.*s command=%s attempt=%u delay_ms=%llu",
	    TEXT_ARG(e->crew->spec->name), e->label, e->work.tries + 1,
	    (unsigned long long)pause_ms);
	return true;
}

void
errand_lost(struct errand *e, bool is_wanted)
{
	e->runner_id = 0;
	errand_trace_listen(e);
	bool is_repeated = is_wanted && retry(e);
	errand_trace_listen(NULL);
	if (is_repeated)
		return;
	if (is_wanted) {
		COUNT(e->crew->wp, unknown_outcome);
		errand_executed(e, false, "worker_exit");
		errand_refuse(e, TEXT("dispatched_unknown"),
		    TEXT("the node was lost while it had the call"));
	}
	errand_settle(e);
}

static void
overrun(struct errand *e)
{
	COUNT(e->crew->wp, expired);
	errand_executed(e, false, "worker_timeout");
	errand_refuse(e, TEXT("expired"), TEXT("timeout"));
	errand_abandon(e);
}

/*
 * stuck: it does not come back. A runner with one call is replaced; one with
 * several when none of its places is left for others.
 */
static void
stuck(struct errand *e)
{
	struct runner *r = &e->crew->runners[e->work.runner];
	const struct pool_runner *pr = pool_runner(e->crew->pool, r->index);

	if (pr->abandoned < pr->capacity || r->is_lost)
		return;
	COUNT(e->crew->wp, stuck);
	event_note(EVENT_runner_stuck, "runner=%s command=%s calls=%u",
	    r->child->spec.name, e->label, pr->abandoned);
	keeper_kill(r->child, REASON_STUCK,
	    "its calls did not come back after their deadlines");
}

/* ended: it waited, and its time is over. */
static void
ended(struct errand *e, enum pool_due due)
{
	struct worker_pool *wp = e->crew->wp;

	if (due == POOL_DUE_EXPIRED) {
		COUNT(wp, expired);
		errand_refuse(e, TEXT("expired"), TEXT("timeout"));
	} else {
		if (due == POOL_DUE_QUEUE_TIMEOUT)
			COUNT(wp, queue_timeouts);
		COUNT(wp, unavailable);
		errand_refuse(e, TEXT("unavailable"), TEXT(ERRAND_UNAVAILABLE));
	}
	event_note(EVENT_queue_timeout, "pool=%.*s command=%s reason=%s",
	    TEXT_ARG(e->crew->spec->name), e->label, pool_due_word(due));
	errand_settle(e);
}

void
errands_due(struct crew *crew)
{
	uint64_t now_ms = loop_now_ms(crew->wp->loop);
	struct pool_work *work;
	enum pool_due due;
	uint32_t runner;

	while ((due = pool_due(crew->pool, now_ms, &work)) != POOL_DUE_NONE) {
		struct errand *e = work->owner;

		if (due == POOL_DUE_OVERRUN)
			overrun(e);
		else if (due == POOL_DUE_STUCK)
			stuck(e);
		else if (due == POOL_DUE_RETRY)
			errand_submit(e);
		else
			ended(e, due);
	}
	while ((runner = pool_wants(crew->pool, now_ms)) != POOL_NO_RUNNER)
		errands_feed(&crew->runners[runner]);
}
