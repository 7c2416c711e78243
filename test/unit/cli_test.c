// SPDX-License-Identifier: MIT
/*
 * cli - the pages `banyan` shows, the grammar of its arguments, and the table
 * both come from. A page's expected text is test/golden/cli/NAME.txt; run with
 * BANYAN_GOLDEN=write to make it anew, then look at the difference.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/json.h"
#include "supervisor/cli/call_wire.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/show.h"

static char complaint[512];

/* the pages complain through main.c, which is not linked here */
void
cli_complain(const char *hint, const char *fmt, ...)
{
	va_list args;
	size_t used;

	va_start(args, fmt);
	vsnprintf(complaint, sizeof(complaint), fmt, args);
	va_end(args);
	used = strlen(complaint);
	if (hint != NULL)
		snprintf(
		    complaint + used, sizeof(complaint) - used, " | %s", hint);
}

/* --- pages --- */

static struct text
packed(struct buffer *out, const char *json)
{
	buffer_init(out, 1 << 20);
	assert_int_equal(
	    json_to_pack(text_of(json), out, JSON_LIMITS, NULL), OK);
	return buffer_text(out);
}

static void
compare_golden(const char *name, struct text page)
{
	static char golden[64 << 10];
	char path[512];
	FILE *f;

	snprintf(
	    path, sizeof(path), SOURCE_ROOT "/test/golden/cli/%s.txt", name);
	if (getenv("BANYAN_GOLDEN") != NULL) {
		f = fopen(path, "w");
		assert_non_null(f);
		fwrite(page.at, 1, page.len, f);
		fclose(f);
	}
	f = fopen(path, "r");
	assert_non_null(f);
	size_t bytes = fread(golden, 1, sizeof(golden) - 1, f);
	golden[bytes] = '\0';
	fclose(f);
	struct arena arena;
	arena_init(&arena);
	assert_string_equal(arena_string(&arena, page), golden);
	arena_finish(&arena);
}

static enum cli_exit
check_page(const char *op, const char *name, const char *json)
{
	struct buffer bytes;
	struct buffer page;
	struct arena arena;

	arena_init(&arena);
	buffer_init(&page, 1 << 20);
	struct view view = {.out = &page, .arena = &arena};
	enum cli_exit code = show_page_of(op)(&view, packed(&bytes, json));
	compare_golden(name, buffer_text(&page));
	buffer_finish(&page);
	buffer_finish(&bytes);
	arena_finish(&arena);
	return code;
}

static const char a_tree[] =
    "{\"role\":\"guard\",\"instance\":0,\"state\":\"up\",\"pid\":100,"
    "\"life\":1,\"restarts\":0,\"up_ms\":7384000,\"memory_bytes\":1900000,"
    "\"children\":[{\"role\":\"supervisor\",\"state\":\"up\",\"pid\":101,"
    "\"life\":2,\"restarts\":1,\"up_ms\":65000,\"memory_bytes\":2100000,"
    "\"children\":["
    "{\"role\":\"config_db\",\"state\":\"up\",\"pid\":102,\"life\":3,"
    "\"restarts\":2,\"up_ms\":1500,\"memory_bytes\":3400000,"
    "\"reason\":\"life 2 was ended by SIGKILL\",\"children\":[]},"
    "{\"role\":\"relay\",\"state\":\"up\",\"pid\":104,\"life\":1,"
    "\"is_paused\":true,\"reason\":\"by an operator\",\"up_ms\":90061000},"
    "{\"role\":\"gateway\",\"instance\":1,\"state\":\"resting\",\"pid\":0,"
    "\"life\":9,\"restarts\":8,\"rest_ms\":1200,\"is_in_probation\":true,"
    "\"reason\":\"left with exit code 71\\u001b[2J\"}]}]}";

static void
a_tree_is_drawn_as_a_tree(void **state)
{
	(void)state;
	assert_int_equal(check_page("tree", "tree", a_tree), CLI_OK);
}

