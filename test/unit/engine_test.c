// SPDX-License-Identifier: MIT
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

static enum err
s_spawn(void *ctx, struct child *c)
{
	struct script *s = ctx;

	assert_int_equal(c->pid, 0); /* never two of one child */
	if (s->fork_fails)
		return ERR_SYSTEM;
	c->pid = ++s->next_pid;
	return OK;
}

static void
s_signal(void *ctx, struct child *c, int signal)
{
	struct script *s = ctx;

	assert_true(c->pid > 0);
	s->signals[c->index % 16]++;
	s->last_signal[c->index % 16] = signal;
}

static void
s_drain(void *ctx, struct child *c, uint32_t ms)
{
	struct script *s = ctx;

	(void)ms;
	s->drains[c->index % 16]++;
	s->order[strlen(s->order)] = c->spec.name[0];
}

static bool
s_beat(void *ctx, const struct child *c, struct hang_beat *beat)
{
	struct script *s = ctx;

	(void)c;
	*beat = s->beat;
	return s->has_beat;
}

static bool
s_facts(void *ctx, const struct child *c, struct hang_facts *facts)
{
	struct script *s = ctx;

	(void)c;
	*facts = s->facts;
	return true;
}

static void
s_moved(void *ctx, struct child *c, enum child_state was)
{
	struct script *s = ctx;

	(void)c;
	(void)was;
	s->moves++;
}

static void
s_mourn(void *ctx, struct child *c)
{
	struct script *s = ctx;

	s->mourned[c->index % 16]++;
}

static void
s_starved(void *ctx, struct child *c)
{
	(void)ctx;
	(void)c;
}

static void
s_escalate(void *ctx, struct child *c, enum exhausted how)
{
	struct script *s = ctx;

	(void)c;
	s->escalations++;
	s->escalated = how;
}

static uint32_t
s_chance(void *ctx)
{
	struct script *s = ctx;

	return s->chance++;
}

static void
script_init(
    struct script *s, const struct policy *p, const struct group_spec *root)
{
	struct tree_ops ops = {s_spawn, s_signal, s_drain, s_beat, s_facts,
	    s_moved, s_mourn, s_starved, s_escalate, s_chance, s};

	memset(s, 0, sizeof(*s));
	tree_create(&s->tree, p, &ops, root);
}

static struct child *
add(struct script *s, struct group *g, const char *name, struct child_spec spec)
{
	snprintf(spec.name, sizeof(spec.name), "%s", name);
	if (spec.role == 0)
		spec.role = s->tree->count + 1;
	return tree_add_child(s->tree, g, &spec);
}

static void
die(struct script *s, struct child *c, int code, int signal, uint64_t now)
{
	struct child_end end = {
	    .code = signal != 0 ? -1 : code, .signal = signal};

	tree_child_died(s->tree, c, &end, now);
}

static void
ready_all(struct script *s, uint64_t now)
{
	for (int round = 0; round < 20; round++)
		for (uint32_t i = 0; i < s->tree->count; i++)
			if (s->tree->children[i]->state == CHILD_STARTING)
				tree_child_ready(
				    s->tree, s->tree->children[i], now);
}

/* end_told: everybody who was asked to leave does. */
static void
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

/* ---- the model ---- */

