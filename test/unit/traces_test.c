// SPDX-License-Identifier: MIT
/* traces - what the monitor keeps of traces, and the request tracer's files. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workers/monitor/tracer.h"
#include "workers/monitor/traces.h"

#define NAMES "trace=4bf92f3577b34da6a3ce929d0e0e4736 span=00f067aa0ba902b7 "

static struct traces traces;

static int
set_up(void **state)
{
	(void)state;
	traces_init(&traces);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	traces_finish(&traces);
	return 0;
}

static struct trace *
start(const char *user, uint32_t most, uint64_t until_ms)
{
	const struct trace_filter f = {.kind = TRACE_USER,
	    .key = text_of(user),
	    .most = most,
	    .until_ms = until_ms};
	struct trace *t;

	assert_int_equal(traces_start(&traces, &f, &t), OK);
	return t;
}

/* take reads one record as if gateway/1 had left it at `mono_us`. */
static struct traced_request *
take(const char *record, uint64_t mono_us)
{
	const struct trace_place place = {.role = ROLE_gateway,
	    .instance = 1,
	    .mono_us = mono_us,
	    .wall_us = 1795260000000000 + mono_us};
	struct hop h;

	assert_int_equal(hop_read(text_of(record), &h), OK);
	return traces_take(&traces, &h, &place);
}

static void
hops_of_two_processes_come_in_the_order_of_their_time(void **state)
{
	const struct traced_hop *hops[TRACES_HOPS];
	const struct traced_request *r;

	(void)state;
	take(NAMES "at=0 of=13 text=request_id=r1", 90);
	take(NAMES "stage=start us=10 ids=1", 110);
	take(NAMES "stage=end us=300 success=true", 400);
	take(NAMES "stage=run us=0 pool=p", 200);
	r = traces_next(&traces, TEXT("r1"), 0);
	assert_non_null(r);
	assert_int_equal(traces_order(r, hops), 3);
	assert_int_equal(hops[0]->stage, STAGE_start);
	assert_int_equal(hops[1]->stage, STAGE_run);
	assert_int_equal(hops[2]->stage, STAGE_end);
	assert_int_equal(r->began_us, 100);
	assert_ptr_equal(r,
	    traces_next(&traces, TEXT("4bf92f3577b34da6a3ce929d0e0e4736"), 0));
	assert_ptr_equal(r, traces_next(&traces, TEXT("00f067aa0ba902b7"), 0));
	assert_null(traces_next(&traces, TEXT("r1"), r->serial));
	assert_null(traces_next(&traces, TEXT("r2"), 0));
}

static void
a_trace_ends_with_its_count_and_counts_only_its_own(void **state)
{
	struct trace *one = start("u7", 2, 0), *other = start("u8", 2, 0);

	(void)state;
	assert_int_not_equal(one->filter.place, other->filter.place);
	assert_false(traces_counted(one, 1, 1, 5));
	assert_int_equal(one->state, TRACE_RUNNING);
	assert_true(traces_counted(one, 1, 2, 6));
	assert_int_equal(one->state, TRACE_OF_COUNT);
	assert_int_equal(one->requests, 1);
	assert_int_equal(one->records, 2);
	assert_int_equal(one->ended_ms, 6);
	assert_int_equal(other->state, TRACE_RUNNING);
	assert_int_equal(other->records, 0);
	assert_false(traces_counted(one, 9, 9, 7));
	assert_int_equal(one->records, 2);
}

static void
each_running_trace_is_counted_at_a_place_of_its_own(void **state)
{
	_Atomic uint64_t counts[TRACE_COUNTS_WORDS] = {0};
	uint32_t seen = 0;
	struct trace *t = NULL;

	(void)state;
	for (uint32_t i = 0; i < TRACES_RUNNING; i++) {
		t = start("u", 0, 0);
		seen |= 1u << t->filter.place;
	}
	assert_int_equal(seen, (1u << TRACE_PLACES) - 1);
	uint32_t place = t->filter.place;
	assert_int_equal(traces_stop(&traces, t->filter.id, 1), 1);
	assert_int_equal(start("again", 0, 0)->filter.place, place);
	trace_counts_add(counts, 1u << place | 1u << 31, 1, 3);
	trace_counts_add(counts, 1u << place, 0, 1);
	assert_int_equal(trace_counts_requests(counts, place), 1);
	assert_int_equal(trace_counts_records(counts, place), 4);
	assert_int_equal(
	    trace_counts_records(counts, (place + 1) % TRACE_PLACES), 0);
	assert_int_equal(trace_counts_records(counts, TRACE_NO_PLACE), 0);
	trace_counts_clear(counts, place);
	assert_int_equal(trace_counts_records(counts, place), 0);
	trace_counts_add(NULL, 1, 1, 1);
	assert_int_equal(trace_counts_records(NULL, 0), 0);
}