static void
why_tells_the_history_in_plain_words(void **state)
{
	(void)state;
	check_page("why", "why",
	    "{\"now_ms\":1,\"children\":[{\"role\":\"gateway\","
	    "\"instance\":2,\"state\":\"up\",\"pid\":7,\"life\":2,"
	    "\"restarts\":1,\"up_ms\":61000,\"reason\":\"started again\","
	    "\"obituaries\":[{\"wall_ms\":1795240000000,\"sentence\":\"life "
	    "1 was ended by SIGSEGV after 3.2 s; starts again at once\","
	    "\"last_words\":\"gateway/2: SIGSEGV at 0x8\",\"backtrace\":"
	    "\"gateway/2: SIGSEGV at 0x8\\n  gateway+0x4f21\\n\","
	    "\"events\":[{\"wall_us\":1795239999000000,\"event\":\"ready\","
	    "\"text\":\"after_ms=3\"}]}]}]}");
}

static void
why_of_a_child_that_rests_ends_with_what_to_type(void **state)
{
	(void)state;
	check_page("why", "why_resting",
	    "{\"children\":[{\"role\":\"gateway\",\"instance\":1,"
	    "\"state\":\"up\",\"pid\":9,\"life\":1},{\"role\":"
	    "\"gateway\",\"instance\":2,\"state\":\"resting\",\"pid\":0,"
	    "\"life\":6,\"restarts\":5,\"rest_ms\":27000,"
	    "\"is_in_probation\":true,\"reason\":\"left with exit code "
	    "71\",\"obituaries\":[]}]}");
	check_page("why", "why_runner",
	    "{\"children\":[{\"role\":\"a_pool\",\"instance\":1,"
	    "\"state\":\"resting\",\"pid\":0,\"life\":6,\"restarts\":5,"
	    "\"rest_ms\":900}]}");
}

static void
why_of_a_child_that_never_died_says_so(void **state)
{
	(void)state;
	check_page("why", "why_quiet",
	    "{\"children\":[{\"role\":\"puller\",\"state\":\"up\",\"pid\":9,"
	    "\"life\":1,\"restarts\":0,\"up_ms\":200,\"obituaries\":[]}]}");
}

static const char a_health[] =
    "{\"status\":\"degraded\",\"node\":\"n1\","
    "\"checked_at_ms\":1795240000000,\"checks\":{\"vm\":{\"status\":\"ok\","
    "\"process_count\":7,\"process_limit\":900,\"memory\":{\"total\":"
    "10919936},\"schedulers\":2,\"schedulers_online\":2,\"uptime\":[1519,"
    "5]},\"node\":{\"status\":\"ok\",\"node\":\"n1\"},\"banyan\":{"
    "\"status\":\"degraded\",\"mode\":\"gateway\",\"checks\":{\"config_db\":"
    "{\"status\":\"ok\",\"pid\":12},\"control\":{\"status\":\"degraded\","
    "\"pid\":13,\"reason\":\"paused\"},\"gateway\":{\"status\":\"degraded\","
    "\"instance_count\":2,\"alive_instances\":1,\"reason\":"
    "\"partial_failure\"},\"supervision_tree\":{\"status\":\"ok\","
    "\"children_count\":6,\"running\":6}}}}}";

static void
health_shows_each_check_and_exits_one_when_degraded(void **state)
{
	(void)state;
	assert_int_equal(
	    check_page("health", "health", a_health), CLI_DEGRADED);
}

static void
health_exits_as_its_status_says(void **state)
{
	static const struct {
		const char *json;
		enum cli_exit code;
	} cases[] = {{"{\"status\":\"ok\"}", CLI_OK},
	    {"{\"status\":\"degraded\"}", CLI_DEGRADED},
	    {"{\"status\":\"error\"}", CLI_UNHEALTHY}, {"{}", CLI_UNHEALTHY}};
	struct buffer bytes;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(
		    show_exit_of("health", packed(&bytes, cases[i].json)),
		    cases[i].code);
		buffer_finish(&bytes);
	}
}

