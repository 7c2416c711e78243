// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A fall (some members go down because another died, or the tree stops) is a
 * set that empties by itself: each turn asks the last living member of the set
 * to leave, and when all are settled the set is cleared. Whoever is down and
 * should be up is then queued by one level-triggered rule, the same rule that
 * serves a first start, an operator's restart and the end of a fall.
 *
 * Under rest_for_one and one_for_all the order of start is a statement about
 * dependence, so every member waits for all before it. Under one_for_one it
 * waits only for what it `needs`, and only until that was ready once: a sick
 * sibling must not keep a healthy one from coming back.
 */

#include "supervisor/engine/group.h"

#include "protocol/base/err.h"
#include "supervisor/engine/tree.h"

static uint64_t
bit(uint32_t index)
{
	return UINT64_C(1) << index;
}

static uint64_t
bits_below(uint32_t index)
{
	return bit(index) - 1;
}

static bool
member_is_settled(const struct member *m)
{
	return m->child != NULL ? child_is_settled(m->child)
				: group_is_settled(m->group);
}

bool
group_is_settled(const struct group *g)
{
	for (uint32_t i = 0; i < g->count; i++)
		if (!member_is_settled(&g->members[i]))
			return false;
	return g->falling == 0;
}

/* is_out: nobody waits for a child that will not come up by itself. */
static bool
is_out(const struct child *c)
{
	return !c->wants_up || c->is_paused || c->state == CHILD_HELD ||
	    c->intensity.is_exhausted;
}

/* child_is_passed: later siblings need not wait for it any longer. */
static bool
child_is_passed(const struct child *c)
{
	if (c->spec.restart == RESTART_ONESHOT)
		return c->state == CHILD_DONE || !c->wants_up || c->is_paused;
	return c->was_up || c->state == CHILD_DONE || is_out(c);
}

static bool
group_is_passed(const struct group *g)
{
	for (uint32_t i = 0; i < g->count; i++) {
		const struct member *m = &g->members[i];

		if (m->child != NULL ? !child_is_passed(m->child)
				     : !group_is_passed(m->group))
			return false;
	}
	return true;
}

bool
group_is_ready(const struct group *g)
{
	for (uint32_t i = 0; i < g->count; i++) {
		const struct member *m = &g->members[i];
		const struct child *c = m->child;

		if (c == NULL && !group_is_ready(m->group))
			return false;
		if (c != NULL && !child_is_ready(c) && c->state != CHILD_DONE &&
		    !is_out(c))
			return false;
	}
	return true;
}

/* needs_of: the siblings that member `index` waits for. */
static uint64_t
needs_of(const struct group *g, uint32_t index)
{
	const struct member *m = &g->members[index];
	uint64_t needs =
	    m->child != NULL ? m->child->spec.needs : m->group->spec.needs;

	if (g->spec.strategy != STRATEGY_ONE_FOR_ONE)
		return needs | bits_below(index);
	for (uint32_t i = 0; i < index; i++)
		if (g->members[i].child != NULL &&
		    g->members[i].child->spec.restart == RESTART_ONESHOT)
			needs |= bit(i);
	return needs;
}

static bool
are_needs_met(const struct group *g, uint32_t index)
{
	uint64_t needs = needs_of(g, index);

	for (uint32_t i = 0; i < g->count; i++) {
		const struct member *m = &g->members[i];

		if ((needs & bit(i)) == 0 || i == index)
			continue;
		if (m->child != NULL ? !child_is_passed(m->child)
				     : !group_is_passed(m->group))
			return false;
	}
	return true;
}

/* is_blocked: this group or one above it is falling, holding or not wanted. */
static bool
is_blocked(const struct group *g)
{
	for (; g != NULL; g = g->parent)
		if (!g->wants_up || g->falling != 0)
			return true;
	return false;
}

bool
group_may_start(const struct child *c, uint64_t now_ms)
{
	uint32_t index = c->index;

	if (c->hold_ms > now_ms || is_blocked(c->group))
		return false;
	for (const struct group *g = c->group; g != NULL; g = g->parent) {
		if (g->hold_ms > now_ms || !are_needs_met(g, index))
			return false;
		index = g->index;
	}
	return true;
}

