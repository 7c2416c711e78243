// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A call stands in at most one ring and in at most one place of the heap, and
 * pool_leave takes it out of both: that is why it ends once. The heap has one
 * entry a call, whatever its state: waiting, until its queue time or deadline;
 * running, until its deadline; abandoned, until its runner counts as hung.
 *
 * A call whose time is over keeps its runner's room until the runner answers:
 * the runner is working on it, whatever we wish. So there is no table of
 * cancelled ids to fill up; the runners' room bounds it.
 *
 * The search for a runner is a walk from where the last one ended. With a
 * runner idle it stops there; with a thousand busy ones it costs a
 * microsecond, and calls that wait do not search at all.
 */

#include "workers/worker_pool/pool.h"

#include <stddef.h>

#include "protocol/base/err.h"
#include "protocol/base/memory.h"
#include "workers/worker_pool/pool_rows.h"

enum {
	POOL_FAILURES = 10 /* that open its breaker, when nothing is said */
};

static uint64_t
later(uint64_t at_ms, uint64_t by_ms)
{
	return at_ms > UINT64_MAX - by_ms ? UINT64_MAX : at_ms + by_ms;
}

void
pool_create(struct pool **made, const struct pool_rules *rules)
{
	struct pool *p = MEMORY_NEW(struct pool);
	uint64_t failures = rules->spec->circuit_breaker_threshold;

	p->rules = *rules;
	p->spec = rules->spec;
	p->runner_count = (uint32_t)p->spec->pool_size;
	p->runners = memory_new(sizeof(*p->runners) * p->runner_count);
	p->turns = memory_new(sizeof(*p->turns) * p->runner_count);
	affinity_init(
	    &p->affinity, rules->affinity_ttl_ms, rules->affinity_most);
	breaker_init(&p->breaker, failures != 0 ? failures : POOL_FAILURES,
	    p->spec->circuit_breaker_cooldown_ms);
	*made = p;
}

void
pool_destroy(struct pool **p)
{
	if (*p == NULL)
		return;
	memory_free((*p)->runners);
	memory_free((*p)->turns);
	memory_free((*p)->heap.at);
	affinity_finish(&(*p)->affinity);
	memory_free(*p);
	*p = NULL;
}

/* ---- giving calls to runners --------------------------------------------- */

bool
pool_can_take(const struct pool *p, uint32_t runner, uint64_t now_ms)
{
	const struct pool_runner *r = &p->runners[runner];

	return r->state == POOL_RUNNER_READY && r->load < r->capacity &&
	    now_ms >= r->tainted_until_ms &&
	    breaker_allows(&r->breaker, now_ms);
}

/* choose_runner gives the one with the fewest calls. */
static uint32_t
choose_runner(struct pool *p, uint64_t now_ms)
{
	uint32_t best = POOL_NO_RUNNER;

	for (uint32_t i = 0; i < p->runner_count; i++) {
		uint32_t runner = (p->rover + i) % p->runner_count;

		if (!pool_can_take(p, runner, now_ms) ||
		    (best != POOL_NO_RUNNER &&
			p->runners[runner].load >= p->runners[best].load))
			continue;
		best = runner;
		if (p->runners[runner].load == 0)
			break;
	}
	if (best != POOL_NO_RUNNER)
		p->rover = (best + 1) % p->runner_count;
	return best;
}

static void
give(struct pool *p, struct pool_work *work, uint32_t runner, uint64_t now_ms)
{
	struct pool_runner *r = &p->runners[runner];

	pool_line_move(p, work, LINE_NONE);
	work->runner = runner;
	pool_line_move(p, work, LINE_RUNNING);
	work->state = POOL_WORK_RUNNING;
	work->sent_ms = now_ms;
	work->tries++;
	pool_heap_set(&p->heap, work, work->deadline_ms);
	r->load++;
	p->running++;
	breaker_begin(&r->breaker, now_ms);
	breaker_begin(&p->breaker, now_ms);
	affinity_set(&p->affinity, work->session, runner, r->life, now_ms);
}

