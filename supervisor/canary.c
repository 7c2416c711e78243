// SPDX-License-Identifier: MIT
#include "supervisor/canary.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "supervisor/supervisor.h"

enum {
	PROOF_MS = 5000 /* two starts and a death; a slow machine included */
};

static void
plan(void *ctx, struct child *c, struct spawn_plan *to)
{
	struct supervisor *s = ctx;
	char program[512];

	(void)c;
	snprintf(program, sizeof(program), "%s/canary", s->libexec_dir);
	spawn_plan_init(to, program);
}

static void
take_record(void *ctx, struct child *c, const struct handover_record *r, int fd)
{
	struct supervisor *s = ctx;

	(void)c;
	(void)r;
	fd_close(&fd);
	s->keeper.refused++;
}

/* has_no_beat: it has no slot; only its death tells. */
static bool
has_no_beat(void *ctx, const struct child *c, struct hang_beat *beat)
{
	(void)ctx;
	(void)c;
	(void)beat;
	return false;
}

/* moved kills the first life the moment it is ready: not by an order, which
 * the engine would expect, but as a stranger would. */
static void
moved(void *ctx, struct child *c, enum child_state was)
{
	struct supervisor *s = ctx;

	(void)was;
	if (c->state != CHILD_UP || s->canary.is_killed)
		return;
	s->canary.is_killed = true;
	kill(c->pid, SIGKILL);
}

static void
not_mourned(void *ctx, struct child *c)
{
	(void)ctx;
	(void)c;
}

static void
not_escalated(void *ctx, struct child *c, enum exhausted how)
{
	(void)ctx;
	(void)c;
	(void)how;
}

static void
let_out(struct supervisor *s, uint64_t order_id, uint64_t life)
{
	struct canary *canary = &s->canary;
	const struct keeper_ops ops = {.plan = plan,
	    .record = take_record,
	    .beat = has_no_beat,
	    .moved = moved,
	    .mourn = not_mourned,
	    .starved = not_mourned,
	    .escalate = not_escalated,
	    .ctx = s};
	const struct group_spec root = {.name = "canary"};
	const struct child_spec spec = {
	    .name = "canary", .restart = RESTART_PERMANENT};
	struct policy policy;
	uint64_t now_ms = loop_now_ms(s->loop);

	policy_read(s, &policy);
	*canary = (struct canary){.is_out = true,
	    .began_us = clock_mono_us(),
	    .give_up_ms = now_ms + PROOF_MS,
	    .order_id = order_id,
	    .order_life = life};
	keeper_init(&canary->keeper, s->loop, &policy, &root, &ops);
	s->keeper.sibling = &canary->keeper;
	canary->keeper.sibling = &s->keeper;
	canary->child = keeper_add(&canary->keeper, NULL, &spec);
	tree_start(canary->keeper.tree, now_ms);
	keeper_wake(&canary->keeper);
}

void
canary_prove(struct supervisor *s, uint64_t order_id, uint64_t life)
{
	if (s->canary.is_out)
		orders_answer(s, order_id, life, ERR_EXISTS,
		    "a proof is under way already");
	else
		let_out(s, order_id, life);
}

static void
take_down(struct supervisor *s)
{
	tree_shutdown(s->canary.keeper.tree, true, loop_now_ms(s->loop));
	keeper_wake(&s->canary.keeper);
}

/* tell says how it went, to whoever asked and to every reader of `stats`. */
static void
tell(struct supervisor *s, bool is_proven)
{
	struct canary *canary = &s->canary;
	struct stats_shared *shared = s->stats.shared;
	const char *state =
	    child_state_name((enum child_state)canary->child->state);
	uint64_t took_us = clock_mono_us() - canary->began_us;
	char text[128];

	canary->is_over = true;
	atomic_store(&shared->proof_took_us, took_us);
	atomic_store(
	    &shared->proof, is_proven ? STATS_PROOF_GOOD : STATS_PROOF_BAD);
	atomic_store(&shared->proof_ms, loop_now_ms(s->loop));
	event_note(
	    is_proven ? EVENT_supervision_proven : EVENT_supervision_unproven,
	    "took_us=%" PRIu64 " life=%" PRIu64 " state=%s", took_us,
	    canary->child->life, state);
	if (is_proven)
		snprintf(text, sizeof(text),
		    "a child was killed and back in %" PRIu64 " us", took_us);
	else
		snprintf(text, sizeof(text),
		    "the canary is not back after %d ms: life %" PRIu64 ", %s",
		    PROOF_MS, canary->child->life, state);
	orders_answer(s, canary->order_id, canary->order_life,
	    is_proven ? OK : ERR_SYSTEM, text);
	take_down(s);
}

/* withdraw: the tree is being stopped, and nothing is proven either way. */
static void
withdraw(struct supervisor *s)
{
	s->canary.is_over = true;
	orders_answer(s, s->canary.order_id, s->canary.order_life, ERR_EXISTS,
	    "the tree is stopping");
	take_down(s);
}

/* is_due: on the schedule, counted from the last proof or from ready. */
static bool
is_due(const struct supervisor *s)
{
	uint64_t every_ms =
	    settings_u64(s->settings, SETTING_supervisor_prove_every_ms);
	uint64_t last_ms = atomic_load(&s->stats.shared->proof_ms);
	uint64_t began_ms = atomic_load(&s->slot->started_ms);

	if (last_ms < began_ms)
		last_ms = began_ms; /* this life of ours has proven nothing */
	return every_ms > 0 && s->was_ready && !s->is_stopping &&
	    loop_now_ms(s->loop) >= last_ms + every_ms;
}

void
canary_look(struct supervisor *s)
{
	struct canary *canary = &s->canary;

	if (!canary->is_out) {
		if (is_due(s))
			let_out(s, 0, 0);
		return;
	}
	if (!canary->is_over && canary->child->life > 1 &&
	    canary->child->state == CHILD_UP)
		tell(s, true);
	else if (!canary->is_over && s->is_stopping)
		withdraw(s);
	else if (!canary->is_over && loop_now_ms(s->loop) >= canary->give_up_ms)
		tell(s, false);
	if (!canary->is_over || !tree_is_down(canary->keeper.tree))
		return;
	s->keeper.sibling = NULL;
	keeper_finish(&canary->keeper);
	canary->is_out = false;
}
