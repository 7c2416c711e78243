// SPDX-License-Identifier: MIT
#include "test/unit/engine_model.h"

#include <string.h>

typedef struct model_child kid;

void
model_init(struct model *m, const struct policy *p, enum strategy strategy,
    int count, uint64_t now)
{
	memset(m, 0, sizeof(*m));
	m->policy = *p;
	m->strategy = strategy;
	m->count = count;
	m->second = p->starts_per_second;
	m->minute = p->starts_per_minute;
	m->refilled = now;
	for (int i = 0; i < count; i++)
		m->child[i].wants = true;
}

static bool
runs(const kid *k)
{
	switch ((int)k->state) {
	case CHILD_STARTING:
	case CHILD_UP:
	case CHILD_DRAINING:
	case CHILD_STOPPING:
	case CHILD_ABORTING:
	case CHILD_KILLING:
		return true;
	default:
		return false;
	}
}

static bool
gone(const kid *k)
{
	return !runs(k) && k->state != CHILD_QUEUED;
}

/* rest_after: the n-th bad end in a row rests 0, first, 2 × first, … cap. */
static uint64_t
rest_after(const struct policy *p, const kid *k)
{
	uint64_t rest = p->rest_first_ms;

	if (k->probation)
		return p->rest_cap_ms;
	if (k->bad_in_a_row <= 1)
		return 0;
	for (int n = 2; n < k->bad_in_a_row; n++)
		rest = rest * 2 > p->rest_cap_ms ? p->rest_cap_ms : rest * 2;
	return rest > p->rest_cap_ms ? p->rest_cap_ms : rest;
}

static void
forget(kid *k)
{
	k->death_count = k->bad_in_a_row = k->unstarted_in_a_row = 0;
	k->probation = false;
}

static void
queue(kid *k)
{
	k->state = CHILD_QUEUED;
	k->until = 0;
}

static void
not_started(struct model *m, kid *k, uint64_t now)
{
	uint64_t rest = m->policy.unstarted_rest_ms;

	for (int n = 0; n < k->unstarted_in_a_row; n++)
		if (rest < m->policy.rest_cap_ms)
			rest *= 2;
	if (rest > m->policy.rest_cap_ms)
		rest = m->policy.rest_cap_ms;
	k->unstarted_in_a_row++;
	k->buried++;
	k->rest = rest;
	k->until = now + rest;
	k->state = CHILD_RESTING;
	k->held_for_settings = false;
}

static bool
has_token(struct model *m, uint64_t now)
{
	double gone_s = (double)(now - m->refilled) / 1000;

	m->refilled = now;
	m->second += gone_s * m->policy.starts_per_second;
	m->minute += gone_s * m->policy.starts_per_minute / 60;
	if (m->second > m->policy.starts_per_second)
		m->second = m->policy.starts_per_second;
	if (m->minute > m->policy.starts_per_minute)
		m->minute = m->policy.starts_per_minute;
	if (m->policy.starts_per_second == 0)
		return true;
	if (m->second < 1 - 1e-9 || m->minute < 1 - 1e-9)
		return false;
	m->second -= 1;
	m->minute -= 1;
	return true;
}

static bool
may_pass(const kid *k)
{
	if (k->restart == RESTART_ONESHOT)
		return k->state == CHILD_DONE || !k->wants || k->paused;
	return k->was_up || k->state == CHILD_DONE || !k->wants || k->paused ||
	    k->state == CHILD_HELD || k->probation;
}

static bool
may_start(const struct model *m, int who, uint64_t now)
{
	if (m->any_falling || m->child[who].not_before > now)
		return false;
	for (int i = 0; i < who; i++) {
		const kid *k = &m->child[i];

		if ((m->strategy != STRATEGY_ONE_FOR_ONE ||
			k->restart == RESTART_ONESHOT) &&
		    !may_pass(k))
			return false;
	}
	return true;
}

static void
launch(struct model *m, kid *k, uint64_t now)
{
	k->leaving = k->sick = false;
	k->ready = 0;
	if (m->fork_fails) {
		not_started(m, k, now);
		return;
	}
	k->life++;
	k->state = CHILD_STARTING;
	k->started = now;
	k->until = now + m->policy.start_ms;
}

