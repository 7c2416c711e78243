// SPDX-License-Identifier: MIT
/* function_stats - what functions count, over lives, gateways and changes of
 * hands: the lines always add up. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/base/arena.h"
#include "protocol/base/fd.h"
#include "protocol/function_look.h"
#include "protocol/hash.h"
#include "workers/gateway/function_places.h"

enum {
	FUNCTIONS = 4, /* that have a place of their own */
	FIRST = STATS_SLOT_FIRST_CHILD
};

static struct stats stats;
static struct arena arena;
static struct census census;

static int
begin(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(stats_create(FUNCTIONS, &fd), OK);
	assert_int_equal(stats_map(fd, &stats), OK);
	fd_close(&fd);
	arena_init(&arena);
	census = (struct census){.count = 0};
	return 0;
}

static int
end(void **state)
{
	(void)state;
	arena_finish(&arena);
	stats_unmap(&stats);
	return 0;
}

/* A gateway of the test: its stats slot, and where its functions count. */
static void
open_gateway(struct function_places *p, uint32_t slot)
{
	bool is_known = false;

	for (uint32_t i = 0; i < census.count; i++)
		is_known = is_known || census.process[i].slot == slot;
	if (!is_known) {
		struct census_process *one = &census.process[census.count++];

		one->slot = slot;
		one->stats = stats_slot_at(&stats, slot);
		one->child.role = ROLE_gateway;
	}
	function_places_init(p, &stats, slot);
}

static uint32_t
take(struct function_places *p, const char *service, const char *type)
{
	struct text route = arena_printf(&arena, "%s/%s/", service, type);

	return function_places_take(p,
	    &(struct function_who){.route = hash_name(route),
		.service = text_of(service),
		.request_type = text_of(type)});
}

/* call counts as a gateway does: for itself, then for the function. */
static void
call(struct function_places *p, uint32_t slot, uint32_t place, uint64_t us)
{
	struct stats_slot *own = stats_slot_at(&stats, slot);
	struct function_counts *c = function_places_counts(p, place);

	stats_add(own, COUNTER_gateway_calls, 1);
	function_stats_count(c, FUNCTION_COUNT_calls);
	if (us == 0) {
		stats_add(own, COUNTER_gateway_expired, 1);
		function_stats_count(c, FUNCTION_COUNT_expired);
	} else {
		stats_add(own, COUNTER_gateway_answered, 1);
		function_stats_time(c, us);
	}
}

static const struct function_line *
line_of(const struct function_look *look, const char *service, const char *type)
{
	for (uint32_t i = 0; i < look->count; i++)
		if (text_is(look->lines[i]->service, service) &&
		    text_is(look->lines[i]->request_type, type))
			return look->lines[i];
	return NULL;
}

static uint64_t
calls_of(
    const struct function_look *look, const char *service, const char *type)
{
	const struct function_line *line = line_of(look, service, type);

	return line != NULL ? line->sums.counts[FUNCTION_COUNT_calls] : 0;
}

/* look takes one and holds it to the gateways' own sums. */
static const struct function_look *
look(void)
{
	struct function_look *l = ARENA_NEW(&arena, struct function_look);
	uint64_t sums[FUNCTION_COUNTS] = {0}, answered = 0;

	function_look_all(l, &arena, &stats, &census);
	for (uint32_t i = 0; i < l->count; i++) {
		answered += l->lines[i]->answered;
		for (int k = 0; k < FUNCTION_COUNTS; k++)
			sums[k] += l->lines[i]->sums.counts[k];
	}
	for (uint32_t i = 0; i < census.count; i++) {
		const struct stats_slot *s = census.process[i].stats;

		answered -= stats_get(s, COUNTER_gateway_answered);
		for (int k = 0; k < FUNCTION_COUNTS; k++)
			sums[k] -= stats_get(
			    s, function_count_counter((enum function_count)k));
	}
	assert_int_equal(answered, 0);
	for (int k = 0; k < FUNCTION_COUNTS; k++)
		assert_int_equal(sums[k], 0);
	return l;
}

