// SPDX-License-Identifier: MIT
/* The settings as they are written and read back, without a process. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/settings.h"
#include "protocol/settings_read.h"

static struct settings_problems problems;

static struct settings_request
request_of(const char *const *overrides, size_t count)
{
	return (struct settings_request){.file = "test.yaml",
	    .overrides = overrides,
	    .override_count = count,
	    .generation = 7};
}

static enum err
read_text(struct text text, int *fd)
{
	struct settings_request request = request_of(NULL, 0);

	return settings_read_text(&request, text, fd, &problems);
}

static struct settings *
good_with(const char *yaml, const char *const *overrides, size_t count)
{
	struct settings_request request = request_of(overrides, count);
	struct settings *s;
	int fd;

	if (settings_read_text(&request, text_of(yaml), &fd, &problems) != OK)
		fail_msg(
		    "line %u: %s", problems.at[0].line, problems.at[0].text);
	assert_int_equal(settings_open(fd, &s), OK);
	close(fd);
	return s;
}

static struct settings *
good(const char *yaml)
{
	return good_with(yaml, NULL, 0);
}

/* bad expects the first problem at a place, with these words in it. */
static void
bad(const char *yaml, uint32_t line, uint32_t column, const char *words)
{
	int fd;

	assert_int_equal(read_text(text_of(yaml), &fd), ERR_MALFORMED);
	assert_int_equal(fd, -1);
	if (strstr(problems.at[0].text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, problems.at[0].text);
	assert_int_equal(problems.at[0].line, line);
	assert_int_equal(problems.at[0].column, column);
}

static void
an_empty_file_means_every_default(void **state)
{
	struct settings *s = good("");

	(void)state;
	assert_int_equal(settings_u64(s, SETTING_gateway_port), 4000);
	assert_string_equal(
	    settings_string(s, SETTING_gateway_mount), "/socket");
	assert_int_equal(
	    settings_u64(s, SETTING_request_max_payload_bytes), 1000000);
	assert_int_equal(settings_u64(s, SETTING_puller_interval_ms), 30000);
	assert_int_equal(settings_u64(s, SETTING_puller_timeout_ms), 5000);
	assert_int_equal(
	    settings_u64(s, SETTING_arguments_string_max_bytes), 3000);
	assert_int_equal(
	    settings_u64(s, SETTING_arguments_list_max_items), 1000);
	assert_int_equal(
	    settings_u64(s, SETTING_arguments_map_max_items), 1000);
	assert_false(settings_bool(s, SETTING_request_detail_error));
	assert_true(settings_bool(s, SETTING_rate_limiter_enabled));
	assert_true(settings_bool(s, SETTING_rate_limiter_fail_open));
	assert_int_equal(settings_choice(s, SETTING_supervisor_strategy), 0);
	assert_int_equal(settings_generation(s), 7);
	settings_close(&s);
	assert_null(s);
	settings_close(&s);
}

static void
what_the_file_says_is_what_is_read(void **state)
{
	struct settings *s = good("node: one\n"
				  "gateway:\n"
				  "  port: 0\n"
				  "  origins: [\"https://a.example\", b]\n"
				  "supervisor: {strategy: rest_for_one}\n"
				  "log: {format: json}\n"
				  "workers:\n"
				  "  gateway: {instances: 3}\n"
				  "  puller: {interval_ms: 250, nofile: 99}\n");
	char word[32];

	(void)state;
	assert_true(text_is(settings_text(s, SETTING_node), "one"));
	assert_int_equal(settings_u64(s, SETTING_gateway_port), 0);
	assert_int_equal(settings_choice(s, SETTING_supervisor_strategy), 2);
	assert_string_equal(
	    settings_choice_word(s, SETTING_log_format, word, sizeof(word)),
	    "json");
	assert_true(text_eq(settings_list(s, SETTING_gateway_origins),
	    TEXT("\x92\xb1https://a.example\xa1"
		 "b")));
	assert_int_equal(
	    settings_worker_u64(s, ROLE_gateway, WORKER_instances), 3);
	assert_int_equal(
	    settings_worker_u64(s, ROLE_config_db, WORKER_instances), 1);
	assert_int_equal(
	    settings_worker_u64(s, ROLE_puller, WORKER_nofile), 99);
	assert_int_equal(settings_u64(s, SETTING_puller_interval_ms), 250);
	settings_close(&s);
}

static void
roles_inherit_from_the_supervisor_unless_told(void **state)
{
	struct settings *s =
	    good("supervisor: {restarts: 9, start_timeout_ms: 500}\n"
		 "workers: {gateway: {start_timeout_ms: 700}}\n");

	(void)state;
	assert_int_equal(
	    settings_worker_u64(s, ROLE_gateway, WORKER_start_timeout_ms), 700);
	assert_int_equal(
	    settings_worker_u64(s, ROLE_control, WORKER_start_timeout_ms), 500);
	assert_int_equal(
	    settings_worker_u64(s, ROLE_gateway, WORKER_restarts), 9);
	assert_int_equal(
	    settings_worker_choice(s, ROLE_gateway, WORKER_restart), 0);
	settings_close(&s);
}

static void
items_have_every_field_of_their_schema(void **state)
{
	struct settings *s =
	    good("gateway:\n"
		 "  channels: [{topic: \"api:*\", event: api}]\n"
		 "rate_limiter:\n"
		 "  global_limits: [{key: user_id, max_requests: 0,"
		 " window_ms: 1000}]\n");
	struct text list = settings_list(s, SETTING_gateway_channels);
	struct text item, event;
	struct unpacker at;
	uint32_t count;
	uint64_t max = 9;
	bool verified = false;

	(void)state;
	unpack_init(&at, list);
	assert_int_equal(unpack_array(&at, &count), OK);
	assert_int_equal(count, 1);
	assert_int_equal(unpack_raw(&at, &item), OK);
	assert_int_equal(unpack_field_text(item, "event", &event), OK);
	assert_true(text_is(event, "api"));
	assert_int_equal(
	    unpack_field_bool(item, "require_verified_user_id", &verified), OK);
	assert_true(verified);
	unpack_init(&at, settings_list(s, SETTING_rate_limiter_global_limits));
	assert_int_equal(unpack_array(&at, &count), OK);
	assert_int_equal(unpack_raw(&at, &item), OK);
	assert_int_equal(unpack_field_u64(item, "max_requests", &max), OK);
	assert_int_equal(max, 0);
	settings_close(&s);
}

static void
every_list_is_well_formed_msgpack(void **state)
{
	struct settings *s = good("");

	(void)state;
	for (uint32_t i = 0; i < SETTINGS; i++)
		if (setting_rows[i].type >= SETTING_TEXTS)
			assert_int_equal(
			    pack_check(settings_list(s, i), PACK_LIMITS), OK);
	settings_close(&s);
}

static void
a_folder_of_the_command_line_is_written_out_in_texts(void **state)
{
	const char *const overrides[] = {
	    "runtime_dir=/tmp/x y", "gateway.port=0", "monitoring.port=1"};
	struct settings *s = good_with(
	    "runtime_dir: /tmp/other\n"
	    "services: [{service: a, nodes: [\"ipc://${runtime_dir}/a\"]}]\n",
	    overrides, 3);
	struct text list = settings_list(s, SETTING_services);

	(void)state;
	assert_string_equal(
	    settings_string(s, SETTING_runtime_dir), "/tmp/x y");
	assert_int_equal(settings_u64(s, SETTING_gateway_port), 0);
	assert_int_equal(settings_u64(s, SETTING_monitoring_port), 1);
	assert_non_null(memmem(list.at, list.len, "ipc:///tmp/x y/a", 16));
	settings_close(&s);
}

static void
a_folder_is_sought_in_the_environment_then_in_the_file(void **state)
{
	struct settings *s;

	(void)state;
	s = good("runtime_dir: /tmp/file\n");
	assert_string_equal(
	    settings_string(s, SETTING_runtime_dir), "/tmp/file");
	settings_close(&s);
	setenv(ENV_RUNTIME_DIR, "/tmp/environment", 1);
	s = good("runtime_dir: /tmp/file\n");
	assert_string_equal(
	    settings_string(s, SETTING_runtime_dir), "/tmp/environment");
	settings_close(&s);
	unsetenv(ENV_RUNTIME_DIR);
}

static void
an_override_that_is_no_setting_is_refused(void **state)
{
	const char *const overrides[] = {"gateway.prot=1"};
	struct settings_request request = request_of(overrides, 1);
	int fd;

	(void)state;
	assert_int_equal(settings_read_text(&request, TEXT(""), &fd, &problems),
	    ERR_MALFORMED);
	assert_non_null(strstr(problems.at[0].text, "gateway.prot=1"));
}

static void
an_unknown_key_gets_its_place_and_a_suggestion(void **state)
{
	(void)state;
	bad("gateway:\n  prot: 4000\n", 2, 3,
	    "gateway.prot: unknown key; did you mean \"port\"?");
	bad("gatway: {}\n", 1, 1, "did you mean \"gateway\"?");
	bad("port: 1\n", 1, 1, "did you mean \"gateway.port\"?");
	bad("workers: {gatewy: {}}\n", 1, 11, "did you mean \"gateway\"?");
	bad("workers: {gateway: {instance: 2}}\n", 1, 21,
	    "did you mean \"instances\"?");
	bad("gateway:\n  channels:\n    - topic: a\n      evnt: b\n", 4, 7,
	    "gateway.channels[0].evnt: unknown key; did you mean \"event\"?");
	bad("zzzzzzzzzz: 1\n", 1, 1, "zzzzzzzzzz: unknown key");
}

static void
a_wrong_type_is_told_where_it_stands(void **state)
{
	(void)state;
	bad("gateway:\n  port: abc\n", 2, 9,
	    "gateway.port: must be a whole number from 0 to 65535, not "
	    "\"abc\"");
	bad("gateway: {port: \"80\"}\n", 1, 17, "must be a whole number");
	bad("gateway: {port: [1]}\n", 1, 17, "not a list");
	bad("gateway: {port: }\n", 1, 17, "has no value");
	bad("gateway: [1]\n", 1, 10, "gateway: must be a map");
	bad("rate_limiter: {enabled: yes}\n", 1, 25,
	    "must be true or false, not \"yes\"");
	bad("log: {level: inof}\n", 1, 14, "did you mean \"info\"?");
	bad("services: {a: b}\n", 1, 11, "services: must be a list");
	bad("services: [a]\n", 1, 12, "services[0]: must be a map");
	bad("[1, 2]\n", 1, 1, "the file: must be a map");
	bad("nodes: [{name: a}]\n", 1, 9, "nodes[0]: needs url");
	bad("nodes: [{name: local, url: \"tcp://127.0.0.1:7\"}]\n", 1, 9,
	    "nodes[0].name: \"local\" is a node of the tree itself");
}

static void
a_value_out_of_range_is_told_with_the_range(void **state)
{
	(void)state;
	bad("gateway: {port: 65536}\n", 1, 17,
	    "gateway.port: 65536 is out of range: 0 to 65535");
	bad("gateway: {port: -1}\n", 1, 17, "not \"-1\"");
	bad("request: {max_payload_bytes: 99999999999999999999999}\n", 1, 30,
	    "max_payload_bytes");
	bad("supervisor: {hang_timeout_ms: 1}\n", 1, 31,
	    "1 is out of range: 600 to 600000 ms");
	bad("node: \"\"\n", 1, 7, "node: has 0 bytes; allowed are 1 to 64");
	bad("monitoring: {port: 70000}\n", 1, 20, "out of range: 0 to 65535");
}

static void
a_key_given_twice_is_refused_with_both_lines(void **state)
{
	(void)state;
	bad("node: a\nlog: {}\nnode: b\n", 3, 1,
	    "node: duplicate key; it is there already on line 1");
	bad("gateway:\n  port: 1\n  \"port\": 2\n", 3, 3, "duplicate key");
}

static void
what_is_not_built_yet_is_refused_with_that_reason(void **state)
{
	(void)state;
	bad("alerts: {rate: 1}\n", 1, 1, "not built yet");
	bad("cluster: yes\n", 1, 1, "not built yet");
	bad("workers: {receiver: {}}\n", 1, 11, "not built yet");
}

static void
every_top_level_key_of_the_reference_is_known(void **state)
{
	struct settings *s =
	    good("node: a\nruntime_dir: /tmp/r\nstate_dir: /tmp/s\nlog:\n"
		 "supervisor:\nworkers:\ngateway:\nauth:\nservices:\nnodes:\n"
		 "functions:\nrate_limiter:\npools:\nrelay:\nrequest:\n"
		 "arguments:\nhooks:\nsecurity:\ntelemetry:\ntracer:\n"
		 "monitoring:\nprometheus: {}\nhealth:\nalerts: []\n"
		 "history:\ncluster:\ndiscovery:\n");

	(void)state;
	settings_close(&s);
}

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

/* ---- hostile files ------------------------------------------------------- */

static char *
repeat(const char *what, size_t times, size_t *len)
{
	size_t one = strlen(what);
	char *all = test_malloc(one * times + 1);

	for (size_t i = 0; i < times; i++)
		memcpy(all + i * one, what, one);
	all[one * times] = '\0';
	*len = one * times;
	return all;
}

/* refused reads a hostile text, in less than a second, without success. */
static void
refused(const char *at, size_t len, const char *words)
{
	uint64_t began = clock_mono_ms();
	int fd;

	assert_int_equal(
	    read_text((struct text){at, (uint32_t)len}, &fd), ERR_MALFORMED);
	if (strstr(problems.at[0].text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, problems.at[0].text);
	assert_true(clock_mono_ms() - began < 2000);
}

static void
two_hundred_kilobytes_of_brackets_end_at_once(void **state)
{
	static const char *const deep[] = {"[", "{a: ", "- ", "? ", "[[{a: "};
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(deep); i++) {
		char *text = repeat(deep[i], 200000 / strlen(deep[i]), &len);

		refused(text, len, "");
		test_free(text);
	}
	char *text = repeat("[", 200000, &len);
	refused(text, len, "nested deeper than 32 levels");
	test_free(text);
}

static void
an_alias_bomb_is_counted_unfolded(void **state)
{
	char bomb[2000];
	size_t at = (size_t)snprintf(
	    bomb, sizeof(bomb), "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");

	(void)state;
	for (int i = 1; i < 10; i++)
		at += (size_t)snprintf(bomb + at, sizeof(bomb) - at,
		    "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i,
		    i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	refused(bomb, at, "aliases counted as often as they are used");
}

static void
more_than_a_hundred_aliases_are_refused(void **state)
{
	size_t len;
	char *uses = repeat("*a,", 101, &len);
	char *text = test_malloc(len + 100);

	(void)state;
	len = (size_t)sprintf(text, "a: &a 1\nb: [%s]\n", uses);
	refused(text, len, "more than 100 aliases");
	test_free(text);
	test_free(uses);
}

static void
an_alias_cannot_reach_what_it_stands_in(void **state)
{
	(void)state;
	refused(
	    "a: &a [*a]\n", 11, "*a: no anchor of this name ends before here");
	refused("a: *b\n", 6, "no anchor");
}

static void
a_file_of_ten_megabytes_is_refused_by_its_size(void **state)
{
	size_t len;
	char *text = repeat("node: a # ------\n", 10000000 / 17, &len);

	(void)state;
	refused(text, len, "larger than 4194304 bytes");
	test_free(text);
}

static void
more_values_than_allowed_are_refused(void **state)
{
	size_t len;
	char *items = repeat("1,", 60000, &len);
	char *text = test_malloc(len + 100);

	(void)state;
	len = (size_t)sprintf(text, "a: [%s]\n", items);
	refused(text, len, "more than 50000 values");
	test_free(text);
	test_free(items);
}

static void
more_keys_than_can_be_compared_are_refused(void **state)
{
	char *text = test_malloc(400000);
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 20000; i++)
		len += (size_t)sprintf(text + len, "k%d: 1\n", i);
	refused(text, len, "more than 1000 keys in one map");
	test_free(text);
}

static void
bytes_that_are_no_text_are_refused_at_their_place(void **state)
{
	(void)state;
	bad("node: a\n# \xc3\xa4\xff\n", 2, 4, "not UTF-8");
	bad("node: \xed\xa0\x80\n", 1, 7, "not UTF-8");
	refused("node: a\0b\n", 10, "a zero byte");
	bad("node: a\nlog: \x01\n", 2, 6, "not YAML");
}

static void
yaml_that_no_settings_file_needs_is_refused(void **state)
{
	(void)state;
	bad("node: !!str a\n", 1, 7, "tags (!) are not supported");
	bad("a: &a {b: 1}\nlog: {<<: *a}\n", 2, 7, "merge keys");
	bad("? [a]\n: b\n", 1, 3, "a key must be a word");
	bad("node: a\n---\nnode: b\n", 2, 1, "a second document");
	bad("node: [a\n", 2, 1, "not YAML");
	bad("node: a\n\tlog: {}\n", 2, 1, "not YAML");
}

static void
what_is_quoted_back_is_cut_and_clean(void **state)
{
	size_t len;
	char *long_key = repeat("\xc3\xa4", 500, &len);
	char text[1200];

	(void)state;
	snprintf(text, sizeof(text), "\"%s\\e[31m\": 1\n", long_key);
	test_free(long_key);
	bad(text, 1, 1, "\xc3\xa4...: unknown key");
	bad("\"a\\e[31m\\nb\": 1\n", 1, 1, "a?[31m?b: unknown key");
}

static void
a_long_text_named_often_does_not_become_a_large_file(void **state)
{
	size_t len, at;
	char *word = repeat("x", 500000, &len);
	char *text = test_malloc(len + 2000);

	(void)state;
	at = (size_t)sprintf(text, "functions:\n - {a: &a \"%s\"", word);
	for (int i = 0; i < 60; i++)
		at += (size_t)sprintf(text + at, ", k%d: *a", i);
	at += (size_t)sprintf(text + at, "}\n");
	refused(text, at, "functions: too long as a whole");
	test_free(text);
	test_free(word);
}

static void
a_file_without_a_byte_means_every_default(void **state)
{
	struct settings_request request = request_of(NULL, 0);
	int fd;

	(void)state;
	request.file = "/dev/null";
	assert_int_equal(settings_read(&request, &fd, &problems), OK);
	close(fd);
}

static void
a_file_that_is_not_there_is_told_by_its_name(void **state)
{
	struct settings_request request = request_of(NULL, 0);
	int fd;

	(void)state;
	request.file = "/nonexistent/banyan.yaml";
	assert_int_equal(
	    settings_read(&request, &fd, &problems), ERR_MALFORMED);
	assert_string_equal(
	    problems.at[0].text, "cannot be read: No such file or directory");
	request.file = "/";
	assert_int_equal(
	    settings_read(&request, &fd, &problems), ERR_MALFORMED);
	assert_non_null(strstr(problems.at[0].text, "Is a directory"));
}

/* ---- the memory file ----------------------------------------------------- */

static void
the_memory_file_cannot_be_changed(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(read_text(TEXT(""), &fd), OK);
	assert_true(pwrite(fd, "x", 1, 0) < 0);
	assert_true(ftruncate(fd, 10) < 0);
	assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			0) == MAP_FAILED);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