static void
leave(struct model *m, kid *k, uint64_t now)
{
	switch ((int)k->state) {
	case CHILD_QUEUED:
	case CHILD_RESTING:
	case CHILD_HELD:
	case CHILD_DONE:
		k->state = CHILD_DOWN;
		k->until = 0;
		return;
	case CHILD_STARTING:
		k->state = CHILD_STOPPING;
		k->until = now + m->policy.term_ms;
		break;
	case CHILD_UP:
		k->state = CHILD_DRAINING;
		k->until = now + m->policy.drain_ms;
		break;
	case CHILD_DRAINING:
		if (now + m->policy.drain_ms < k->until)
			k->until = now + m->policy.drain_ms;
		break;
	default:
		break;
	}
	if (runs(k)) {
		k->told_to_leave++;
		k->leaving = true;
	}
}

static void
fall(struct model *m, int who)
{
	kid *dead = &m->child[who];

	dead->fell = false;
	if (m->any_falling || dead->state != CHILD_RESTING ||
	    m->strategy == STRATEGY_ONE_FOR_ONE)
		return;
	for (int i = 0; i < m->count; i++) {
		bool goes =
		    m->strategy == STRATEGY_ONE_FOR_ALL ? i != who : i > who;
		if (!goes)
			continue;
		m->falling[i] = m->any_falling = true;
		if (m->child[i].not_before < dead->until)
			m->child[i].not_before = dead->until;
	}
}

static void
time_out(struct model *m, kid *k, uint64_t now)
{
	if (k->until == 0 || k->until > now || k->paused)
		return;
	switch ((int)k->state) {
	case CHILD_STARTING:
		k->state = CHILD_ABORTING;
		k->sick = true;
		k->until = now + m->policy.abort_ms;
		break;
	case CHILD_UP:
		k->until = 0;
		k->bad_in_a_row = 0;
		k->probation = false;
		break;
	case CHILD_DRAINING:
		k->state = CHILD_STOPPING;
		k->until = now + m->policy.term_ms;
		break;
	case CHILD_STOPPING:
	case CHILD_ABORTING:
	case CHILD_KILLING:
		k->state = CHILD_KILLING;
		k->until = now + 1000;
		break;
	case CHILD_RESTING:
		queue(k);
		break;
	default:
		break;
	}
}

static void
go_on_falling(struct model *m, uint64_t now)
{
	int asked = -1;

	if (!m->any_falling)
		return;
	for (int i = m->count - 1; i >= 0; i--) {
		kid *k = &m->child[i];

		if (!m->falling[i] || gone(k))
			continue;
		if (asked >= 0 && m->child[asked].role != k->role)
			return;
		if (!k->leaving || k->state == CHILD_QUEUED)
			leave(m, k, now);
		if (!gone(k))
			asked = i;
	}
	if (asked >= 0)
		return;
	for (int i = 0; i < m->count; i++) {
		kid *k = &m->child[i];

		if (!m->falling[i])
			continue;
		k->was_up = false;
		if (k->state == CHILD_DONE && k->restart != RESTART_TEMPORARY)
			k->state = CHILD_DOWN;
		m->falling[i] = false;
	}
	m->any_falling = false;
}

void
model_settle(struct model *m, uint64_t now)
{
	int starting = 0;

	for (int i = 0; i < m->count; i++)
		if (m->child[i].fell)
			fall(m, i);
	for (int i = 0; i < m->count; i++)
		time_out(m, &m->child[i], now);
	go_on_falling(m, now);
	for (int i = 0; i < m->count; i++) {
		kid *k = &m->child[i];

		if (k->state == CHILD_DOWN && k->wants && !k->paused &&
		    !m->any_falling)
			queue(k);
		starting += k->state == CHILD_STARTING;
	}
	for (int i = 0; i < m->count; i++) {
		if (m->child[i].state != CHILD_QUEUED ||
		    !may_start(m, i, now) ||
		    starting >= (int)m->policy.parallel_starts)
			continue;
		if (!has_token(m, now))
			return;
		launch(m, &m->child[i], now);
		starting += m->child[i].state == CHILD_STARTING;
	}
}

