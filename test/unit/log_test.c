// SPDX-License-Identifier: MIT
/* log: what a line looks like, what is folded, what is wanted. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/base/log_fold.h"
#include "protocol/base/log_text.h"
#include "protocol/log_rules.h"

static const struct log_record record = {.wall_us = 1000000000000001,
    .level = LOG_INFO,
    .kind = LOG_SUCCESS,
    .who = "gateway/1",
    .life = 2,
    .pid = 77,
    .event = "ready",
    .fields = "after_ms=3 what=\"two words\""};

static void
shown(const struct log_record *r, enum log_format format, bool is_coloured,
    char to[LOG_LINE_BYTES + 1])
{
	size_t len = log_text_line(to, r, format, is_coloured);

	assert_true(len > 1 && to[len - 1] == '\n');
	to[len - 1] = '\0';
}

static void
each_format_has_its_form(void **state)
{
	char line[LOG_LINE_BYTES + 1];

	(void)state;
	shown(&record, LOG_TEXT, false, line);
	assert_string_equal(line,
	    "2001-09-09T01:46:40.000001Z info gateway/1 life=2 ready "
	    "after_ms=3 what=\"two words\"");
	shown(&record, LOG_LOGFMT, true, line);
	assert_string_equal(line,
	    "ts=2001-09-09T01:46:40.000001Z level=info who=gateway/1 life=2 "
	    "event=ready after_ms=3 what=\"two words\"");
	shown(&record, LOG_JSON, true, line);
	assert_string_equal(line,
	    "{\"ts\":\"2001-09-09T01:46:40.000001Z\",\"level\":\"info\","
	    "\"who\":\"gateway/1\",\"life\":2,\"event\":\"ready\","
	    "\"fields\":\"after_ms=3 what=\\\"two words\\\"\"}");
}

static void
the_pid_wears_the_colour_of_the_kind(void **state)
{
	static const struct {
		enum log_kind kind;
		const char *colour;
	} cases[] = {{LOG_SUCCESS, "\x1b[97;42m[77]"},
	    {LOG_ACTIVATION, "\x1b[97;44m[77]"},
	    {LOG_FAILURE, "\x1b[97;41m[77]"},
	    {LOG_ACTION, "\x1b[97;48;5;214m[77]"},
	    {LOG_HEALTH, "\x1b[97;46m[77]"}};
	char line[LOG_LINE_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct log_record r = record;

		r.kind = cases[i].kind;
		shown(&r, LOG_TEXT, true, line);
		assert_non_null(strstr(line, cases[i].colour));
		assert_non_null(strstr(line, "\x1b[33;40m[gateway/1]"));
		assert_string_equal(
		    line + strlen(line) - 4, "\x1b[0m"); /* and it ends */
	}
}

static void
a_line_too_long_is_cut_and_still_ends(void **state)
{
	char fields[4000], line[LOG_LINE_BYTES + 1];
	struct log_record r = record;

	(void)state;
	memset(fields, '"', sizeof(fields) - 1);
	fields[sizeof(fields) - 1] = '\0';
	r.fields = fields;
	for (int format = LOG_TEXT; format <= LOG_JSON; format++)
		for (int coloured = 0; coloured < 2; coloured++)
			assert_true(
			    log_text_line(line, &r, (enum log_format)format,
				coloured == 1) <= LOG_LINE_BYTES);
	shown(&r, LOG_JSON, false, line);
	assert_string_equal(line + strlen(line) - 2, "\"}");
	shown(&r, LOG_TEXT, true, line);
	assert_string_equal(line + strlen(line) - 4, "\x1b[0m");
}

static void
a_box_shows_its_rows(void **state)
{
	static const struct log_box box = {"WORKER ACTIVATED",
	    "Topic=pool_name,Store=@who,Scheduler=mode,PID=worker_pid,"
	    "Subscriber=worker_id"};
	struct log_record r = record;
	char drawn[LOG_BOX_BYTES];
	size_t len;

	(void)state;
	r.fields = "pool_name=text worker_id=text/1 worker_pid=9 what=\"a b\"";
	len = log_text_box(drawn, &box, &r, false);
	assert_int_equal(len, strlen(drawn));
	assert_string_equal(drawn,
	    "+- WORKER ACTIVATED -----------------------------------------+\n"
	    "| Topic        : text                                        |\n"
	    "| Store        : gateway/1                                   |\n"
	    "| Scheduler    : -                                           |\n"
	    "| PID          : 9                                           |\n"
	    "| Subscriber   : text/1                                      |\n"
	    "+------------------------------------------------------------+\n");
}

