// SPDX-License-Identifier: MIT
#include "supervisor/engine/tree.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/memory.h"

void
tree_create(struct tree **out, const struct policy *policy,
    const struct tree_ops *ops, const struct group_spec *root)
{
	struct tree *t = memory_new(sizeof(*t));

	arena_init(&t->arena);
	t->policy = *policy;
	t->ops = *ops;
	tree_add_group(t, NULL, root);
	*out = t;
}

void
tree_destroy(struct tree **tree)
{
	if (*tree == NULL)
		return;
	arena_finish(&(*tree)->arena);
	memory_free(*tree);
	*tree = NULL;
}

static uint32_t
add_member(struct group *g, struct child *c, struct group *sub)
{
	INVARIANT(g->count < GROUP_MOST);
	g->members[g->count] = (struct member){.child = c, .group = sub};
	return g->count++;
}

struct group *
tree_add_group(
    struct tree *t, struct group *parent, const struct group_spec *spec)
{
	struct group *g = ARENA_NEW(&t->arena, struct group);

	g->spec = *spec;
	g->tree = t;
	if (t->root == NULL) {
		t->root = g;
		return g;
	}
	g->parent = parent != NULL ? parent : t->root;
	g->index = add_member(g->parent, NULL, g);
	return g;
}

struct child *
tree_add_child(
    struct tree *t, struct group *parent, const struct child_spec *spec)
{
	struct child *c = ARENA_NEW(&t->arena, struct child);

	INVARIANT(t->count < TREE_MOST);
	c->spec = *spec;
	c->policy = t->policy;
	c->tree = t;
	c->group = parent != NULL ? parent : t->root;
	c->index = add_member(c->group, c, NULL);
	c->wants_up = true;
	c->last.code = -1;
	t->children[t->count++] = c;
	return c;
}

static void
want_group(struct group *g)
{
	g->wants_up = true;
	for (uint32_t i = 0; i < g->count; i++)
		if (g->members[i].group != NULL)
			want_group(g->members[i].group);
}

void
tree_start(struct tree *t, uint64_t now_ms)
{
	storm_init(&t->storm, t->policy.starts_per_second,
	    t->policy.starts_per_minute, now_ms);
	t->last_ms = now_ms;
	want_group(t->root);
	tree_turn(t, now_ms);
}

void
tree_shutdown(struct tree *t, bool fast, uint64_t now_ms)
{
	bool is_first = t->stop_by_ms == 0;

	if (is_first)
		t->stop_by_ms = now_ms + t->policy.stop_budget_ms;
	t->root->wants_up = false;
	for (uint32_t i = 0; i < t->count; i++)
		t->children[i]->is_paused = false;
	group_take_down(t->root, group_everyone(t->root), REASON_SHUTDOWN, 0);
	if (fast && !t->is_fast) {
		t->is_fast = true;
		for (uint32_t i = 0; i < t->count; i++)
			if (t->children[i]->state == CHILD_DRAINING)
				child_tell(t->children[i],
				    &(struct child_news){
					.event = CHILD_WANT_DOWN,
					.now_ms = now_ms,
					.cause = REASON_SHUTDOWN});
	}
	tree_turn(t, now_ms);
}

/* mind_gap: we were stopped ourselves, so nobody else was late (R16). */
static void
mind_gap(struct tree *t, uint64_t now_ms)
{
	uint64_t gap_ms = now_ms > t->last_ms ? now_ms - t->last_ms : 0;

	t->last_ms = now_ms;
	if (t->policy.gap_ms == 0 || gap_ms <= t->policy.gap_ms)
		return;
	t->gaps++;
	group_shift(t->root, gap_ms, now_ms);
	if (t->stop_by_ms > 0)
		t->stop_by_ms += gap_ms;
}

struct look_ctx {
	struct tree *tree;
	const struct child *child;
};

static bool
look_at(void *ctx, struct hang_facts *facts)
{
	const struct look_ctx *look = ctx;
	const struct tree_ops *ops = &look->tree->ops;

	return ops->facts(ops->ctx, look->child, facts);
}

/* pulse_of: before READY there is no beat, but what the kernel says counts. */
static enum hang_verdict
pulse_of(struct tree *t, struct child *c, uint64_t now_ms)
{
	struct look_ctx ctx = {t, c};
	struct hang_look look = {look_at, &ctx};
	struct hang_beat beat;

	if (c->is_paused || t->ops.beat == NULL || c->policy.beat_ms == 0)
		return HANG_FINE;
	if (c->state == CHILD_STARTING)
		return hang_check_start(
		    &c->hang, c->policy.beat_ms, now_ms, look);
	if ((c->state != CHILD_UP && c->state != CHILD_DRAINING) ||
	    !t->ops.beat(t->ops.ctx, c, &beat))
		return HANG_FINE;
	return hang_check(&c->hang, &beat, c->policy.beat_ms, now_ms, look);
}

