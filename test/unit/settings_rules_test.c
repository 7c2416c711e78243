// SPDX-License-Identifier: MIT
/* Settings that are well formed each and wrong together, and how it is told. */

#include "test/unit/settings_rig.h"

static void
settings_that_contradict_each_other_are_refused(void **state)
{
	(void)state;
	bad("supervisor:\n  rest_first_ms: 50000\n", 2, 18,
	    "supervisor.rest_first_ms: 50000 is more than "
	    "supervisor.rest_cap_ms, 30000");
	bad("gateway: {port: 81}\nmonitoring: {port: 81}\n", 2, 20,
	    "gateway.port is 81 too");
	bad("workers: {puller: {instances: 2}}\n", 1, 31,
	    "workers.puller.instances: there can be only one");
	bad("gateway: {bind: localhost}\n", 1, 17,
	    "\"localhost\" is no IPv4 or IPv6 address");
	bad("gateway: {mount: socket}\n", 1, 18, "must look like /socket");
	bad("gateway: {channels: [{topic: a*b}]}\n", 1, 22,
	    "* may stand only at the end");
	bad("gateway: {channels: [{topic: a}, {topic: a}]}\n", 1, 34,
	    "\"a\" is there already");
	bad("runtime_dir: run\n", 1, 14, "must be an absolute path");
	bad("runtime_dir: "
	    "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	    1, 14, "runtime_dir: has");
}

static void
a_folder_of_the_environment_that_is_too_long_is_refused(void **state)
{
	char dir[200] = "/";
	int fd;

	(void)state;
	memset(dir + 1, 'a', 120);
	setenv(ENV_RUNTIME_DIR, dir, 1);
	assert_int_equal(read_text(TEXT(""), &fd), ERR_MALFORMED);
	unsetenv(ENV_RUNTIME_DIR);
	assert_non_null(strstr(problems.at[0].text, "runtime_dir: has 121"));
}

static void
an_address_that_nobody_can_dial_is_refused(void **state)
{
	static const char *const urls[] = {"http://a:1", "tcp://a", "tcp://a:0",
	    "tcp://a:65536", "tcp://:1x", "ipc://a", "a", ""};
	char yaml[200];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		int fd;

		snprintf(yaml, sizeof(yaml),
		    "nodes: [{name: n, url: \"%s\"}]\n", urls[i]);
		assert_int_equal(read_text(text_of(yaml), &fd), ERR_MALFORMED);
		assert_non_null(strstr(problems.at[0].text, "nodes[0].url"));
	}
	bad("services: [{service: a, nodes: [b]}]\n", 1, 12,
	    "\"b\" is no URL, and `nodes` has no such name");
	bad("services: [{service: a, nodes: [\"tcp://h\"]}]\n", 1, 12,
	    "needs host:port");
}

static void
a_service_may_name_its_nodes(void **state)
{
	struct settings *s =
	    good("nodes: [{name: b, url: \"tls+tcp://[::1]:80\"}]\n"
		 "services: [{service: a, nodes: [b]}]\n");

	(void)state;
	settings_close(&s);
}

static void
hooks_are_named_once_and_run_in_pools_that_are_there(void **state)
{
	struct settings *s = good(
	    "pools: {list: [{name: quick, adapter: python, modules: [m]}]}\n"
	    "hooks:\n  - {name: a, module: m, function: f}\n"
	    "  - {name: b, module: m, function: f, pool: quick}\n"
	    "functions:\n  - {service: s, request_type: f, nodes: [n],"
	    " mfa: {module: m, function: f}, before_execute: a,"
	    " after_execute: {hook: b, args: [1]}}\n");

	(void)state;
	settings_close(&s);
	s = good("hooks: [{name: a, module: m, function: f, pool: default}]\n");
	settings_close(&s);
	bad("hooks: [a]\n", 1, 9, "hooks[0]: must be a map");
	bad("hooks: [{name: a, module: m}]\n", 1, 9,
	    "hooks[0]: needs function");
	bad("hooks:\n  - {name: a, module: m, function: f}\n"
	    "  - {name: a, module: m, function: g}\n",
	    3, 5, "hooks[1].name: \"a\" is there already");
	bad("hooks:\n  - {name: a, module: m, function: f, pool: slow}\n", 2, 5,
	    "hooks[0].pool: \"slow\" is no pool of pools.list");
	bad("hooks:\n  - {name: a, module: m, function: f, poll: x}\n", 2, 39,
	    "did you mean \"pool\"?");
}