void
model_ready(struct model *m, int who, uint64_t now)
{
	kid *k = &m->child[who];

	if (k->state == CHILD_STARTING) {
		k->state = CHILD_UP;
		k->ready = now;
		k->was_up = true;
		k->unstarted_in_a_row = 0;
		k->until = now + m->policy.healthy_after_ms;
	}
	model_settle(m, now);
}

void
model_progress(struct model *m, int who, uint64_t more, uint64_t now)
{
	kid *k = &m->child[who];
	uint64_t last = k->started + m->policy.start_most_ms;

	if (k->state == CHILD_STARTING) {
		uint64_t until = now + more > last ? last : now + more;

		if (until > k->until)
			k->until = until;
	}
	model_settle(m, now);
}

/* is_bad counts a bad end: one more than `intensity` in a period is too many */
static void
bad_end(struct model *m, kid *k, uint64_t now)
{
	int recent = 0;

	if (k->ready > 0 && now - k->ready >= m->policy.healthy_after_ms) {
		k->bad_in_a_row = 0;
		k->probation = false;
	}
	k->deaths[k->death_count++ % MODEL_HISTORY] = now;
	k->bad_in_a_row++;
	for (int i = 0; i < k->death_count && i < MODEL_HISTORY; i++)
		recent += now - k->deaths[i] <= m->policy.period_ms;
	if (recent > (int)m->policy.intensity)
		k->probation = true;
}

static void
next_life(struct model *m, kid *k, int code, int signal, uint64_t now)
{
	bool clean = code == 0 && signal == 0 && !k->sick;

	if (k->leaving || k->paused) {
		k->state = CHILD_DOWN;
		return;
	}
	if (k->restart == RESTART_TEMPORARY ||
	    (clean && k->restart != RESTART_PERMANENT)) {
		k->state = CHILD_DONE;
		return;
	}
	if (!k->sick && signal == 0 &&
	    (code == 78 || code == 101 || code == 125)) {
		k->state = CHILD_HELD;
		return;
	}
	k->rest = 0;
	if (k->sick || signal != 0 || code != 100 || now - k->started < 1000) {
		bad_end(m, k, now);
		k->rest = rest_after(&m->policy, k);
	}
	k->until = now + k->rest;
	k->state = CHILD_RESTING;
	k->fell = true;
}

void
model_died(struct model *m, int who, int code, int signal, uint64_t now)
{
	kid *k = &m->child[who];

	if (runs(k)) {
		k->until = 0;
		k->buried++;
		k->unstarted_in_a_row = 0;
		k->held_for_settings =
		    code == 78 && signal == 0 && !k->sick && !k->leaving;
		next_life(m, k, code, signal, now);
	}
	model_settle(m, now);
}

void
model_start(struct model *m, int who, uint64_t now)
{
	kid *k = &m->child[who];

	k->wants = true;
	k->not_before = 0;
	if (k->state == CHILD_DOWN) {
		queue(k);
	} else if (k->state == CHILD_RESTING || k->state == CHILD_HELD ||
	    k->state == CHILD_DONE) {
		forget(k);
		queue(k);
	}
	model_settle(m, now);
}

void
model_stop(struct model *m, int who, uint64_t now)
{
	m->child[who].wants = false;
	m->child[who].paused = false;
	leave(m, &m->child[who], now);
	model_settle(m, now);
}

void
model_restart(struct model *m, int who, uint64_t now)
{
	kid *k = &m->child[who];

	k->paused = false;
	if (!runs(k)) {
		model_start(m, who, now);
		return;
	}
	model_stop(m, who, now);
	forget(k);
	k->not_before = 0;
	k->wants = true;
	model_settle(m, now);
}

void
model_pause(struct model *m, int who)
{
	m->child[who].paused = true;
}

void
model_resume(struct model *m, int who, uint64_t now)
{
	kid *k = &m->child[who];

	k->paused = false;
	if (k->until > 0 && k->until < now)
		k->until = now;
	model_settle(m, now);
}

void
model_settings(struct model *m, uint64_t now)
{
	for (int i = 0; i < m->count; i++) {
		kid *k = &m->child[i];

		if (k->state == CHILD_HELD && k->held_for_settings) {
			forget(k);
			queue(k);
		}
	}
	model_settle(m, now);
}
