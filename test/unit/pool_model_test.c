// SPDX-License-Identifier: MIT
/* pool - against a ledger, at random: every call ends exactly once. */

#include "test/unit/pool_rig.h"

/* ---- at random ----------------------------------------------------------- */

enum {
	CALLS = 64,
	RUNNERS = 4,
	STEPS = 100000
};

/* What the test believes, kept apart from what the pool does. */
struct model {
	struct pool *p;
	struct pool_spec spec;
	struct pool_work calls[CALLS];
	bool is_in[CALLS];     /* taken, not ended */
	bool is_on[CALLS];     /* a runner has it */
	bool is_wanted[CALLS]; /* somebody waits for it */
	bool is_up[RUNNERS];
	bool drains[RUNNERS];
	uint64_t tainted[RUNNERS];
	uint64_t now_ms;
	uint64_t seed;
	/* the ledger: one line per call taken */
	uint64_t taken, ended, refused;
	uint64_t answered, dropped; /* of the ended */
};

static uint32_t
chance(struct model *m, uint32_t below)
{
	m->seed = m->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(m->seed >> 33) % below;
}

static void
ended(struct model *m, const struct pool_work *w, bool is_answered)
{
	size_t i = (size_t)(w - m->calls);

	assert_true(m->is_in[i]);
	assert_int_equal(w->state, POOL_WORK_OUT);
	assert_int_equal(is_answered, m->is_wanted[i]);
	m->is_in[i] = m->is_on[i] = m->is_wanted[i] = false;
	m->ended++;
	m->answered += is_answered;
	m->dropped += !is_answered;
}

static void
started(struct model *m, const struct pool_work *w)
{
	size_t i = (size_t)(w - m->calls);

	assert_true(m->is_in[i] && !m->is_on[i] && m->is_wanted[i]);
	assert_true(m->now_ms < w->deadline_ms);
	assert_true(m->is_up[w->runner] && !m->drains[w->runner]);
	assert_true(m->now_ms >= m->tainted[w->runner]);
	m->is_on[i] = true;
}

static void
check(struct model *m)
{
	uint32_t loads[RUNNERS] = {0}, waiting = 0, on = 0;

	for (int i = 0; i < CALLS; i++) {
		const struct pool_work *w = &m->calls[i];

		if (!m->is_in[i]) {
			assert_int_equal(w->state, POOL_WORK_OUT);
		} else if (m->is_on[i]) {
			loads[w->runner]++;
			on++;
		} else {
			waiting += w->state == POOL_WORK_WAITING;
		}
	}
	for (uint32_t r = 0; r < RUNNERS; r++) {
		assert_int_equal(pool_runner(m->p, r)->load, loads[r]);
		if (m->is_up[r])
			assert_in_range(
			    loads[r], 0, pool_runner(m->p, r)->capacity);
	}
	assert_int_equal(pool_waiting(m->p), waiting);
	assert_int_equal(pool_running(m->p), on);
	assert_in_range(waiting, 0, m->spec.max_queue_size);
}

static void
step_submit(struct model *m)
{
	size_t i = chance(m, CALLS);
	struct pool_work *w = &m->calls[i];
	enum pool_verdict verdict;

	if (m->is_in[i])
		return;
	*w = (struct pool_work){
	    .deadline_ms = m->now_ms + chance(m, 200), .session = chance(m, 4)};
	verdict = pool_submit(m->p, w, m->now_ms);
	if (verdict > POOL_QUEUED) {
		m->refused++;
		return;
	}
	m->is_in[i] = m->is_wanted[i] = true;
	m->taken++;
	if (verdict == POOL_DISPATCH)
		started(m, w);
}

static void
step_pull(struct model *m)
{
	struct pool_work *w;
	uint32_t r;

	while ((r = pool_wants(m->p, m->now_ms)) != POOL_NO_RUNNER) {
		uint32_t count = 0;

		while ((w = pool_next(m->p, r, m->now_ms)) != NULL) {
			started(m, w);
			count++;
		}
		if (count == 0)
			return; /* its time is over: pool_due ends it */
	}
}

static void
step_end(struct model *m)
{
	size_t i = chance(m, CALLS);
	enum pool_end end = (enum pool_end)chance(m, 4);
	struct pool_work *w = &m->calls[i];

	if (m->is_on[i])
		ended(m, w, pool_end(m->p, w, end, m->now_ms));
}

