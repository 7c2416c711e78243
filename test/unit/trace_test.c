// SPDX-License-Identifier: MIT
/* trace - names of traces, filters, the watch area, hops. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "protocol/events.h"
#include "protocol/json.h"
#include "protocol/pack.h"
#include "protocol/trace_hop.h"
#include "protocol/trace_watch.h"

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void
a_traceparent_is_read_and_written_as_it_came(void **state)
{
	struct traceparent t;
	char text[TRACEPARENT_BYTES + 1];

	(void)state;
	assert_int_equal(traceparent_read(TEXT(GOOD), &t), OK);
	assert_int_equal(t.trace[0], 0x4bf92f3577b34da6);
	assert_int_equal(t.trace[1], 0xa3ce929d0e0e4736);
	assert_int_equal(t.span, 0x00f067aa0ba902b7);
	assert_int_equal(t.flags, 1);
	traceparent_write(&t, text);
	assert_string_equal(text, GOOD);
}

static void
what_breaks_a_rule_of_the_w3c_is_as_good_as_absent(void **state)
{
	static const char *const bad[] = {
	    "",
	    "00",
	    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
	    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
	    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
	    "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	    "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	    "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
	};
	struct traceparent t = {.span = 7};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(
		    traceparent_read(text_of(bad[i]), &t), ERR_MALFORMED);
	assert_int_equal(t.span, 7);
}

static void
a_later_version_may_have_more_behind_the_flags(void **state)
{
	struct traceparent t;

	(void)state;
	assert_int_equal(
	    traceparent_read(TEXT("cc-4bf92f3577b34da6a3ce929d0e0e4736-"
				  "00f067aa0ba902b7-09-what-the-future"),
		&t),
	    OK);
	assert_int_equal(t.flags, 9);
}

static void
new_names_are_never_the_forbidden_zeros(void **state)
{
	const uint64_t chance[3] = {0, 0, 0};
	struct traceparent t, again;
	char text[TRACEPARENT_BYTES + 1];

	(void)state;
	traceparent_new(&t, chance);
	traceparent_write(&t, text);
	assert_int_equal(traceparent_read(text_of(text), &again), OK);
}

/* word_of reads a function and writes what it was taken for. */
static const char *
word_of(const char *function)
{
	static char word[300];
	struct trace_filter f = {.id = 1};

	if (trace_function_read(text_of(function), &f) != OK)
		return "none";
	trace_filter_word(&f, word, sizeof(word));
	return word;
}

static void
every_way_the_guide_names_a_function_is_taken(void **state)
{
	(void)state;
	assert_string_equal(word_of("all"), "process:processes");
	assert_string_equal(word_of(":all"), "process:processes");
	assert_string_equal(
	    word_of("{MyApp.Api, :get_user, :_}"), "target:MyApp.Api.get_user");
	assert_string_equal(word_of("{MyApp.Api, :get_user, 1}"),
	    "target:MyApp.Api.get_user/1");
	assert_string_equal(
	    word_of("{MyApp.Api, :get_user}"), "target:MyApp.Api.get_user");
	assert_string_equal(
	    word_of("MyApp.Api.get_user/2"), "target:MyApp.Api.get_user/2");
	assert_string_equal(
	    word_of("MyApp.Api.get_user/_"), "target:MyApp.Api.get_user");
	assert_string_equal(word_of("users.get_user"), "target:users.get_user");
	assert_string_equal(
	    word_of("users/get_user"), "function:users/get_user");
	assert_string_equal(word_of("users/1"), "function:users/1");
	assert_string_equal(word_of("get_user"), "none");
	assert_string_equal(word_of("{a, :b, :c}"), "none");
	assert_string_equal(word_of("{a, :b, 256}"), "none");
	assert_string_equal(word_of(""), "none");
	assert_string_equal(word_of("/"), "none");
	assert_string_equal(word_of("."), "none");
}

