// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * `wants_up` is a wish that the tree keeps (level); WANT_DOWN is the end of
 * this life only (edge). A restart is therefore "WANT_DOWN, wish unchanged":
 * when it is down, the tree finds a child that should be up and queues it.
 *
 * A sick child (hung, never ready) is killed by us but not on our demand: its
 * death counts like a crash. `is_leaving` tells the two apart.
 */

#include "supervisor/engine/child.h"

#include <signal.h>

#include "protocol/base/err.h"
#include "protocol/handover.h"
#include "supervisor/engine/tree.h"

enum {
	KILL_AGAIN_MS = 1000, /* a killed child may hang in the kernel */
	RECYCLE_MIN_MS = 1000 /* exit 100 sooner than this is a crash */
};

typedef enum child_state child_step(struct child *, const struct child_news *);

static void
send_signal(struct child *c, int signal)
{
	c->tree->ops.signal(c->tree->ops.ctx, c, signal);
}

static enum child_state
queue_it(struct child *c, const struct child_news *news)
{
	c->deadline_ms = 0;
	c->queued_ms = news->now_ms;
	return CHILD_QUEUED;
}

/* queue_at_once: somebody asked for it, so old sins are forgotten. */
static enum child_state
queue_at_once(struct child *c, const struct child_news *news)
{
	intensity_forget(&c->intensity);
	return queue_it(c, news);
}

static enum child_state
queue_if_settings(struct child *c, const struct child_news *news)
{
	if (c->last.reason != REASON_SETTINGS)
		return CHILD_HELD;
	return queue_at_once(c, news);
}

static enum child_state
go_down(struct child *c, const struct child_news *news)
{
	(void)news;
	c->deadline_ms = 0;
	return CHILD_DOWN;
}

/* not_started: R10: no death of the child, a rest of its own kind. */
static enum child_state
not_started(struct child *c, uint64_t now_ms)
{
	const struct tree_ops *ops = &c->tree->ops;

	c->life--; /* it never was */
	c->rest_ms = intensity_unstarted(
	    &c->intensity, &c->policy, ops->chance(ops->ctx));
	c->deadline_ms = now_ms + c->rest_ms;
	c->last = (struct child_end){.reason = REASON_START_FAILED,
	    .state = CHILD_QUEUED,
	    .code = -1,
	    .at_ms = now_ms};
	c->ended_ms = now_ms;
	ops->mourn(ops->ctx, c);
	c->pid = 0;
	return c->is_leaving ? CHILD_DOWN : CHILD_RESTING;
}

static enum child_state
spawn_it(struct child *c, const struct child_news *news)
{
	const struct policy *p = &c->policy;
	const struct tree_ops *ops = &c->tree->ops;

	c->life++;
	c->is_leaving = false;
	c->cause = REASON_NONE;
	c->ready_ms = 0;
	if (ops->spawn(ops->ctx, c) != OK)
		return not_started(c, news->now_ms);
	c->started_ms = news->now_ms;
	hang_reset(&c->hang, news->now_ms);
	c->deadline_ms = news->now_ms + p->start_ms;
	c->allowed_ms = news->now_ms + p->start_most_ms;
	return CHILD_STARTING;
}

static enum child_state
announce_up(struct child *c, const struct child_news *news)
{
	c->ready_ms = news->now_ms;
	c->was_up = true;
	intensity_started(&c->intensity);
	c->deadline_ms = news->now_ms + c->policy.healthy_after_ms;
	hang_reset(&c->hang, news->now_ms);
	return CHILD_UP;
}

static enum child_state
grant_more(struct child *c, const struct child_news *news)
{
	uint64_t until_ms = news->now_ms + news->value;

	if (until_ms > c->allowed_ms)
		until_ms = c->allowed_ms;
	if (until_ms > c->deadline_ms)
		c->deadline_ms = until_ms;
	return c->state;
}

static enum child_state
forgive(struct child *c, const struct child_news *news)
{
	(void)news;
	c->deadline_ms = 0;
	intensity_healthy(&c->intensity);
	return c->state;
}

static enum child_state
kill_it(struct child *c, const struct child_news *news)
{
	send_signal(c, SIGKILL);
	c->deadline_ms = news->now_ms + KILL_AGAIN_MS;
	return CHILD_KILLING;
}

static enum child_state
kill_frozen(struct child *c, const struct child_news *news)
{
	if (c->cause == REASON_NONE)
		c->cause = REASON_HANG;
	return kill_it(c, news);
}