/* count_taken: another try is no new request. */
static void
count_taken(struct pool *p, const struct pool_work *work)
{
	if (work->tries == 0)
		p->counts.requests++;
}

static enum pool_verdict
dispatch(
    struct pool *p, struct pool_work *work, uint32_t runner, uint64_t now_ms)
{
	work->was_queued = false;
	count_taken(p, work);
	give(p, work, runner, now_ms);
	return POOL_DISPATCH;
}

static enum pool_verdict
enqueue(struct pool *p, struct pool_work *work, enum pool_line line,
    uint32_t runner, uint64_t now_ms)
{
	uint64_t limit_ms = later(now_ms, p->spec->queue_timeout_ms);

	if (p->waiting >= p->spec->max_queue_size) {
		p->counts.saturated++;
		return POOL_SATURATED;
	}
	count_taken(p, work);
	p->counts.queued++;
	p->waiting++;
	work->was_queued = true;
	work->is_bound = line == LINE_BOUND;
	work->runner = runner;
	work->state = POOL_WORK_WAITING;
	pool_line_move(p, work, line);
	pool_heap_set(&p->heap, work,
	    limit_ms < work->deadline_ms ? limit_ms : work->deadline_ms);
	return POOL_QUEUED;
}

/* submit_any: whoever has room; those who wait already come first. */
static enum pool_verdict
submit_any(struct pool *p, struct pool_work *work, uint64_t now_ms)
{
	uint32_t runner = POOL_NO_RUNNER;

	if (p->lines[LINE_WAITING] == NULL)
		runner = choose_runner(p, now_ms);
	if (runner != POOL_NO_RUNNER)
		return dispatch(p, work, runner, now_ms);
	return enqueue(p, work, LINE_WAITING, POOL_NO_RUNNER, now_ms);
}

/*
 * session_gone: its runner, and what that knew, is away. A strict session is
 * told so once; a tainted runner may come back and is told again.
 */
static enum pool_verdict
session_gone(
    struct pool *p, struct pool_work *work, bool is_tainted, uint64_t now_ms)
{
	if (p->spec->affinity == POOL_HINT)
		return submit_any(p, work, now_ms);
	if (!is_tainted)
		affinity_forget(&p->affinity, work->session);
	p->counts.unavailable++;
	return POOL_SESSION_UNAVAILABLE;
}

static enum pool_verdict
submit_session(struct pool *p, struct pool_work *work, uint64_t now_ms)
{
	struct affinity_found found;
	const struct pool_runner *r;
	bool is_tainted;

	if (!affinity_find(&p->affinity, work->session, now_ms, &found))
		return submit_any(p, work, now_ms);
	r = &p->runners[found.runner];
	is_tainted = now_ms < r->tainted_until_ms;
	if (r->state != POOL_RUNNER_READY || r->life != found.life ||
	    is_tainted)
		return session_gone(p, work, is_tainted, now_ms);
	/* behind those of its own that wait for the same runner */
	if (r->bound == NULL && pool_can_take(p, found.runner, now_ms))
		return dispatch(p, work, found.runner, now_ms);
	if (p->spec->affinity == POOL_HINT)
		return submit_any(p, work, now_ms);
	if (p->spec->affinity == POOL_STRICT_QUEUE)
		return enqueue(p, work, LINE_BOUND, found.runner, now_ms);
	p->counts.worker_busy++;
	return POOL_WORKER_BUSY;
}

enum pool_verdict
pool_submit(struct pool *p, struct pool_work *work, uint64_t now_ms)
{
	INVARIANT(work->state == POOL_WORK_OUT);
	p->now_ms = now_ms;
	if (now_ms >= work->deadline_ms) {
		p->counts.late++;
		return POOL_LATE;
	}
	if (p->is_doomed && p->ready == 0) {
		p->counts.uninitialized++;
		return POOL_NOT_INITIALIZED;
	}
	if (!breaker_allows(&p->breaker, now_ms)) {
		p->counts.circuit_open++;
		return POOL_CIRCUIT_OPEN;
	}
	work->number = p->number++;
	work->queued_ms = now_ms;
	work->is_stuck = false;
	work->is_overrun = false;
	return submit_session(p, work, now_ms);
}

