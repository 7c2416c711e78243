// SPDX-License-Identifier: MIT
/*
 * lives - what the keeper asks about runners and tells of them: what the next
 * life is made of, its heartbeat, its end.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "supervisor/engine/obituary.h"
#include "workers/worker_pool/worker_pool.h"

enum {
	OBITUARY_BYTES = 64 << 10,
	PARALLEL_STARTS = 16,
	STARTS_PER_SECOND = 100,  /* of all runners: a storm must not eat */
	STARTS_PER_MINUTE = 1200, /* the machine that gateways live on */
};

#define NUMBER(s, key) ((uint32_t)settings_u64(s, SETTING_supervisor_##key))

void
lives_policy(
    const struct worker_pool *wp, const struct settings *s, struct policy *p)
{
	*p = (struct policy){
	    .healthy_after_ms = NUMBER(s, healthy_after_ms),
	    .rest_first_ms = NUMBER(s, rest_first_ms),
	    .rest_cap_ms = NUMBER(s, rest_cap_ms),
	    .jitter_percent = NUMBER(s, jitter_percent),
	    .intensity = NUMBER(s, restarts),
	    .period_ms = NUMBER(s, window_ms),
	    .unstarted_rest_ms = NUMBER(s, unstarted_rest_ms),
	    .start_ms = (uint32_t)wp->options.startup_timeout_ms,
	    .start_most_ms = (uint32_t)wp->options.startup_timeout_ms,
	    .parallel_starts = PARALLEL_STARTS,
	    .starts_per_second = STARTS_PER_SECOND,
	    .starts_per_minute = STARTS_PER_MINUTE,
	    .drain_ms = (uint32_t)wp->options.graceful_timeout_ms,
	    .term_ms = (uint32_t)wp->options.stop_timeout_ms,
	    .stop_budget_ms = NUMBER(s, stop_budget_ms),
	    .beat_ms = NUMBER(s, hang_timeout_ms),
	    .abort_ms = NUMBER(s, abort_timeout_ms),
	    .gap_ms = NUMBER(s, gap_ms),
	};
}

void
lives_policy_of(
    const struct crew *crew, const struct settings *s, struct child *c)
{
	const struct heartbeat_spec *h = &crew->spec->heartbeat;

	lives_policy(crew->wp, s, &c->policy);
	c->policy.beat_ms = h->enabled && h->dependent
	    ? (uint32_t)(h->timeout_ms * h->max_missed_heartbeats)
	    : 0;
}

static void
plan(void *ctx, struct child *c, struct spawn_plan *p)
{
	runner_plan(crew_runner_of(ctx, c), p);
}

static void
made(void *ctx, struct child *c, bool is_made)
{
	struct runner *r = crew_runner_of(ctx, c);

	for (int i = 0; i < 2; i++) {
		fd_close(&r->theirs[i]);
		if (!is_made)
			fd_close(&r->ours[i]);
	}
	if (is_made)
		runner_open(r);
}

static void
drain(void *ctx, struct child *c, uint32_t allowed_ms)
{
	(void)allowed_ms;
	runner_drain(crew_runner_of(ctx, c));
}

static bool
beat(void *ctx, const struct child *c, struct hang_beat *b)
{
	struct runner *r = crew_runner_of(ctx, c);
	const struct heartbeat_spec *h = &r->crew->spec->heartbeat;

	if (!h->enabled || !h->dependent || !r->is_greeted || r->is_lost)
		return false; /* its start, or its end, is judged */
	*b = (struct hang_beat){.beat_ms = r->alive_ms};
	return true;
}

/* note_move says each transition once, in the words of the events table. */
static void
note_move(const struct runner *r, const struct child *c, enum child_state was)
{
	const struct text pool = r->crew->spec->name;
	uint64_t allowed = r->crew->spec->heartbeat.max_missed_heartbeats;

	switch (c->state) {
	case CHILD_STARTING:
		event_note(EVENT_worker_spawned,
		    "pool_name=%.*s worker_id=%s life=%llu worker_pid=%d "
		    "mode=%s",
		    TEXT_ARG(pool), c->spec.name, (unsigned long long)c->life,
		    c->pid, pool_profile_word(r->crew->spec->worker_profile));
		break;
	case CHILD_UP:
		event_note(EVENT_worker_ready,
		    "pool_name=%.*s worker_id=%s life=%llu worker_pid=%d "
		    "mode=%s after_ms=%llu",
		    TEXT_ARG(pool), c->spec.name, (unsigned long long)c->life,
		    c->pid, pool_profile_word(r->crew->spec->worker_profile),
		    (unsigned long long)(c->ready_ms - c->started_ms));
		break;
	case CHILD_ABORTING:
	case CHILD_KILLING:
		/* the engine measures the whole silence: the last one that was
		   missed may not be counted yet */
		if (was == CHILD_UP && c->cause == REASON_HANG)
			event_note(EVENT_heartbeat_failure,
			    "worker_id=%s worker_pid=%d missed_heartbeats=%llu "
			    "dependent=true failure_reason=heartbeat_timeout",
			    c->spec.name, c->pid,
			    (unsigned long long)(r->heart.missed < allowed
				    ? allowed
				    : r->heart.missed));
		break;
	case CHILD_RESTING:
		if (c->rest_ms > 0)
			event_note(EVENT_worker_resting,
			    "worker_id=%s rest_ms=%llu probation=%s",
			    c->spec.name, (unsigned long long)c->rest_ms,
			    c->intensity.is_exhausted ? "true" : "false");
		break;
	case CHILD_DOWN:
	case CHILD_QUEUED:
	case CHILD_DRAINING:
	case CHILD_STOPPING:
	case CHILD_HELD:
	case CHILD_DONE:
	case CHILD_STATES:
	default:
		break;
	}
}

