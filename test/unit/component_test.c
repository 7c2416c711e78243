// SPDX-License-Identifier: MIT
/* component, checks and graph - who is well, and how a mesh is shaped. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "workers/monitor/component.h"
#include "workers/monitor/graph.h"

enum {
	NOW_MS = 1000000
};

static struct stats_slot slot;
static struct checks checks;
static struct component c;

static struct census_process
process(enum role role, uint32_t instance)
{
	memset(&slot, 0, sizeof(slot));
	memset(&checks, 0, sizeof(checks));
	stats_beat(&slot, NOW_MS - 100);
	return (struct census_process){.slot = 2,
	    .stats = &slot,
	    .child = {.role = (uint32_t)role,
		.instance = instance,
		.state = CHILD_UP,
		.wants_up = true,
		.ready_ms = 5000}};
}

static void
judged(const struct census_process *p, enum component_status status,
    const char *reason)
{
	component_judge(p, &checks, NOW_MS, &c);
	assert_int_equal(c.status, status);
	if (reason == NULL)
		assert_null(c.reason);
	else
		assert_string_equal(c.reason, reason);
}

static void
a_process_that_beats_is_healthy_and_one_that_does_not_is_not(void **state)
{
	struct census_process p = process(ROLE_relay, 0);

	(void)state;
	judged(&p, COMPONENT_HEALTHY, NULL);
	assert_string_equal(c.name, "relay");
	assert_int_equal(c.beat_age_ms, 100);
	stats_beat(&slot, NOW_MS - 1600);
	judged(&p, COMPONENT_UNHEALTHY, "no_heartbeat");
	stats_busy(&slot, NOW_MS + 10); /* it said so before */
	judged(&p, COMPONENT_HEALTHY, NULL);
	stats_busy(&slot, 0);
	p.child.is_paused = true;
	judged(&p, COMPONENT_DEGRADED, "paused");
	p.child.state = CHILD_RESTING;
	judged(&p, COMPONENT_UNHEALTHY, "not_alive");
}

static void
gauges_make_it_degraded(void **state)
{
	struct census_process p = process(ROLE_monitor, 0);

	(void)state;
	stats_set(&slot, COUNTER_monitor_is_degraded, 1);
	judged(&p, COMPONENT_DEGRADED, "history_not_kept");
}

static void
add_ping(enum check_outcome outcome, bool is_slow, uint64_t mono_ms)
{
	struct check check = {.name = "ping",
	    .component = "relay",
	    .outcome = outcome,
	    .is_slow = is_slow,
	    .mono_ms = mono_ms};

	checks_add(&checks, &check);
}

static void
the_last_ping_counts_while_it_is_of_this_life(void **state)
{
	struct census_process p = process(ROLE_relay, 0);

	(void)state;
	add_ping(CHECK_TIMEOUT, false, NOW_MS - 50);
	judged(&p, COMPONENT_UNHEALTHY, "no_answer");
	add_ping(CHECK_PASS, true, NOW_MS - 40);
	judged(&p, COMPONENT_DEGRADED, "slow_answer");
	add_ping(CHECK_FAIL, false, NOW_MS - 30);
	judged(&p, COMPONENT_UNHEALTHY, "check_failed");
	p.child.ready_ms = NOW_MS - 20; /* another life since */
	judged(&p, COMPONENT_HEALTHY, NULL);
	p.child.ready_ms = 0;
	add_ping(CHECK_PASS, false, NOW_MS - 10);
	judged(&p, COMPONENT_HEALTHY, NULL);
	assert_non_null(c.ping);
	assert_true(checks_is_last(&checks, 0));
	assert_false(checks_is_last(&checks, 1));
}