static void
check_pulse(struct tree *t, struct child *c, uint64_t now_ms)
{
	bool was_starved = c->hang.is_starved;

	switch (pulse_of(t, c, now_ms)) {
	case HANG_STOPPED:
		child_tell(c,
		    &(struct child_news){
			.event = CHILD_FROZEN, .now_ms = now_ms});
		break;
	case HANG_HUNG:
		child_tell(c,
		    &(struct child_news){
			.event = CHILD_HUNG, .now_ms = now_ms});
		break;
	case HANG_STARVED:
		if (!was_starved)
			t->ops.starved(t->ops.ctx, c);
		break;
	case HANG_FINE:
	default:
		break;
	}
}

/* apply_falls comes before deadlines: a rest of 0 ms is over at once. */
static void
apply_falls(struct tree *t, uint64_t now_ms)
{
	for (uint32_t i = 0; i < t->count; i++) {
		struct child *c = t->children[i];

		if (c->has_fallen)
			group_child_fell(c->group, c, now_ms);
	}
}

static void
do_what_is_due(struct tree *t, uint64_t now_ms)
{
	t->is_doomed = t->stop_by_ms > 0 && now_ms >= t->stop_by_ms;
	for (uint32_t i = 0; i < t->count; i++) {
		struct child *c = t->children[i];

		if (t->is_doomed && c->state != CHILD_KILLING)
			child_tell(c,
			    &(struct child_news){
				.event = CHILD_DOOM, .now_ms = now_ms});
		if (c->deadline_ms > 0 && c->deadline_ms <= now_ms &&
		    !c->is_paused)
			child_tell(c,
			    &(struct child_news){
				.event = CHILD_TIMEOUT, .now_ms = now_ms});
		check_pulse(t, c, now_ms);
	}
}

/* next_to_start: in a storm the dear ones first, else the order of start. */
static struct child *
next_to_start(struct tree *t, uint64_t now_ms)
{
	struct child *best = NULL;

	for (uint32_t i = 0; i < t->count; i++) {
		struct child *c = t->children[i];

		if (c->state == CHILD_QUEUED && group_may_start(c, now_ms) &&
		    (best == NULL || c->spec.priority < best->spec.priority))
			best = c;
	}
	return best;
}

static uint32_t
count_starting(const struct tree *t)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < t->count; i++)
		count += t->children[i]->state == CHILD_STARTING;
	return count;
}

static void
start_some(struct tree *t, uint64_t now_ms)
{
	struct child *c;
	uint64_t wait_ms;

	while (count_starting(t) < t->policy.parallel_starts &&
	    now_ms >= t->storm_until_ms &&
	    (c = next_to_start(t, now_ms)) != NULL) {
		if (!storm_take(&t->storm, now_ms, &wait_ms)) {
			t->storm_until_ms = now_ms + wait_ms;
			t->storm_waits++;
			return;
		}
		child_tell(c,
		    &(struct child_news){
			.event = CHILD_TURN, .now_ms = now_ms});
	}
}

void
tree_turn(struct tree *t, uint64_t now_ms)
{
	mind_gap(t, now_ms);
	apply_falls(t, now_ms);
	do_what_is_due(t, now_ms);
	group_turn(t->root, now_ms);
	start_some(t, now_ms);
}

static void
sooner(uint64_t *next_ms, uint64_t at_ms)
{
	if (at_ms > 0 && at_ms < *next_ms)
		*next_ms = at_ms;
}

/* next_hold: a queued child waits for a time, here or above. */
static void
next_hold(const struct child *c, uint64_t now_ms, uint64_t *next_ms)
{
	if (c->hold_ms > now_ms)
		sooner(next_ms, c->hold_ms);
	for (const struct group *g = c->group; g != NULL; g = g->parent)
		if (g->hold_ms > now_ms)
			sooner(next_ms, g->hold_ms);
}

uint64_t
tree_next_ms(const struct tree *t, uint64_t now_ms)
{
	uint64_t next_ms = now_ms + 500;

	if (t->storm_until_ms > now_ms)
		sooner(&next_ms, t->storm_until_ms);
	if (!t->is_doomed)
		sooner(&next_ms, t->stop_by_ms);
	for (uint32_t i = 0; i < t->count; i++) {
		const struct child *c = t->children[i];

		if (!c->is_paused)
			sooner(&next_ms, c->deadline_ms);
		if (child_lives(c))
			sooner(&next_ms, now_ms + TREE_WAKE_MS);
		if (c->state == CHILD_QUEUED)
			next_hold(c, now_ms, &next_ms);
	}
	return next_ms > now_ms ? next_ms : now_ms;
}