/* drain_ms: what a leaving child may take, within the time of a shutdown. */
static uint64_t
drain_ms(const struct child *c, uint64_t now_ms)
{
	const struct tree *t = c->tree;
	uint64_t ms = c->policy.drain_ms;
	uint64_t last_ms = c->policy.term_ms + c->policy.abort_ms;

	if (t->is_fast)
		return 0;
	if (t->stop_by_ms == 0)
		return ms;
	if (t->stop_by_ms <= now_ms + last_ms)
		return 0;
	return ms < t->stop_by_ms - now_ms - last_ms
	    ? ms
	    : t->stop_by_ms - now_ms - last_ms;
}

static void
end_member(struct group *g, struct member *m, uint64_t now_ms)
{
	struct child *c = m->child;

	if (c == NULL) {
		if (m->group->falling == 0)
			group_take_down(
			    m->group, group_everyone(m->group), g->cause, 0);
		return;
	}
	if (c->is_leaving && c->state != CHILD_QUEUED)
		return; /* told already */
	child_tell(c,
	    &(struct child_news){.event = CHILD_WANT_DOWN,
		.now_ms = now_ms,
		.value = drain_ms(c, now_ms),
		.cause = g->cause});
}

/* is_kin: instances of one role (and groups of one kind) leave together, or n
 * drains would add up. */
static bool
is_kin(const struct member *a, const struct member *b)
{
	if (a->group != NULL && b->group != NULL)
		return a->group->spec.kin != 0 &&
		    a->group->spec.kin == b->group->spec.kin;
	return a->child != NULL && b->child != NULL &&
	    a->child->spec.role == b->child->spec.role;
}

/* settle is the end of a fall: what should start anew is plainly down. */
static void
settle(struct group *g, uint64_t now_ms)
{
	for (uint32_t i = 0; i < g->count; i++) {
		struct child *c = g->members[i].child;

		if ((g->falling & bit(i)) == 0 || c == NULL)
			continue;
		c->was_up = false;
		bool runs_again = c->state == CHILD_DONE &&
		    c->spec.restart != RESTART_TEMPORARY;
		if (!g->wants_up || runs_again)
			child_tell(c,
			    &(struct child_news){
				.event = CHILD_WANT_DOWN, .now_ms = now_ms});
	}
	g->falling = 0;
}

/* carry_on asks the last of the falling to leave; all gone: settled. */
static void
carry_on(struct group *g, uint64_t now_ms)
{
	struct member *last = NULL;

	for (uint32_t i = g->count; i-- > 0;) {
		struct member *m = &g->members[i];

		if ((g->falling & bit(i)) == 0 || member_is_settled(m))
			continue;
		if (last != NULL && !is_kin(m, last))
			return;
		end_member(g, m, now_ms);
		if (!member_is_settled(m))
			last = m;
	}
	if (last == NULL)
		settle(g, now_ms);
}

/* note_health lets a group be forgiven as a child is. */
static void
note_health(struct group *g, uint64_t now_ms)
{
	if (!group_is_ready(g)) {
		g->ready_ms = 0;
		return;
	}
	if (g->ready_ms == 0)
		g->ready_ms = now_ms;
	if (now_ms - g->ready_ms >= g->tree->policy.healthy_after_ms)
		intensity_healthy(&g->intensity);
}

void
group_turn(struct group *g, uint64_t now_ms)
{
	if (g->falling != 0)
		carry_on(g, now_ms);
	for (uint32_t i = 0; i < g->count; i++) {
		struct child *c = g->members[i].child;

		if (c == NULL)
			group_turn(g->members[i].group, now_ms);
		else if (c->state == CHILD_DOWN && c->wants_up &&
		    !c->is_paused && !is_blocked(g))
			child_tell(c,
			    &(struct child_news){
				.event = CHILD_WANT_UP, .now_ms = now_ms});
	}
	note_health(g, now_ms);
}

void
group_take_down(
    struct group *g, uint64_t set, enum child_reason cause, uint64_t hold_ms)
{
	g->falling |= set;
	g->cause = cause;
	for (uint32_t i = 0; i < g->count; i++) {
		const struct member *m = &g->members[i];
		uint64_t *hold =
		    m->child != NULL ? &m->child->hold_ms : &m->group->hold_ms;

		if ((set & bit(i)) != 0 && *hold < hold_ms)
			*hold = hold_ms;
	}
}

