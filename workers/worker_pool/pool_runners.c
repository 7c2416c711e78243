// SPDX-License-Identifier: MIT
/* pool_runners - runners come, drain and go; the pool's figures. */

#include "protocol/base/err.h"
#include "workers/worker_pool/pool_rows.h"

enum {
	RUNNER_FAILURES = 5 /* that open its breaker, when nothing is said */
};

void
pool_runner_ready(
    struct pool *p, uint32_t runner, uint32_t room, uint64_t now_ms)
{
	struct pool_runner *r = &p->runners[runner];
	uint32_t most = pool_spec_capacity(p->spec);
	uint64_t failures = p->spec->circuit_breaker_threshold;

	/* its last life's calls are back, or the caller forgot some */
	INVARIANT(r->running == NULL && r->load == 0);
	p->now_ms = now_ms;
	if (r->state == POOL_RUNNER_ABSENT)
		p->ready++;
	r->state = POOL_RUNNER_READY;
	r->capacity = room == 0 ? 1 : room < most ? room : most;
	r->succeeded = r->executed = 0;
	r->ready_ms = now_ms;
	r->life++;
	breaker_init(&r->breaker, failures != 0 ? failures : RUNNER_FAILURES,
	    p->spec->circuit_breaker_cooldown_ms);
	p->is_doomed = false;
}

/* refuse_bound: who waits for this one only waits for nothing. */
static void
refuse_bound(struct pool *p, uint32_t runner)
{
	while (p->runners[runner].bound != NULL)
		pool_line_move(p, p->runners[runner].bound, LINE_UNAVAILABLE);
}

void
pool_runner_drain(struct pool *p, uint32_t runner)
{
	if (p->runners[runner].state != POOL_RUNNER_READY)
		return;
	p->runners[runner].state = POOL_RUNNER_DRAINING;
	refuse_bound(p, runner);
}

void
pool_runner_taint(struct pool *p, uint32_t runner, uint64_t until_ms)
{
	p->runners[runner].tainted_until_ms = until_ms;
	refuse_bound(p, runner);
}

void
pool_runner_gone(struct pool *p, uint32_t runner, uint64_t now_ms)
{
	struct pool_runner *r = &p->runners[runner];

	p->now_ms = now_ms;
	if (r->state == POOL_RUNNER_ABSENT)
		return;
	p->ready--;
	r->state = POOL_RUNNER_ABSENT;
	refuse_bound(p, runner);
	if (r->load > r->abandoned)
		pool_note_pool(p, breaker_failure(&p->breaker, now_ms));
	else if (r->load > 0)
		breaker_void(&p->breaker);
}

struct pool_work *
pool_lost(struct pool *p, uint32_t runner, bool *is_wanted, uint64_t now_ms)
{
	struct pool_work *work = p->runners[runner].running;

	if (work == NULL)
		return NULL;
	INVARIANT(p->runners[runner].state == POOL_RUNNER_ABSENT);
	p->now_ms = now_ms;
	*is_wanted = work->state == POOL_WORK_RUNNING;
	pool_leave(p, work);
	p->counts.lost++;
	p->counts.executed++;
	p->counts.errors++;
	return work;
}

void
pool_doom(struct pool *p, bool is_doomed)
{
	p->is_doomed = is_doomed;
	if (!is_doomed || p->ready > 0)
		return;
	while (p->lines[LINE_WAITING] != NULL)
		pool_line_move(p, p->lines[LINE_WAITING], LINE_DOOMED);
}

static void
earliest(const struct pool *p, uint64_t *next_ms, uint64_t at_ms)
{
	/* what is past has been looked at: it waits for room, not for time */
	if (at_ms > p->now_ms && (*next_ms == 0 || at_ms < *next_ms))
		*next_ms = at_ms;
}

static uint64_t
cooled_ms(const struct breaker *b)
{
	return b->is_open && !b->is_probing ? b->opened_ms + b->cooldown_ms : 0;
}

