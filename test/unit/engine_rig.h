// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_ENGINE_RIG_H
#define TEST_UNIT_ENGINE_RIG_H

/*
 * engine_rig - scripted children under a virtual clock.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/engine/recycle.h"
#include "supervisor/engine/tree.h"
#include "test/unit/engine_model.h"

/* ---- scripted children under a virtual clock ---- */

struct script {
	struct tree *tree;
	bool fork_fails;
	int signals[16], drains[16], moves, mourned[16];
	int last_signal[16];
	int escalations;
	enum exhausted escalated;
	uint32_t chance;
	struct hang_beat beat;
	struct hang_facts facts;
	bool has_beat;
	int next_pid;
	char order[512]; /* first letters, as children were told to leave */
};

static inline enum err
s_spawn(void *ctx, struct child *c)
{
	struct script *s = ctx;

	assert_int_equal(c->pid, 0); /* never two of one child */
	if (s->fork_fails)
		return ERR_SYSTEM;
	c->pid = ++s->next_pid;
	return OK;
}

static inline void
s_signal(void *ctx, struct child *c, int signal)
{
	struct script *s = ctx;

	assert_true(c->pid > 0);
	s->signals[c->index % 16]++;
	s->last_signal[c->index % 16] = signal;
}

static inline void
s_drain(void *ctx, struct child *c, uint32_t ms)
{
	struct script *s = ctx;

	(void)ms;
	s->drains[c->index % 16]++;
	s->order[strlen(s->order)] = c->spec.name[0];
}

static inline bool
s_beat(void *ctx, const struct child *c, struct hang_beat *beat)
{
	struct script *s = ctx;

	(void)c;
	*beat = s->beat;
	return s->has_beat;
}

static inline bool
s_facts(void *ctx, const struct child *c, struct hang_facts *facts)
{
	struct script *s = ctx;

	(void)c;
	*facts = s->facts;
	return true;
}

static inline void
s_moved(void *ctx, struct child *c, enum child_state was)
{
	struct script *s = ctx;

	(void)c;
	(void)was;
	s->moves++;
}

static inline void
s_mourn(void *ctx, struct child *c)
{
	struct script *s = ctx;

	s->mourned[c->index % 16]++;
}

static inline void
s_starved(void *ctx, struct child *c)
{
	(void)ctx;
	(void)c;
}

static inline void
s_escalate(void *ctx, struct child *c, enum exhausted how)
{
	struct script *s = ctx;

	(void)c;
	s->escalations++;
	s->escalated = how;
}

static inline uint32_t
s_chance(void *ctx)
{
	struct script *s = ctx;

	return s->chance++;
}

static inline void
script_init(
    struct script *s, const struct policy *p, const struct group_spec *root)
{
	struct tree_ops ops = {s_spawn, s_signal, s_drain, s_beat, s_facts,
	    s_moved, s_mourn, s_starved, s_escalate, s_chance, s};

	memset(s, 0, sizeof(*s));
	tree_create(&s->tree, p, &ops, root);
}

static inline struct child *
add(struct script *s, struct group *g, const char *name, struct child_spec spec)
{
	snprintf(spec.name, sizeof(spec.name), "%s", name);
	if (spec.role == 0)
		spec.role = s->tree->count + 1;
	return tree_add_child(s->tree, g, &spec);
}

static inline void
die(struct script *s, struct child *c, int code, int signal, uint64_t now)
{
	struct child_end end = {
	    .code = signal != 0 ? -1 : code, .signal = signal};

	tree_child_died(s->tree, c, &end, now);
}

static inline void
ready_all(struct script *s, uint64_t now)
{
	for (int round = 0; round < 20; round++)
		for (uint32_t i = 0; i < s->tree->count; i++)
			if (s->tree->children[i]->state == CHILD_STARTING)
				tree_child_ready(
				    s->tree, s->tree->children[i], now);
}

/* end_told: everybody who was asked to leave does. */
static inline void
end_told(struct script *s, uint64_t now)
{
	for (int round = 0; round < 20; round++)
		for (uint32_t i = 0; i < s->tree->count; i++) {
			struct child *c = s->tree->children[i];

			if (c->state == CHILD_DRAINING ||
			    c->state == CHILD_STOPPING)
				die(s, c, 0, 0, now);
		}
}

#endif /* TEST_UNIT_ENGINE_RIG_H */
