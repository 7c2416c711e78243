// SPDX-License-Identifier: MIT
/* pool_spec_test - pools.list from the file to what a pool is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/pool_spec.h"
#include "protocol/settings.h"
#include "protocol/settings_read.h"

static const struct pool_defaults defaults = {.processors = 4,
    .max_queue_size = 1000,
    .queue_timeout_ms = 10000};

static struct settings_problems problems;
static struct arena arena;
static struct settings *opened;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	settings_close(&opened);
	arena_finish(&arena);
	return 0;
}

static enum err
read_yaml(const char *yaml, int *fd)
{
	struct settings_request request = {.file = "test.yaml"};

	return settings_read_text(&request, text_of(yaml), fd, &problems);
}

/* good gives the specs of a file that has nothing wrong. */
static const struct pool_spec *
good(const char *yaml, uint32_t count)
{
	const struct pool_spec *specs;
	uint32_t found;
	int fd;

	if (read_yaml(yaml, &fd) != OK)
		fail_msg("%s", problems.at[0].text);
	settings_close(&opened);
	assert_int_equal(settings_open(fd, &opened), OK);
	close(fd);
	specs = pool_specs_read(settings_list(opened, SETTING_pools_list),
	    &defaults, &arena, &found);
	assert_non_null(specs);
	assert_int_equal(found, count);
	return specs;
}

/* bad: one of the problems is there, at that place. */
static void
bad(const char *yaml, uint32_t line, uint32_t column, const char *expected)
{
	int fd;

	assert_int_equal(read_yaml(yaml, &fd), ERR_MALFORMED);
	for (uint32_t i = 0; i < problems.count; i++)
		if (strstr(problems.at[i].text, expected) != NULL) {
			assert_int_equal(problems.at[i].line, line);
			assert_int_equal(problems.at[i].column, column);
			return;
		}
	fail_msg("\"%s\" is not in: %s", expected, problems.at[0].text);
}

/* one is the list with one pool, on line 2. */
static const char *
one(const char *keys)
{
	static char yaml[1024];

	snprintf(
	    yaml, sizeof(yaml), "pools: {list: [\n  {name: a, %s}]}\n", keys);
	return yaml;
}

static void
without_a_list_there_is_one_pool_of_single_threaded_processes(void **state)
{
	const struct pool_spec *p = good("pools: {list: []}\n", 1);

	(void)state;
	assert_true(text_is(p->name, "default"));
	assert_string_equal(pool_profile_word(p->worker_profile), "process");
	assert_int_equal(p->pool_size, 8);
	assert_int_equal(p->threads_per_worker, 1);
	assert_int_equal(pool_spec_capacity(p), 1);
	good("node: x\n", 1);
}

static void
a_pool_says_only_what_it_wants_otherwise(void **state)
{
	const struct pool_spec *p = good("pools: {list: [{name: a}]}\n", 1);

	(void)state;
	assert_int_equal(p->max_workers, 150);
	assert_int_equal(p->startup_batch_size, 10);
	assert_int_equal(p->startup_batch_delay_ms, 500);
	assert_int_equal(p->min_ready, 4);
	assert_int_equal(p->capacity_strategy, POOL_BY_POOL);
	assert_int_equal(p->affinity, POOL_HINT);
	assert_int_equal(p->worker_ttl, 0);
	assert_int_equal(p->worker_max_requests, 0);
	assert_int_equal(p->memory_threshold_mb, 0);
	assert_int_equal(p->adapter, POOL_NATIVE);
	assert_int_equal(p->plugin_dir.len, 0);
	assert_int_equal(p->max_queue_size, 1000);
	assert_int_equal(p->queue_timeout_ms, 10000);
	assert_int_equal(p->circuit_breaker_threshold, 0);
	assert_int_equal(p->circuit_breaker_cooldown_ms, 60000);
	assert_true(p->heartbeat.enabled && p->heartbeat.dependent);
	assert_int_equal(p->heartbeat.ping_interval_ms, 500);
	assert_int_equal(p->heartbeat.max_missed_heartbeats, 3);
	assert_false(p->crash_barrier.enabled);
	assert_int_equal(p->crash_barrier.mark_on.count, 3);
	assert_true(text_is(p->crash_barrier.mark_on.at[1], "oom"));
	assert_int_equal(p->crash_barrier.exit_codes.count, 0);
	assert_int_equal(p->crash_barrier.taint_ms, 60000);
	assert_int_equal(p->crash_barrier.backoff_ms.count, 3);
	assert_int_equal(p->crash_barrier.backoff_ms.at[2], 200);
	p = good(one("worker_profile: thread"), 1);
	assert_int_equal(p->threads_per_worker, 10);
	assert_int_equal(pool_spec_capacity(p), 10);
}