static void
step_cancel(struct model *m)
{
	size_t i = chance(m, CALLS);
	struct pool_work *w = &m->calls[i];

	if (!m->is_in[i] || !m->is_wanted[i])
		return;
	m->is_wanted[i] = false;
	if (pool_cancel(m->p, w, m->now_ms))
		ended(m, w, false);
}

static void
lose(struct model *m, uint32_t r)
{
	struct pool_work *w;
	bool is_wanted;

	pool_runner_gone(m->p, r, m->now_ms);
	m->is_up[r] = m->drains[r] = false;
	while ((w = pool_lost(m->p, r, &is_wanted, m->now_ms)) != NULL) {
		size_t i = (size_t)(w - m->calls);

		assert_int_equal(is_wanted, m->is_wanted[i]);
		if (is_wanted && chance(m, 2) == 0 &&
		    pool_retry(m->p, w, chance(m, 50), m->now_ms))
			m->is_on[i] = false;
		else
			ended(m, w, is_wanted);
	}
}

static void
step_runner(struct model *m)
{
	uint32_t r = chance(m, RUNNERS);

	if (!m->is_up[r]) {
		pool_runner_ready(m->p, r, 1 + chance(m, 4), m->now_ms);
		m->is_up[r] = true;
	} else if (chance(m, 3) == 0) {
		lose(m, r);
	} else if (chance(m, 2) == 0) {
		pool_runner_drain(m->p, r);
		m->drains[r] = true;
	} else {
		m->tainted[r] = m->now_ms + chance(m, 100);
		pool_runner_taint(m->p, r, m->tainted[r]);
	}
}

static void
again(struct model *m, struct pool_work *w)
{
	enum pool_verdict verdict = pool_submit(m->p, w, m->now_ms);

	if (verdict == POOL_DISPATCH)
		started(m, w);
	else if (verdict != POOL_QUEUED)
		ended(m, w, true);
}

static void
step_due(struct model *m)
{
	struct pool_work *w;
	enum pool_due what;

	while ((what = pool_due(m->p, m->now_ms, &w)) != POOL_DUE_NONE) {
		if (what == POOL_DUE_OVERRUN)
			m->is_wanted[w - m->calls] = false;
		else if (what == POOL_DUE_STUCK)
			assert_true(m->is_on[w - m->calls]);
		else if (what == POOL_DUE_RETRY)
			again(m, w);
		else
			ended(m, w, true);
	}
	step_pull(m);
	/* the process may rest: nothing is due at once */
	assert_true(pool_next_ms(m->p) == 0 || pool_next_ms(m->p) > m->now_ms);
	/* nothing that is due was hidden */
	for (int i = 0; i < CALLS; i++)
		if (m->calls[i].heap_at != 0)
			assert_true(m->calls[i].due_ms > m->now_ms);
}

static void
every_call_ends_exactly_once(void **state)
{
	static struct model m;

	(void)state;
	for (uint32_t affinity = 0; affinity < 3; affinity++) {
		m = (struct model){
		    .now_ms = START, .seed = 20261121 + affinity};
		m.spec = spec_of(RUNNERS, 4);
		m.spec.max_queue_size = 20;
		m.spec.circuit_breaker_cooldown_ms = 30;
		m.spec.affinity = affinity;
		m.p = made(&m.spec);
		for (uint32_t i = 0; i < STEPS; i++) {
			static void (*const steps[])(struct model *) = {
			    step_submit, step_submit, step_submit, step_end,
			    step_end, step_pull, step_cancel, step_runner,
			    step_due};

			m.now_ms += chance(&m, 3);
			steps[chance(&m, COUNT_OF(steps))](&m);
			check(&m);
		}
		for (uint32_t r = 0; r < RUNNERS; r++)
			if (m.is_up[r])
				lose(&m, r);
		m.now_ms += LONG;
		step_due(&m);
		check(&m);
		assert_int_equal(m.taken, m.ended);
		assert_int_equal(m.answered + m.dropped, m.ended);
		assert_int_equal(pool_counts(m.p)->requests, m.taken);
		assert_true(m.taken > STEPS / 20 && m.refused > 0);
		assert_int_equal(pool_next_ms(m.p), 0);
		pool_destroy(&m.p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_call_ends_exactly_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