static void
lines_add_up_over_all_gateways(void **state)
{
	struct function_places one, two;
	struct stats_summary s;

	(void)state;
	open_gateway(&one, FIRST);
	open_gateway(&two, FIRST + 1);
	uint32_t get = take(&one, "users", "get");
	uint32_t put = take(&two, "users", "put");
	uint32_t also = take(&two, "users", "get");
	for (uint64_t us = 1; us <= 1000; us++)
		call(us % 2 ? &one : &two, us % 2 ? FIRST : FIRST + 1,
		    us % 2 ? get : also, us);
	for (int i = 0; i < 7; i++)
		call(&two, FIRST + 1, put, 0);
	stats_add(stats_slot_at(&stats, FIRST), COUNTER_gateway_calls, 3);
	stats_add(stats_slot_at(&stats, FIRST), COUNTER_gateway_not_found, 3);

	const struct function_look *l = look();
	const struct function_line *line = line_of(l, "users", "get");
	assert_int_equal(calls_of(l, "users", "get"), 1000);
	assert_int_equal(line->answered, 1000);
	function_line_summary(line, &s);
	assert_int_equal(s.count, 1000);
	assert_int_equal(s.sum, 500500);
	assert_in_range(s.p50, 500, 640);
	assert_in_range(s.p99, 990, 1279);
	assert_int_equal(line_of(l, "users", "put")->failed, 7);
	line = line_of(l, FUNCTION_NONE_FOUND, FUNCTION_NONE_FOUND);
	assert_int_equal(line->failed, 3);
	assert_int_equal(line->answered, 0);
	function_places_finish(&one);
	function_places_finish(&two);
}

static void
calls_open_at_a_death_end_with_the_next_life(void **state)
{
	struct stats_slot *slot = stats_slot_at(&stats, FIRST);
	struct function_places p;

	(void)state;
	open_gateway(&p, FIRST);
	uint32_t a = take(&p, "s", "a"), b = take(&p, "s", "b");
	call(&p, FIRST, a, 10);
	call(&p, FIRST, b, 0);
	stats_add(slot, COUNTER_gateway_failed, 1); /* b's, that expired */
	for (int i = 0; i < 5; i++) { /* killed with these in its hands */
		stats_add(slot, COUNTER_gateway_calls, 1);
		function_stats_count(function_places_counts(&p, i < 3 ? a : b),
		    FUNCTION_COUNT_calls);
	}
	stats_add(slot, COUNTER_gateway_calls, 1); /* and between two adds */
	function_places_finish(&p);

	open_gateway(&p, FIRST);
	function_places_bury(&p, slot);
	assert_int_equal(stats_get(slot, COUNTER_gateway_client_gone), 6);
	const struct function_look *l = look();
	const struct function_line *line = line_of(l, "s", "a");
	assert_int_equal(line->sums.counts[FUNCTION_COUNT_client_gone], 3);
	line = line_of(l, "s", "b");
	assert_int_equal(line->sums.counts[FUNCTION_COUNT_client_gone], 2);
	function_places_bury(&p, slot); /* nothing is buried twice */
	assert_int_equal(stats_get(slot, COUNTER_gateway_client_gone), 6);
	function_places_finish(&p);
}

static void
places_never_bury_more_than_the_gateway(void **state)
{
	struct stats_slot *slot = stats_slot_at(&stats, FIRST);
	struct function_places p;

	(void)state;
	open_gateway(&p, FIRST);
	uint32_t a = take(&p, "s", "a");
	call(&p, FIRST, a, 10);
	/* killed when it had counted an answer, and not yet the function's */
	stats_add(slot, COUNTER_gateway_calls, 1);
	function_stats_count(
	    function_places_counts(&p, a), FUNCTION_COUNT_calls);
	stats_add(slot, COUNTER_gateway_answered, 1);
	function_places_finish(&p);
	open_gateway(&p, FIRST);
	function_places_bury(&p, slot);
	assert_int_equal(stats_get(slot, COUNTER_gateway_client_gone), 0);
	look();
	function_places_finish(&p);
}

