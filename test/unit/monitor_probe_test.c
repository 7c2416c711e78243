// SPDX-License-Identifier: MIT
/* probe - when an orchestrator is told no, and what it is told then. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/base/err.h"
#include "workers/monitor/probe.h"

static struct probe_child children[3];
static struct probe_facts facts;
static struct probe p;

static int
all_is_well(void **state)
{
	(void)state;
	memset(children, 0, sizeof(children));
	for (size_t i = 0; i < COUNT_OF(children); i++) {
		children[i].state = "up";
		children[i].is_up = children[i].wants_up = true;
	}
	strcpy(children[0].name, "config_db");
	strcpy(children[1].name, "gateway/1");
	strcpy(children[2].name, "gateway/2");
	children[1].is_gateway = children[2].is_gateway = true;
	facts = (struct probe_facts){.has_started = true,
	    .children = children,
	    .count = COUNT_OF(children)};
	return 0;
}

static const struct probe_check *
check(const char *name)
{
	for (uint32_t i = 0; i < p.count; i++)
		if (strcmp(p.checks[i].name, name) == 0)
			return &p.checks[i];
	fail_msg("no check is named %s", name);
	return NULL;
}

static void
a_whole_tree_passes_every_probe(void **state)
{
	(void)state;
	for (int kind = PROBE_LIVE; kind <= PROBE_STARTUP; kind++) {
		probe_judge(&p, (enum probe_kind)kind, &facts);
		assert_false(p.has_failed);
		for (uint32_t i = 0; i < p.count; i++) {
			assert_int_equal(p.checks[i].status, PROBE_OK);
			assert_string_equal(p.checks[i].message, "");
		}
	}
}

static void
a_silent_supervisor_is_death_and_nothing_else_is(void **state)
{
	(void)state;
	facts.supervisor_silent_ms = PROBE_STALE_MS - 1;
	facts.is_stopping = true;
	facts.has_started = false;
	children[1].is_up = children[2].is_up = false;
	probe_judge(&p, PROBE_LIVE, &facts);
	assert_false(p.has_failed);
	facts.supervisor_silent_ms = PROBE_STALE_MS;
	probe_judge(&p, PROBE_LIVE, &facts);
	assert_true(p.has_failed);
	assert_string_equal(
	    check("supervisor")->message, "no sign of it for 3000 ms");
}

static void
one_gateway_is_enough_to_be_ready(void **state)
{
	(void)state;
	children[1].is_up = false;
	children[1].state = "resting";
	strcpy(children[1].reason, "died of SIGKILL");
	probe_judge(&p, PROBE_READY, &facts);
	assert_false(p.has_failed);
	assert_int_equal(check("gateway/1")->status, PROBE_DEGRADED);
	assert_string_equal(
	    check("gateway/1")->message, "resting: died of SIGKILL");
	children[2].silent_ms = PROBE_STALE_MS; /* up, but it stands still */
	probe_judge(&p, PROBE_READY, &facts);
	assert_true(p.has_failed);
	assert_int_equal(check("gateways")->status, PROBE_FAILED);
	assert_non_null(strstr(check("gateways")->message, "banyan why"));
}

static void
a_role_that_is_away_only_degrades(void **state)
{
	(void)state;
	children[0].is_up = false;
	children[0].state = "starting";
	probe_judge(&p, PROBE_READY, &facts);
	assert_false(p.has_failed);
	assert_int_equal(check("config_db")->status, PROBE_DEGRADED);
	children[0].wants_up = false;
	probe_judge(&p, PROBE_READY, &facts);
	assert_string_equal(
	    check("config_db")->message, "an operator stopped it");
	assert_int_equal(check("config_db")->status, PROBE_DEGRADED);
	assert_false(p.has_failed);
}

static void
a_tree_that_starts_or_stops_is_not_ready(void **state)
{
	(void)state;
	facts.is_stopping = true;
	probe_judge(&p, PROBE_READY, &facts);
	assert_true(p.has_failed);
	probe_judge(&p, PROBE_STARTUP, &facts);
	assert_false(p.has_failed);
	facts.is_stopping = false;
	facts.has_started = false;
	probe_judge(&p, PROBE_READY, &facts);
	assert_true(p.has_failed);
	probe_judge(&p, PROBE_STARTUP, &facts);
	assert_true(p.has_failed);
}

#define TEST(name) cmocka_unit_test_setup(name, all_is_well)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_whole_tree_passes_every_probe),
	    TEST(a_silent_supervisor_is_death_and_nothing_else_is),
	    TEST(one_gateway_is_enough_to_be_ready),
	    TEST(a_role_that_is_away_only_degrades),
	    TEST(a_tree_that_starts_or_stops_is_not_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