static void
every_target_and_every_flag_of_the_guide_is_taken(void **state)
{
	static const char *const targets[] = {"all", "processes", "ports",
	    "existing", "existing_processes", "existing_ports", "new",
	    "new_processes", "new_ports", "gateway", "gateway/2", "4711"};
	struct trace_filter f;
	struct text wrong;
	uint32_t flags;
	char word[100], expected[100];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		assert_int_equal(
		    trace_target_read(text_of(targets[i]), &f), OK);
		trace_filter_word(&f, word, sizeof(word));
		snprintf(expected, sizeof(expected), "process:%s", targets[i]);
		assert_string_equal(word, expected);
	}
	assert_int_equal(trace_target_read(TEXT("gatewax"), &f), ERR_NOT_FOUND);
	assert_int_equal(
	    trace_target_read(TEXT("gateway/x"), &f), ERR_MALFORMED);
	assert_int_equal(
	    trace_flags_read(TEXT("call,return_to, return_trace,:procs,ports,"
				  "timestamp,cpu_timestamp,arity,silent"),
		&flags, &wrong),
	    OK);
	assert_int_equal(flags, 0x1ff);
	assert_int_equal(trace_flags_read(TEXT(""), &flags, &wrong), OK);
	assert_int_equal(
	    flags, TRACE_FLAG_call | TRACE_FLAG_return_to | TRACE_FLAG_procs);
	assert_int_equal(
	    trace_flags_read(TEXT("call,cal"), &flags, &wrong), ERR_NOT_FOUND);
	assert_true(text_is(wrong, "cal"));
}

static void
a_filter_finds_its_calls_and_no_others(void **state)
{
	const struct trace_call call = {
	    .user = TEXT("u7"),
	    .service = TEXT("users"),
	    .request_type = TEXT("get_user"),
	    .request_id = TEXT("r1"),
	    .module = TEXT("m"),
	    .function = TEXT("f"),
	    .arity = 2,
	};
	struct trace_call early = call, nobody = call;
	struct trace_filter f = {.kind = TRACE_USER, .key = TEXT("u7")};

	(void)state;
	early.module.at = NULL;
	nobody.user = (struct text){NULL, 0};
	assert_true(trace_filter_has_call(&f, &call));
	assert_false(trace_filter_has_call(&f, &nobody));
	f.key = TEXT("u77");
	assert_false(trace_filter_has_call(&f, &call));
	assert_int_equal(trace_function_read(TEXT("users/get_user"), &f), OK);
	assert_true(trace_filter_has_call(&f, &call));
	assert_int_equal(trace_function_read(TEXT("m.f/2"), &f), OK);
	assert_true(trace_filter_has_call(&f, &call));
	assert_false(trace_filter_has_call(&f, &early));
	assert_int_equal(trace_function_read(TEXT("m.f/1"), &f), OK);
	assert_false(trace_filter_has_call(&f, &call));
	f = (struct trace_filter){.kind = TRACE_REQUEST, .key = TEXT("r1")};
	assert_true(trace_filter_has_call(&f, &call));
}

static void
new_and_existing_are_told_apart_by_birth(void **state)
{
	const struct trace_process old = {
	    .role = ROLE_gateway, .instance = 1, .pid = 10, .born_ms = 5};
	const struct trace_process young = {
	    .role = ROLE_relay, .pid = 11, .born_ms = 50};
	struct trace_filter f = {.started_ms = 20};

	(void)state;
	assert_int_equal(trace_target_read(TEXT("new"), &f), OK);
	assert_false(trace_filter_has_process(&f, &old));
	assert_true(trace_filter_has_process(&f, &young));
	assert_int_equal(trace_target_read(TEXT("existing"), &f), OK);
	assert_true(trace_filter_has_process(&f, &old));
	assert_false(trace_filter_has_process(&f, &young));
	assert_int_equal(trace_target_read(TEXT("gateway/1"), &f), OK);
	assert_true(trace_filter_has_process(&f, &old));
	assert_int_equal(trace_target_read(TEXT("gateway/2"), &f), OK);
	assert_false(trace_filter_has_process(&f, &old));
	assert_int_equal(trace_target_read(TEXT("11"), &f), OK);
	assert_true(trace_filter_has_process(&f, &young));
}

static _Atomic uint64_t area[TRACE_WATCH_BYTES / 8];

static void
clear(void)
{
	for (size_t i = 0; i < COUNT_OF(area); i++)
		area[i] = 0;
}