static void
tell(struct tree *t, struct child *c, const struct child_news *news)
{
	mind_gap(t, news->now_ms);
	child_tell(c, news);
	tree_turn(t, news->now_ms);
}

void
tree_child_ready(struct tree *t, struct child *c, uint64_t now_ms)
{
	tell(
	    t, c, &(struct child_news){.event = CHILD_READY, .now_ms = now_ms});
}

void
tree_child_progress(
    struct tree *t, struct child *c, uint64_t wanted_ms, uint64_t now_ms)
{
	tell(t, c,
	    &(struct child_news){.event = CHILD_PROGRESS,
		.now_ms = now_ms,
		.value = wanted_ms < c->policy.start_most_ms
		    ? wanted_ms
		    : c->policy.start_most_ms});
}

void
tree_child_sick(
    struct tree *t, struct child *c, enum child_reason why, uint64_t now_ms)
{
	if (child_lives(c) && c->cause == REASON_NONE)
		c->cause = why;
	tell(t, c, &(struct child_news){.event = CHILD_DOOM, .now_ms = now_ms});
}

void
tree_child_died(struct tree *t, struct child *c, const struct child_end *end,
    uint64_t now_ms)
{
	tell(t, c,
	    &(struct child_news){
		.event = CHILD_DIED, .now_ms = now_ms, .end = end});
}

void
tree_order_start(struct tree *t, struct child *c, uint64_t now_ms)
{
	if (t->stop_by_ms > 0)
		return;
	c->wants_up = true;
	c->hold_ms = 0;
	tell(t, c,
	    &(struct child_news){.event = CHILD_WANT_UP, .now_ms = now_ms});
}

void
tree_order_stop(struct tree *t, struct child *c, uint64_t now_ms)
{
	c->wants_up = false;
	c->is_paused = false;
	tell(t, c,
	    &(struct child_news){.event = CHILD_WANT_DOWN,
		.now_ms = now_ms,
		.value = c->policy.drain_ms,
		.cause = REASON_OPERATOR});
}

void
tree_order_restart(struct tree *t, struct child *c, uint64_t now_ms)
{
	if (t->stop_by_ms > 0)
		return;
	c->is_paused = false;
	if (!child_lives(c)) {
		tree_order_start(t, c, now_ms);
		return;
	}
	tree_order_stop(t, c, now_ms);
	intensity_forget(&c->intensity);
	c->hold_ms = 0;
	c->wants_up = true;
	tree_turn(t, now_ms);
}

void
tree_recycle(struct tree *t, struct child *c, uint64_t now_ms)
{
	if (t->stop_by_ms > 0)
		return;
	tell(t, c,
	    &(struct child_news){.event = CHILD_WANT_DOWN,
		.now_ms = now_ms,
		.value = c->policy.drain_ms,
		.cause = REASON_RECYCLE});
}

void
tree_order_pause(struct tree *t, struct child *c)
{
	enum child_state was = c->state;

	c->is_paused = t->stop_by_ms == 0;
	t->ops.moved(t->ops.ctx, c, was);
}

void
tree_order_resume(struct tree *t, struct child *c, uint64_t now_ms)
{
	c->is_paused = false;
	hang_reset(&c->hang, now_ms);
	if (c->deadline_ms > 0 && c->deadline_ms < now_ms)
		c->deadline_ms = now_ms;
	t->ops.moved(t->ops.ctx, c, c->state);
	tree_turn(t, now_ms);
}

void
tree_settings_changed(struct tree *t, uint64_t now_ms)
{
	for (uint32_t i = 0; i < t->count; i++)
		child_tell(t->children[i],
		    &(struct child_news){
			.event = CHILD_SETTINGS, .now_ms = now_ms});
	tree_turn(t, now_ms);
}

bool
tree_is_ready(const struct tree *t)
{
	return t->root->wants_up && group_is_ready(t->root);
}

bool
tree_is_down(const struct tree *t)
{
	return t->root->falling == 0 && group_is_settled(t->root);
}

bool
tree_is_degraded(const struct tree *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (child_is_degraded(t->children[i]))
			return true;
	return false;
}

struct child *
tree_find(const struct tree *t, uint32_t role, uint32_t instance)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->children[i]->spec.role == role &&
		    t->children[i]->spec.instance == instance)
			return t->children[i];
	return NULL;
}
