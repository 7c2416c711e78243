// SPDX-License-Identifier: MIT
/* discovery: lists of the puller become deltas, summaries and a stream. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/pack.h"
#include "workers/monitor/discovery.h"

enum {
	WALL = 1000000
};

static struct discovery d;

static void
begin(bool exports)
{
	discovery_init(&d,
	    &(struct discovery_rules){.exports = exports, .interval_ms = 1000});
}

/* give hands over a list of one service, or none when `name` is NULL. */
static void
give(const char *name, const char *state, const char *version, uint64_t ago_ms,
    uint64_t wall_ms)
{
	struct buffer b;
	struct packer p;

	buffer_init(&b, 4096);
	pack_init(&p, &b);
	pack_array(&p, name != NULL ? 1 : 0);
	if (name != NULL) {
		pack_map(&p, 5);
		pack_field_string(&p, "service", name);
		pack_field_string(&p, "state", state);
		pack_field_string(&p, "version", version);
		pack_string(&p, "functions");
		pack_array(&p, 2);
		pack_string(&p, "a");
		pack_string(&p, "b");
		pack_field_u64(&p, "pulled_ms_ago", ago_ms);
	}
	assert_int_equal(discovery_take(&d, buffer_text(&b), wall_ms), OK);
	buffer_finish(&b);
}

static const char *
news(uint64_t after)
{
	const struct discovery_change *c = discovery_change_at(&d, after);

	return c != NULL ? c->what : "none";
}

static void
only_what_changes_is_news(void **state)
{
	(void)state;
	begin(false);
	give("s", "up", "1", 100, WALL);
	assert_string_equal(news(0), "added");
	assert_int_equal(d.delta_at_ms, WALL - 100);
	give("s", "up", "1", 2095, WALL + 2000); /* the same pull, a jitter */
	assert_string_equal(news(1), "none");
	assert_int_equal(d.delta_at_ms, WALL - 100);
	give("s", "failing", "1", 4100, WALL + 4000);
	assert_string_equal(news(1), "down");
	give("s", "up", "2", 0, WALL + 6000);
	assert_string_equal(news(2), "changed");
	assert_int_equal(d.delta_at_ms, WALL + 6000);
	give(NULL, "", "", 0, WALL + 8000);
	assert_string_equal(news(3), "removed");
	assert_int_equal(d.count, 0);
	assert_int_equal(d.deltas, 4);
	assert_int_equal(d.delta_functions, 2);
	assert_int_equal(d.prune_at_ms, WALL + 8000);
	assert_int_equal(d.prune_count, 1);
	assert_int_equal(d.prunes, 1);
}

static void
summaries_keep_their_interval(void **state)
{
	(void)state;
	begin(true);
	discovery_export(&d, 1, WALL);
	assert_int_equal(d.exports, 0); /* nothing is known yet */
	give("s", "up", "1", 0, WALL);
	discovery_export(&d, 1, WALL);
	discovery_export(&d, 1000, WALL + 999);
	assert_int_equal(d.exports, 1);
	discovery_export(&d, 1001, WALL + 1000);
	assert_int_equal(d.exports, 2);
	assert_int_equal(d.services[0].summaries, 2);
	assert_int_equal(d.services[0].exported_count, 2);
	assert_string_equal(news(2), "summary");
}

static void
who_fell_behind_goes_on_with_the_oldest(void **state)
{
	(void)state;
	begin(false);
	for (uint64_t i = 0; i < DISCOVERY_CHANGES * 2; i++)
		give("s", i % 2 == 0 ? "up" : "failing", "1", 0, WALL + i * 20);
	const struct discovery_change *c = discovery_change_at(&d, 3);
	assert_non_null(c);
	assert_int_equal(c->sequence, d.sequence - DISCOVERY_CHANGES + 1);
	assert_null(discovery_change_at(&d, d.sequence));
	assert_null(discovery_change_at(&d, UINT64_MAX));
}

static void
what_is_no_list_is_counted(void **state)
{
	(void)state;
	begin(false);
	assert_int_equal(discovery_take(&d, TEXT("\x80"), WALL), ERR_MALFORMED);
	assert_int_equal(d.lists_invalid, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_changes_is_news),
	    cmocka_unit_test(summaries_keep_their_interval),
	    cmocka_unit_test(who_fell_behind_goes_on_with_the_oldest),
	    cmocka_unit_test(what_is_no_list_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