static uint32_t
roll(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static const int codes[] = {0, 1, 1, 3, 70, 75, 78, 100, 101, 125};

struct pair {
	struct script script;
	struct model model;
	uint64_t now;
	uint32_t seed, first_seed;
	int step;
};

static void
compare(struct pair *p, const char *what)
{
	for (int i = 0; i < p->model.count; i++) {
		const struct child *c = p->script.tree->children[i];
		const struct model_child *k = &p->model.child[i];

		if (c->state == k->state && c->life == k->life &&
		    c->intensity.is_exhausted == k->probation &&
		    p->script.mourned[i] == k->buried &&
		    (c->state != CHILD_RESTING || c->rest_ms == k->rest))
			continue;
		fail_msg("seed %u step %d after %s: child %d is %s life %llu "
			 "rest %llu mourned %d, the model says %s life %llu "
			 "rest %llu mourned %d",
		    p->first_seed, p->step, what, i, child_state_name(c->state),
		    (unsigned long long)c->life, (unsigned long long)c->rest_ms,
		    p->script.mourned[i], child_state_name(k->state),
		    (unsigned long long)k->life, (unsigned long long)k->rest,
		    k->buried);
	}
}

static const char *
happen(struct pair *p, int who)
{
	struct tree *t = p->script.tree;
	struct child *c = t->children[who];
	int code = codes[roll(&p->seed) % 10];
	int sig = roll(&p->seed) % 3 == 0 ? SIGKILL : 0;

	switch (roll(&p->seed) % 16) {
	case 0:
	case 1:
	case 2:
	case 3:
		tree_child_ready(t, c, p->now);
		model_ready(&p->model, who, p->now);
		return "ready";
	case 4:
	case 5:
	case 6:
	case 7:
		if (!child_lives(c))
			return "nothing";
		model_died(&p->model, who, sig ? -1 : code, sig, p->now);
		die(&p->script, c, code, sig, p->now);
		return "death";
	case 8:
		tree_child_progress(t, c, code * 10, p->now);
		model_progress(&p->model, who, code * 10, p->now);
		return "progress";
	case 9:
		tree_order_start(t, c, p->now);
		model_start(&p->model, who, p->now);
		return "start";
	case 10:
		if (roll(&p->seed) % 3 != 0)
			return "nothing";
		tree_order_stop(t, c, p->now);
		model_stop(&p->model, who, p->now);
		return "stop";
	case 11:
		tree_order_restart(t, c, p->now);
		model_restart(&p->model, who, p->now);
		return "restart";
	case 12:
		if (roll(&p->seed) % 3 != 0)
			return "nothing";
		tree_order_pause(t, c);
		model_pause(&p->model, who);
		return "pause";
	case 13:
		tree_order_resume(t, c, p->now);
		model_resume(&p->model, who, p->now);
		return "resume";
	case 14:
		tree_settings_changed(t, p->now);
		model_settings(&p->model, p->now);
		return "settings";
	default:
		p->script.fork_fails = p->model.fork_fails =
		    roll(&p->seed) % 4 == 0;
		return "nothing";
	}
}

/* pass lets time go by, stopping where the tree asks to be woken. */
static void
pass(struct pair *p)
{
	static const uint32_t spans[] = {0, 1, 20, 60, 500, 2500, 11000};
	uint64_t until = p->now + spans[roll(&p->seed) % 7];

	while (p->now < until) {
		uint64_t next = tree_next_ms(p->script.tree, p->now);

		p->now = next > p->now && next < until ? next : until;
		tree_turn(p->script.tree, p->now);
		model_settle(&p->model, p->now);
		compare(p, "time");
	}
}

static void
run_pair(uint32_t seed, int steps)
{
	struct policy policy = POLICY_DEFAULT;
	struct group_spec root = {
	    .name = "root", .strategy = (enum strategy)(seed % 3)};
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	policy.jitter_percent = 0; /* jitter has a test of its own */
	policy.gap_ms = 0;
	policy.starts_per_second = seed % 5 == 0 ? 4 : 20;
	policy.parallel_starts = seed % 4 + 1;
	p->seed = p->first_seed = seed * 2654435761u | 1;
	p->now = 1000;
	int count = 2 + (int)(seed % 5);
	script_init(&p->script, &policy, &root);
	p->script.tree->storm_until_ms = 0;
	model_init(&p->model, &policy, root.strategy, count, p->now);
	for (int i = 0; i < count; i++) {
		enum restart restart = roll(&p->seed) % 2 == 0
		    ? RESTART_PERMANENT
		    : (enum restart)(roll(&p->seed) % 4);
		struct child_spec spec = {
		    .restart = restart, .role = (uint32_t)(i == 1 ? 1 : i + 1)};

		add(&p->script, NULL, "c", spec);
		p->model.child[i].restart = restart;
		p->model.child[i].role = spec.role;
	}
	tree_start(p->script.tree, p->now);
	model_settle(&p->model, p->now);
	for (p->step = 0; p->step < steps; p->step++) {
		compare(p, happen(p, (int)(roll(&p->seed) % (uint32_t)count)));
		if (roll(&p->seed) % 2 == 0)
			pass(p);
	}
	tree_destroy(&p->script.tree);
	free(p);
}

static void
a_million_random_steps_agree_with_the_model(void **state)
{
	const char *few = getenv("BANYAN_TEST_STEPS");
	uint32_t runs = few != NULL ? (uint32_t)atoi(few) / 1000 : 1000;

	(void)state;
	for (uint32_t seed = 1; seed <= runs; seed++)
		run_pair(seed, 1000);
}

/* ---- intensity ---- */

static void
the_first_restart_is_immediate_and_the_rest_doubles_to_the_cap(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct intensity i = {0};
	uint64_t expected[] = {0, 50, 100, 200, 400, 800};

	(void)state;
	p.jitter_percent = 0;
	for (size_t n = 0; n < COUNT_OF(expected); n++)
		assert_int_equal(intensity_died(&i, &p, 100000 * (n + 1), 0, 0),
		    expected[n]);
	for (int n = 0; n < 20; n++)
		intensity_died(&i, &p, 10000000 + (uint64_t)n * 100000, 0, 0);
	assert_int_equal(intensity_died(&i, &p, 90000000, 0, 0), 30000);
	assert_false(i.is_exhausted); /* far apart: no intensity */
}

static void
jitter_stays_within_its_percent_and_uses_all_of_it(void **state)
{
	struct policy p = POLICY_DEFAULT;
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	for (uint32_t chance = 0; chance < 1000; chance++) {
		struct intensity i = {.failures = 3};
		uint64_t rest = intensity_died(&i, &p, 1, 0, chance * 7919);

		least = rest < least ? rest : least;
		most = rest > most ? rest : most;
	}
	assert_int_equal(least, 160);
	assert_int_equal(most, 240);
}

static void
readiness_for_ten_seconds_forgives(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct intensity i = {0};

	(void)state;
	for (int n = 0; n < 7; n++)
		intensity_died(&i, &p, 1000, 0, 0);
	assert_true(i.is_exhausted);
	assert_int_equal(intensity_died(&i, &p, 60000, 10000, 0), 0);
	assert_false(i.is_exhausted);
}

static void
six_deaths_in_the_period_are_probation_at_the_cap(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct intensity i = {0};
	uint64_t rest = 0;

	(void)state;
	p.jitter_percent = 0;
	for (int n = 0; n < 5; n++)
		intensity_died(&i, &p, 1000 + (uint64_t)n * 6000, 0, 0);
	assert_false(i.is_exhausted);
	rest = intensity_died(&i, &p, 31000, 0, 0);
	assert_true(i.is_exhausted);
	assert_int_equal(rest, 30000);
}

static void
a_failed_fork_rests_from_half_a_second_and_is_no_death(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct intensity i = {0};

	(void)state;
	p.jitter_percent = 0;
	assert_int_equal(intensity_unstarted(&i, &p, 0), 500);
	assert_int_equal(intensity_unstarted(&i, &p, 0), 1000);
	for (int n = 0; n < 20; n++)
		intensity_unstarted(&i, &p, 0);
	assert_int_equal(intensity_unstarted(&i, &p, 0), 30000);
	assert_false(i.is_exhausted);
	assert_int_equal(i.failures, 0);
	intensity_started(&i);
	assert_int_equal(intensity_unstarted(&i, &p, 0), 500);
}

static void
a_storm_is_held_to_twenty_a_second_and_two_hundred_a_minute(void **state)
{
	struct storm s;
	uint64_t wait_ms;
	int second = 0, minute = 0;

	(void)state;
	storm_init(&s, 20, 200, 5000);
	for (uint64_t now = 5000; now < 65000; now++)
		if (storm_take(&s, now, &wait_ms)) {
			minute++;
			second += now < 6000;
		}
	assert_in_range(second, 20, 40);
	assert_in_range(minute, 200, 400);
	storm_init(&s, 0, 0, 0);
	for (int n = 0; n < 1000; n++)
		assert_true(storm_take(&s, 0, &wait_ms));
}

/* ---- strategies by example ---- */

static void
nested_groups_fall_inside_and_escalate_outside(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {
	    .name = "root", .strategy = STRATEGY_REST_FOR_ONE};
	struct group_spec inner = {.name = "inner",
	    .strategy = STRATEGY_ONE_FOR_ALL,
	    .on_exhausted = EXHAUSTED_PROBATION};
	struct child_spec fragile = {.on_exhausted = EXHAUSTED_RESTART_GROUP};
	struct script s;

	(void)state;
	p.starts_per_second = 0;
	p.starts_per_minute = 0;
	p.gap_ms = 0;
	p.intensity = 1;
	script_init(&s, &p, &root);
	struct child *a = add(&s, NULL, "a", (struct child_spec){0});
	struct group *g = tree_add_group(s.tree, NULL, &inner);
	struct child *b = add(&s, g, "b", fragile);
	struct child *c = add(&s, g, "c", fragile);
	struct child *d = add(&s, NULL, "d", (struct child_spec){0});
	tree_start(s.tree, 1000);
	ready_all(&s, 1000);
	assert_true(tree_is_ready(s.tree));
	die(&s, b, 1, 0, 1100); /* inside: c falls with b, a and d stay */
	end_told(&s, 1100);
	ready_all(&s, 1100);
	assert_int_equal(c->life, 2);
	assert_int_equal(a->life, 1);
	assert_int_equal(d->life, 1);
	die(&s, b, 1, 0, 1200); /* too often: the group falls, and d after it */
	assert_int_equal(g->falls, 1);
	end_told(&s, 1200);
	tree_turn(s.tree, 1300);
	ready_all(&s, 1300);
	assert_int_equal(a->life, 1);
	assert_int_equal(b->life, 3);
	assert_int_equal(c->life, 3);
	assert_int_equal(d->life, 2);
	assert_true(tree_is_ready(s.tree));
	tree_destroy(&s.tree);
}

static void
exhaustion_escalates_as_the_policy_says(void **state)
{
	static const enum exhausted ways[] = {EXHAUSTED_PROBATION,
	    EXHAUSTED_RESTART_SUPERVISOR, EXHAUSTED_SHUTDOWN,
	    EXHAUSTED_GIVE_UP};
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};

	(void)state;
	p.gap_ms = 0;
	p.intensity = 0;
	for (size_t n = 0; n < COUNT_OF(ways); n++) {
		struct script s;

		script_init(&s, &p, &root);
		struct child *a = add(&s, NULL, "a",
		    (struct child_spec){.on_exhausted = ways[n]});
		tree_start(s.tree, 1000);
		ready_all(&s, 1000);
		die(&s, a, 1, 0, 1100);
		bool told = ways[n] == EXHAUSTED_RESTART_SUPERVISOR ||
		    ways[n] == EXHAUSTED_SHUTDOWN;
		assert_int_equal(s.escalations, told);
		if (told)
			assert_int_equal(s.escalated, ways[n]);
		assert_int_equal(a->state,
		    ways[n] == EXHAUSTED_GIVE_UP ? CHILD_HELD : CHILD_RESTING);
		assert_true(tree_is_degraded(s.tree));
		tree_destroy(&s.tree);
	}
}