static void
the_next_life_counts_on_in_the_same_places(void **state)
{
	struct function_places p;

	(void)state;
	open_gateway(&p, FIRST);
	uint32_t a = take(&p, "s", "a"), b = take(&p, "s", "b");
	call(&p, FIRST, b, 10);
	function_places_finish(&p);
	open_gateway(&p, FIRST); /* killed, and here again */
	assert_int_equal(take(&p, "s", "b"), b);
	assert_int_equal(take(&p, "s", "a"), a);
	call(&p, FIRST, b, 20);
	assert_int_equal(calls_of(look(), "s", "b"), 2);
	function_places_finish(&p);
}

static void
a_place_changes_hands_and_nothing_is_lost(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	struct function_places p;
	uint32_t places[FUNCTIONS];

	(void)state;
	open_gateway(&p, FIRST);
	for (int i = 0; i < FUNCTIONS; i++) {
		places[i] = take(&p, "s", names[i]);
		assert_int_not_equal(places[i], 0);
		for (int k = 0; k <= i; k++)
			call(&p, FIRST, places[i], 100);
	}
	function_places_leave(&p, places[2]);            /* c is removed */
	assert_int_equal(calls_of(look(), "s", "c"), 3); /* still told */
	assert_int_equal(take(&p, "s", "e"), places[2]);
	call(&p, FIRST, places[2], 5000);
	call(&p, FIRST, places[2], 0);

	const struct function_look *l = look();
	assert_null(line_of(l, "s", "c"));
	assert_int_equal(calls_of(l, "s", "e"), 2);
	assert_int_equal(line_of(l, "s", "e")->answered, 1);
	assert_int_equal(line_of(l, "s", "e")->sums.sum_us, 5000);
	assert_int_equal(calls_of(l, FUNCTION_OTHER, FUNCTION_OTHER), 3);
	assert_int_equal(calls_of(l, "s", "d"), 4);

	/* and once more, over a death: e's figures join c's */
	function_places_finish(&p);
	open_gateway(&p, FIRST);
	for (int i = 0; i < FUNCTIONS; i++)
		if (i != 2)
			assert_int_equal(take(&p, "s", names[i]), places[i]);
	assert_int_equal(take(&p, "s", "f"), places[2]);
	l = look();
	assert_int_equal(calls_of(l, "s", "f"), 0);
	assert_int_equal(calls_of(l, FUNCTION_OTHER, FUNCTION_OTHER), 5);
	function_places_finish(&p);
}

static void
a_death_between_the_two_steps_of_it_loses_nothing(void **state)
{
	struct function_places p;
	struct function_sums now, base;

	(void)state;
	open_gateway(&p, FIRST);
	uint32_t a = take(&p, "s", "a"), b;
	for (int i = 0; i < 9; i++)
		call(&p, FIRST, a, 100);
	for (int i = 1; i < FUNCTIONS; i++)
		(void)take(&p, "s", i == 1 ? "b" : i == 2 ? "c" : "d");
	function_places_leave(&p, a);
	b = take(&p, "s", "e"); /* base 9 */
	assert_int_equal(a, b);
	call(&p, FIRST, a, 100);
	/* the next base is written, the next name is not */
	function_stats_read(&p.row->places[a], false, &now, &base);
	uint64_t words[FUNCTION_WORDS];
	memcpy(words, &now, sizeof(words));
	two_copy_write(p.row->places[a].base, words, FUNCTION_WORDS);
	assert_int_equal(calls_of(look(), "s", "e"), 0);
	assert_int_equal(calls_of(look(), FUNCTION_OTHER, FUNCTION_OTHER), 10);
	function_places_finish(&p);
	open_gateway(&p, FIRST);
	assert_int_equal(take(&p, "s", "e"), a);
	call(&p, FIRST, a, 100);
	assert_int_equal(calls_of(look(), "s", "e"), 1);
	function_places_finish(&p);
}