static void
what_is_watched_is_seen_by_every_reader_and_zero_means_nothing(void **state)
{
	struct trace_watch w;
	static struct trace_view view;
	const struct trace_filter a = {.id = 3,
	    .kind = TRACE_FUNCTION,
	    .flags = TRACE_FLAG_call,
	    .per_second = 100,
	    .until_ms = 99,
	    .most = UINT32_MAX,
	    .place = TRACE_PLACES - 1,
	    .arity = TRACE_ANY_ARITY,
	    .key = TEXT("users"),
	    .key2 = TEXT("get_user")};
	const struct trace_filter b = {.id = 4,
	    .kind = TRACE_USER,
	    .is_tracer = true,
	    .place = TRACE_NO_PLACE,
	    .key = TEXT("u7")};
	const struct trace_filter *both[] = {&a, &b};

	(void)state;
	clear();
	trace_watch_at(&w, area);
	assert_int_equal(trace_watch_generation(&w), 0);
	assert_false(trace_watch_read(&w, &view));
	assert_int_equal(trace_watch_set(&w, both, 2), OK);
	assert_true(trace_watch_read(&w, &view));
	assert_int_equal(view.count, 2);
	assert_int_equal(view.kinds, 1 << TRACE_FUNCTION | 1 << TRACE_USER);
	assert_true(text_is(view.filters[0].key2, "get_user"));
	assert_int_equal(view.filters[0].arity, TRACE_ANY_ARITY);
	assert_int_equal(view.filters[0].per_second, 100);
	assert_int_equal(view.filters[0].most, UINT32_MAX);
	assert_int_equal(view.filters[0].place, TRACE_PLACES - 1);
	assert_int_equal(view.filters[1].place, TRACE_NO_PLACE);
	assert_true(view.filters[1].is_tracer);
	assert_false(trace_watch_read(&w, &view));
	assert_int_equal(trace_watch_set(&w, both, 0), OK);
	assert_int_equal(trace_watch_generation(&w), 0);
	assert_true(trace_watch_read(&w, &view));
	assert_int_equal(view.count, 0);
	/* and generations go on from where they were */
	assert_int_equal(trace_watch_set(&w, both, 1), OK);
	assert_int_equal(trace_watch_generation(&w), 3);
}

static void
too_many_or_too_long_filters_are_refused_whole(void **state)
{
	static char name[TRACE_KEY_BYTES];
	struct trace_watch w;
	const struct trace_filter one = {.id = 1,
	    .kind = TRACE_FUNCTION,
	    .key = {name, sizeof(name)},
	    .key2 = {name, sizeof(name)}};
	const struct trace_filter *many[TRACE_FILTERS + 1];

	(void)state;
	memset(name, 'x', sizeof(name));
	clear();
	trace_watch_at(&w, area);
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = &one;
	assert_int_equal(trace_watch_set(&w, many, 5), OK);
	assert_int_equal(trace_watch_set(&w, many, TRACE_FILTERS), ERR_FULL);
	assert_int_equal(
	    trace_watch_set(&w, many, TRACE_FILTERS + 1), ERR_FULL);
	assert_int_equal(trace_watch_generation(&w), 1);
}

static void
a_broken_area_is_no_trace(void **state)
{
	struct trace_watch w;
	static struct trace_view view;
	const struct trace_filter b = {
	    .id = 4, .kind = TRACE_USER, .key = TEXT("u7")};
	const struct trace_filter *one[] = {&b};

	(void)state;
	clear();
	memset(&view, 0, sizeof(view));
	trace_watch_at(&w, area);
	assert_int_equal(trace_watch_set(&w, one, 1), OK);
	for (size_t i = 3; i < COUNT_OF(area); i++)
		area[i] ^= 0x5a5a;
	assert_true(trace_watch_read(&w, &view));
	assert_int_equal(view.count, 0);
	assert_false(trace_watch_read(&w, &view));
}

/* records gives what was noted last in ring 3. */
static struct event_record records[32];

static uint32_t
noted(const struct events *events)
{
	return events_last(events, 3, records, COUNT_OF(records));
}

static void
attach(struct events *events)
{
	int fd = -1;

	assert_int_equal(events_create(&fd), OK);
	assert_int_equal(events_map(fd, events), OK);
	event_attach(events, 3, 1);
	events_mask_set(events, EVENT_trace_hop, true);
	events_mask_set(events, EVENT_trace_facts, true);
}

static void
a_hop_reads_back_and_only_wanted_stages_are_recorded(void **state)
{
	struct events events;
	struct hop h;
	struct trace_span s = {.flags = TRACE_FLAG_call};

	(void)state;
	attach(&events);
	assert_int_equal(traceparent_read(TEXT(GOOD), &s.at), OK);
	trace_hop(&s, STAGE_permission, "permission=%s", "allowed");
	trace_hop(&s, STAGE_write, "bytes=%d", 9);
	trace_hop(&s, STAGE_end, "success=true");
	s.flags |= TRACE_FLAG_silent;
	trace_hop(&s, STAGE_end, "success=true");
	assert_int_equal(noted(&events), 2);
	assert_int_equal(hop_read(records[0].text, &h), OK);
	assert_int_equal(h.stage, STAGE_permission);
	assert_int_equal(h.span, s.at.span);
	assert_int_equal(h.trace[1], s.at.trace[1]);
	assert_true(text_is(h.rest, "permission=allowed"));
	assert_int_equal(hop_read(records[1].text, &h), OK);
	assert_int_equal(h.stage, STAGE_end);
	events_unmap(&events);
}

