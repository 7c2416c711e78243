// SPDX-License-Identifier: MIT
#include "test/unit/segments_rig.h"

#include <stdio.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/events.h"

static struct events events;

static int
open_events(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(events_create(&fd), OK);
	assert_int_equal(events_map(fd, &events), OK);
	fd_close(&fd);
	log_set_level(LOG_FATAL); /* the log itself is not the matter here */
	return 0;
}

static int
close_events(void **state)
{
	(void)state;
	events_unmap(&events);
	log_set_level(LOG_INFO);
	return 0;
}

static void
a_ring_keeps_the_last_records_over_lives(void **state)
{
	static struct event_record records[EVENTS_RECORDS];
	uint32_t n;

	(void)state;
	event_attach(&events, 4, 1);
	event_note(EVENT_ready, "after_ms=%u", 12u);
	event_attach(&events, 4, 2);
	event_note(EVENT_stopping, "by=\"a\tb\"");
	n = events_last(&events, 4, records, EVENTS_RECORDS);
	assert_int_equal(n, 2);
	assert_int_equal(records[0].id, EVENT_ready);
	assert_string_equal(records[0].bytes, "after_ms=12");
	assert_int_equal(records[0].life, 1);
	assert_int_equal(records[1].life, 2);
	assert_int_equal(records[1].pid, getpid());
	assert_string_equal(records[1].bytes, "by=\"a?b\"");
	for (int i = 0; i < 1000; i++)
		event_note(EVENT_ready, "i=%d", i);
	n = events_last(&events, 4, records, EVENTS_OBITUARY);
	assert_int_equal(n, EVENTS_OBITUARY);
	assert_string_equal(records[n - 1].bytes, "i=999");
	assert_int_equal(records[0].sequence + n - 1, records[n - 1].sequence);
	assert_int_equal(events_last(&events, 4, records, 2), 2);
	assert_string_equal(records[0].bytes, "i=998");
	assert_ptr_equal(records[0].text.at, records[0].bytes);
	assert_int_equal(events_last(&events, 5, records, 8), 0);
	assert_int_equal(events_last(&events, 999, records, 8), 0);
}

static void
a_masked_event_is_kept_only_while_its_bit_is_set(void **state)
{
	struct event_record record;

	(void)state;
	event_attach(&events, 1, 1);
	assert_false(event_is_of_life(EVENT_command));
	event_note(EVENT_command, "op=tree");
	assert_int_equal(events_last(&events, 1, &record, 1), 0);
	events_mask_set(&events, EVENT_command, true);
	assert_true(events_mask_has(&events, EVENT_command));
	event_note(EVENT_command, "op=tree");
	assert_int_equal(events_last(&events, 1, &record, 1), 1);
	events_mask_set(&events, EVENT_command, false);
	event_note(EVENT_command, "op=why");
	assert_int_equal(events_last(&events, 1, &record, 1), 1);
	assert_string_equal(record.bytes, "op=tree");
}

/* the best of some rounds: a busy machine takes time, it gives none */
static void
an_event_nobody_wants_costs_less_than_a_fifth_of_a_microsecond(void **state)
{
	enum {
		TIMES = 20000
	};
	uint64_t best_ns = UINT64_MAX;

	(void)state;
	event_attach(&events, 1, 1);
	assert_false(event_is_wanted(EVENT_request_executed));
	for (int round = 0; round < 50; round++) {
		uint64_t began_ns = clock_mono_ns();

		for (int i = 0; i < TIMES; i++)
			event_note(EVENT_request_executed,
			    "pool=%s duration_us=%d", "async_pool", i);
		uint64_t took_ns = clock_mono_ns() - began_ns;
		best_ns = took_ns < best_ns ? took_ns : best_ns;
	}
	assert_true(best_ns / TIMES <= 200);
	printf("[   INFO   ] %llu ns an event\n",
	    (unsigned long long)best_ns / TIMES);
}

static _Noreturn void
note_for_ever(uint64_t life)
{
	event_attach(&events, 2, life);
	for (uint64_t i = 0;; i++) {
		char text[160];

		memset(text, 'a' + (int)(i % 26), sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		event_note(EVENT_ready, "%s", text);
	}
}

static uint32_t
check_ring(void)
{
	static struct event_record records[EVENTS_RECORDS];
	uint32_t n = events_last(&events, 2, records, EVENTS_RECORDS);

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t c = 0; c < 159; c++)
			assert_int_equal(
			    records[i].bytes[c], records[i].bytes[0]);
	return n;
}

static void
a_torn_record_is_left_out_though_the_writer_is_killed(void **state)
{
	uint32_t least = EVENTS_RECORDS;

	(void)state;
	for (uint64_t kills = 0; kills < 200; kills++) {
		uint64_t until_us = clock_mono_us() + 500 + rng() % 3000;
		pid_t pid = fork_child();
		uint32_t n;

		if (pid == 0)
			note_for_ever(kills + 1);
		while (clock_mono_us() < until_us)
			(void)check_ring();
		kill_and_reap(pid);
		n = check_ring();
		if (kills > 20 && n < least)
			least = n;
	}
	/* one record half written, one place reserved for the next */
	assert_true(least >= EVENTS_RECORDS - 2);
}

static void
garbage_in_a_ring_never_stops_a_reader(void **state)
{
	static struct event_record records[EVENTS_RECORDS];

	(void)state;
	fill_with_garbage(&events.segment);
	for (uint32_t slot = 0; slot < EVENTS_RINGS; slot++) {
		assert_int_equal(
		    events_last(&events, slot, records, EVENTS_RECORDS), 0);
		event_attach(&events, slot, 1);
		event_note(EVENT_ready, "still=here");
		assert_int_equal(events_last(&events, slot, records, 8), 1);
	}
	memset(events.segment.body, 0xff,
	    events.segment.bytes - SEGMENT_HEADER_BYTES);
	assert_int_equal(events_last(&events, 0, records, 8), 0);
}

int
main(void)
{
#define RING(name) \
	cmocka_unit_test_setup_teardown(name, open_events, close_events)
	const struct CMUnitTest tests[] = {
	    RING(a_ring_keeps_the_last_records_over_lives),
	    RING(a_masked_event_is_kept_only_while_its_bit_is_set),
	    RING(
		an_event_nobody_wants_costs_less_than_a_fifth_of_a_microsecond),
	    RING(a_torn_record_is_left_out_though_the_writer_is_killed),
	    RING(garbage_in_a_ring_never_stops_a_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