static void
every_key_reaches_the_pool(void **state)
{
	const struct pool_spec *p = good(
	    one("worker_profile: thread, pool_size: 3, max_workers: 9, "
		"threads_per_worker: 16, thread_safety_checks: true, "
		"startup_batch_size: 2, startup_batch_delay_ms: 7, "
		"min_ready: 1, capacity_strategy: profile, "
		"affinity: STRICT_Queue, worker_ttl: [30, minutes], "
		"worker_max_requests: 500, memory_threshold_mb: 64, "
		"memory_bytes: 1000000, adapter: python, modules: [m1, m2], "
		"python_path: /opt/x, adapter_args: [-v], "
		"adapter_env: [\"A=b=c\"], max_queue_size: 0, "
		"queue_timeout_ms: 5, circuit_breaker_threshold: 3, "
		"circuit_breaker_cooldown_ms: 9, "
		"heartbeat: {enabled: false, timeout_ms: 60}, "
		"crash_barrier: {enabled: true, retry: never, "
		"exit_codes: [3, 4]}"),
	    1);

	(void)state;
	assert_int_equal(p->pool_size, 3);
	assert_int_equal(p->threads_per_worker, 16);
	assert_true(p->thread_safety_checks);
	assert_int_equal(p->startup_batch_size, 2);
	assert_int_equal(p->min_ready, 1);
	assert_int_equal(pool_spec_capacity(p), 1);
	assert_string_equal(
	    pool_strategy_word(p->capacity_strategy), "profile");
	assert_string_equal(pool_affinity_word(p->affinity), "strict_queue");
	assert_int_equal(p->worker_ttl, 1800000);
	assert_int_equal(p->worker_max_requests, 500);
	assert_int_equal(p->memory_bytes, 1000000);
	assert_string_equal(pool_adapter_word(p->adapter), "python");
	assert_true(text_is(p->modules.at[1], "m2"));
	assert_true(text_is(p->adapter_env.at[0], "A=b=c"));
	assert_int_equal(p->max_queue_size, 0);
	assert_int_equal(p->queue_timeout_ms, 5);
	assert_int_equal(p->circuit_breaker_threshold, 3);
	assert_false(p->heartbeat.enabled);
	assert_int_equal(p->heartbeat.timeout_ms, 60);
	assert_int_equal(p->crash_barrier.retry, POOL_RETRY_NEVER);
	assert_int_equal(p->crash_barrier.exit_codes.at[1], 4);
}

static void
an_age_is_written_in_any_of_four_ways(void **state)
{
	static const struct {
		const char *said;
		uint64_t ms;
	} ages[] = {{"infinity", 0}, {"90", 90000}, {"2 hours", 7200000},
	    {"[1, days]", 86400000}, {"[5, Seconds]", 5000}};
	static const char *const wrong[] = {"0", "-1", "soon", "[0, seconds]",
	    "[1, weeks]", "[1]", "1.5", "{a: 1}", "99999999999", "5hours"};
	char keys[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ages); i++) {
		snprintf(keys, sizeof(keys), "worker_ttl: %s", ages[i].said);
		assert_int_equal(good(one(keys), 1)->worker_ttl, ages[i].ms);
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		snprintf(keys, sizeof(keys), "worker_ttl: %s", wrong[i]);
		bad(one(keys), 2, 13,
		    "pools.list[0].worker_ttl: validation_failed: "
		    "invalid_worker_ttl: must be infinity");
	}
}

static void
each_thing_that_is_wrong_has_its_name_and_place(void **state)
{
	(void)state;
	bad("pools:\n  list:\n    - pool_size: 3\n", 3, 7,
	    "pools.list[0].name: validation_failed: "
	    "missing_required_fields: a pool needs a name");
	bad("pools:\n  list:\n    - {name: \"A b\"}\n", 3, 8,
	    "invalid_name: must be small letters");
	bad(one("worker_profile: foo"), 2, 13,
	    "invalid_profile: must be one of process|thread, not \"foo\"");
	bad(one("pool_size: 0"), 2, 13,
	    "pools.list[0].pool_size: validation_failed: invalid_pool_size: "
	    "must be a whole number from 1 to 100000 runners, not 0");
	bad(one("pool_size: many"), 2, 13, "invalid_pool_size");
	bad(one("capacity_strategy: best"), 2, 13, "invalid_capacity_strategy");
	bad(one("affinity: strict"), 2, 13, "invalid_affinity");
	bad(one("worker_max_requests: 0"), 2, 13,
	    "invalid_worker_max_requests: must be infinity or");
	bad(one("min_ready: 9, pool_size: 2"), 2, 13,
	    "invalid_min_ready: 9 is more than the pool has, 2");
	bad(one("adapter: python"), 2, 3,
	    "modules: validation_failed: missing_required_fields: adapter "
	    "python needs at least one module");
	bad(one("adapter: program"), 2, 3,
	    "program: validation_failed: missing_required_fields");
	bad(one("adapter: program, program: [./cat]"), 2, 31,
	    "must be an absolute path, not \"./cat\"");
	good(one("adapter: program, program: [cat, -u]"), 1);
	bad(one("program: [cat]"), 2, 13,
	    "pools.list[0].program: validation_failed: invalid_adapter: is "
	    "for adapter program, and the adapter here is native");
	bad(one("modules: [m]"), 2, 13, "is for adapter python");
	bad(one("python_path: /srv"), 2, 13, "is for adapter python");
	bad(one("adapter: python, modules: [m], plugin_dir: /srv"), 2, 44,
	    "is for adapter native, and the adapter here is python");
	bad(one("adapter_env: [PATH]"), 2, 13,
	    "invalid_adapter_env: must be NAME=value");
	bad(one("adapter_env: [BANYAN_POOL=x]"), 2, 13, "no BANYAN_");
	bad(one("pool_sizes: 3"), 2, 13,
	    "unknown_key: \"pool_sizes\" is unknown; did you mean "
	    "\"pool_size\"?");
	bad(one("heartbeat: 5"), 2, 13,
	    "invalid_heartbeat: must be a map of keys and values");
	bad(one("heartbeat: {timeout_ms: 1}"), 2, 25,
	    "pools.list[0].heartbeat.timeout_ms: validation_failed: "
	    "invalid_heartbeat");
	bad(one("crash_barrier: {mark_on: [flu]}"), 2, 29,
	    "must be of segfault, abort, oom, gpu, unknown, not \"flu\"");
	bad(one("crash_barrier: {backoff_ms: []}"), 2, 29,
	    "must be a list of 1 to 16 items");
	bad(one("modules: [\"\"]"), 2, 13, "each must be a text");
}