static void
long_facts_travel_in_pieces_and_come_together(void **state)
{
	struct events events;
	struct buffer facts;
	char whole[TRACE_FACTS_BYTES], room[600], args[400];
	struct trace_span s = {.flags = 0};
	struct text value;
	struct hop h;

	(void)state;
	attach(&events);
	assert_int_equal(traceparent_read(TEXT(GOOD), &s.at), OK);
	memset(args, 'a', sizeof(args));
	args[7] = '"';
	args[9] = '\n';
	buffer_init(&facts, 4096);
	facts_put(&facts, "request_id", TEXT("r 1"));
	facts_put(&facts, "device_id", (struct text){NULL, 0});
	facts_put(&facts, "args", (struct text){args, sizeof(args)});
	trace_facts(&s, buffer_text(&facts));
	uint32_t count = noted(&events);
	assert_in_range(count, 4, 6);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(hop_read(records[i].text, &h), OK);
		assert_true(h.is_piece);
		assert_int_equal(h.of, buffer_used(&facts));
		memcpy(whole + h.at, h.piece.at, h.piece.len);
	}
	struct text all = {whole, h.of};
	assert_true(facts_find(all, "request_id", &value, room, sizeof(room)));
	assert_true(text_is(value, "r 1"));
	assert_true(facts_find(all, "device_id", &value, room, sizeof(room)));
	assert_true(text_is(value, "nil"));
	assert_true(facts_find(all, "args", &value, room, sizeof(room)));
	assert_int_equal(value.len, sizeof(args));
	assert_memory_equal(value.at, args, sizeof(args));
	buffer_finish(&facts);
	events_unmap(&events);
}

static void
a_record_that_is_no_hop_is_refused(void **state)
{
	static const char *const bad[] = {
	    "",
	    "trace=1",
	    "trace=4bf92f3577b34da6a3ce929d0e0e4736 span=0 stage=end us=1",
	    "trace=4bf92f3577b34da6a3ce929d0e0e4736 span=00f067aa0ba902b7",
	    "trace=4bf92f3577b34da6a3ce929d0e0e4736 span=00f067aa0ba902b7 "
	    "stage=nowhere us=1",
	    "trace=4bf92f3577b34da6a3ce929d0e0e4736 span=00f067aa0ba902b7 "
	    "stage=end us=x",
	    "trace=4bf92f3577b34da6a3ce929d0e0e4736 span=00f067aa0ba902b7 "
	    "at=9 of=9 text=x",
	    "trace=4bf92f3577b34da6a3ce929d0e0e4736 span=00f067aa0ba902b7 "
	    "at=8 of=9 text=xyz",
	    "trace=4bf92f3577b34da6a3ce929d0e0e4736 span=00f067aa0ba902b7 "
	    "at=0 of=99999 text=x",
	};
	struct hop h;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(hop_read(text_of(bad[i]), &h), ERR_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_traceparent_is_read_and_written_as_it_came),
	    cmocka_unit_test(
		what_breaks_a_rule_of_the_w3c_is_as_good_as_absent),
	    cmocka_unit_test(a_later_version_may_have_more_behind_the_flags),
	    cmocka_unit_test(new_names_are_never_the_forbidden_zeros),
	    cmocka_unit_test(every_way_the_guide_names_a_function_is_taken),
	    cmocka_unit_test(every_target_and_every_flag_of_the_guide_is_taken),
	    cmocka_unit_test(a_filter_finds_its_calls_and_no_others),
	    cmocka_unit_test(new_and_existing_are_told_apart_by_birth),
	    cmocka_unit_test(
		what_is_watched_is_seen_by_every_reader_and_zero_means_nothing),
	    cmocka_unit_test(too_many_or_too_long_filters_are_refused_whole),
	    cmocka_unit_test(a_broken_area_is_no_trace),
	    cmocka_unit_test(
		a_hop_reads_back_and_only_wanted_stages_are_recorded),
	    cmocka_unit_test(long_facts_travel_in_pieces_and_come_together),
	    cmocka_unit_test(a_record_that_is_no_hop_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
