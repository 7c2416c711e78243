// SPDX-License-Identifier: MIT
/*
 * pulse - what is looked at a few times a second: heartbeats, runners whose
 * socket ended, and, more seldom, memory, gauges and what runners left behind.
 *
 * Design notes
 *
 * A runner that cannot answer while it works (`answers: idle`) is taken to be
 * alive while it has calls, unless the kernel says that it is stopped; its
 * calls' deadlines judge the rest. The verdict itself is the engine's (hang.h),
 * which tells a starved process from a hung one.
 */

#include "protocol/base/proc.h"
#include "protocol/log_rules.h"
#include "workers/worker_pool/worker_pool.h"

enum {
	CENSUS_MS = 1000,
	STATUS_MS = 10000,
};

static bool
may_answer(const struct runner *r)
{
	return r->peer.answers_always || r->peer.open == 0;
}

/* look_busy: it works and cannot answer; stopped is not working. */
static void
look_busy(struct runner *r, uint64_t now_ms)
{
	struct hang_facts facts;

	if (now_ms - r->alive_ms < r->crew->spec->heartbeat.ping_interval_ms ||
	    !hang_read_facts(r->child->pid, &facts))
		return;
	if (facts.state != 'T' && facts.state != 't')
		r->alive_ms = now_ms;
}

static void
note_missed(struct runner *r, bool has_failed)
{
	const char *dependent =
	    r->crew->spec->heartbeat.dependent ? "true" : "false";
	unsigned long long missed = r->heart.missed;

	if (!has_failed) {
		stats_add(r->crew->wp->slot,
		    COUNTER_worker_pool_heartbeats_missed, 1);
		event_note(EVENT_heartbeat_timeout,
		    "worker_id=%s worker_pid=%d missed_heartbeats=%llu "
		    "dependent=%s",
		    r->child->spec.name, r->child->pid, missed, dependent);
	} else if (!r->crew->spec->heartbeat.dependent) {
		/* else the engine looks first whether it is starved */
		event_note(EVENT_heartbeat_failure,
		    "worker_id=%s worker_pid=%d missed_heartbeats=%llu "
		    "dependent=false failure_reason=heartbeat_timeout",
		    r->child->spec.name, r->child->pid, missed);
	}
}

static void
check_heart(struct runner *r, uint64_t now_ms)
{
	enum heartbeat_act act;
	bool may_ping = may_answer(r);

	if (!r->is_greeted || r->is_lost)
		return;
	if (!may_ping)
		look_busy(r, now_ms);
	while ((act = heartbeat_turn(&r->heart, may_ping, now_ms)) !=
	    HEARTBEAT_NOTHING) {
		if (act == HEARTBEAT_PING)
			runner_ping(r);
		else
			note_missed(r, act == HEARTBEAT_FAILED);
		diag_note(DIAG_heartbeat, NULL,
		    "worker=%s action=%s missed=%llu", r->child->spec.name,
		    act == HEARTBEAT_PING ? "ping" : "missed",
		    (unsigned long long)r->heart.missed);
		if (act == HEARTBEAT_FAILED)
			return;
	}
}

/* check_end: its socket ended and the process goes on: that is no runner. */
static void
check_end(struct runner *r, uint64_t now_ms)
{
	if (r->ended_ms == 0 || now_ms - r->ended_ms < RUNNER_ENDING_MS ||
	    !child_lives(r->child) || r->child->is_leaving)
		return;
	r->ended_ms = 0;
	keeper_kill(
	    r->child, REASON_FAULT, "closed its socket and went on running");
}

/* is_full: would it refuse a call now, though it is well? */
static bool
is_full(const struct pool *pool)
{
	return pool_ready(pool) > 0 && pool_available(pool) == 0 &&
	    pool_waiting(pool) >= pool_spec_of(pool)->max_queue_size;
}

static void
count_crew(struct crew *crew, uint64_t now_ms, uint64_t sums[8])
{
	bool is_crashing = !crash_window_is_healthy(&crew->crashes, now_ms);

	sums[4] += crew->is_hopeless || is_crashing;
	sums[5] += is_crashing;
	sums[6] +=
	    breaker_state(pool_breaker(crew->pool), now_ms) == BREAKER_OPEN;
	sums[7] += is_full(crew->pool);
	sums[0] += pool_ready(crew->pool);
	sums[1] += pool_waiting(crew->pool);
	sums[2] += pool_running(crew->pool);
	for (uint32_t i = 0; i < crew->runner_count; i++) {
		struct runner *r = &crew->runners[i];

		r->memory_bytes = proc_rss_bytes(r->child->pid);
		sums[3] += r->memory_bytes;
	}
}