static void
groups_are_listed_with_their_counts_and_the_disk(void **state)
{
	(void)state;
	check_page("groups.list", "groups",
	    "{\"status\":\"degraded\",\"group_count\":3,"
	    "\"monitored_memberships\":4,\"groups\":[{\"group_id\":"
	    "\"lobby\\u001b[2J\",\"group_type\":\"public\","
	    "\"member_count\":3,\"active_count\":3,\"muted_count\":0,"
	    "\"kept\":false,\"created_ms\":1795240000000},{\"group_id\":"
	    "\"office\",\"group_type\":\"strict_private\","
	    "\"member_count\":1,\"active_count\":0,\"muted_count\":1,"
	    "\"kept\":true,\"created_ms\":1795240001000}]}");
	check_page("groups.list", "groups_none",
	    "{\"status\":\"ok\",\"group_count\":0,"
	    "\"monitored_memberships\":0,\"groups\":[]}");
}

static void
a_group_is_shown_with_who_is_in_it_and_where(void **state)
{
	(void)state;
	check_page("groups.show", "group",
	    "{\"group_id\":\"office\",\"group_type\":\"private\","
	    "\"member_count\":2,\"active_count\":1,\"muted_count\":0,"
	    "\"kept\":true,\"created_ms\":1795240000000,\"members\":["
	    "{\"user_id\":\"anna\",\"role\":\"admin\",\"status\":"
	    "\"active\",\"joined_ms\":1795240002000,\"gateway\":1,"
	    "\"client\":17},{\"user_id\":\"ben\",\"role\":\"member\","
	    "\"status\":\"absent, muted\",\"joined_ms\":1795240003000,"
	    "\"gateway\":0,\"client\":0}]}");
	check_page("groups.show", "group_empty",
	    "{\"group_id\":\"hall\",\"group_type\":\"public\","
	    "\"created_ms\":1795240000000,\"members\":[]}");
}

static void
stats_leave_out_what_never_happened(void **state)
{
	(void)state;
	check_page("stats", "stats",
	    "{\"processes\":[{\"role\":\"control\",\"instance\":0,\"life\":2,"
	    "\"memory_bytes\":4096,\"counters\":{\"turns\":12,\"orders\":0,"
	    "\"commands\":3},\"histograms\":{\"turn_us\":{\"count\":9,"
	    "\"p50\":4,\"p99\":9,\"p999\":9}}}]}");
}

static void
a_reload_says_applied_needs_restart_or_unchanged(void **state)
{
	(void)state;
	check_page("reload", "reload",
	    "{\"done\":true,\"text\":\"\",\"workers\":[{\"role\":\"control\","
	    "\"result\":\"unchanged\",\"keys\":\"\"},{\"role\":\"gateway\","
	    "\"instance\":1,\"result\":\"needs_restart\",\"keys\":"
	    "\"gateway.port\"},{\"role\":\"puller\",\"result\":\"applied\","
	    "\"keys\":\"\"}]}");
	check_page("reload", "reload_unchanged", "{\"workers\":[]}");
}

static void
rows_of_any_command_become_an_aligned_table(void **state)
{
	(void)state;
	check_page("functions.list", "rows",
	    "[{\"service\":\"user_service\",\"version\":\"1.0.0\",\"calls\":5,"
	    "\"enabled\":true,\"nodes\":[\"a\",\"b\"]},{\"service\":\"x\","
	    "\"version\":null,\"calls\":12345,\"enabled\":false}]");
	check_page("functions.list", "rows_none", "[]");
}

static void
instances_of_a_role_are_shown_one_after_another(void **state)
{
	(void)state;
	check_page("nodes", "instances",
	    "{\"instances\":[{\"instance\":1,\"result\":[{\"node\":\"n1\","
	    "\"in_flight\":3}]},{\"instance\":2,\"error\":\"no answer in "
	    "time\"}]}");
}