/* copy_of_good gives the bytes of a good file in a fresh memory file. */
static int
copy_of_good(size_t size, size_t flip, bool is_sealed)
{
	static uint8_t bytes[1 << 20];
	ssize_t len;
	int from, to = memfd_create("copy", MFD_ALLOW_SEALING);

	assert_int_equal(read_text(TEXT(""), &from), OK);
	len = pread(from, bytes, sizeof(bytes), 0);
	assert_true(len > 0);
	close(from);
	if (flip > 0)
		bytes[flip % (size_t)len] ^= 0x10;
	if (size == 0 || size > (size_t)len)
		size = (size_t)len;
	assert_int_equal(write(to, bytes, size), size);
	if (is_sealed)
		fcntl(to, F_ADD_SEALS,
		    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return to;
}

static enum err
open_copy(size_t size, size_t flip, bool is_sealed)
{
	int fd = copy_of_good(size, flip, is_sealed);
	struct settings *s;
	enum err err = settings_open(fd, &s);

	settings_close(&s);
	close(fd);
	return err;
}

static void
a_memory_file_that_is_not_whole_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_copy(0, 0, true), OK);
	assert_int_equal(open_copy(0, 0, false), ERR_MALFORMED);
	assert_int_equal(open_copy(8, 0, true), ERR_MALFORMED);
	assert_int_equal(open_copy(500, 0, true), ERR_MALFORMED);
	assert_int_equal(open_copy(0, 1, true), ERR_MALFORMED);
	assert_int_equal(open_copy(0, 4, true), ERR_VERSION);
	for (size_t flip = 16; flip < 2000; flip += 7)
		assert_int_equal(open_copy(0, flip, true), ERR_MALFORMED);
}

