// SPDX-License-Identifier: MIT
/* feed_test - who is attached to what, and the way through the rings. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/base/fd.h"
#include "workers/monitor/attachments.h"
#include "workers/monitor/feed.h"

static struct events events;
static uint32_t taken[EVENTS_RINGS];
static uint32_t most;

static int
open_events(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(events_create(&fd), OK);
	assert_int_equal(events_map(fd, &events), OK);
	fd_close(&fd);
	log_set_level(LOG_FATAL);
	memset(taken, 0, sizeof(taken));
	most = UINT32_MAX;
	return 0;
}

static int
close_events(void **state)
{
	(void)state;
	events_unmap(&events);
	return 0;
}

static bool
take(void *ctx, uint32_t slot, const struct event_record *record)
{
	(void)ctx;
	(void)record;
	taken[slot]++;
	return --most > 0;
}

/* see_told: what was handed on before this record is written down already. */
static bool
see_told(void *ctx, uint32_t slot, const struct event_record *record)
{
	uint64_t *last = ctx;

	assert_int_equal(
	    events_told(&events, EVENTS_OF_TELEMETRY, slot), *last);
	*last = record->sequence;
	return true;
}

static void
note(uint32_t slot, int times)
{
	event_attach(&events, slot, 1);
	for (int i = 0; i < times; i++)
		event_note(EVENT_command, "i=%d", i);
}

static void
a_stormy_process_does_not_starve_the_others(void **state)
{
	struct feed feed;

	(void)state;
	events_mask_set(&events, EVENT_command, true);
	note(3, 1000);
	note(40, 10);
	feed_init(&feed, &events);
	most = 2 * FEED_SLICE;
	assert_false(feed_turn(&feed, take, NULL));
	assert_true(taken[3] <= 2 * FEED_SLICE);
	assert_int_equal(taken[40], 10);
	most = UINT32_MAX;
	assert_true(feed_turn(&feed, take, NULL));
	assert_int_equal(taken[3], 1000);
	assert_int_equal(feed.told, 1010);
	assert_int_equal(feed.missed, 0);
}

static void
the_next_life_goes_on_where_the_last_one_was(void **state)
{
	struct feed feed;

	(void)state;
	events_mask_set(&events, EVENT_command, true);
	note(5, 100);
	feed_init(&feed, &events);
	most = FEED_SLICE;
	assert_false(feed_turn(&feed, take, NULL));
	assert_int_equal(taken[5], FEED_SLICE);
	feed_init(&feed, &events); /* killed, and back */
	most = UINT32_MAX;
	assert_true(feed_turn(&feed, take, NULL));
	assert_int_equal(taken[5], 100);
	note(5, EVENTS_TELEMETRY_RECORDS + 7);
	assert_true(feed_turn(&feed, take, NULL));
	assert_int_equal(feed.missed, 7);
}

static void
a_record_counts_as_told_before_the_next_one_is(void **state)
{
	struct feed feed;
	uint64_t last = 0;

	(void)state;
	events_mask_set(&events, EVENT_command, true);
	note(5, 10);
	feed_init(&feed, &events);
	assert_true(feed_turn(&feed, see_told, &last));
	assert_int_equal(last, 10);
}

static struct attachment
item_of(const char *list, uint64_t holder, uint64_t until_ms)
{
	struct attachment item = {.holder = holder, .until_ms = until_ms};
	struct text wrong;

	assert_int_equal(telemetry_choose(&item.choice, TELEMETRY_BY_MATCH,
			     text_of(list), &wrong),
	    OK);
	return item;
}

static bool
is_masked(const struct attachments *a, enum event id)
{
	struct telemetry_choice mask;

	attachments_mask(a, &mask);
	return telemetry_has(&mask, id);
}