/* head_of gives the first of a ring whose time is not over. */
static struct pool_work *
head_of(struct pool *p, struct pool_work **ring, uint64_t now_ms)
{
	while (*ring != NULL && (*ring)->due_ms <= now_ms)
		pool_line_move(p, *ring, LINE_LATE); /* pool_due ends it */
	return *ring;
}

struct pool_work *
pool_next(struct pool *p, uint32_t runner, uint64_t now_ms)
{
	struct pool_work *bound, *any, *work;

	p->now_ms = now_ms;
	if (p->waiting == 0 || !pool_can_take(p, runner, now_ms) ||
	    !breaker_allows(&p->breaker, now_ms))
		return NULL;
	bound = head_of(p, &p->runners[runner].bound, now_ms);
	any = head_of(p, &p->lines[LINE_WAITING], now_ms);
	work = bound;
	if (work == NULL || (any != NULL && any->number < bound->number))
		work = any;
	if (work == NULL)
		return NULL;
	p->waiting--;
	give(p, work, runner, now_ms);
	return work;
}

uint32_t
pool_wants(struct pool *p, uint64_t now_ms)
{
	bool is_any = p->lines[LINE_WAITING] != NULL;

	p->now_ms = now_ms;
	if (p->waiting == 0 || !breaker_allows(&p->breaker, now_ms))
		return POOL_NO_RUNNER;
	for (uint32_t i = 0; i < p->runner_count; i++)
		if ((is_any || p->runners[i].bound != NULL) &&
		    pool_can_take(p, i, now_ms))
			return i;
	return POOL_NO_RUNNER;
}

/* ---- endings ------------------------------------------------------------- */

void
pool_note_pool(struct pool *p, enum breaker_turn turn)
{
	if (turn == BREAKER_STAYED)
		return;
	p->turn = turn;
	if (turn != BREAKER_OPENED)
		return;
	while (p->lines[LINE_WAITING] != NULL)
		pool_line_move(p, p->lines[LINE_WAITING], LINE_CIRCUIT);
	for (uint32_t i = 0; i < p->runner_count; i++)
		while (p->runners[i].bound != NULL)
			pool_line_move(p, p->runners[i].bound, LINE_CIRCUIT);
}

void
pool_note_runner(struct pool *p, uint32_t runner, enum breaker_turn turn)
{
	if (turn != BREAKER_STAYED)
		p->turns[runner] = turn;
}

static void
judge(struct pool *p, uint32_t runner, enum pool_end end, uint64_t now_ms)
{
	struct breaker *own = &p->runners[runner].breaker;

	switch (end) {
	case POOL_OK:
	case POOL_ANSWERED_ERROR:
		pool_note_runner(p, runner, breaker_success(own));
		pool_note_pool(p, breaker_success(&p->breaker));
		break;
	case POOL_FAILED:
		pool_note_runner(p, runner, breaker_failure(own, now_ms));
		pool_note_pool(p, breaker_failure(&p->breaker, now_ms));
		break;
	case POOL_NOTHING:
		breaker_void(own);
		breaker_void(&p->breaker);
		break;
	}
}

bool
pool_end(
    struct pool *p, struct pool_work *work, enum pool_end end, uint64_t now_ms)
{
	bool is_wanted = work->state == POOL_WORK_RUNNING;
	struct pool_runner *r = &p->runners[work->runner];

	INVARIANT(work->line == LINE_RUNNING);
	p->now_ms = now_ms;
	pool_leave(p, work);
	if (end != POOL_NOTHING) {
		p->counts.executed++;
		p->counts.errors += end != POOL_OK;
		r->executed++;
		r->succeeded += end == POOL_OK;
	}
	if (!work->is_overrun) /* else judged when its time was over */
		judge(p, work->runner, end, now_ms);
	return is_wanted;
}