static void
a_page_survives_an_answer_of_another_shape(void **state)
{
	static const char *const shapes[] = {"null", "[]", "{}", "[1,[2]]",
	    "\"text\"", "{\"children\":7,\"processes\":{},\"checks\":[]}",
	    "{\"children\":[7,null,{}],\"processes\":[1,{}],\"status\":9}",
	    "{\"ets_tables\":{\"stats\":null},\"trace\":[],\"nodes\":7,"
	    "\"connected\":[{},1],\"services\":[null,{\"services\":1}],"
	    "\"registered_processes\":{\"n\":7},\"node_selection\":[]}",
	    "{\"steps\":[1,{}],\"flows\":{},\"functions\":[null,[]],"
	    "\"predictions\":[0,{}],\"request\":1,\"prediction\":[],"
	    "\"checks\":{\"limits\":7},\"candidates\":{}}",
	    "{\"instances\":[{\"result\":null},{\"error\":7},8,"
	    "{\"result\":{\"clients\":7,\"calls\":[1]}}]}",
	    "{\"hops\":[1,{}],\"records\":{},\"traces\":[null],"
	    "\"points\":[[],1,{}],\"series\":[{}],\"metrics\":7}",
	    "{\"overall\":7,\"scopes\":{},\"summary\":[],\"cache\":null}"};
	struct arena arena;
	struct buffer bytes;
	struct buffer page;

	(void)state;
	/* every command: its own page, or the one for values of any shape */
	for (size_t i = 0; i < command_count; i++)
		for (size_t k = 0; k < COUNT_OF(shapes); k++) {
			const char *op = command_infos[i].op;

			arena_init(&arena);
			buffer_init(&page, 1 << 16);
			struct view view = {.out = &page, .arena = &arena};
			struct text result = packed(&bytes, shapes[k]);
			enum cli_exit code = show_page_of(op)(&view, result);
			assert_in_range(code, CLI_OK, CLI_UNHEALTHY);
			assert_in_range(
			    show_exit_of(op, result), CLI_OK, CLI_UNHEALTHY);
			buffer_finish(&bytes);
			buffer_finish(&page);
			arena_finish(&arena);
		}
}

/* --- the table and the grammar --- */

static void
every_command_has_help_and_a_grammar(void **state)
{
	struct option_word words[OPTIONS_WORDS];

	(void)state;
	assert_true(command_count > 30);
	for (size_t i = 0; i < command_count; i++) {
		const struct command_info *info = &command_infos[i];

		assert_true(strlen(info->help) > 10);
		assert_ptr_equal(command_find(text_of(info->op)), info);
		assert_int_equal(
		    strchr(info->op, '.') != NULL, info->verb[0] != '\0');
		uint32_t count = options_words(info->arguments, words);
		assert_true((count > 0) == (info->arguments[0] != '\0'));
		for (uint32_t k = 0; k < count; k++)
			assert_true(strlen(words[k].key) > 0);
	}
}

static void
the_arguments_column_is_the_grammar(void **state)
{
	struct option_word words[OPTIONS_WORDS];

	(void)state;
	assert_int_equal(
	    options_words(
		"SERVICE [ROLE[/N]] [--max-memory BYTES] [--all]", words),
	    4);
	assert_string_equal(words[0].key, "service");
	assert_true(words[0].is_required);
	assert_string_equal(words[1].key, "role");
	assert_false(words[1].is_required);
	assert_string_equal(words[2].key, "max_memory");
	assert_true(words[2].is_option && words[2].takes_value);
	assert_string_equal(words[3].key, "all");
	assert_false(words[3].takes_value);
}

/* parse runs one command line; gives its exit code and its args as JSON. */
static enum cli_exit
parse(struct cli *cli, char *json, size_t size, int argc, char **argv)
{
	struct buffer args;
	struct buffer out;

	*cli = (struct cli){0};
	arena_init(&cli->arena);
	complaint[0] = json[0] = '\0';
	enum cli_exit code = options_parse(cli, argc, argv);
	buffer_init(&args, 1 << 16);
	buffer_init(&out, 1 << 16);
	if (code == CLI_OK && cli->command != NULL)
		code = options_pack(cli, &args);
	if (code == CLI_OK && cli->command != NULL) {
		assert_int_equal(
		    pack_to_json(buffer_text(&args), &out, NULL), OK);
		assert_int_equal(text_copy(buffer_text(&out), json, size), OK);
	}
	buffer_finish(&args);
	buffer_finish(&out);
	return code;
}