static void
a_name_belongs_to_one_holder_until_its_time_is_over(void **state)
{
	static struct attachments a;
	struct attachment tail = item_of("relay.", 7, 1000);
	struct attachment other = item_of("pool.", 8, 1000);
	struct attachment named = item_of("config.", 0, 0);

	(void)state;
	attachments_init(&a);
	assert_int_equal(attachments_put(&a, TEXT("t"), &tail), OK);
	assert_int_equal(attachments_put(&a, TEXT("t"), &other), ERR_EXISTS);
	assert_int_equal(attachments_put(&a, TEXT("n"), &named), OK);
	assert_int_equal(attachments_put(&a, TEXT("n"), &named), ERR_EXISTS);
	assert_int_equal(attachments_put(&a, TEXT(""), &named), ERR_TOO_BIG);
	assert_true(is_masked(&a, EVENT_relay_message_sent));
	tail.until_ms = 2000; /* renewed */
	assert_int_equal(attachments_put(&a, TEXT("t"), &tail), OK);
	assert_false(attachments_expire(&a, 1500));
	assert_true(attachments_expire(&a, 2000));
	assert_false(is_masked(&a, EVENT_relay_message_sent));
	assert_true(is_masked(&a, EVENT_config_add));
	assert_int_equal(attachments_remove(&a, TEXT("n"), 9), ERR_NOT_FOUND);
	assert_int_equal(attachments_remove(&a, TEXT("n"), 0), OK);
	assert_int_equal(attachments_count(&a), 0);
	for (int i = 0; i < ATTACHMENTS; i++) {
		char name[8];

		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(
		    attachments_put(&a, text_of(name), &named), OK);
	}
	assert_int_equal(attachments_put(&a, TEXT("more"), &named), ERR_FULL);
}

static void
attachments_outlive_the_monitor_and_garbage_is_left_out(void **state)
{
	static struct attachments a, b;
	struct attachment named = item_of("config.", 0, 5000);
	uint8_t *area = events_feed_area(&events);

	(void)state;
	attachments_init(&a);
	named.is_logged = true;
	a.control.sampling = 1234;
	a.control.is_off = true;
	assert_int_equal(attachments_put(&a, TEXT("kept"), &named), OK);
	attachments_keep(&a, area);
	attachments_init(&b);
	attachments_recall(&b, area);
	assert_string_equal(b.items[0].name, "kept");
	assert_int_equal(b.items[0].until_ms, 5000);
	assert_true(attachments_logs(&b, EVENT_config_add));
	assert_int_equal(b.control.sampling, 1234);
	assert_true(b.control.is_off);
	for (uint32_t i = 0; i < EVENTS_FEED_BYTES; i++)
		area[i] = (uint8_t)(i * 131 + (i >> 8));
	attachments_init(&b);
	attachments_recall(&b, area);
	assert_int_equal(attachments_count(&b), 0);
	assert_int_equal(b.control.sampling, SAMPLING_WHOLE);
}

static void
what_is_denied_or_sampled_out_does_not_pass_but_life_does(void **state)
{
	static struct attachments a;
	struct attachment attached;
	uint32_t passed = 0;

	(void)state;
	attachments_init(&a);
	a.control.sampling = SAMPLING_WHOLE / 10;
	for (uint64_t mark = 0; mark < 10000; mark++) {
		passed +=
		    attachments_passes(&a, EVENT_request_stop, false, mark);
		assert_true(
		    attachments_passes(&a, EVENT_child_died, true, mark));
	}
	assert_in_range(passed, 900, 1100);
	memset(&a.control.allowed, 0, sizeof(a.control.allowed));
	telemetry_add(&a.control.allowed, EVENT_config_add);
	assert_false(attachments_passes(&a, EVENT_child_died, true, 1));
	attached = item_of("relay.", 0, 0);
	assert_int_equal(attachments_put(&a, TEXT("n"), &attached), OK);
	assert_false(is_masked(&a, EVENT_relay_message_sent));
	a.control.sampling = SAMPLING_WHOLE;
	assert_true(attachments_passes(&a, EVENT_config_add, false, 1));
	a.control.is_off = true;
	assert_false(attachments_passes(&a, EVENT_config_add, false, 1));
}

int
main(void)
{
#define RING(name) \
	cmocka_unit_test_setup_teardown(name, open_events, close_events)
	const struct CMUnitTest tests[] = {
	    RING(a_stormy_process_does_not_starve_the_others),
	    RING(the_next_life_goes_on_where_the_last_one_was),
	    RING(a_record_counts_as_told_before_the_next_one_is),
	    cmocka_unit_test(
		a_name_belongs_to_one_holder_until_its_time_is_over),
	    RING(attachments_outlive_the_monitor_and_garbage_is_left_out),
	    cmocka_unit_test(
		what_is_denied_or_sampled_out_does_not_pass_but_life_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
