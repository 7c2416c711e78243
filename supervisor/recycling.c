// SPDX-License-Identifier: MIT
#include "supervisor/supervisor.h"

#include "protocol/base/clock.h"
#include "protocol/base/proc.h"

static uint64_t
descriptors_of(int pid)
{
	int64_t count = proc_descriptors(pid);

	return count > 0 ? (uint64_t)count : 0;
}

/* is_spare: its fellows of the same role are all up, so one may be missed. */
static bool
is_spare(const struct tree *t, const struct child *c)
{
	for (uint32_t i = 0; i < t->count; i++) {
		const struct child *other = t->children[i];

		if (other->spec.role == c->spec.role && other->wants_up &&
		    other->state != CHILD_UP)
			return false;
	}
	return true;
}

static void
look_at(struct supervisor *s, struct child *c)
{
	enum role role = (enum role)c->spec.role;
	uint64_t now_ms = loop_now_ms(s->loop);
	struct recycle_rule rule = {
	    .rss_bytes =
		settings_worker_u64(s->settings, role, WORKER_max_rss_bytes),
	    .age_ms = settings_worker_u64(s->settings, role, WORKER_max_age_ms),
	    .descriptors =
		settings_worker_u64(s->settings, role, WORKER_max_descriptors),
	};
	struct recycle_facts facts = {.life = c->life, .ready_ms = c->ready_ms};

	if (rule.rss_bytes > 0)
		facts.rss_bytes = proc_rss_bytes(c->pid);
	if (rule.descriptors > 0)
		facts.descriptors = descriptors_of(c->pid);
	enum recycle_why why = recycle_judge(&s->recycles[c->spec.slot], &rule,
	    &facts, now_ms, (uint32_t)clock_mono_ns());
	if (why == RECYCLE_NOT || !is_spare(s->keeper.tree, c))
		return;
	event_note(EVENT_child_recycled, "child=%s life=%llu why=%s",
	    c->spec.name, (unsigned long long)c->life, recycle_word(why));
	tree_recycle(s->keeper.tree, c, now_ms);
	keeper_wake(&s->keeper);
}

void
recycling_look(struct supervisor *s)
{
	struct tree *t = s->keeper.tree;

	for (uint32_t i = 0; i < t->count && !s->is_stopping; i++)
		if (t->children[i]->state == CHILD_UP &&
		    !t->children[i]->is_paused)
			look_at(s, t->children[i]);
}