/* abort_it wants a backtrace before the end; KILL follows if it is deaf. */
static enum child_state
abort_it(struct child *c, const struct child_news *news)
{
	c->cause =
	    news->event == CHILD_HUNG ? REASON_HANG : REASON_START_TIMEOUT;
	send_signal(c, SIGABRT);
	c->deadline_ms = news->now_ms + c->policy.abort_ms;
	return CHILD_ABORTING;
}

static enum child_state
ask_to_stop(struct child *c, const struct child_news *news)
{
	if (news->event == CHILD_WANT_DOWN)
		c->cause = news->cause;
	c->is_leaving = true;
	send_signal(c, SIGTERM);
	c->deadline_ms = news->now_ms + c->policy.term_ms;
	return CHILD_STOPPING;
}

static enum child_state
ask_to_drain(struct child *c, const struct child_news *news)
{
	const struct tree_ops *ops = &c->tree->ops;

	c->cause = news->cause;
	c->is_leaving = true;
	ops->drain(ops->ctx, c, (uint32_t)news->value);
	if (news->value == 0)
		return ask_to_stop(c, news);
	c->deadline_ms = news->now_ms + news->value;
	return CHILD_DRAINING;
}

/* hurry: asked again, with less time than it was promised. */
static enum child_state
hurry(struct child *c, const struct child_news *news)
{
	uint64_t by_ms = news->now_ms + news->value;

	if (news->value == 0)
		return ask_to_drain(c, news);
	if (by_ms < c->deadline_ms)
		c->deadline_ms = by_ms;
	return c->state;
}

/* leave_when_dead: it is being killed already; no life after this one. */
static enum child_state
leave_when_dead(struct child *c, const struct child_news *news)
{
	(void)news;
	c->is_leaving = true;
	return c->state;
}

/* is_over: its restart type asks for no other life after this end. */
static bool
is_over(const struct child *c)
{
	bool is_clean = c->last.signal == 0 && c->last.code == EXIT_ASKED;

	switch (c->spec.restart) {
	case RESTART_TEMPORARY:
		return true;
	case RESTART_TRANSIENT:
	case RESTART_ONESHOT:
		return is_clean && c->cause == REASON_NONE;
	case RESTART_PERMANENT:
	default:
		return false;
	}
}

/* rest_it: another life, after a rest that grows with each death. */
static enum child_state
rest_it(struct child *c, uint64_t now_ms)
{
	const struct tree_ops *ops = &c->tree->ops;
	uint64_t ready_ms = c->ready_ms > 0 ? now_ms - c->ready_ms : 0;

	c->rest_ms = 0;
	if (c->last.code != EXIT_AT_ONCE || c->last.reason != REASON_RECYCLE)
		c->rest_ms = intensity_died(&c->intensity, &c->policy, now_ms,
		    ready_ms, ops->chance(ops->ctx));
	c->deadline_ms = now_ms + c->rest_ms;
	c->has_fallen = true;
	if (c->intensity.is_exhausted &&
	    c->spec.on_exhausted == EXHAUSTED_GIVE_UP) {
		c->deadline_ms = 0;
		return CHILD_HELD;
	}
	return CHILD_RESTING;
}

/* reason_of: our own cause goes before what the kernel reports. */
static enum child_reason
reason_of(const struct child *c, const struct child_end *end, uint64_t now_ms)
{
	if (c->cause != REASON_NONE)
		return c->cause;
	if (end->signal != 0)
		return end->is_oom ? REASON_OOM : REASON_SIGNAL;
	switch (end->code) {
	case EXIT_SETTINGS:
		return REASON_SETTINGS;
	case EXIT_AT_ONCE:
		return now_ms - c->started_ms >= RECYCLE_MIN_MS ? REASON_RECYCLE
								: REASON_EXIT;
	case EXIT_SEGMENT:
		return REASON_SEGMENT;
	default:
		return REASON_EXIT;
	}
}

static enum child_state
after_death(struct child *c, uint64_t now_ms)
{
	if (c->is_leaving || c->is_paused)
		return CHILD_DOWN;
	if (is_over(c)) {
		c->has_fallen = true; /* it may be a significant one */
		return CHILD_DONE;
	}
	if (c->cause == REASON_NONE && c->last.signal == 0 &&
	    (c->last.code == EXIT_SETTINGS || c->last.code == EXIT_SEGMENT ||
		c->last.code == EXIT_NEVER_AGAIN))
		return CHILD_HELD;
	return rest_it(c, now_ms);
}