static void
a_field_is_found_whole(void **state)
{
	static const char fields[] =
	    "xa=1 a=2 b=\"two \\\"words\\\" a=9\" bare c=";
	char value[64];

	(void)state;
	assert_true(log_text_field(fields, "a", value, sizeof(value)));
	assert_string_equal(value, "2");
	assert_true(log_text_field(fields, "b", value, sizeof(value)));
	assert_string_equal(value, "two \\\"words\\\" a=9");
	assert_true(log_text_field(fields, "c", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_false(log_text_field(fields, "bare", value, sizeof(value)));
	assert_false(log_text_field("b=\"no end", "c", value, sizeof(value)));
}

static struct log_folded
line(const char *event, const char *fields)
{
	struct log_folded l = {.level = LOG_WARN, .kind = LOG_FAILURE};

	strncpy(l.event, event, sizeof(l.event) - 1);
	strncpy(l.fields, fields, sizeof(l.fields) - 1);
	return l;
}

static void
repeats_are_counted_and_told_once(void **state)
{
	struct log_fold fold = {0};
	struct log_folded a = line("disk", "why=full"), told;

	(void)state;
	assert_true(log_fold_take(&fold, &a, 1000, 5000, &told));
	for (int i = 0; i < 17; i++)
		assert_false(log_fold_take(&fold, &a, 1001, 5000, &told));
	assert_false(log_fold_due(&fold, 5999, 5000, false, &told));
	assert_true(log_fold_due(&fold, 6000, 5000, false, &told));
	assert_int_equal(told.repeats, 17);
	assert_string_equal(told.fields, "why=full");
	assert_false(log_fold_due(&fold, 9000, 5000, true, &told));
	assert_true(log_fold_take(&fold, &a, 9001, 5000, &told));
}

static void
another_line_is_never_swallowed(void **state)
{
	struct log_fold fold = {0};
	struct log_folded a = line("disk", "why=full"), told;

	(void)state;
	assert_true(log_fold_take(&fold, &a, 1000, 5000, &told));
	assert_false(log_fold_take(&fold, &a, 1000, 5000, &told));
	for (int i = 0; i < LOG_FOLD_PLACES; i++) {
		char fields[16];

		snprintf(fields, sizeof(fields), "n=%d", i);
		struct log_folded other = line("disk", fields);
		assert_true(log_fold_take(&fold, &other, 1000, 5000, &told));
		assert_int_equal(told.repeats,
		    i == LOG_FOLD_PLACES - 1 ? 1 : 0); /* its place was taken */
	}
	a.level = LOG_ERROR;
	assert_true(log_fold_take(&fold, &a, 1000, 5000, &told));
}

static void
a_scope_is_named_whole_or_by_its_beginning(void **state)
{
	uint64_t ws = (uint64_t)1 << SCOPE_gateway_ws;

	(void)state;
	assert_int_equal(log_scope_mask(TEXT("gateway.ws")), ws);
	assert_int_equal(log_scope_mask(TEXT("banyan.gateway.ws")), ws);
	assert_true((log_scope_mask(TEXT("gateway")) & ws) != 0);
	assert_true((log_scope_mask(TEXT("relay")) & ws) == 0);
	assert_int_equal(log_scope_mask(TEXT("")), 0);
	assert_int_equal(log_scope_mask(TEXT("banyan.")), 0);
	assert_int_equal(log_scope_mask(TEXT("gatewayx")), 0);
	assert_int_equal(
	    log_scope_mask(TEXT("banyan")), ((uint64_t)1 << LOG_SCOPES) - 1);
	assert_int_equal(log_scope_mask(TEXT("peer_dial")),
	    (uint64_t)1 << DIAG_peer_dial); /* a switch is named whole */
	assert_string_equal(log_scope_closest(TEXT("gatway.ws")), "gateway.ws");
}

static _Alignas(8) uint8_t area[LOG_WATCH_BYTES];

static void
what_operators_ask_for_ends_by_itself(void **state)
{
	struct log_watch *w = log_watch_at(memset(area, 0, sizeof(area)));
	struct log_watched seen;

	(void)state;
	log_watch_level(w, LOG_ERROR, 5000);
	log_watch_scope(w, SCOPE_relay_group, LOG_WATCH_FOREVER);
	log_watch_scope(w, SCOPE_gateway_ws, 3000);
	log_watch_read(w, 2999, &seen);
	assert_true(seen.has_level && seen.level == LOG_ERROR);
	assert_int_equal(seen.scopes,
	    (uint64_t)1 << SCOPE_relay_group | (uint64_t)1 << SCOPE_gateway_ws);
	log_watch_read(w, 3000, &seen);
	assert_int_equal(seen.scopes, (uint64_t)1 << SCOPE_relay_group);
	log_watch_read(w, 5000, &seen);
	assert_false(seen.has_level);
	log_watch_scope(w, SCOPE_relay_group, 0);
	log_watch_read(w, 5000, &seen);
	assert_int_equal(seen.scopes, 0);
}

static void
words_run_wild_change_nothing_that_matters(void **state)
{
	struct log_watched seen;
	struct log_watch *w = log_watch_at(memset(area, 0xff, sizeof(area)));

	(void)state;
	log_watch_read(w, 1, &seen);
	assert_false(seen.has_level); /* 2^64 - 1 is no level */
	log_rules_look(w, 1);
	assert_true(log_rules_wants(EVENT_child_died)); /* a warning */
	assert_false(log_rules_wants(EVENT_ready));     /* muted */
	log_rules_look(log_watch_at(memset(area, 0, sizeof(area))), 1);
	assert_true(log_rules_wants(EVENT_ready));
}

static void
a_scope_shows_its_own_debug_lines_only(void **state)
{
	struct log_choice choice = {.level = LOG_INFO,
	    .scopes = log_scope_mask(TEXT("relay.group")),
	    .tells_actions = true,
	    .tells_health = true};

	(void)state;
	log_rules_set(&choice);
	assert_true(log_rules_wants(EVENT_relay_group_create));
	assert_false(log_rules_wants(EVENT_relay_message_sent));
	assert_true(scope_is_on(SCOPE_relay_group));
	assert_false(scope_is_on(SCOPE_gateway_ws));
	choice.level = LOG_DEBUG;
	choice.scopes = 0;
	log_rules_set(&choice);
	assert_true(log_rules_wants(EVENT_relay_message_sent));
	assert_true(scope_is_on(SCOPE_gateway_ws));
	assert_false(scope_is_on(DIAG_peer_dial));
}

static void
switches_silence_no_warning(void **state)
{
	struct log_choice choice = {.level = LOG_INFO};

	(void)state;
	log_rules_set(&choice);
	assert_false(log_rules_wants(EVENT_reload));     /* an action */
	assert_true(log_rules_wants(EVENT_loop_lagged)); /* health, a warning */
	assert_true(log_rules_wants(EVENT_ready));
	choice.tells_actions = true;
	log_rules_set(&choice);
	assert_true(log_rules_wants(EVENT_reload));
}

static void
the_environment_turns_switches_on(void **state)
{
	(void)state;
	assert_int_equal(log_rules_environment(), 0);
	setenv("BANYAN_DEBUG_PEER_DIAL", "Yes", 1);
	setenv("BANYAN_DEBUG_PULL", "0", 1);
	assert_int_equal(
	    log_rules_environment(), (uint64_t)1 << DIAG_peer_dial);
}

static uint32_t heard_lines;

static void
on_line(enum log_level level, const char *event, const char *fields)
{
	assert_int_equal(level, LOG_ERROR);
	assert_string_equal(event, "heard");
	assert_string_equal(fields, "a=1?");
	heard_lines++;
}

static void
who_listens_hears_what_is_written(void **state)
{
	_Atomic uint64_t counts[LOG_LEVELS] = {0};
	char fields[LOG_FIELDS_BYTES] = "a=1\n";
	char again[LOG_FIELDS_BYTES] = "a=1\n";
	char last[LOG_FIELDS_BYTES] = "a=1\n";

	(void)state;
	log_count_in(counts);
	log_listen(on_line);
	log_set_folding(60000);
	log_write(LOG_ERROR, LOG_OTHER, "heard", fields);
	log_write(LOG_ERROR, LOG_OTHER, "heard", again);
	assert_int_equal(heard_lines, 1); /* folded: counted, not written */
	assert_int_equal(atomic_load(&counts[LOG_ERROR]), 2);
	log_listen(NULL);
	log_flush();
	log_set_folding(0);
	log_write(LOG_ERROR, LOG_OTHER, "heard", last);
	assert_int_equal(heard_lines, 1);
	log_count_in(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_format_has_its_form),
	    cmocka_unit_test(the_pid_wears_the_colour_of_the_kind),
	    cmocka_unit_test(a_line_too_long_is_cut_and_still_ends),
	    cmocka_unit_test(a_box_shows_its_rows),
	    cmocka_unit_test(a_field_is_found_whole),
	    cmocka_unit_test(repeats_are_counted_and_told_once),
	    cmocka_unit_test(another_line_is_never_swallowed),
	    cmocka_unit_test(a_scope_is_named_whole_or_by_its_beginning),
	    cmocka_unit_test(what_operators_ask_for_ends_by_itself),
	    cmocka_unit_test(words_run_wild_change_nothing_that_matters),
	    cmocka_unit_test(a_scope_shows_its_own_debug_lines_only),
	    cmocka_unit_test(switches_silence_no_warning),
	    cmocka_unit_test(the_environment_turns_switches_on),
	    cmocka_unit_test(who_listens_hears_what_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