static void
instances_are_found_by_each_of_their_names(void **state)
{
	struct census_process p = process(ROLE_gateway, 2);

	(void)state;
	judged(&p, COMPONENT_HEALTHY, NULL);
	assert_string_equal(c.name, "gateway/2");
	assert_true(component_is(&c, TEXT("gateway")));
	assert_true(component_is(&c, TEXT("gateway/2")));
	assert_true(component_is(&c, TEXT("gateway-2")));
	assert_false(component_is(&c, TEXT("gateway-1")));
	assert_false(component_is(&c, TEXT("gatewa")));
	assert_false(component_is(&c, TEXT("relay")));
}

static void
checks_are_a_ring(void **state)
{
	struct check check = {.name = "x"};

	(void)state;
	memset(&checks, 0, sizeof(checks));
	assert_int_equal(checks_count(&checks), 0);
	assert_null(checks_last(&checks, NULL, NULL));
	for (uint64_t i = 0; i < 300; i++) {
		check.mono_ms = i;
		checks_add(&checks, &check);
	}
	assert_int_equal(checks_count(&checks), CHECKS_KEPT);
	assert_int_equal(checks_at(&checks, 0)->mono_ms, 299);
	assert_int_equal(checks_at(&checks, CHECKS_KEPT - 1)->mono_ms, 44);
}

static void
a_cluster_needs_more_than_half_of_its_nodes(void **state)
{
	bool quorum;

	(void)state;
	assert_int_equal(
	    component_cluster(1, 1, 0, &quorum), COMPONENT_HEALTHY);
	assert_true(quorum);
	assert_int_equal(
	    component_cluster(1, 0, 1, &quorum), COMPONENT_DEGRADED);
	assert_true(quorum);
	assert_int_equal(
	    component_cluster(3, 2, 0, &quorum), COMPONENT_DEGRADED);
	assert_int_equal(
	    component_cluster(3, 1, 0, &quorum), COMPONENT_UNHEALTHY);
	assert_false(quorum);
	assert_int_equal(/* half is not more than half */
	    component_cluster(2, 1, 0, &quorum), COMPONENT_UNHEALTHY);
	assert_false(quorum);
	assert_int_equal(
	    component_cluster(0, 0, 0, &quorum), COMPONENT_UNHEALTHY);
}

static void
add_edge(struct graph *g, uint16_t a, uint16_t b)
{
	g->edge[g->edges++] = (struct graph_edge){a, b};
}

static void
a_star_a_ring_and_islands_have_their_shapes(void **state)
{
	struct graph g = {.nodes = 4};
	struct graph_shape s;

	(void)state;
	add_edge(&g, 0, 1);
	add_edge(&g, 0, 2);
	graph_shape(&g, &s); /* node 3 is an island */
	assert_int_equal(s.components, 2);
	assert_int_equal(s.diameter, 2);
	assert_int_equal(s.paths, 3);
	assert_int_equal(s.redundant, 0);
	assert_true(s.clustering == 0);
	assert_true(s.score == 60);
	add_edge(&g, 1, 2);
	add_edge(&g, 3, 0);
	graph_shape(&g, &s);
	assert_int_equal(s.components, 1);
	assert_int_equal(s.redundant, 1);
	assert_int_equal(s.paths, 6);
	/* 1 and 2 have all of their neighbours linked, 0 one pair of three */
	assert_true(s.clustering > 0.58 && s.clustering < 0.59);
	assert_true(s.average_path > 1.33 && s.average_path < 1.34);
	g = (struct graph){.nodes = 1};
	graph_shape(&g, &s);
	assert_int_equal(s.diameter, 0);
	assert_int_equal(s.components, 1);
	assert_true(s.score == 80);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_process_that_beats_is_healthy_and_one_that_does_not_is_not),
	    cmocka_unit_test(gauges_make_it_degraded),
	    cmocka_unit_test(the_last_ping_counts_while_it_is_of_this_life),
	    cmocka_unit_test(instances_are_found_by_each_of_their_names),
	    cmocka_unit_test(checks_are_a_ring),
	    cmocka_unit_test(a_cluster_needs_more_than_half_of_its_nodes),
	    cmocka_unit_test(a_star_a_ring_and_islands_have_their_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