static void
a_trace_ends_when_its_time_is_over_or_somebody_says_so(void **state)
{
	struct trace *timed = start("u1", 0, 1000), *open = start("u2", 0, 0);

	(void)state;
	assert_false(traces_look(&traces, 999));
	assert_true(traces_look(&traces, 1000));
	assert_int_equal(timed->state, TRACE_OF_TIME);
	assert_int_equal(traces_stop(&traces, timed->filter.id, 1001), 0);
	assert_int_equal(traces_stop(&traces, 0, 1002), 1);
	assert_int_equal(open->state, TRACE_STOPPED);
	assert_int_equal(open->ended_ms, 1002);
}

static void
so_many_run_at_once_and_ended_ones_make_room(void **state)
{
	const struct trace_filter f = {.kind = TRACE_USER, .key = TEXT("x")};
	struct trace *t;
	char name[8];

	(void)state;
	for (uint32_t i = 0; i < TRACES_RUNNING; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		start(name, 0, 0);
	}
	assert_int_equal(traces_start(&traces, &f, &t), ERR_FULL);
	for (uint32_t i = 0; i < 3 * TRACES_KEPT; i++) {
		assert_int_equal(traces_stop(&traces, traces.last_id, 1), 1);
		start("again", 0, 0);
	}
	assert_int_equal(traces.count, TRACES_KEPT);
	assert_int_equal(traces_running(&traces), TRACES_RUNNING);
	assert_true(text_is(traces.all[0].filter.key, "u0"));
	assert_true(text_is(traces.all[TRACES_KEPT - 1].filter.key, "again"));
}

static void
a_filter_of_an_earlier_life_goes_on_under_its_id(void **state)
{
	const struct trace_filter f = {
	    .id = 9, .kind = TRACE_USER, .key = TEXT("u9")};
	struct trace *t;

	(void)state;
	traces_adopt(&traces, &f);
	assert_int_equal(traces_running(&traces), 1);
	t = start("u1", 0, 0);
	assert_int_equal(t->filter.id, 10);
}

static void
more_hops_than_are_kept_are_counted(void **state)
{
	const struct traced_hop *hops[TRACES_HOPS];
	struct traced_request *r = NULL;

	(void)state;
	for (uint32_t i = 0; i < TRACES_HOPS + 5; i++)
		r = take(NAMES "stage=part us=1 bytes=1", i + 1);
	assert_int_equal(traces_order(r, hops), TRACES_HOPS);
	assert_int_equal(r->hop_count, TRACES_HOPS + 5);
}

static void
facts_count_only_when_all_pieces_are_there(void **state)
{
	struct traced_request *r;

	(void)state;
	r = take(NAMES "at=0 of=26 text=request_id=r1", 1);
	assert_int_equal(traces_facts(r).len, 0);
	take(NAMES "at=13 of=26 text= user_id=u777", 2);
	assert_true(text_is(traces_facts(r), "request_id=r1 user_id=u777"));
}

static uint32_t told;

static void
count_line(void *ctx, const struct traced_line *line)
{
	uint64_t *last = ctx;

	assert_true(line->sequence > *last);
	*last = line->sequence;
	told++;
}

static void
the_tail_gives_the_newest_lines_and_goes_on_from_there(void **state)
{
	const struct trace_place place = {.role = ROLE_relay};
	uint64_t last = 0;

	(void)state;
	for (uint32_t i = 0; i < TRACES_LINES + 50; i++)
		traces_note(&traces, &place, TEXT("event=ready"));
	told = 0;
	traces_lines(&traces, 0, 10, count_line, &last);
	assert_int_equal(told, 10);
	assert_int_equal(last, TRACES_LINES + 50);
	told = 0;
	traces_lines(&traces, last, 10, count_line, &last);
	assert_int_equal(told, 0);
	last = 0;
	traces_lines(&traces, 0, TRACES_LINES, count_line, &last);
	assert_int_equal(told, TRACES_LINES);
}

/* --- the request tracer --- */

static void
a_line_has_its_keys_in_order_and_quotes_what_needs_it(void **state)
{
	struct tracer t;
	struct buffer line;
	const struct trace_place place = {.wall_us = 1795260000000042};
	struct traced_request *r;
	struct hop h;

	(void)state;
	tracer_init(&t, "gw");
	take(NAMES "at=0 of=102 text=request_id=\"r 1\" user_id=u7 "
		   "device_id=nil request_type=get service=users version=nil "
		   "args=\"{\\\"a\\\":1}\"",
	    1);
	r = take(NAMES "stage=permission us=5 permission=denied "
		       "permission_mode={role,1} secret=x",
	    2);
	assert_int_equal(
	    hop_read(TEXT(NAMES "stage=permission us=5 permission=denied "
				"permission_mode={role,1} secret=x"),
		&h),
	    OK);
	r->facts_bytes = r->facts_got; /* whatever its length is */
	buffer_init(&line, TRACER_LINE);
	assert_true(tracer_line(&t, r, &h, &place, &line));
	assert_true(text_is(buffer_text(&line),
	    "device_id=nil event=permission node=gw permission=denied "
	    "permission_mode={role,1} request_id=\"r 1\" request_type=get "
	    "service=users timestamp=2026-11-21T11:20:00.000042Z user_id=u7 "
	    "version=nil"));
	buffer_truncate(&line, 0);
	assert_int_equal(
	    hop_read(TEXT(NAMES "stage=encode us=5 bytes=1"), &h), OK);
	assert_false(tracer_line(&t, r, &h, &place, &line));
	buffer_finish(&line);
}