static void
take_census(struct worker_pool *wp, uint64_t now_ms)
{
	uint64_t sums[8] = {0};

	for (uint32_t i = 0; i < wp->crew_count; i++) {
		const struct crew *crew = &wp->crews[i];

		count_crew(&wp->crews[i], now_ms, sums);
		diag_note(DIAG_pool_queue, NULL,
		    "pool=%.*s queued=%u dispatched=%u ready=%u available=%u",
		    TEXT_ARG(crew->spec->name), pool_waiting(crew->pool),
		    pool_running(crew->pool), pool_ready(crew->pool),
		    pool_available(crew->pool));
	}
	stats_set(
	    wp->slot, COUNTER_worker_pool_runners, wp->keeper.tree->count);
	stats_set(wp->slot, COUNTER_worker_pool_runners_ready, sums[0]);
	stats_set(wp->slot, COUNTER_worker_pool_queued, sums[1]);
	stats_set(wp->slot, COUNTER_worker_pool_in_flight, sums[2]);
	stats_set(wp->slot, COUNTER_worker_pool_runners_bytes, sums[3]);
	stats_set(wp->slot, COUNTER_worker_pool_pools_unhealthy, sums[4]);
	stats_set(wp->slot, COUNTER_worker_pool_pools_crashing, sums[5]);
	stats_set(wp->slot, COUNTER_worker_pool_circuits_open, sums[6]);
	stats_set(wp->slot, COUNTER_worker_pool_pools_full, sums[7]);
	deaths_keep(wp);
	keeper_reap_strangers(&wp->keeper);
	uint32_t killed = keeper_kill_strangers(&wp->keeper);
	if (killed > 0)
		event_note(EVENT_strangers_killed, "processes=%u", killed);
}

static void
tell_status(struct worker_pool *wp)
{
	for (uint32_t i = 0; i < wp->crew_count; i++) {
		const struct crew *crew = &wp->crews[i];

		event_note(EVENT_pool_status,
		    "pool=%.*s queue_depth=%u available_workers=%u "
		    "busy_workers=%u total_workers=%u",
		    TEXT_ARG(crew->spec->name), pool_waiting(crew->pool),
		    pool_available(crew->pool), pool_busy(crew->pool),
		    crew->runner_count);
	}
}

static void
note_started(struct worker_pool *wp, uint64_t now_ms)
{
	uint32_t ready = 0;

	wp->is_started = true;
	wp->census_ms = 0; /* at the next pulse: all are there now */
	for (uint32_t i = 0; i < wp->crew_count; i++) {
		const struct crew *crew = &wp->crews[i];

		ready += pool_ready(crew->pool);
		if (pool_ready(crew->pool) == 0)
			event_note(EVENT_pool_warning,
			    "pool=%.*s what=\"none of its %u workers started\"",
			    TEXT_ARG(crew->spec->name), crew->runner_count);
	}
	event_note(EVENT_pool_init_complete,
	    "count=%u total_workers=%u ready=%u duration_ms=%llu",
	    wp->crew_count, wp->keeper.tree->count, ready,
	    (unsigned long long)(now_ms - wp->started_ms));
}

static void
note_breaker(struct crew *crew, const char *who, enum breaker_turn turn,
    uint64_t failures)
{
	if (turn == BREAKER_STAYED)
		return;
	event_note(turn == BREAKER_OPENED ? EVENT_circuit_breaker_opened
					  : EVENT_circuit_breaker_closed,
	    "pool_name=%.*s breaker=%s consecutive_failures=%llu "
	    "cooldown_ms=%llu",
	    TEXT_ARG(crew->spec->name), who, (unsigned long long)failures,
	    (unsigned long long)crew->spec->circuit_breaker_cooldown_ms);
}

static void
look_at_crew(struct crew *crew, uint64_t now_ms)
{
	for (uint32_t i = 0; i < crew->runner_count; i++) {
		struct runner *r = &crew->runners[i];

		check_heart(r, now_ms);
		check_end(r, now_ms);
		note_breaker(crew, r->child->spec.name,
		    pool_runner_breaker_turn(crew->pool, i),
		    pool_runner(crew->pool, i)->breaker.failures);
	}
	note_breaker(crew, "pool", pool_breaker_turn(crew->pool),
	    pool_breaker_failures(crew->pool));
}

static void
pulse(void *ctx)
{
	struct worker_pool *wp = ctx;
	uint64_t now_ms = loop_now_ms(wp->loop);

	for (uint32_t i = 0; i < wp->crew_count; i++)
		look_at_crew(&wp->crews[i], now_ms);
	if (now_ms >= wp->census_ms) {
		take_census(wp, now_ms);
		wp->census_ms = now_ms + CENSUS_MS;
	}
	recycle_look(wp, now_ms);
	if (!wp->is_started && tree_is_ready(wp->keeper.tree))
		note_started(wp, now_ms);
	if (now_ms >= wp->status_ms) {
		tell_status(wp);
		wp->status_ms = now_ms + STATUS_MS;
	}
	advise_look(wp, now_ms);
	loop_timer_start(wp->loop, &wp->pulse, now_ms + RUNNER_PULSE_MS);
}

void
pulse_start(struct worker_pool *wp)
{
	wp->pulse = (struct loop_timer){.due = pulse, .ctx = wp};
	wp->started_ms = loop_now_ms(wp->loop);
	/* before READY: what an earlier life saw is not so any more */
	stats_set(
	    wp->slot, COUNTER_worker_pool_runners, wp->keeper.tree->count);
	stats_set(wp->slot, COUNTER_worker_pool_runners_ready, 0);
	loop_timer_start(
	    wp->loop, &wp->pulse, loop_now_ms(wp->loop) + RUNNER_PULSE_MS);
}
