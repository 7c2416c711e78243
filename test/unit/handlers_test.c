// SPDX-License-Identifier: MIT
/* handlers_test - who is given which events, in what batches, how often. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/unpack.h"
#include "workers/monitor/handlers.h"

static struct handlers all;
static struct buffer settings, args;

static int
open_all(void **state)
{
	(void)state;
	handlers_init(&all);
	buffer_init(&settings, 65536);
	buffer_init(&args, HANDLER_BYTES * 2);
	return 0;
}

static int
close_all(void **state)
{
	(void)state;
	handlers_finish(&all);
	buffer_finish(&settings);
	buffer_finish(&args);
	return 0;
}

/* read_matches reads handlers f0, f1, … of module m with these patterns. */
static void
read_matches(const char *const *matches, uint32_t count)
{
	struct packer p;
	char function[16];

	buffer_truncate(&settings, 0);
	pack_init(&p, &settings);
	pack_array(&p, count);
	for (uint32_t i = 0; i < count; i++) {
		snprintf(function, sizeof(function), "f%u", i);
		pack_map(&p, 5);
		pack_field_string(&p, "match", matches[i]);
		pack_field_string(&p, "module", "m");
		pack_field_string(&p, "function", function);
		pack_field_string(&p, "pool", "mine");
		pack_field_string(&p, "name", i == 0 ? "first" : "");
	}
	assert_int_equal(pack_finish(&p), OK);
	handlers_read(&all, buffer_text(&settings));
}

static void
read_one(const char *match)
{
	read_matches(&match, 1);
}

static void
offer(enum event id, int times, uint64_t now_ms)
{
	for (int i = 0; i < times; i++)
		handlers_offer(&all, id, TEXT("\x01"), now_ms);
}

static void
each_is_given_what_its_pattern_names(void **state)
{
	const char *const matches[] = {
	    "config,pool.worker_*", "process.command", "no.such.event"};
	struct telemetry_choice choice;

	(void)state;
	read_matches(matches, 3);
	assert_int_equal(all.count, 3);
	assert_string_equal(all.items[0].name, "first");
	assert_string_equal(all.items[1].name, "m.f1");
	offer(EVENT_config_add, 2, 0);
	offer(EVENT_command, 3, 0);
	assert_int_equal(all.items[0].count, 2);
	assert_int_equal(all.items[1].count, 3);
	assert_true(all.items[2].is_detached);
	assert_non_null(strstr(all.items[2].reason, "no.such.event"));
	handlers_choice(&all, &choice);
	assert_true(telemetry_has(&choice, EVENT_command));
	assert_true(telemetry_has(&choice, EVENT_config_add));
	assert_false(telemetry_has(&choice, EVENT_kicked));
}

static void
a_batch_goes_when_it_is_full_or_old_and_one_at_a_time(void **state)
{
	struct handler *h = &all.items[0];

	(void)state;
	read_one("process.command");
	assert_false(handler_is_due(h, 1000));
	offer(EVENT_command, 1, 1000);
	assert_false(handler_is_due(h, 1000 + HANDLER_BATCH_MS - 1));
	assert_true(handler_is_due(h, 1000 + HANDLER_BATCH_MS));
	offer(EVENT_command, HANDLER_BATCH - 1, 1001);
	assert_true(handler_is_due(h, 1001));
	handler_sent(h);
	offer(EVENT_command, HANDLER_BATCH, 1002);
	assert_false(handler_is_due(h, 99999));
	handler_answered(h);
	assert_int_equal(h->sent, HANDLER_BATCH);
	assert_true(handler_is_due(h, 1003));
}

static void
the_argument_is_one_list_of_all_that_waits(void **state)
{
	struct unpacker u;
	struct packer p;
	uint32_t count;
	uint64_t value;

	(void)state;
	read_one("process.command");
	offer(EVENT_command, 3, 0);
	buffer_truncate(&args, 0);
	pack_init(&p, &args);
	handler_pack(&all.items[0], &p);
	assert_int_equal(pack_finish(&p), OK);
	unpack_init(&u, buffer_text(&args));
	assert_int_equal(unpack_array(&u, &count), OK);
	assert_int_equal(count, 1);
	assert_int_equal(unpack_array(&u, &count), OK);
	assert_int_equal(count, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(unpack_u64(&u, &value), OK);
		assert_int_equal(value, 1);
	}
	assert_true(unpack_is_done(&u));
}

