// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/base/fd.h"
#include "supervisor/engine/keeper.h"

/* ---- a keeper of shells ---- */

struct nursery {
	struct loop *loop;
	struct keeper keeper;
	const char *line; /* what the next life does */
	int made, unmade, drains, mourned;
	char farewell[HANDOVER_TEXT];
	struct child_end last;
};

static void
n_plan(void *ctx, struct child *c, struct spawn_plan *plan)
{
	struct nursery *n = ctx;

	(void)c;
	spawn_plan_bare(plan, n->line[0] == '/' ? n->line : "/bin/sh");
	plan->is_stranger = true;
	assert_true(spawn_argument(plan, TEXT("-c")));
	assert_true(spawn_argument(plan, text_of(n->line)));
}

static void
n_made(void *ctx, struct child *c, bool is_made)
{
	struct nursery *n = ctx;

	(void)c;
	n->made += is_made;
	n->unmade += !is_made;
}

static void
n_drain(void *ctx, struct child *c, uint32_t ms)
{
	struct nursery *n = ctx;

	(void)c;
	(void)ms;
	n->drains++;
}

static void
n_moved(void *ctx, struct child *c, enum child_state was)
{
	(void)ctx;
	(void)c;
	(void)was;
}

static void
n_mourn(void *ctx, struct child *c)
{
	struct nursery *n = ctx;

	n->mourned++;
	n->last = c->last;
	snprintf(
	    n->farewell, sizeof(n->farewell), "%s", keeper_body(c)->farewell);
}

static void
n_escalate(void *ctx, struct child *c, enum exhausted how)
{
	(void)ctx;
	(void)c;
	(void)how;
}

static struct child *
nursery_init(struct nursery *n, const char *line)
{
	struct policy policy = POLICY_DEFAULT;
	struct group_spec root = {.name = "root"};
	struct keeper_ops ops = {.plan = n_plan,
	    .made = n_made,
	    .drain = n_drain,
	    .moved = n_moved,
	    .mourn = n_mourn,
	    .escalate = n_escalate,
	    .ctx = n};
	struct child_spec spec = {.name = "shell/1", .role = 1};

	memset(n, 0, sizeof(*n));
	n->line = line;
	policy.unstarted_rest_ms = 60000;
	assert_int_equal(loop_create(&n->loop), OK);
	keeper_init(&n->keeper, n->loop, &policy, &root, &ops);
	struct child *c = keeper_add(&n->keeper, NULL, &spec);
	tree_start(n->keeper.tree, loop_now_ms(n->loop));
	keeper_wake(&n->keeper);
	return c;
}

static void
nursery_until_mourned(struct nursery *n, int times)
{
	for (int turns = 0; n->mourned < times && turns < 500; turns++)
		loop_turn(n->loop, 20);
	assert_int_equal(n->mourned, times);
}

static void
nursery_finish(struct nursery *n)
{
	tree_shutdown(n->keeper.tree, true, loop_now_ms(n->loop));
	keeper_wake(&n->keeper);
	while (!tree_is_down(n->keeper.tree))
		loop_turn(n->loop, 20);
	keeper_finish(&n->keeper);
	loop_destroy(&n->loop);
}

static void
a_stranger_killed_for_a_fault_leaves_its_reason_and_is_replaced(void **state)
{
	struct nursery n;
	struct child *c = nursery_init(&n, "sleep 60");

	(void)state;
	keeper_ready(c); /* it said so by other means */
	assert_int_equal(c->state, CHILD_UP);
	keeper_kill(c, REASON_FAULT, "answered twice");
	keeper_kill(c, REASON_FAULT, "and more"); /* the first one counts */
	nursery_until_mourned(&n, 1);
	assert_int_equal(n.last.reason, REASON_FAULT);
	assert_int_equal(n.last.signal, SIGKILL);
	assert_string_equal(n.farewell, "answered twice");
	assert_int_equal(c->state, CHILD_STARTING); /* at once */
	assert_int_equal(c->life, 2);
	nursery_finish(&n);
}

static void
a_stranger_is_drained_as_the_owner_says(void **state)
{
	struct nursery n;
	struct child *c = nursery_init(&n, "sleep 60");

	(void)state;
	keeper_ready(c);
	c->policy.drain_ms = 30;
	tree_recycle(n.keeper.tree, c, loop_now_ms(n.loop));
	keeper_wake(&n.keeper);
	assert_int_equal(n.drains, 1);
	nursery_until_mourned(&n, 1); /* TERM after its time */
	assert_int_equal(n.last.reason, REASON_RECYCLE);
	assert_int_equal(c->life, 2);
	nursery_finish(&n);
}

static void
a_program_that_is_not_there_rests_and_is_no_death(void **state)
{
	struct nursery n;
	struct child *c = nursery_init(&n, "/nowhere/at/all");

	(void)state;
	nursery_until_mourned(&n, 1);
	assert_int_equal(n.last.reason, REASON_START_FAILED);
	assert_int_equal(keeper_body(c)->start_errno, 2); /* ENOENT */
	assert_int_equal(c->intensity.failures, 0);
	assert_int_equal(c->state, CHILD_RESTING);
	assert_int_equal(n.made, 1); /* the fork worked */
	nursery_finish(&n);
}

/* pid_in reads what a shell wrote. */
static int
pid_in(const char *path)
{
	char text[32] = "";
	size_t bytes;

	for (int i = 0; i < 500; i++) {
		if (fd_read_file(path, text, sizeof(text), &bytes) == OK &&
		    strchr(text, '\n') != NULL)
			return atoi(text);
		usleep(10000);
	}
	fail_msg("%s was never written", path);
	return 0;
}

static void
what_a_dead_stranger_left_behind_is_killed_and_reaped(void **state)
{
	char path[] = "/tmp/banyan-keeper.XXXXXX", line[256];
	struct nursery n;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	snprintf(line, sizeof(line),
	    "setsid sh -c 'echo $$ >%s; exec sleep 60' & sleep 60", path);
	struct child *c = nursery_init(&n, line);
	int left = pid_in(path);
	assert_int_equal(
	    keeper_kill_strangers(&n.keeper), 0); /* not ours yet */
	n.line = "sleep 60";
	kill(c->pid, SIGKILL);
	nursery_until_mourned(&n, 1);
	assert_int_equal(kill(left, 0), 0); /* outside of its group */
	/* and maybe a zombie or two of its group */
	assert_true(keeper_kill_strangers(&n.keeper) >= 1);
	for (int i = 0; i < 500 && kill(left, 0) == 0; i++) {
		keeper_reap_strangers(&n.keeper);
		usleep(10000);
	}
	assert_int_not_equal(kill(left, 0), 0);
	assert_int_equal(c->state, CHILD_STARTING); /* the tree's own lives */
	nursery_finish(&n);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	fd_close(&fd);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_stranger_killed_for_a_fault_leaves_its_reason_and_is_replaced),
	    cmocka_unit_test(a_stranger_is_drained_as_the_owner_says),
	    cmocka_unit_test(a_program_that_is_not_there_rests_and_is_no_death),
	    cmocka_unit_test(
		what_a_dead_stranger_left_behind_is_killed_and_reaped),
	};

	return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