/* ---- what changed -------------------------------------------------------- */

static void
a_diff_names_each_change_and_who_acts_on_it(void **state)
{
	struct settings *old = good("");
	struct settings *next =
	    good("gateway: {port: 1, idle_timeout_ms: 2000}\n"
		 "workers: {gateway: {nofile: 5, restarts: 1}}\n"
		 "nodes: [{name: a, url: \"tcp://h:1\"}]\n");
	struct settings_change c[8];

	(void)state;
	assert_int_equal(settings_diff(old, old, c, COUNT_OF(c)), 0);
	assert_int_equal(settings_diff(old, next, c, COUNT_OF(c)), 5);
	assert_string_equal(c[0].name, "gateway.port");
	assert_false(c[0].is_live);
	assert_int_equal(c[0].role, ROLE_guard);
	assert_string_equal(c[1].name, "gateway.idle_timeout_ms");
	assert_true(c[1].is_live);
	assert_int_equal(c[1].role, ROLE_gateway);
	assert_string_equal(c[2].name, "nodes");
	assert_string_equal(c[3].name, "workers.gateway.restarts");
	assert_int_equal(c[3].role, ROLE_supervisor);
	assert_string_equal(c[4].name, "workers.gateway.nofile");
	assert_int_equal(c[4].role, ROLE_gateway);
	assert_int_equal(settings_diff(old, next, c, 1), 5);
	settings_close(&old);
	settings_close(&next);
}

