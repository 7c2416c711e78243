// SPDX-License-Identifier: MIT
/* events_test - two rings a process, their readers, and the areas beside. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/base/fd.h"
#include "protocol/events.h"
#include "protocol/events_pace.h"

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
a_storm_of_telemetry_leaves_the_records_of_life_alone(void **state)
{
	static struct event_record records[EVENTS_TELEMETRY_RECORDS];
	uint32_t n;

	(void)state;
	event_attach(&events, 6, 1);
	events_mask_set(&events, EVENT_command, true);
	event_note(EVENT_starting, "first=1");
	for (int i = 0; i < 5000; i++)
		event_note(EVENT_command, "i=%d", i);
	event_note(EVENT_stopping, "last=1");
	n = events_last(&events, 6, records, EVENTS_TELEMETRY_RECORDS);
	assert_int_equal(n, EVENTS_TELEMETRY_RECORDS);
	assert_int_equal(records[n - 1].id, EVENT_stopping);
	assert_int_equal(records[n - 2].id, EVENT_command);
	assert_int_equal(
	    events_published(&events, EVENTS_OF_TELEMETRY, 6), 5000);
	assert_int_equal(events_published(&events, EVENTS_OF_LIFE, 6), 2);
	struct events_reading life = {0};
	n = events_next(&events, EVENTS_OF_LIFE, 6, &life, records, 8);
	assert_int_equal(n, 2);
	assert_string_equal(records[0].bytes, "first=1");
	assert_int_equal(life.missed, 0);
}

static void
a_reader_is_given_every_record_once_and_told_how_many_it_missed(void **state)
{
	static struct event_record records[EVENTS_TELEMETRY_RECORDS];
	struct events_reading reading = {0};
	uint64_t given = 0;

	(void)state;
	event_attach(&events, 7, 1);
	events_mask_set(&events, EVENT_command, true);
	for (int i = 0; i < 100; i++)
		event_note(EVENT_command, "i=%d", i);
	for (uint64_t n = 1; n > 0; given += n) {
		n = events_next(
		    &events, EVENTS_OF_TELEMETRY, 7, &reading, records, 7);
		for (uint64_t k = 0; k < n; k++)
			assert_int_equal(records[k].sequence, given + k + 1);
	}
	assert_int_equal(given, 100);
	assert_int_equal(reading.missed, 0);
	for (int i = 0; i < EVENTS_TELEMETRY_RECORDS + 33; i++)
		event_note(EVENT_command, "i=%d", i);
	given = events_next(&events, EVENTS_OF_TELEMETRY, 7, &reading, records,
	    EVENTS_TELEMETRY_RECORDS);
	assert_int_equal(given, EVENTS_TELEMETRY_RECORDS);
	assert_int_equal(reading.missed, 33);
	assert_string_equal(records[0].bytes, "i=33");
	/* a place to go on from that outlives the reader */
	events_told_set(&events, EVENTS_OF_TELEMETRY, 7, reading.told);
	assert_int_equal(events_told(&events, EVENTS_OF_TELEMETRY, 7),
	    EVENTS_TELEMETRY_RECORDS + 133);
	assert_int_equal(events_next(&events, EVENTS_OF_TELEMETRY, 999,
			     &reading, records, 1),
	    0);
	reading.told = UINT64_MAX / 2;
	assert_int_equal(
	    events_next(&events, EVENTS_OF_TELEMETRY, 7, &reading, records, 1),
	    0);
	assert_int_equal(reading.told, EVENTS_TELEMETRY_RECORDS + 133);
}

static uint64_t told_us;

/* note_many notes `count` of one event at one time, and says how many of them
 * were recorded. */
static uint64_t
note_many(enum event id, int count)
{
	uint64_t before = events_published(&events, EVENTS_OF_TELEMETRY, 11);

	for (int i = 0; i < count; i++)
		event_note(id, "i=%d", i);
	return events_published(&events, EVENTS_OF_TELEMETRY, 11) - before;
}