static char *line[16];
static char words[1024];

/* typed splits "banyan tree --json" at spaces. */
static int
typed(const char *text)
{
	int count = 0;
	char *at = words;

	snprintf(words, sizeof(words), "%s", text);
	while (*at != '\0' && count < 15) {
		line[count++] = at;
		at += strcspn(at, " ");
		if (*at == ' ')
			*at++ = '\0';
	}
	line[count] = NULL;
	return count;
}

static void
a_command_line_becomes_named_arguments(void **state)
{
	static const struct {
		const char *typed;
		const char *op;
		const char *args;
	} cases[] = {
	    {"banyan tree --json", "tree", "{}"},
	    {"banyan restart gateway/1", "restart", "{\"role\":\"gateway/1\"}"},
	    {"banyan health --max-memory 5 --watch 3", "health",
		"{\"max_memory\":\"5\"}"},
	    {"banyan functions", "functions.list", "{}"},
	    {"banyan functions show s f --version 1.0", "functions.show",
		"{\"service\":\"s\",\"function\":\"f\",\"version\":\"1.0\"}"},
	    {"banyan functions add {\"a\":1}", "functions.add",
		"{\"json\":{\"a\":1}}"},
	    {"banyan call s f {} --timeout 100", "call",
		"{\"service\":\"s\",\"function\":\"f\",\"json\":{},"
		"\"timeout\":\"100\"}"},
	    {"banyan revoke lisa", "revoke", "{\"user\":\"lisa\"}"},
	    {"banyan revoke --user lst", "revoke", "{\"user\":\"lst\"}"},
	    {"banyan pools plan --workers 20", "pools.plan",
		"{\"workers\":\"20\"}"},
	    {"banyan --version", "version", "{}"},
	    {"banyan monitor status -o json -c x", "monitor.status",
		"{\"output\":\"json\",\"cluster\":\"x\"}"},
	};
	struct cli cli;
	char json[1024];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int count = typed(cases[i].typed);

		assert_int_equal(
		    parse(&cli, json, sizeof(json), count, line), CLI_OK);
		assert_string_equal(cli.command->op, cases[i].op);
		assert_string_equal(json, cases[i].args);
		arena_finish(&cli.arena);
	}
}

static void
a_wrong_line_says_what_and_what_next(void **state)
{
	static const struct {
		const char *typed;
		const char *complaint;
	} cases[] = {
	    {"banyan tre",
		"there is no command `tre` | did you mean `banyan "
		"tree`?"},
	    {"banyan functions lst",
		"`functions` cannot `lst` | did you mean "
		"`banyan functions list`?"},
	    {"banyan restart",
		"missing: ROLE[/N] | usage: banyan restart "
		"ROLE[/N]"},
	    {"banyan tree now", "not understood: now | usage: banyan tree"},
	    {"banyan pools recyle text",
		"`pools` cannot `recyle` | did you mean `banyan pools "
		"recycle`?"},
	    {"banyan revoke lst",
		"`revoke` cannot `lst` | did you mean `banyan revoke list`? "
		"If it is a USER: banyan revoke --user lst"},
	    {"banyan revoke froget",
		"`revoke` cannot `froget` | did you mean `banyan revoke "
		"forget`? If it is a USER: banyan revoke --user froget"},
	    {"banyan pools plan",
		"missing: --workers | usage: banyan pools plan --workers N"},
	    {"banyan pools --format",
		"not understood: --format | usage: banyan pools"},
	    {"banyan health --max-memory",
		"needs a value: --max-memory | usage: banyan health "
		"[--check NAME] [--stage N] [--prove] [--max-memory BYTES]"},
	    {"banyan tree --timeout x",
		"--timeout wants seconds | --timeout 10"},
	    {"banyan revoke list -x",
		"not understood: -x | usage: banyan revoke list"},
	    {"banyan groups show -x",
		"not understood: -x | usage: banyan groups show GROUP"},
	    {"banyan report",
		"`report` wants to know what | banyan report "
		"namespace-health|export-lag"},
	};
	struct cli cli;
	char json[1024];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int count = typed(cases[i].typed);

		assert_int_equal(
		    parse(&cli, json, sizeof(json), count, line), CLI_USAGE);
		assert_string_equal(complaint, cases[i].complaint);
		arena_finish(&cli.arena);
	}
}