static void
all_that_is_wrong_is_told_at_once(void **state)
{
	(void)state;
	bad("pools: {list: [\n {name: a, pool_size: 0, worker_profile: foo},\n"
	    " {name: a, worker_ttl: never}]}\n",
	    3, 12, "pools.list[1].worker_ttl");
	assert_int_equal(problems.count, 3);
	assert_non_null(strstr(problems.at[0].text, "invalid_profile") != NULL
		? problems.at[0].text
		: strstr(problems.at[1].text, "invalid_profile"));
}

static void
two_pools_of_one_name_are_refused_once_all_else_is_right(void **state)
{
	(void)state;
	bad("pools: {list: [{name: a},\n {name: b}, {name: a}]}\n", 2, 13,
	    "pools.list[2].name: duplicate_pool_names: \"a\" is there "
	    "already");
	assert_int_equal(problems.count, 1);
}

static void
all_pools_together_have_at_most_a_thousand_runners(void **state)
{
	(void)state;
	bad("pools:\n  list: [{name: a, pool_size: 600, max_workers: 600},\n"
	    "    {name: b, pool_size: 600, max_workers: 600}]\n",
	    2, 9,
	    "pools.list: too_many_workers: 1200 runners in all; allowed are "
	    "1000");
}

static void
more_than_max_workers_is_capped_with_two_warnings(void **state)
{
	const struct pool_spec *p = good(one("pool_size: 200"), 1);
	char text[POOL_SPEC_WARNING];

	(void)state;
	assert_int_equal(p->pool_size, 150);
	assert_true(pool_spec_warning(p, 0, text));
	assert_string_equal(text,
	    "pool a: 200 runners requested, limited to 150 by max_workers");
	assert_true(pool_spec_warning(p, 1, text));
	assert_string_equal(text,
	    "pool a: to have more, set max_workers: 200 in its item of "
	    "pools.list");
	assert_false(pool_spec_warning(p, 2, text));
	p = good(one("pool_size: 150"), 1);
	assert_false(pool_spec_warning(p, 0, text));
}

static void
a_map_inside_the_section_is_read_and_its_slips_are_told(void **state)
{
	(void)state;
	good("pools: {lifecycle: {check_interval_ms: 50}, recommendations: "
	     "{util_low: 3}}\n",
	    1);
	assert_int_equal(
	    settings_u64(opened, SETTING_pools_lifecycle_check_interval_ms),
	    50);
	assert_int_equal(
	    settings_u64(opened, SETTING_pools_recommendations_util_low), 3);
	bad("pools: {lifecycle: {check_intervall_ms: 50}}\n", 1, 21,
	    "pools.lifecycle.check_intervall_ms: unknown key; did you mean "
	    "\"check_interval_ms\"?");
	bad("pools: {livecycle: {}}\n", 1, 9,
	    "pools.livecycle: unknown key; did you mean \"lifecycle\"?");
	bad("pools: {lifecycle: 3}\n", 1, 20, "must be a map");
	bad("pools: {recommendations: {util_warning: 95}}\n", 1, 41,
	    "is more than pools.recommendations.util_critical, 90");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		without_a_list_there_is_one_pool_of_single_threaded_processes),
	    cmocka_unit_test(a_pool_says_only_what_it_wants_otherwise),
	    cmocka_unit_test(every_key_reaches_the_pool),
	    cmocka_unit_test(an_age_is_written_in_any_of_four_ways),
	    cmocka_unit_test(each_thing_that_is_wrong_has_its_name_and_place),
	    cmocka_unit_test(all_that_is_wrong_is_told_at_once),
	    cmocka_unit_test(
		two_pools_of_one_name_are_refused_once_all_else_is_right),
	    cmocka_unit_test(
		all_pools_together_have_at_most_a_thousand_runners),
	    cmocka_unit_test(more_than_max_workers_is_capped_with_two_warnings),
	    cmocka_unit_test(
		a_map_inside_the_section_is_read_and_its_slips_are_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