static void
what_has_no_room_is_counted_for_the_slow_one_alone(void **state)
{
	const char *const matches[] = {"process.command", "process.command"};

	(void)state;
	read_matches(matches, 2);
	offer(EVENT_command, HANDLER_WAITING, 0);
	handler_sent(&all.items[1]);
	offer(EVENT_command, 7, 0);
	assert_int_equal(all.items[0].dropped, 7);
	assert_int_equal(all.items[0].count, HANDLER_WAITING);
	assert_int_equal(all.items[1].dropped, 0);
	assert_int_equal(all.items[1].count, 7);
}

static void
an_event_beyond_the_bytes_is_counted_too(void **state)
{
	static const char large[HANDLER_BYTES / 2 + 1] = {0};
	const struct text event = {large, sizeof(large)};

	(void)state;
	read_one("process.command");
	handlers_offer(&all, EVENT_command, event, 0);
	handlers_offer(&all, EVENT_command, event, 0);
	assert_int_equal(all.items[0].count, 1);
	assert_int_equal(all.items[0].dropped, 1);
}

static bool
fail_once(struct handler *h, const char *why)
{
	offer(EVENT_command, 2, 0);
	handler_sent(h);
	return handler_failed(h, text_of(why));
}

static void
five_failures_in_a_row_detach_it_with_the_reason(void **state)
{
	struct handler *h = &all.items[0];
	struct telemetry_choice choice;

	(void)state;
	read_one("process.command");
	for (int i = 1; i < HANDLER_FAILURES; i++)
		assert_false(fail_once(h, "internal: a\nb\"c"));
	offer(EVENT_command, 1, 0);
	handler_sent(h);
	handler_answered(h); /* one success, and it begins anew */
	for (int i = 1; i < HANDLER_FAILURES; i++)
		assert_false(fail_once(h, "internal: a\nb\"c"));
	assert_true(fail_once(h, "internal: a\nb\"c"));
	assert_true(h->is_detached);
	assert_string_equal(h->reason, "internal: a.b.c");
	assert_int_equal(h->failed, 2 * (2 * HANDLER_FAILURES - 1));
	handlers_choice(&all, &choice);
	assert_false(telemetry_has(&choice, EVENT_command));
	offer(EVENT_command, 9, 0);
	assert_int_equal(h->count, 0);
	assert_false(handler_is_due(h, UINT64_MAX));
	read_one("process.command"); /* read again: it gets another chance */
	assert_false(h->is_detached);
	assert_int_equal(h->failures, 0);
	assert_int_equal(h->sent, 1);
}

static void
nobody_to_call_it_is_no_failure_of_its_own(void **state)
{
	struct handler *h = &all.items[0];

	(void)state;
	read_one("process.command");
	for (int i = 0; i < 3 * HANDLER_FAILURES; i++) {
		offer(EVENT_command, 1, 0);
		handler_sent(h);
		handler_unserved(h, TEXT("unavailable"));
	}
	assert_false(h->is_detached);
	assert_int_equal(h->dropped, 3 * HANDLER_FAILURES);
	assert_string_equal(h->reason, "unavailable");
}

static void
settings_read_again_keep_what_is_the_same(void **state)
{
	const char *const before[] = {"process.command", "config"};
	const char *const after[] = {"process.command", "pool"};

	(void)state;
	read_matches(before, 2);
	offer(EVENT_command, 4, 0);
	offer(EVENT_config_add, 4, 0);
	handler_sent(&all.items[0]);
	handler_answered(&all.items[0]);
	offer(EVENT_command, 2, 0);
	read_matches(after, 2);
	assert_int_equal(all.items[0].sent, 4);
	assert_int_equal(all.items[0].count, 2);
	assert_int_equal(all.items[1].count, 0);
	read_matches(after, 0);
	assert_int_equal(all.count, 0);
}

static void
events_of_a_handlers_own_call_are_for_nobody(void **state)
{
	(void)state;
	assert_true(handlers_is_own(
	    TEXT("pool=mine command=telemetry.handler.first queue_size=1")));
	assert_false(handlers_is_own(TEXT("pool=mine command=user.get")));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
	const struct CMUnitTest tests[] = {
	    T(each_is_given_what_its_pattern_names),
	    T(a_batch_goes_when_it_is_full_or_old_and_one_at_a_time),
	    T(the_argument_is_one_list_of_all_that_waits),
	    T(what_has_no_room_is_counted_for_the_slow_one_alone),
	    T(an_event_beyond_the_bytes_is_counted_too),
	    T(five_failures_in_a_row_detach_it_with_the_reason),
	    T(nobody_to_call_it_is_no_failure_of_its_own),
	    T(settings_read_again_keep_what_is_the_same),
	    T(events_of_a_handlers_own_call_are_for_nobody),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
