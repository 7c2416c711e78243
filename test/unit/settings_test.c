// SPDX-License-Identifier: MIT
/* The settings as they are written: what is read, and what is refused. */

#include "test/unit/settings_rig.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	unsetenv(ENV_RUNTIME_DIR);
	unsetenv(ENV_STATE_DIR);
	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