bool
pool_cancel(struct pool *p, struct pool_work *work, uint64_t now_ms)
{
	p->now_ms = now_ms;
	if (work->state == POOL_WORK_ABANDONED)
		return false;
	p->counts.cancelled++;
	if (work->state != POOL_WORK_RUNNING) {
		INVARIANT(work->state != POOL_WORK_OUT);
		pool_leave(p, work);
		return true;
	}
	work->state = POOL_WORK_ABANDONED;
	p->runners[work->runner].abandoned++;
	pool_heap_set(
	    &p->heap, work, later(work->deadline_ms, p->rules.stuck_ms));
	return false;
}

bool
pool_retry(
    struct pool *p, struct pool_work *work, uint64_t pause_ms, uint64_t now_ms)
{
	uint64_t at_ms = later(now_ms, pause_ms);

	INVARIANT(work->state == POOL_WORK_OUT);
	p->now_ms = now_ms;
	if (at_ms >= work->deadline_ms)
		return false;
	work->state = POOL_WORK_RETRYING;
	pool_heap_set(&p->heap, work, at_ms);
	p->counts.retried++;
	return true;
}

/* ---- what is due --------------------------------------------------------- */

static enum pool_due
end_waiting(struct pool *p, struct pool_work *work)
{
	bool is_expired = work->due_ms >= work->deadline_ms;

	pool_leave(p, work);
	if (is_expired)
		p->counts.expired++;
	else
		p->counts.queue_timeouts++;
	return is_expired ? POOL_DUE_EXPIRED : POOL_DUE_QUEUE_TIMEOUT;
}

static enum pool_due
overrun(struct pool *p, struct pool_work *work, uint64_t now_ms)
{
	work->state = POOL_WORK_ABANDONED;
	work->is_overrun = true;
	p->runners[work->runner].abandoned++;
	p->counts.expired++;
	pool_heap_set(
	    &p->heap, work, later(work->deadline_ms, p->rules.stuck_ms));
	judge(p, work->runner, POOL_FAILED, now_ms);
	return POOL_DUE_OVERRUN;
}

static enum pool_due
due_now(struct pool *p, struct pool_work *work, uint64_t now_ms)
{
	switch (work->state) {
	case POOL_WORK_WAITING:
		return end_waiting(p, work);
	case POOL_WORK_RUNNING:
		return overrun(p, work, now_ms);
	case POOL_WORK_ABANDONED:
		pool_heap_remove(&p->heap, work);
		work->is_stuck = true;
		return POOL_DUE_STUCK;
	case POOL_WORK_RETRYING:
		pool_leave(p, work);
		return POOL_DUE_RETRY;
	case POOL_WORK_OUT:
		break;
	}
	INVARIANT(!"what is out is not due");
	return POOL_DUE_NONE;
}

enum pool_due
pool_due(struct pool *p, uint64_t now_ms, struct pool_work **work)
{
	p->now_ms = now_ms;
	if ((*work = p->lines[LINE_CIRCUIT]) != NULL) {
		pool_leave(p, *work);
		p->counts.circuit_open++;
		return POOL_DUE_CIRCUIT;
	}
	if ((*work = p->lines[LINE_UNAVAILABLE]) != NULL) {
		pool_leave(p, *work);
		p->counts.unavailable++;
		return POOL_DUE_UNAVAILABLE;
	}
	if ((*work = p->lines[LINE_DOOMED]) != NULL) {
		pool_leave(p, *work);
		p->counts.uninitialized++;
		return POOL_DUE_DOOMED;
	}
	if (p->heap.count == 0 || p->heap.at[1]->due_ms > now_ms)
		return POOL_DUE_NONE;
	*work = p->heap.at[1];
	return due_now(p, *work, now_ms);
}