/* fellows: who falls with member `index`. */
static uint64_t
fellows(const struct group *g, uint32_t index)
{
	uint64_t others = group_everyone(g) & ~bit(index);

	switch (g->spec.strategy) {
	case STRATEGY_ONE_FOR_ALL:
		return others;
	case STRATEGY_REST_FOR_ONE:
		return others & ~bits_below(index);
	case STRATEGY_ONE_FOR_ONE:
	default:
		return 0;
	}
}

static void
forget_below(struct group *g, uint64_t now_ms)
{
	for (uint32_t i = 0; i < g->count; i++) {
		struct child *c = g->members[i].child;

		if (c == NULL) {
			forget_below(g->members[i].group, now_ms);
			continue;
		}
		intensity_forget(&c->intensity);
		if (c->state == CHILD_RESTING)
			child_tell(c,
			    &(struct child_news){
				.event = CHILD_WANT_DOWN, .now_ms = now_ms});
	}
}

/* group_fall takes the whole group down to start anew, and goes on upwards. */
static void
group_fall(struct group *g, struct child *why, uint64_t now_ms)
{
	const struct tree_ops *ops = &g->tree->ops;
	uint64_t rest_ms = intensity_died(
	    &g->intensity, &g->tree->policy, now_ms, 0, ops->chance(ops->ctx));

	g->falls++;
	forget_below(g, now_ms);
	group_take_down(g, group_everyone(g), REASON_DEPENDENCY, 0);
	g->hold_ms = now_ms + rest_ms;
	if (g->intensity.is_exhausted &&
	    g->spec.on_exhausted != EXHAUSTED_PROBATION) {
		if (g->spec.on_exhausted == EXHAUSTED_GIVE_UP)
			g->wants_up = false;
		else if (g->spec.on_exhausted != EXHAUSTED_RESTART_GROUP)
			ops->escalate(ops->ctx, why, g->spec.on_exhausted);
		else if (g->parent != NULL) {
			intensity_forget(&g->intensity);
			group_fall(g->parent, why, now_ms);
		}
		return;
	}
	if (g->parent != NULL && fellows(g->parent, g->index) != 0)
		group_take_down(g->parent, fellows(g->parent, g->index),
		    REASON_DEPENDENCY, g->hold_ms);
}

/* note_end: a significant child has ended as it was meant to (R33). */
static void
note_end(struct group *g, struct child *c)
{
	const struct tree_ops *ops = &g->tree->ops;

	if (!c->spec.is_significant ||
	    g->spec.auto_shutdown == AUTO_SHUTDOWN_NEVER)
		return;
	for (uint32_t i = 0;
	     i < g->count && g->spec.auto_shutdown == AUTO_SHUTDOWN_ALL; i++) {
		const struct child *other = g->members[i].child;

		if (other != NULL && other->spec.is_significant &&
		    other->state != CHILD_DONE)
			return;
	}
	ops->escalate(ops->ctx, c, EXHAUSTED_SHUTDOWN);
}

void
group_child_fell(struct group *g, struct child *c, uint64_t now_ms)
{
	const struct tree_ops *ops = &g->tree->ops;

	c->has_fallen = false;
	if (c->state == CHILD_DONE)
		note_end(g, c);
	if (c->state != CHILD_RESTING || is_blocked(g))
		return;
	if (c->intensity.is_exhausted &&
	    c->spec.on_exhausted != EXHAUSTED_PROBATION) {
		if (c->spec.on_exhausted == EXHAUSTED_RESTART_GROUP)
			group_fall(g, c, now_ms);
		else
			ops->escalate(ops->ctx, c, c->spec.on_exhausted);
		return;
	}
	if (fellows(g, c->index) != 0)
		group_take_down(
		    g, fellows(g, c->index), REASON_DEPENDENCY, c->deadline_ms);
}

void
group_shift(struct group *g, uint64_t gap_ms, uint64_t now_ms)
{
	if (g->hold_ms > 0)
		g->hold_ms += gap_ms;
	if (g->ready_ms > 0)
		g->ready_ms += gap_ms;
	for (uint32_t i = 0; i < g->count; i++) {
		struct child *c = g->members[i].child;

		if (c == NULL) {
			group_shift(g->members[i].group, gap_ms, now_ms);
			continue;
		}
		if (c->deadline_ms > 0)
			c->deadline_ms += gap_ms;
		if (c->hold_ms > 0)
			c->hold_ms += gap_ms;
		c->allowed_ms += gap_ms;
		if (c->ready_ms > 0)
			c->ready_ms += gap_ms;
		hang_reset(&c->hang, now_ms);
	}
}