static void
moved(void *ctx, struct child *c, enum child_state was)
{
	struct worker_pool *wp = ctx;
	struct runner *r = crew_runner_of(wp, c);

	if (c->state == CHILD_ABORTING || c->state == CHILD_KILLING ||
	    c->state == CHILD_STOPPING)
		runner_lost(r); /* it will not answer: settle what it has */
	if (was == CHILD_UP && c->cause == REASON_HANG)
		stats_add(wp->slot, COUNTER_worker_pool_deaths_hung, 1);
	note_move(r, c, was);
	crew_judge(r->crew);
}

/* write_down keeps the obituary on disk; a sick disk costs only the file. */
static void
write_down(struct worker_pool *wp, struct runner *r, const struct obituary *o)
{
	const char *name = r->child->spec.name;
	uint32_t most = (uint32_t)settings_u64(
	    worker_settings(wp->worker), SETTING_supervisor_obituaries);
	struct buffer document;

	buffer_init(&document, OBITUARY_BYTES);
	enum err e = obituary_json(o, &document);
	if (r->obituary_number == 0)
		r->obituary_number = obituary_next_number(wp->obituaries, name);
	if (e == OK)
		e = obituary_keep(wp->obituaries, name, r->obituary_number++,
		    most, &document);
	if (e != OK)
		event_note(EVENT_obituary_unwritten, "child=%s error=%s why=%s",
		    name, err_name(e), e == ERR_SYSTEM ? strerror(errno) : "-");
	buffer_finish(&document);
}

static void
count_death(struct worker_pool *wp, const struct child *c)
{
	if (c->last.reason == REASON_START_FAILED || c->ready_ms == 0)
		stats_add(wp->slot, COUNTER_worker_pool_deaths_start, 1);
	else if (!c->is_leaving)
		stats_add(wp->slot, COUNTER_worker_pool_deaths, 1);
}

/* program_of: what exec was asked for, as the settings call it. */
static struct text
program_of(const struct pool_spec *spec)
{
	switch ((enum pool_adapter)spec->adapter) {
	case POOL_PROGRAM:
		return spec->program.at[0];
	case POOL_PYTHON:
		return TEXT("/usr/bin/python3");
	case POOL_NATIVE:
	default:
		return TEXT("native_runner");
	}
}

static void
mourn(void *ctx, struct child *c)
{
	struct worker_pool *wp = ctx;
	struct runner *r = crew_runner_of(wp, c);
	uint64_t now_ms = loop_now_ms(wp->loop);
	struct keeper_body *body = keeper_body(c);
	const struct pool_runner *pr = pool_runner(r->crew->pool, r->index);
	uint64_t executed = r->is_greeted ? pr->executed : 0;
	char last_line[OUTPUT_LINE + 1];

	runner_close(r); /* its last words are read */
	snprintf(last_line, sizeof(last_line), "%.*s", (int)r->output.last_used,
	    r->output.last);
	/* what a program prints before it leaves is mostly why */
	if (body->farewell[0] == '\0' && !c->is_leaving && c->last.code > 0)
		snprintf(body->farewell, sizeof(body->farewell), "%.200s",
		    last_line);
	/* the errno of an exec does not say of what */
	if (body->farewell[0] == '\0' && c->last.reason == REASON_START_FAILED)
		snprintf(body->farewell, sizeof(body->farewell), "%.*s",
		    TEXT_ARG(program_of(r->crew->spec)));
	struct obituary o = {.child = c,
	    .wall_ms = clock_wall_ms(),
	    .now_ms = now_ms,
	    .start_errno = body->start_errno,
	    .farewell = body->farewell,
	    .words = body->words,
	    .last_line = last_line,
	    .build = BANYAN_VERSION};

	obituary_sentence(&o, r->reason, sizeof(r->reason));
	count_death(wp, c);
	event_note(c->is_leaving && c->last.signal == 0
		? EVENT_worker_terminated
		: EVENT_worker_died,
	    "pool_name=%.*s worker_id=%s worker_pid=%d reason=%s planned=%s "
	    "lifetime_ms=%llu total_commands=%llu what=\"%s\"",
	    TEXT_ARG(r->crew->spec->name), c->spec.name, c->pid,
	    child_reason_name(c->last.reason), c->is_leaving ? "true" : "false",
	    (unsigned long long)(c->pid > 0 ? now_ms - c->started_ms : 0),
	    (unsigned long long)executed, r->reason);
	/* in a storm those who die less start first */
	c->spec.priority = c->intensity.failures;
	write_down(wp, r, &o);
	deaths_judge(r, last_line);
}

static void
starved(void *ctx, struct child *c)
{
	(void)ctx;
	event_note(
	    EVENT_child_starved, "child=%s pid=%d", c->spec.name, c->pid);
}

/* escalate: no runner takes the pool or the gateways along. */
static void
escalate(void *ctx, struct child *c, enum exhausted how)
{
	(void)ctx;
	(void)c;
	(void)how;
}

static void
take_record(void *ctx, struct child *c, const struct handover_record *r, int fd)
{
	struct worker_pool *wp = ctx;

	(void)c;
	(void)r;
	fd_close(&fd); /* exec closes the channel: nobody can have said it */
	wp->keeper.refused++;
}

struct keeper_ops
lives_ops(struct worker_pool *wp)
{
	return (struct keeper_ops){.plan = plan,
	    .made = made,
	    .drain = drain,
	    .record = take_record,
	    .beat = beat,
	    .moved = moved,
	    .mourn = mourn,
	    .starved = starved,
	    .escalate = escalate,
	    .ctx = wp};
}
