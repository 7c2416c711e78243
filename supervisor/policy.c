// SPDX-License-Identifier: MIT
#include "supervisor/supervisor.h"

#include <stdio.h>

#define NUMBER(s, key) \
	((uint32_t)settings_u64((s)->settings, SETTING_supervisor_##key))

void
policy_read(const struct supervisor *s, struct policy *p)
{
	*p = (struct policy){
	    .healthy_after_ms = NUMBER(s, healthy_after_ms),
	    .rest_first_ms = NUMBER(s, rest_first_ms),
	    .rest_cap_ms = NUMBER(s, rest_cap_ms),
	    .jitter_percent = NUMBER(s, jitter_percent),
	    .intensity = NUMBER(s, restarts),
	    .period_ms = NUMBER(s, window_ms),
	    .unstarted_rest_ms = NUMBER(s, unstarted_rest_ms),
	    .start_ms = NUMBER(s, start_timeout_ms),
	    .start_most_ms = NUMBER(s, start_most_ms),
	    .parallel_starts = NUMBER(s, parallel_starts),
	    .starts_per_second = NUMBER(s, starts_per_second),
	    .starts_per_minute = NUMBER(s, starts_per_minute),
	    .drain_ms = NUMBER(s, drain_timeout_ms),
	    .term_ms = NUMBER(s, stop_timeout_ms),
	    .stop_budget_ms = NUMBER(s, stop_budget_ms),
	    .beat_ms = NUMBER(s, hang_timeout_ms),
	    .abort_ms = NUMBER(s, abort_timeout_ms),
	    .gap_ms = NUMBER(s, gap_ms),
	};
}

/* The choices of the settings table stand in the order of the enums. */
void
policy_root(const struct supervisor *s, struct group_spec *root)
{
	*root = (struct group_spec){
	    .name = "root",
	    .strategy = (enum strategy)settings_choice(
		s->settings, SETTING_supervisor_strategy),
	    .on_exhausted = (enum exhausted)settings_choice(
		s->settings, SETTING_supervisor_on_exhausted),
	    .auto_shutdown = (enum auto_shutdown)settings_choice(
		s->settings, SETTING_supervisor_auto_shutdown),
	};
}

static void
read_child(const struct supervisor *s, struct child *c)
{
	const struct settings *settings = s->settings;
	enum role role = (enum role)c->spec.role;

	policy_read(s, &c->policy);
	c->policy.intensity =
	    (uint32_t)settings_worker_u64(settings, role, WORKER_restarts);
	c->policy.period_ms =
	    (uint32_t)settings_worker_u64(settings, role, WORKER_window_ms);
	c->policy.start_ms = (uint32_t)settings_worker_u64(
	    settings, role, WORKER_start_timeout_ms);
	c->policy.drain_ms = (uint32_t)settings_worker_u64(
	    settings, role, WORKER_drain_timeout_ms);
	c->policy.term_ms = (uint32_t)settings_worker_u64(
	    settings, role, WORKER_stop_timeout_ms);
	c->policy.beat_ms = (uint32_t)settings_worker_u64(
	    settings, role, WORKER_hang_timeout_ms);
}

void
policy_apply(struct supervisor *s)
{
	struct tree *t = s->keeper.tree;
	struct policy old = t->policy;

	policy_read(s, &t->policy);
	for (uint32_t i = 0; i < t->count; i++)
		read_child(s, t->children[i]);
	if (old.starts_per_second != t->policy.starts_per_second ||
	    old.starts_per_minute != t->policy.starts_per_minute)
		storm_init(&t->storm, t->policy.starts_per_second,
		    t->policy.starts_per_minute, loop_now_ms(s->loop));
}