static void
a_storm_is_recorded_at_its_pace_and_the_rest_counted(void **state)
{
	uint64_t recorded;

	(void)state;
	event_attach(&events, 11, 1);
	told_us = 5000000;
	event_clock(&told_us);
	events_mask_set(&events, EVENT_command, true);
	events_mask_set(&events, EVENT_config_add, true);
	recorded = note_many(EVENT_command, 5000);
	assert_int_equal(recorded, PACE_BURST_LEAST);
	assert_int_equal(events_skipped(&events, 11), 5000 - recorded);
	assert_int_equal(events_count(&events, 11, EVENT_command), 5000);
	/* a storm of one hides no other */
	assert_int_equal(note_many(EVENT_config_add, 7), 7);
	told_us += 100000;
	assert_int_equal(note_many(EVENT_command, 5000), EVENTS_PACE / 10);
	events_pace_set(&events, 10);
	told_us += 100000;
	assert_int_equal(note_many(EVENT_command, 5000), 1);
	events_pace_set(&events, 0);
	/* what happens and is not recorded is skipped once, wherever it is
	 * refused */
	recorded = events_skipped(&events, 11);
	assert_false(event_happens(EVENT_command));
	event_tell(EVENT_command, "i=1");
	assert_int_equal(events_skipped(&events, 11), recorded + 2);
	/* life and death have no pace */
	for (int i = 0; i < 3000; i++)
		event_note(EVENT_starting, "i=%d", i);
	assert_int_equal(events_published(&events, EVENTS_OF_LIFE, 11), 3000);
	event_clock(NULL);
}

static void
a_record_not_published_by_the_dead_is_published_by_the_next_life(void **state)
{
	struct event_record records[4];
	struct events_reading reading = {0};
	_Atomic uint64_t *head;

	(void)state;
	event_attach(&events, 8, 1);
	event_note(EVENT_starting, "a=1");
	event_note(EVENT_ready, "b=2");
	/* killed before its last store */
	head = (_Atomic uint64_t *)(void *)(events.segment.body + 64 +
	    EVENTS_WATCH_BYTES + EVENTS_FEED_BYTES + 64 * 512 * 8 +
	    8 * (64 + EVENTS_RECORDS * 320));
	assert_int_equal(*head, 2);
	*head = 1;
	assert_int_equal(events_last(&events, 8, records, 4), 2);
	assert_int_equal(
	    events_next(&events, EVENTS_OF_LIFE, 8, &reading, records, 4), 1);
	event_attach(&events, 8, 2);
	event_note(EVENT_starting, "c=3");
	assert_int_equal(
	    events_next(&events, EVENTS_OF_LIFE, 8, &reading, records, 4), 2);
	assert_string_equal(records[0].bytes, "b=2");
	assert_int_equal(records[0].life, 1);
	assert_string_equal(records[1].bytes, "c=3");
	assert_int_equal(reading.missed, 0);
}

static void
the_areas_of_watchers_and_of_the_feed_begin_empty(void **state)
{
	const uint8_t *watch = events_watch_area(&events);
	const uint8_t *feed = events_feed_area(&events);

	(void)state;
	for (size_t i = 0; i < EVENTS_WATCH_BYTES; i++)
		assert_int_equal(watch[i], 0);
	for (size_t i = 0; i < EVENTS_FEED_BYTES; i++)
		assert_int_equal(feed[i], 0);
	assert_ptr_equal(feed, watch + EVENTS_WATCH_BYTES);
}

int
main(void)
{
#define RING(name) \
	cmocka_unit_test_setup_teardown(name, open_events, close_events)
	const struct CMUnitTest tests[] = {
	    RING(a_storm_of_telemetry_leaves_the_records_of_life_alone),
	    RING(
		a_reader_is_given_every_record_once_and_told_how_many_it_missed),
	    RING(
		a_record_not_published_by_the_dead_is_published_by_the_next_life),
	    RING(a_storm_is_recorded_at_its_pace_and_the_rest_counted),
	    RING(the_areas_of_watchers_and_of_the_feed_begin_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