static void
a_function_is_judged_by_the_rules_of_the_store(void **state)
{
	(void)state;
	bad("functions:\n  - {service: s}\n", 2, 5,
	    "functions[0]: request_type must be a non-empty string");
	bad("functions:\n  - {service: s, request_type: f, nodes: [n],"
	    " mfa: {module: m, function: f}, before_execute: stamp}\n",
	    2, 5,
	    "functions[0]: before_execute: no hook \"stamp\" is registered");
	bad("functions:\n  - {service: s, request_type: f, nodes: [n],"
	    " mfa: {module: m, function: f}, timeout: 1}\n",
	    2, 5,
	    "timeout must be a positive integer between 100 and 300000, or "
	    ":infinity");
	bad("security: {allowed_targets: [\"a.*\"]}\n"
	    "functions:\n  - {service: s, request_type: f, nodes: [n],"
	    " mfa: {module: m, function: f}}\n",
	    3, 5, "functions[0]: MFA not allowed");
}

static void
all_problems_are_told_at_once_in_the_order_of_the_file(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(read_text(TEXT("log: {level: x}\n"
					"gateway: {port: y}\n"
					"nope: 1\n"),
			     &fd),
	    ERR_MALFORMED);
	assert_int_equal(problems.count, 3);
	assert_int_equal(problems.at[0].line, 1);
	assert_int_equal(problems.at[1].line, 2);
	assert_int_equal(problems.at[2].line, 3);
}

static void
thirty_pools_that_are_wrong_are_all_named(void **state)
{
	char yaml[4096] = "pools:\n  list:\n";
	char place[64];
	int fd;

	(void)state;
	for (int i = 0; i < 30; i++)
		snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml),
		    "    - {name: p%d, pool_size: 0, adapter: perl}\n", i);
	assert_int_equal(read_text(text_of(yaml), &fd), ERR_MALFORMED);
	assert_int_equal(problems.count, 60);
	for (uint32_t i = 0; i < 60; i++) {
		snprintf(place, sizeof(place), "pools.list[%u].%s: ", i / 2,
		    i % 2 == 0 ? "pool_size" : "adapter");
		assert_non_null(strstr(problems.at[i].text, place));
		assert_int_equal(problems.at[i].line, 3 + i / 2);
	}
}

static void
the_trees_own_settings_name_no_denied_module_either(void **state)
{
	(void)state;
	bad("hooks:\n  - {name: h, module: os, function: system}\n", 2, 3,
	    "hooks[0]: MFA not allowed: {:os, :system, []}");
	bad("hooks: [{name: h, module: m, function: f}]\n"
	    "security: {allowed_targets: [\"a.*\"]}\n",
	    1, 8, "hooks[0]: MFA not allowed: {:m, :f, []}");
	bad("auth: {module: \":rpc\", function: call}\n", 1, 16,
	    "auth.module: MFA not allowed");
	bad("services:\n  - {service: s, nodes: [\"tcp://127.0.0.1:1\"],"
	    " version_module: file}\n",
	    2, 3, "services[0]: MFA not allowed: {:file, ");
}