static enum child_state
obituary_then_next(struct child *c, const struct child_news *news)
{
	enum child_state next;

	if (news->end->reason == REASON_START_FAILED)
		return not_started(c, news->now_ms); /* exec failed */
	intensity_started(&c->intensity);
	c->last = *news->end;
	c->last.reason = reason_of(c, news->end, news->now_ms);
	c->last.state = c->state;
	c->last.at_ms = c->ended_ms = news->now_ms;
	c->deadline_ms = 0;
	next = after_death(c, news->now_ms);
	c->tree->ops.mourn(c->tree->ops.ctx, c);
	c->pid = 0;
	return next;
}

static child_step *const steps[CHILD_STATES][CHILD_EVENTS] = {
    [CHILD_DOWN] =
	{
	    [CHILD_WANT_UP] = queue_it,
	},
    [CHILD_QUEUED] =
	{
	    [CHILD_TURN] = spawn_it,
	    [CHILD_WANT_DOWN] = go_down,
	},
    [CHILD_STARTING] =
	{
	    [CHILD_READY] = announce_up,
	    [CHILD_PROGRESS] = grant_more,
	    [CHILD_DIED] = obituary_then_next,
	    [CHILD_TIMEOUT] = abort_it, /* never said READY */
	    [CHILD_FROZEN] = kill_frozen,
	    [CHILD_WANT_DOWN] = ask_to_stop,
	    [CHILD_DOOM] = kill_it,
	},
    [CHILD_UP] =
	{
	    [CHILD_DIED] = obituary_then_next,
	    [CHILD_TIMEOUT] = forgive, /* ready long enough */
	    [CHILD_HUNG] = abort_it,
	    [CHILD_FROZEN] = kill_frozen,
	    [CHILD_WANT_DOWN] = ask_to_drain,
	    [CHILD_DOOM] = kill_it,
	},
    [CHILD_DRAINING] =
	{
	    [CHILD_DIED] = obituary_then_next,
	    [CHILD_TIMEOUT] = ask_to_stop,
	    [CHILD_FROZEN] = kill_frozen,
	    [CHILD_WANT_DOWN] = hurry,
	    [CHILD_DOOM] = kill_it,
	},
    [CHILD_STOPPING] =
	{
	    [CHILD_DIED] = obituary_then_next,
	    [CHILD_TIMEOUT] = kill_it, /* deaf to SIGTERM */
	    [CHILD_DOOM] = kill_it,
	},
    [CHILD_ABORTING] =
	{
	    [CHILD_DIED] = obituary_then_next,
	    [CHILD_TIMEOUT] = kill_it, /* deaf to SIGABRT */
	    [CHILD_WANT_DOWN] = leave_when_dead,
	    [CHILD_DOOM] = kill_it,
	},
    [CHILD_KILLING] =
	{
	    [CHILD_DIED] = obituary_then_next,
	    [CHILD_TIMEOUT] = kill_it, /* stuck in the kernel */
	    [CHILD_WANT_DOWN] = leave_when_dead,
	},
    [CHILD_RESTING] =
	{
	    [CHILD_TIMEOUT] = queue_it,
	    [CHILD_WANT_UP] = queue_at_once,
	    [CHILD_WANT_DOWN] = go_down,
	},
    [CHILD_HELD] =
	{
	    [CHILD_WANT_UP] = queue_at_once,
	    [CHILD_SETTINGS] = queue_if_settings,
	    [CHILD_WANT_DOWN] = go_down,
	},
    [CHILD_DONE] =
	{
	    [CHILD_WANT_UP] = queue_at_once,
	    [CHILD_WANT_DOWN] = go_down,
	},
};

void
child_tell(struct child *c, const struct child_news *news)
{
	child_step *step = steps[c->state][news->event];
	enum child_state was = c->state;

	if (step == NULL) {
		c->ignored++;
		return;
	}
	c->state = step(c, news);
	if (c->state != was)
		c->tree->ops.moved(c->tree->ops.ctx, c, was);
}

bool
child_lives(const struct child *c)
{
	return c->state >= CHILD_STARTING && c->state <= CHILD_KILLING;
}

bool
child_is_ready(const struct child *c)
{
	return c->state == CHILD_UP;
}

bool
child_is_settled(const struct child *c)
{
	return !child_lives(c) && c->state != CHILD_QUEUED;
}

bool
child_is_degraded(const struct child *c)
{
	if (c->is_paused)
		return true;
	if (!c->wants_up || c->state == CHILD_DONE)
		return false;
	return c->state != CHILD_UP || c->intensity.is_exhausted;
}