/* has_use: a call waits that somebody with room could have at once. */
static bool
has_use(const struct pool *p)
{
	if (!breaker_allows(&p->breaker, p->now_ms))
		return false;
	for (uint32_t i = 0; i < p->runner_count; i++)
		if ((p->lines[LINE_WAITING] != NULL ||
			p->runners[i].bound != NULL) &&
		    pool_can_take(p, i, p->now_ms))
			return true;
	return false;
}

uint64_t
pool_next_ms(const struct pool *p)
{
	uint64_t next_ms = p->heap.count > 0 ? p->heap.at[1]->due_ms : 0;

	if (p->lines[LINE_CIRCUIT] != NULL ||
	    p->lines[LINE_UNAVAILABLE] != NULL || p->lines[LINE_DOOMED] != NULL)
		return p->now_ms > 0 ? p->now_ms : 1;
	if (p->waiting == 0)
		return next_ms;
	if (has_use(p))
		return p->now_ms;
	earliest(p, &next_ms, cooled_ms(&p->breaker));
	for (uint32_t i = 0; i < p->runner_count; i++) {
		const struct pool_runner *r = &p->runners[i];

		if (r->state != POOL_RUNNER_READY)
			continue;
		earliest(p, &next_ms, cooled_ms(&r->breaker));
		earliest(p, &next_ms, r->tainted_until_ms);
	}
	return next_ms;
}

const struct pool_spec *
pool_spec_of(const struct pool *p)
{
	return p->spec;
}

const struct pool_runner *
pool_runner(const struct pool *p, uint32_t runner)
{
	return &p->runners[runner];
}

const struct pool_counts *
pool_counts(const struct pool *p)
{
	return &p->counts;
}

const struct breaker *
pool_breaker(const struct pool *p)
{
	return &p->breaker;
}

uint32_t
pool_waiting(const struct pool *p)
{
	return p->waiting;
}

uint32_t
pool_running(const struct pool *p)
{
	return p->running;
}

uint32_t
pool_ready(const struct pool *p)
{
	return p->ready;
}

uint32_t
pool_available(const struct pool *p)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < p->runner_count; i++)
		count += pool_can_take(p, i, p->now_ms);
	return count;
}

uint32_t
pool_busy(const struct pool *p)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < p->runner_count; i++)
		count += p->runners[i].load > 0;
	return count;
}

uint32_t
pool_sessions(const struct pool *p)
{
	return affinity_count(&p->affinity, p->now_ms);
}

enum breaker_turn
pool_breaker_turn(struct pool *p)
{
	enum breaker_turn turn = p->turn;

	p->turn = BREAKER_STAYED;
	return turn;
}

uint64_t
pool_breaker_failures(const struct pool *p)
{
	return p->breaker.failures;
}

enum breaker_turn
pool_runner_breaker_turn(struct pool *p, uint32_t runner)
{
	enum breaker_turn turn = p->turns[runner];

	p->turns[runner] = BREAKER_STAYED;
	return turn;
}

const char *
pool_verdict_word(enum pool_verdict verdict)
{
	static const char *const words[] = {
	    [POOL_DISPATCH] = "dispatched",
	    [POOL_QUEUED] = "queued",
	    [POOL_SATURATED] = "pool_saturated",
	    [POOL_NOT_INITIALIZED] = "pool_not_initialized",
	    [POOL_CIRCUIT_OPEN] = "circuit_open",
	    [POOL_WORKER_BUSY] = "worker_busy",
	    [POOL_SESSION_UNAVAILABLE] = "session_worker_unavailable",
	    [POOL_LATE] = "expired",
	};

	return words[verdict];
}

const char *
pool_due_word(enum pool_due due)
{
	static const char *const words[] = {
	    [POOL_DUE_NONE] = "none",
	    [POOL_DUE_QUEUE_TIMEOUT] = "queue_timeout",
	    [POOL_DUE_EXPIRED] = "expired",
	    [POOL_DUE_CIRCUIT] = "circuit_open",
	    [POOL_DUE_UNAVAILABLE] = "session_worker_unavailable",
	    [POOL_DUE_DOOMED] = "pool_not_initialized",
	    [POOL_DUE_OVERRUN] = "worker_timeout",
	    [POOL_DUE_STUCK] = "stuck",
	    [POOL_DUE_RETRY] = "retry",
	};

	return words[due];
}