static void
a_oneshot_ends_before_its_dependants_start(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	script_init(&s, &p, &root);
	struct child *a =
	    add(&s, NULL, "a", (struct child_spec){.restart = RESTART_ONESHOT});
	struct child *b = add(&s, NULL, "b", (struct child_spec){0});
	tree_start(s.tree, 1000);
	tree_child_ready(s.tree, a, 1000);
	assert_int_equal(b->state, CHILD_QUEUED);
	die(&s, a, 1, 0, 1010); /* not yet */
	tree_turn(s.tree, 1011);
	assert_int_equal(a->state, CHILD_STARTING);
	assert_int_equal(b->state, CHILD_QUEUED);
	die(&s, a, 0, 0, 1020);
	assert_int_equal(a->state, CHILD_DONE);
	assert_int_equal(b->state, CHILD_STARTING);
	tree_destroy(&s.tree);
}

static void
significant_children_that_end_stop_the_tree(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct script s;

	(void)state;
	for (int all = 0; all <= 1; all++) {
		struct group_spec root = {.name = "root",
		    .auto_shutdown =
			all ? AUTO_SHUTDOWN_ALL : AUTO_SHUTDOWN_ANY};
		struct child_spec job = {
		    .restart = RESTART_TRANSIENT, .is_significant = true};

		script_init(&s, &p, &root);
		struct child *a = add(&s, NULL, "a", job);
		struct child *b = add(&s, NULL, "b", job);
		tree_start(s.tree, 1000);
		ready_all(&s, 1000);
		die(&s, a, 0, 0, 1100);
		assert_int_equal(s.escalations, !all);
		die(&s, b, 0, 0, 1200);
		assert_true(s.escalations >= 1);
		assert_int_equal(s.escalated, EXHAUSTED_SHUTDOWN);
		tree_destroy(&s.tree);
	}
}