static void
an_admin_action_that_there_is_not_is_named(void **state)
{
	static const char yaml[] =
	    "security: {admin_actions: [push_config, enable_tracng, \"*\"]}\n";
	int fd;

	(void)state;
	assert_int_equal(read_text(text_of(yaml), &fd), ERR_MALFORMED);
	assert_int_equal(problems.count, 2);
	assert_non_null(strstr(problems.at[0].text,
	    "there is no action \"enable_tracng\"; did you mean "
	    "\"enable_tracing\"?"));
}

static void
a_slip_hides_none_of_the_others_and_is_told_once(void **state)
{
	static const char yaml[] =
	    "gateway: {port: x, mount: nowhere, channels: [1, {topic: "
	    "\"*a\"}]}\n"
	    "supervisor: {rest_first_ms: x, rest_cap_ms: 1}\n"
	    "nodes: [2, {name: local, url: \"ipc:///a\"}]\n"
	    "services: [3, {service: s, nodes: [unknown_for_a_reason]}]\n"
	    "pools: {list: [4, {name: a, pool_size: 0}]}\n"
	    "functions: [5, {service: s, request_type: \"\"}]\n"
	    "auth: {mode: jwt, jwt_keys: {}}\n";
	static const char *const told[] = {
	    "gateway.port:", "gateway.mount: must look like",
	    "gateway.channels[0]: must be a map",
	    "gateway.channels[1].topic: * may stand only",
	    "supervisor.rest_first_ms:", "nodes[0]: must be a map",
	    "nodes[1].name: \"local\"", "services[0]: must be a map",
	    "pools.list[0]: must be a map",
	    "pools.list[1].pool_size: validation_failed",
	    "functions[0]: must be a map", "functions[1]: request_type",
	    "auth.jwt_keys:"};
	const struct settings_problems *p = &problems;
	int fd;

	(void)state;
	assert_int_equal(read_text(text_of(yaml), &fd), ERR_MALFORMED);
	assert_true(p->count <= SETTINGS_PROBLEMS);
	for (size_t i = 0; i < COUNT_OF(told); i++) {
		uint32_t times = 0;

		for (uint32_t k = 0; k < p->count; k++)
			times += strncmp(p->at[k].text, told[i],
				     strlen(told[i])) == 0;
		if (times != 1)
			print_message("%u times: %s\n", times, told[i]);
		assert_int_equal(times, 1);
	}
	for (uint32_t k = 0; k < p->count; k++)
		assert_null(strstr(p->at[k].text, "unknown_for_a_reason"));
}

static void
a_problem_reads_as_file_line_and_column(void **state)
{
	char line[200];

	(void)state;
	bad("nope: 1\n", 1, 1, "nope");
	settings_problem_line(
	    &problems.at[0], "etc/a.yaml", line, sizeof(line));
	assert_int_equal(strncmp(line, "etc/a.yaml:1:1: nope: unknown", 29), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(settings_that_contradict_each_other_are_refused),
	    cmocka_unit_test(
		a_folder_of_the_environment_that_is_too_long_is_refused),
	    cmocka_unit_test(an_address_that_nobody_can_dial_is_refused),
	    cmocka_unit_test(a_service_may_name_its_nodes),
	    cmocka_unit_test(
		hooks_are_named_once_and_run_in_pools_that_are_there),
	    cmocka_unit_test(a_function_is_judged_by_the_rules_of_the_store),
	    cmocka_unit_test(
		all_problems_are_told_at_once_in_the_order_of_the_file),
	    cmocka_unit_test(thirty_pools_that_are_wrong_are_all_named),
	    cmocka_unit_test(
		the_trees_own_settings_name_no_denied_module_either),
	    cmocka_unit_test(an_admin_action_that_there_is_not_is_named),
	    cmocka_unit_test(a_slip_hides_none_of_the_others_and_is_told_once),
	    cmocka_unit_test(a_problem_reads_as_file_line_and_column),
	};

	unsetenv(ENV_RUNTIME_DIR);
	unsetenv(ENV_STATE_DIR);
	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