static void
more_functions_than_places_share_one(void **state)
{
	struct function_places p;
	char name[8];

	(void)state;
	open_gateway(&p, FIRST);
	for (int i = 0; i < FUNCTIONS + 3; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		uint32_t place = take(&p, "s", name);
		assert_int_equal(place == 0, i >= FUNCTIONS);
		call(&p, FIRST, place, 10);
	}
	const struct function_look *l = look();
	assert_int_equal(calls_of(l, FUNCTION_OTHER, FUNCTION_OTHER), 3);
	assert_int_equal(l->count, FUNCTIONS + 2);
	function_places_finish(&p);
}

static void
names_that_are_cut_alike_are_one_line(void **state)
{
	struct function_places p;
	char a[161], b[161];

	(void)state;
	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	a[159] = '1';
	b[159] = '2';
	a[160] = b[160] = '\0';
	/* and a letter of two bytes is not cut in half */
	memcpy(a + FUNCTION_NAME_SHOWN - 1, "\xc3\xa4", 2);
	memcpy(b + FUNCTION_NAME_SHOWN - 1, "\xc3\xa4", 2);
	open_gateway(&p, FIRST);
	uint32_t one = take(&p, "s", a), two = take(&p, "s", b);
	assert_int_not_equal(one, two);
	call(&p, FIRST, one, 10);
	call(&p, FIRST, two, 10);
	const struct function_look *l = look();
	assert_int_equal(l->count, 3);
	assert_int_equal(
	    l->lines[0]->request_type.len, FUNCTION_NAME_SHOWN - 1);
	assert_int_equal(l->lines[0]->answered, 2);
	function_places_finish(&p);
}

static void
a_gateway_without_a_row_counts_for_itself_alone(void **state)
{
	struct function_places rows[FUNCTION_ROWS + 1];

	(void)state;
	for (uint32_t i = 0; i <= FUNCTION_ROWS; i++)
		open_gateway(&rows[i], FIRST + i);
	assert_non_null(rows[FUNCTION_ROWS - 1].row);
	assert_null(rows[FUNCTION_ROWS].row);
	uint32_t place = take(&rows[FUNCTION_ROWS], "s", "a");
	assert_int_equal(place, 0);
	call(&rows[FUNCTION_ROWS], FIRST + FUNCTION_ROWS, place, 10);
	assert_int_equal(
	    line_of(look(), FUNCTION_NONE_FOUND, FUNCTION_NONE_FOUND)->answered,
	    1);
	for (uint32_t i = 0; i <= FUNCTION_ROWS; i++)
		function_places_finish(&rows[i]);
}

static void
a_gateway_that_is_no_more_is_in_no_line(void **state)
{
	struct function_places p;

	(void)state;
	open_gateway(&p, FIRST);
	call(&p, FIRST, take(&p, "s", "a"), 10);
	census.count = 0; /* as after workers.gateway.instances went down */
	assert_int_equal(look()->count, 2);
	function_places_finish(&p);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(lines_add_up_over_all_gateways),
	    TEST(calls_open_at_a_death_end_with_the_next_life),
	    TEST(places_never_bury_more_than_the_gateway),
	    TEST(the_next_life_counts_on_in_the_same_places),
	    TEST(a_place_changes_hands_and_nothing_is_lost),
	    TEST(a_death_between_the_two_steps_of_it_loses_nothing),
	    TEST(more_functions_than_places_share_one),
	    TEST(names_that_are_cut_alike_are_one_line),
	    TEST(a_gateway_without_a_row_counts_for_itself_alone),
	    TEST(a_gateway_that_is_no_more_is_in_no_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