static enum reload_result
result(const struct settings *began, const struct settings *old,
    const struct settings *next, enum role role, char keys[100])
{
	return settings_reload_result(
	    &(struct settings_lives){began, old, next}, role, keys, 100);
}

static void
what_builds_the_tree_waits_for_the_supervisor(void **state)
{
	struct settings *one = good("");
	struct settings *two = good("workers: {gateway: {instances: 2}}\n");
	char keys[100];

	(void)state;
	assert_int_equal(
	    result(one, one, two, ROLE_gateway, keys), RELOAD_UNCHANGED);
	assert_int_equal(
	    result(one, one, two, ROLE_supervisor, keys), RELOAD_NEEDS_RESTART);
	assert_string_equal(keys, "workers.gateway.instances");
	settings_close(&one);
	settings_close(&two);
}

static void
a_reload_is_answered_from_what_concerns_the_role(void **state)
{
	struct settings *old = good("");
	struct settings *live = good("gateway: {idle_timeout_ms: 2000}\n");
	struct settings *deep = good("workers: {gateway: {nofile: 5}}\n");
	char keys[100];

	(void)state;
	assert_int_equal(
	    result(old, old, old, ROLE_gateway, keys), RELOAD_UNCHANGED);
	assert_int_equal(
	    result(old, old, live, ROLE_gateway, keys), RELOAD_APPLIED);
	assert_int_equal(
	    result(old, old, live, ROLE_puller, keys), RELOAD_UNCHANGED);
	assert_int_equal(
	    result(old, old, deep, ROLE_gateway, keys), RELOAD_NEEDS_RESTART);
	assert_string_equal(keys, "workers.gateway.nofile");
	/* the next reload does not forget it, and taking it back does */
	assert_int_equal(
	    result(old, deep, deep, ROLE_gateway, keys), RELOAD_NEEDS_RESTART);
	assert_int_equal(
	    result(old, deep, old, ROLE_gateway, keys), RELOAD_UNCHANGED);
	settings_close(&old);
	settings_close(&live);
	settings_close(&deep);
}