static void
json_that_is_broken_is_refused_with_its_place(void **state)
{
	struct cli cli;
	char json[64];
	int count = typed("banyan functions add {\"a\":}");

	(void)state;
	assert_int_equal(
	    parse(&cli, json, sizeof(json), count, line), CLI_USAGE);
	assert_non_null(strstr(complaint, "not valid JSON at byte 5"));
	arena_finish(&cli.arena);
}

/* --- call --- */

static void
an_address_to_call_has_host_port_and_path(void **state)
{
	static const struct {
		const char *url, *host, *port, *path;
	} cases[] = {
	    {"ws://127.0.0.1:4000/socket", "127.0.0.1", "4000", "/socket"},
	    {"ws://[::1]:80/x/y", "::1", "80", "/x/y"},
	    {"ws://localhost", "localhost", "80", "/socket"},
	};
	struct call_url url;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(
		    call_url_parse(text_of(cases[i].url), &url), OK);
		assert_string_equal(url.host, cases[i].host);
		assert_string_equal(url.port, cases[i].port);
		assert_string_equal(url.path, cases[i].path);
	}
	assert_int_equal(
	    call_url_parse(TEXT("http://127.0.0.1/"), &url), ERR_TYPE);
	assert_int_equal(call_url_parse(TEXT("ws://"), &url), ERR_MALFORMED);
}

static void
numbers_read_as_people_say_them(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_true(text_is(view_bytes(&arena, 1023), "1023 B"));
	assert_true(text_is(view_bytes(&arena, 1536), "1.5 KB"));
	assert_true(text_is(view_bytes(&arena, 3 << 20), "3.0 MB"));
	assert_true(text_is(view_span(&arena, 999), "999 ms"));
	assert_true(text_is(view_span(&arena, 12300), "12.3 s"));
	assert_true(text_is(view_span(&arena, 61000), "1m 1s"));
	assert_true(text_is(view_span(&arena, 90061000), "1d 1h"));
	assert_true(
	    text_is(view_when(&arena, 1795240000000), "2026-11-21 05:46:40"));
	arena_finish(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_tree_is_drawn_as_a_tree),
	    cmocka_unit_test(why_tells_the_history_in_plain_words),
	    cmocka_unit_test(why_of_a_child_that_never_died_says_so),
	    cmocka_unit_test(why_of_a_child_that_rests_ends_with_what_to_type),
	    cmocka_unit_test(
		health_shows_each_check_and_exits_one_when_degraded),
	    cmocka_unit_test(health_exits_as_its_status_says),
	    cmocka_unit_test(groups_are_listed_with_their_counts_and_the_disk),
	    cmocka_unit_test(a_group_is_shown_with_who_is_in_it_and_where),
	    cmocka_unit_test(stats_leave_out_what_never_happened),
	    cmocka_unit_test(a_reload_says_applied_needs_restart_or_unchanged),
	    cmocka_unit_test(rows_of_any_command_become_an_aligned_table),
	    cmocka_unit_test(instances_of_a_role_are_shown_one_after_another),
	    cmocka_unit_test(a_page_survives_an_answer_of_another_shape),
	    cmocka_unit_test(every_command_has_help_and_a_grammar),
	    cmocka_unit_test(the_arguments_column_is_the_grammar),
	    cmocka_unit_test(a_command_line_becomes_named_arguments),
	    cmocka_unit_test(a_wrong_line_says_what_and_what_next),
	    cmocka_unit_test(json_that_is_broken_is_refused_with_its_place),
	    cmocka_unit_test(an_address_to_call_has_host_port_and_path),
	    cmocka_unit_test(numbers_read_as_people_say_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
