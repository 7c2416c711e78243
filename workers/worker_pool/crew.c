// SPDX-License-Identifier: MIT
/*
 * crew - the pools as the settings have them, each with its runners as
 * children of one tree.
 *
 * Design notes
 *
 * A group of the engine has 64 members, so a pool stands in as many groups as
 * it needs, all of one kin: they leave together.
 *
 * Runners of the process profile start in batches, with a pause between: each
 * child is held back by its batch's time. Those of the thread profile are few
 * and start at once.
 */

#include <stdio.h>

#include "protocol/base/memory.h"
#include "protocol/settings.h"
#include "workers/worker_pool/startup.h"
#include "workers/worker_pool/worker_pool.h"

enum {
	RUNNER_KIN = 1,
	HOPELESS_MS = 1000 /* a rest this long is no pause between lives */
};

struct crew *
crew_find(const struct worker_pool *wp, struct text name)
{
	for (uint32_t i = 0; i < wp->crew_count; i++)
		if (text_eq(wp->crews[i].spec->name, name))
			return &wp->crews[i];
	return NULL;
}

struct runner *
crew_runner_of(struct worker_pool *wp, const struct child *c)
{
	return &wp->crews[c->spec.role - 1].runners[c->spec.instance - 1];
}

static bool
is_hopeless(const struct child *c)
{
	return c->state == CHILD_HELD ||
	    (c->state == CHILD_RESTING &&
		(c->rest_ms >= HOPELESS_MS ||
		    c->last.reason == REASON_START_FAILED));
}

void
crew_judge(struct crew *crew)
{
	uint32_t i = 0;
	bool was_hopeless = crew->is_hopeless;

	while (i < crew->runner_count && is_hopeless(crew->runners[i].child))
		i++;
	crew->is_hopeless = i == crew->runner_count;
	pool_doom(crew->pool, crew->is_hopeless);
	if (crew->is_hopeless && !was_hopeless)
		event_note(EVENT_pool_door_closed, "pool=%.*s workers=%u",
		    TEXT_ARG(crew->spec->name), crew->runner_count);
}

static void
add_runner(struct crew *crew, struct group *g, uint32_t index)
{
	struct worker_pool *wp = crew->wp;
	struct runner *r = &crew->runners[index];
	const struct pool_spec *spec = crew->spec;
	struct child_spec child = {
	    .role = (uint32_t)(crew - wp->crews) + 1,
	    .instance = index + 1,
	    .restart = RESTART_PERMANENT,
	    .on_exhausted = EXHAUSTED_PROBATION,
	};

	snprintf(child.name, sizeof(child.name), "%.*s/%u",
	    TEXT_ARG(spec->name), index + 1);
	runner_init(r, crew, index);
	r->child = keeper_add(&wp->keeper, g, &child);
	lives_policy_of(crew, worker_settings(wp->worker), r->child);
}

/* hold_back gives each batch its time. */
static void
hold_back(struct crew *crew, uint64_t now_ms)
{
	struct startup s;

	startup_init(&s, crew->spec, now_ms);
	for (uint64_t at_ms = now_ms; !startup_is_over(&s);
	     at_ms = startup_next_ms(&s)) {
		uint32_t first = s.started;
		uint32_t count = startup_due(&s, at_ms);

		for (uint32_t i = first; i < first + count; i++)
			crew->runners[i].child->hold_ms = at_ms;
	}
}

static void
create(struct worker_pool *wp, struct crew *crew, const struct pool_spec *spec)
{
	struct group_spec group = {.kin = RUNNER_KIN};
	struct group *g = NULL;
	struct pool_rules rules = {.spec = spec,
	    .affinity_ttl_ms = wp->options.affinity_ttl_ms,
	    .affinity_most = wp->options.max_sessions,
	    .stuck_ms = wp->options.stuck_ms};
	char warning[POOL_SPEC_WARNING];

	crew->wp = wp;
	crew->spec = spec;
	crew->runner_count = (uint32_t)spec->pool_size;
	crew->runners = memory_new(sizeof(*crew->runners) * crew->runner_count);
	pool_create(&crew->pool, &rules);
	for (uint32_t i = 0; i < crew->runner_count; i++) {
		if (i % GROUP_MOST == 0)
			g = tree_add_group(wp->keeper.tree, NULL, &group);
		add_runner(crew, g, i);
	}
	hold_back(crew, loop_now_ms(wp->loop));
	crash_window_init(&crew->crashes, wp->options.crash_window_ms,
	    wp->options.crash_unhealthy);
	for (uint32_t i = 0; pool_spec_warning(spec, i, warning); i++)
		event_note(EVENT_pool_warning, "pool=%.*s what=\"%s\"",
		    TEXT_ARG(spec->name), warning);
	event_note(EVENT_pool_started, "pool_name=%.*s mode=%s workers=%u",
	    TEXT_ARG(spec->name), pool_profile_word(spec->worker_profile),
	    crew->runner_count);
}

static void
start_runners(void *ctx)
{
	struct worker_pool *wp = ctx;

	if (wp->is_draining)
		return; /* told to leave before it had begun */
	tree_start(wp->keeper.tree, loop_now_ms(wp->loop));
	loop_timer_start(wp->loop, &wp->keeper.timer, loop_now_ms(wp->loop));
}

void
crews_create(struct worker_pool *wp)
{
	struct policy policy;
	struct group_spec root = {.name = "runners"};
	struct keeper_ops ops = lives_ops(wp);

	arena_init(&wp->arena);
	pool_options_read(
	    worker_settings(wp->worker), &wp->arena, &wp->options);
	wp->crew_count = wp->options.count;
	lives_policy(wp, worker_settings(wp->worker), &policy);
	keeper_init(&wp->keeper, wp->loop, &policy, &root, &ops);
	wp->crews = memory_new(sizeof(*wp->crews) * wp->crew_count);
	for (uint32_t i = 0; i < wp->crew_count; i++)
		create(wp, &wp->crews[i], &wp->options.specs[i]);
	event_note(EVENT_pool_init_started, "count=%u total_workers=%u",
	    wp->crew_count, wp->keeper.tree->count);
	/* with the first turn, which is after READY: each is a fork */
	wp->first_start = (struct loop_timer){.due = start_runners, .ctx = wp};
	loop_timer_start(wp->loop, &wp->first_start, loop_now_ms(wp->loop));
}

void
crews_destroy(struct worker_pool *wp)
{
	loop_timer_stop(wp->loop, &wp->first_start);
	for (uint32_t i = 0; i < wp->crew_count; i++) {
		const struct pool_spec *spec = wp->crews[i].spec;

		event_note(EVENT_pool_stopped,
		    "pool_name=%.*s mode=%s reason=shutdown",
		    TEXT_ARG(spec->name),
		    pool_profile_word(spec->worker_profile));
		for (uint32_t n = 0; n < wp->crews[i].runner_count; n++)
			runner_finish(&wp->crews[i].runners[n]);
	}
	keeper_finish(&wp->keeper);
}