static void
equal_settings_have_equal_checksums_whatever_their_number(void **state)
{
	struct settings *a = good("# one\ngateway: {port: 4000}\n");
	struct settings *b = good("");

	(void)state;
	assert_int_equal(settings_checksum(a), settings_checksum(b));
	settings_close(&a);
	settings_close(&b);
}

static void
settings_can_be_shown_as_a_map(void **state)
{
	struct settings *s = good("");
	struct text map, gateway;
	struct buffer out;
	struct packer p;
	uint64_t port = 0;

	(void)state;
	buffer_init(&out, 1 << 20);
	pack_init(&p, &out);
	assert_int_equal(settings_pack(s, NULL, &p), OK);
	map = buffer_text(&out);
	assert_int_equal(pack_check(map, PACK_LIMITS), OK);
	assert_int_equal(unpack_map_find(map, TEXT("gateway"), &gateway), OK);
	assert_int_equal(unpack_field_u64(gateway, "port", &port), OK);
	assert_int_equal(port, 4000);
	buffer_truncate(&out, 0);
	pack_init(&p, &out);
	assert_int_equal(settings_pack(s, "workers.puller", &p), OK);
	assert_int_equal(pack_check(buffer_text(&out), PACK_LIMITS), OK);
	assert_int_equal(settings_pack(s, "nope", &p), ERR_NOT_FOUND);
	buffer_finish(&out);
	settings_close(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_file_means_every_default),
	    cmocka_unit_test(what_the_file_says_is_what_is_read),
	    cmocka_unit_test(roles_inherit_from_the_supervisor_unless_told),
	    cmocka_unit_test(items_have_every_field_of_their_schema),
	    cmocka_unit_test(every_list_is_well_formed_msgpack),
	    cmocka_unit_test(
		a_folder_of_the_command_line_is_written_out_in_texts),
	    cmocka_unit_test(
		a_folder_is_sought_in_the_environment_then_in_the_file),
	    cmocka_unit_test(an_override_that_is_no_setting_is_refused),
	    cmocka_unit_test(an_unknown_key_gets_its_place_and_a_suggestion),
	    cmocka_unit_test(a_wrong_type_is_told_where_it_stands),
	    cmocka_unit_test(a_value_out_of_range_is_told_with_the_range),
	    cmocka_unit_test(a_key_given_twice_is_refused_with_both_lines),
	    cmocka_unit_test(what_is_not_built_yet_is_refused_with_that_reason),
	    cmocka_unit_test(every_top_level_key_of_the_reference_is_known),
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
	    cmocka_unit_test(two_hundred_kilobytes_of_brackets_end_at_once),
	    cmocka_unit_test(an_alias_bomb_is_counted_unfolded),
	    cmocka_unit_test(more_than_a_hundred_aliases_are_refused),
	    cmocka_unit_test(an_alias_cannot_reach_what_it_stands_in),
	    cmocka_unit_test(a_file_of_ten_megabytes_is_refused_by_its_size),
	    cmocka_unit_test(more_values_than_allowed_are_refused),
	    cmocka_unit_test(more_keys_than_can_be_compared_are_refused),
	    cmocka_unit_test(bytes_that_are_no_text_are_refused_at_their_place),
	    cmocka_unit_test(yaml_that_no_settings_file_needs_is_refused),
	    cmocka_unit_test(what_is_quoted_back_is_cut_and_clean),
	    cmocka_unit_test(
		a_long_text_named_often_does_not_become_a_large_file),
	    cmocka_unit_test(a_file_without_a_byte_means_every_default),
	    cmocka_unit_test(a_file_that_is_not_there_is_told_by_its_name),
	    cmocka_unit_test(the_memory_file_cannot_be_changed),
	    cmocka_unit_test(a_memory_file_that_is_not_whole_is_refused),
	    cmocka_unit_test(a_diff_names_each_change_and_who_acts_on_it),
	    cmocka_unit_test(a_reload_is_answered_from_what_concerns_the_role),
	    cmocka_unit_test(what_builds_the_tree_waits_for_the_supervisor),
	    cmocka_unit_test(
		equal_settings_have_equal_checksums_whatever_their_number),
	    cmocka_unit_test(settings_can_be_shown_as_a_map),
	};

	unsetenv(ENV_RUNTIME_DIR);
	unsetenv(ENV_STATE_DIR);
	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
