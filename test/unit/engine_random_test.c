// SPDX-License-Identifier: MIT
/* engine - against the model, at random. */

#include "test/unit/engine_rig.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_million_random_steps_agree_with_the_model),
	};

	return cmocka_run_group_tests_name("engine_random", tests, NULL, NULL);
}