static void
a_file_is_named_so_that_it_stays_in_its_folder(void **state)
{
	char name[64];

	(void)state;
	tracer_file_name(
	    "user_id", TEXT("../a b:c*?\"<>|\\\n"), name, sizeof(name));
	assert_string_equal(name, "user_id-.._a_b_c________.log");
	tracer_file_name("request_type", TEXT(""), name, sizeof(name));
	assert_string_equal(name, "request_type-empty.log");
}

static uint64_t
size_of(const char *folder, const char *name)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : UINT64_MAX;
}

static void
a_file_is_rotated_at_its_size_and_so_many_are_kept(void **state)
{
	char parent[] = "/tmp/banyan-tracer.XXXXXX", folder[64];
	struct tracer_rules rules = {
	    .folder = folder, .max_bytes = 100, .max_backups = 2};
	struct tracer_file f;
	char line[41];

	(void)state;
	assert_non_null(mkdtemp(parent));
	snprintf(folder, sizeof(folder), "%s/traces", parent);
	memset(line, 'x', sizeof(line));
	line[39] = '\n';
	for (int life = 0; life < 3; life++) {
		assert_int_equal(
		    tracer_file_init(&f, &rules, "user_id-u.log"), OK);
		for (int i = 0; i < 3; i++) {
			tracer_file_add(&f, (struct text){line, 40});
			assert_true(tracer_file_flush(&f));
		}
		tracer_file_close(&f);
	}
	/* 9 lines, 2 a file: 5 files, of which the last 3 are kept */
	assert_int_equal(size_of(folder, "user_id-u.log"), 40);
	assert_int_equal(size_of(folder, "user_id-u.log.1"), 80);
	assert_int_equal(size_of(folder, "user_id-u.log.2"), 80);
	assert_int_equal(size_of(folder, "user_id-u.log.3"), UINT64_MAX);
}

static void
what_a_disk_does_not_take_waits_and_is_then_counted_as_lost(void **state)
{
	const struct tracer_rules rules = {
	    .folder = "/proc/nowhere", .max_bytes = 4096, .max_backups = 1};
	struct tracer_file f;
	char line[1000];

	(void)state;
	memset(line, 'x', sizeof(line));
	assert_int_equal(tracer_file_init(&f, &rules, "u.log"), OK);
	for (int i = 0; i < 300; i++)
		tracer_file_add(&f, (struct text){line, sizeof(line)});
	assert_false(tracer_file_flush(&f));
	assert_true(f.error != 0);
	assert_int_equal(f.lost, 300 - TRACER_WAITING / 1000);
	tracer_file_close(&f);
}

static void
a_known_key_is_no_second_one_and_there_is_an_end_to_them(void **state)
{
	struct tracer t;
	char name[16];

	(void)state;
	tracer_init(&t, "gw");
	snprintf(t.folder, sizeof(t.folder), "/proc/nowhere");
	assert_int_equal(tracer_add(&t, true, TEXT("u"), 1), OK);
	assert_int_equal(tracer_add(&t, true, TEXT("u"), 2), OK);
	assert_int_equal(t.count, 1);
	assert_int_equal(tracer_find(&t, true, TEXT("u"))->id, 1);
	assert_null(tracer_find(&t, false, TEXT("u")));
	assert_int_equal(tracer_add(&t, true, TEXT(""), 3), ERR_MISSING);
	for (int i = 1; i < TRACER_KEYS; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		assert_int_equal(tracer_add(&t, false, text_of(name), 9), OK);
	}
	assert_int_equal(tracer_add(&t, false, TEXT("x"), 9), ERR_FULL);
	assert_true(tracer_remove(&t, true, TEXT("u")));
	assert_false(tracer_remove(&t, true, TEXT("u")));
	tracer_finish(&t);
	assert_int_equal(t.count, 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(hops_of_two_processes_come_in_the_order_of_their_time),
	    CASE(a_trace_ends_with_its_count_and_counts_only_its_own),
	    CASE(each_running_trace_is_counted_at_a_place_of_its_own),
	    CASE(a_trace_ends_when_its_time_is_over_or_somebody_says_so),
	    CASE(so_many_run_at_once_and_ended_ones_make_room),
	    CASE(a_filter_of_an_earlier_life_goes_on_under_its_id),
	    CASE(more_hops_than_are_kept_are_counted),
	    CASE(facts_count_only_when_all_pieces_are_there),
	    CASE(the_tail_gives_the_newest_lines_and_goes_on_from_there),
	    CASE(a_line_has_its_keys_in_order_and_quotes_what_needs_it),
	    CASE(a_file_is_named_so_that_it_stays_in_its_folder),
	    CASE(a_file_is_rotated_at_its_size_and_so_many_are_kept),
	    CASE(what_a_disk_does_not_take_waits_and_is_then_counted_as_lost),
	    CASE(a_known_key_is_no_second_one_and_there_is_an_end_to_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