static void
a_shutdown_goes_in_reverse_kin_together_and_ends_within_its_budget(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	p.gap_ms = 0;
	script_init(&s, &p, &root);
	add(&s, NULL, "a", (struct child_spec){.role = 1});
	add(&s, NULL, "b", (struct child_spec){.role = 2});
	add(&s, NULL, "c", (struct child_spec){.role = 3});
	add(&s, NULL, "C", (struct child_spec){.role = 3});
	tree_start(s.tree, 1000);
	ready_all(&s, 1000);
	tree_shutdown(s.tree, false, 2000);
	assert_string_equal(s.order, "Cc"); /* kin drain side by side */
	die(&s, s.tree->children[3], 0, 0, 2100);
	assert_string_equal(s.order, "Cc");
	die(&s, s.tree->children[2], 0, 0, 2200);
	assert_string_equal(s.order, "Ccb");
	/* b and a are deaf: the budget of 30 s ends it all with KILL */
	for (uint64_t now = 2200; now < 32100; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(s.last_signal[1], SIGKILL);
	assert_int_equal(s.last_signal[0], SIGKILL);
	die(&s, s.tree->children[1], -1, SIGKILL, 32200);
	die(&s, s.tree->children[0], -1, SIGKILL, 32200);
	assert_true(tree_is_down(s.tree));
	tree_destroy(&s.tree);
}

static void
our_own_absence_moves_every_deadline(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	script_init(&s, &p, &root);
	struct child *a = add(&s, NULL, "a", (struct child_spec){0});
	struct child *b = add(&s, NULL, "b", (struct child_spec){0});
	tree_start(s.tree, 1000);
	tree_child_ready(s.tree, a, 1000);
	s.has_beat = true;
	s.beat.beat_ms = 1000;
	s.facts.state = 'S';
	tree_turn(s.tree, 61000); /* a minute: VM pause */
	assert_int_equal(s.tree->gaps, 1);
	assert_int_equal(a->state, CHILD_UP);
	assert_int_equal(b->state, CHILD_STARTING);
	for (uint64_t now = 61100; now < 62400; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(a->state, CHILD_UP); /* a new 1.5 s */
	for (uint64_t now = 62400; now <= 62700; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(a->state, CHILD_ABORTING);
	tree_destroy(&s.tree);
}

static void
a_paused_child_is_left_alone_and_shows_as_degraded(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	script_init(&s, &p, &root);
	struct child *a = add(&s, NULL, "a", (struct child_spec){0});
	tree_start(s.tree, 1000);
	ready_all(&s, 1000);
	tree_order_pause(s.tree, a);
	assert_true(tree_is_degraded(s.tree));
	s.has_beat = true;
	s.beat.beat_ms = 1000;
	s.facts.state = 't';
	for (uint64_t now = 1100; now < 20000; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(a->state, CHILD_UP);
	assert_int_equal(s.signals[0], 0);
	die(&s, a, 1, 0, 20000);
	tree_turn(s.tree, 20100);
	assert_int_equal(a->state, CHILD_DOWN);
	tree_order_resume(s.tree, a, 20200);
	assert_int_equal(a->state, CHILD_STARTING);
	tree_destroy(&s.tree);
}

/* ---- hang ---- */

static bool
facts_of(void *ctx, struct hang_facts *facts)
{
	*facts = *(struct hang_facts *)ctx;
	return true;
}

/* judge_after lets `ms` go by in state with this much processor and waiting. */
static enum hang_verdict
judge_after(
    char proc_state, uint64_t ms, uint32_t cpu_percent, uint32_t wait_percent)
{
	struct hang h;
	struct hang_beat beat = {.beat_ms = 1000};
	struct hang_facts facts = {.state = proc_state};
	enum hang_verdict verdict = HANG_FINE;

	hang_reset(&h, 0);
	for (uint64_t now = 1000; now <= 1000 + ms; now += 100) {
		facts.cpu_ns = (now - 1000) * 10000 * cpu_percent;
		facts.waiting_ns = (now - 1000) * 10000 * wait_percent;
		enum hang_verdict v = hang_check(
		    &h, &beat, 1500, now, (struct hang_look){facts_of, &facts});
		if (v == HANG_HUNG || v == HANG_STOPPED)
			return v;
		if (v == HANG_STARVED)
			verdict = v;
	}
	return verdict;
}

static void
hung_starved_stopped_and_fine_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(judge_after('S', 1400, 0, 0), HANG_FINE);
	assert_int_equal(judge_after('S', 1600, 0, 0), HANG_HUNG);
	assert_int_equal(judge_after('T', 1600, 0, 0), HANG_STOPPED);
	assert_int_equal(judge_after('R', 1600, 100, 0), HANG_HUNG);
	assert_int_equal(judge_after('R', 1600, 2, 0), HANG_STARVED);
	assert_int_equal(judge_after('S', 1600, 5, 80), HANG_STARVED);
	/* starved for long is still not hung, unless it burned its limit */
	assert_int_equal(judge_after('R', 20000, 2, 0), HANG_STARVED);
	assert_int_equal(judge_after('R', 20000, 30, 0), HANG_HUNG);
}

static void
one_that_is_stopped_before_it_is_ready_is_killed_and_a_slow_one_is_not(
    void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	script_init(&s, &p, &root);
	struct child *a = add(&s, NULL, "a", (struct child_spec){0});
	tree_start(s.tree, 1000);
	s.facts.state = 'S'; /* no beat yet, and none is asked for */
	uint64_t now = 1000;
	for (; now < 6000; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(a->state, CHILD_STARTING);
	s.facts.state = 'T'; /* for a moment: a shell's job control */
	for (; now < 6500; now += 100)
		tree_turn(s.tree, now);
	s.facts.state = 'R';
	for (; now < 7000; now += 100)
		tree_turn(s.tree, now);
	s.facts.state = 'T';
	for (; now < 7700; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(a->state, CHILD_STARTING);
	for (; now < 8500; now += 100)
		tree_turn(s.tree, now);
	assert_int_equal(a->state, CHILD_KILLING);
	die(&s, a, -1, SIGKILL, now);
	assert_int_equal(a->last.reason, REASON_HANG);
	tree_destroy(&s.tree);
}

static void
a_lease_is_honoured_but_never_beyond_a_minute(void **state)
{
	struct hang h;
	struct hang_facts facts = {.state = 'D'};
	struct hang_look look = {facts_of, &facts};
	struct hang_beat beat = {.beat_ms = 1000, .busy_until_ms = 31000};
	struct hang_beat mad = {.beat_ms = 1000, .busy_until_ms = UINT64_MAX};

	(void)state;
	hang_reset(&h, 0);
	assert_int_equal(hang_check(&h, &beat, 1500, 30000, look), HANG_FINE);
	hang_check(&h, &beat, 1500, 32000, look);
	assert_int_equal(hang_check(&h, &beat, 1500, 32600, look), HANG_HUNG);
	hang_reset(&h, 0);
	assert_int_equal(hang_check(&h, &mad, 1500, 60000, look), HANG_FINE);
	hang_check(&h, &mad, 1500, 62000, look);
	assert_int_equal(hang_check(&h, &mad, 1500, 62600, look), HANG_HUNG);
}

static void
a_child_is_recycled_for_lasting_weight_age_or_descriptors(void **state)
{
	struct recycle r = {0};
	struct recycle_rule none = {0};
	struct recycle_rule rule = {
	    .rss_bytes = 100, .age_ms = 100000, .descriptors = 50};
	struct recycle_facts f = {
	    .life = 1, .ready_ms = 1000, .rss_bytes = 101, .descriptors = 50};

	(void)state;
	assert_int_equal(recycle_judge(&r, &none, &f, UINT32_MAX, 0), 0);
	assert_int_equal(recycle_judge(&r, &rule, &f, 2000, 0), RECYCLE_NOT);
	assert_int_equal(recycle_judge(&r, &rule, &f, 31999, 0), RECYCLE_NOT);
	assert_int_equal(recycle_judge(&r, &rule, &f, 32000, 0), RECYCLE_RSS);
	f.rss_bytes = 100; /* a peak passes, and the count starts anew */
	assert_int_equal(recycle_judge(&r, &rule, &f, 32500, 0), RECYCLE_NOT);
	f.rss_bytes = 101;
	assert_int_equal(recycle_judge(&r, &rule, &f, 63000, 0), RECYCLE_NOT);
	f.rss_bytes = 1;
	assert_int_equal(recycle_judge(&r, &rule, &f, 90999, 0), RECYCLE_NOT);
	assert_int_equal(recycle_judge(&r, &rule, &f, 91000, 0), RECYCLE_AGE);
	f.life = 2; /* the latest of its chances: 110 s */
	assert_int_equal(
	    recycle_judge(&r, &rule, &f, 110999, 20000), RECYCLE_NOT);
	assert_int_equal(recycle_judge(&r, &rule, &f, 111000, 0), RECYCLE_AGE);
	f.ready_ms = 111000;
	f.descriptors = 51;
	assert_int_equal(
	    recycle_judge(&r, &rule, &f, 111000, 0), RECYCLE_DESCRIPTORS);
}

/* ---- a tree of strangers: many, in groups ---- */

static void
three_hundred_children_in_groups_start_and_one_that_dies_is_replaced(
    void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	p.parallel_starts = 16;
	p.starts_per_second = 0;
	p.starts_per_minute = 0;
	script_init(&s, &p, &root);
	for (int n = 0; n < 300; n++) {
		static struct group *g;
		char name[16];

		if (n % GROUP_MOST == 0)
			g = tree_add_group(s.tree, NULL,
			    &(struct group_spec){.name = "pool", .kin = 1});
		snprintf(name, sizeof(name), "pool/%d", n + 1);
		add(&s, g, name, (struct child_spec){.role = 1, .instance = n});
	}
	tree_start(s.tree, 1000);
	assert_int_equal(s.next_pid, 16); /* no more at once */
	ready_all(&s, 1001);
	assert_true(tree_is_ready(s.tree));
	assert_int_equal(s.next_pid, 300);
	struct child *c = s.tree->children[277];
	tree_child_sick(s.tree, c, REASON_FAULT, 1002);
	assert_int_equal(c->state, CHILD_KILLING);
	die(&s, c, 0, SIGKILL, 1003);
	assert_int_equal(c->last.reason, REASON_FAULT);
	assert_int_equal(c->state, CHILD_STARTING); /* at once */
	assert_int_equal(c->intensity.failures, 1); /* it counts */
	tree_shutdown(s.tree, false, 1004);
	for (uint32_t i = 0; i < s.tree->count; i++)
		assert_true(s.tree->children[i]->is_leaving); /* together */
	end_told(&s, 1005);
	tree_turn(s.tree, 1006);
	assert_true(tree_is_down(s.tree));
	tree_destroy(&s.tree);
}

static void
a_child_that_is_down_cannot_be_sick(void **state)
{
	struct policy p = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct script s;

	(void)state;
	script_init(&s, &p, &root);
	struct child *c = add(&s, NULL, "a", (struct child_spec){0});
	tree_child_sick(s.tree, c, REASON_FAULT, 1000);
	assert_int_equal(c->state, CHILD_DOWN);
	assert_int_equal(c->cause, REASON_NONE);
	tree_destroy(&s.tree);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_million_random_steps_agree_with_the_model),
	    cmocka_unit_test(
		the_first_restart_is_immediate_and_the_rest_doubles_to_the_cap),
	    cmocka_unit_test(
		jitter_stays_within_its_percent_and_uses_all_of_it),
	    cmocka_unit_test(readiness_for_ten_seconds_forgives),
	    cmocka_unit_test(six_deaths_in_the_period_are_probation_at_the_cap),
	    cmocka_unit_test(
		a_failed_fork_rests_from_half_a_second_and_is_no_death),
	    cmocka_unit_test(
		a_storm_is_held_to_twenty_a_second_and_two_hundred_a_minute),
	    cmocka_unit_test(nested_groups_fall_inside_and_escalate_outside),
	    cmocka_unit_test(exhaustion_escalates_as_the_policy_says),
	    cmocka_unit_test(a_oneshot_ends_before_its_dependants_start),
	    cmocka_unit_test(significant_children_that_end_stop_the_tree),
	    cmocka_unit_test(
		three_hundred_children_in_groups_start_and_one_that_dies_is_replaced),
	    cmocka_unit_test(a_child_that_is_down_cannot_be_sick),
	    cmocka_unit_test(
		a_shutdown_goes_in_reverse_kin_together_and_ends_within_its_budget),
	    cmocka_unit_test(our_own_absence_moves_every_deadline),
	    cmocka_unit_test(
		a_paused_child_is_left_alone_and_shows_as_degraded),
	    cmocka_unit_test(hung_starved_stopped_and_fine_are_told_apart),
	    cmocka_unit_test(
		one_that_is_stopped_before_it_is_ready_is_killed_and_a_slow_one_is_not),
	    cmocka_unit_test(a_lease_is_honoured_but_never_beyond_a_minute),
	    cmocka_unit_test(
		a_child_is_recycled_for_lasting_weight_age_or_descriptors),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
