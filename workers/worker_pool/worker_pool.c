// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * READY is said as soon as the door is open: calls that come before a runner
 * is ready wait in their pool's queue. A pool that never gets ready is its own
 * trouble, not that of the tree.
 */

#include "workers/worker_pool/worker_pool.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "protocol/settings.h"

enum {
	LAST_TURNS_MS = 400, /* for killed runners to be reaped */
};

static void
due(void *ctx)
{
	struct worker_pool *wp = ctx;

	for (uint32_t i = 0; i < wp->crew_count; i++)
		errands_due(&wp->crews[i]);
}

void
worker_pool_wake(struct worker_pool *wp)
{
	loop_timer_start(wp->loop, &wp->due, loop_now_ms(wp->loop));
}

/* turn_end sets the timer once a turn, whatever the turn has brought. */
static void
turn_end(void *ctx)
{
	struct worker_pool *wp = ctx;
	uint64_t next_ms = UINT64_MAX;

	for (uint32_t i = 0; i < wp->crew_count; i++) {
		uint64_t at_ms = pool_next_ms(wp->crews[i].pool);

		if (at_ms > 0 && at_ms < next_ms)
			next_ms = at_ms;
	}
	if (next_ms == UINT64_MAX)
		loop_timer_stop(wp->loop, &wp->due);
	else if (!loop_timer_is_running(&wp->due) || wp->due.at_ms != next_ms)
		loop_timer_start(wp->loop, &wp->due, next_ms);
	if (!wp->is_draining)
		return;
	if (!wp->is_shutting && link_server_is_quiet(wp->server) &&
	    wp->errand_count == 0) {
		wp->is_shutting = true;
		tree_shutdown(wp->keeper.tree, false, loop_now_ms(wp->loop));
		keeper_wake(&wp->keeper);
	}
	if (wp->is_shutting && tree_is_down(wp->keeper.tree))
		worker_drained(wp->worker);
}

void
worker_pool_start(struct worker *w)
{
	struct worker_pool *wp = worker_state(w);

	wp->worker = w;
	wp->loop = worker_loop(w);
	wp->slot = worker_slot(w);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	snprintf(wp->obituaries, sizeof(wp->obituaries), "%s/supervisor",
	    worker_state_dir(w));
	conn_hub_init(&wp->hub, wp->loop);
	front_open(wp);
	crews_create(wp);
	deaths_open(wp);
	wp->due = (struct loop_timer){.due = due, .ctx = wp};
	wp->turn_end = (struct loop_hook){.run = turn_end, .ctx = wp};
	loop_on_turn_end(wp->loop, &wp->turn_end);
	pulse_start(wp);
}

void
worker_pool_drain(struct worker *w, uint32_t allowed_ms)
{
	struct worker_pool *wp = worker_state(w);

	(void)allowed_ms;
	wp->is_draining = true;
	link_server_drain(wp->server);
}

/* worker_pool_stop: whoever is left had its time to drain. */
void
worker_pool_stop(struct worker *w)
{
	struct worker_pool *wp = worker_state(w);
	struct tree *t = wp->keeper.tree;

	loop_timer_stop(wp->loop, &wp->pulse);
	tree_shutdown(t, true, loop_now_ms(wp->loop));
	for (uint32_t i = 0; i < t->count; i++)
		if (child_lives(t->children[i]))
			keeper_kill(t->children[i], REASON_SHUTDOWN,
			    "its pool is leaving");
	uint64_t until_ms = loop_now_ms(wp->loop) + LAST_TURNS_MS;
	while (!tree_is_down(t) && loop_now_ms(wp->loop) < until_ms)
		loop_turn(wp->loop, 20);
	link_server_destroy(&wp->server);
	crews_destroy(wp);
	conn_hub_finish(&wp->hub);
}

/* apply_rests: rests and intensity are the supervisor's settings, and live. */
static void
apply_rests(struct worker_pool *wp, const struct settings *s)
{
	lives_policy(wp, s, &wp->keeper.tree->policy);
	for (uint32_t i = 0; i < wp->crew_count; i++)
		for (uint32_t n = 0; n < wp->crews[i].runner_count; n++)
			lives_policy_of(
			    &wp->crews[i], s, wp->crews[i].runners[n].child);
}

enum reload_result
worker_pool_on_settings(struct worker *w, struct worker_reload *reload)
{
	apply_rests(worker_state(w), reload->next);
	return RELOAD_UNCHANGED;
}
