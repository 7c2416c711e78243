// SPDX-License-Identifier: MIT
/* sticky - what keeps its node, and for how long. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/base/fd.h"
#include "protocol/hash.h"
#include "protocol/sticky.h"

enum {
	NOW = 5000,
	SMALL = 32 /* entries: one neighbourhood */
};

static struct routes routes;
static int fd;

static int
start(void **state)
{
	(void)state;
	assert_int_equal(routes_create(32, SMALL, &fd), OK);
	assert_int_equal(routes_map(fd, &routes), OK);
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	routes_unmap(&routes);
	fd_close(&fd);
	return 0;
}

static uint64_t
name_of(const char *value)
{
	return sticky_name(&routes, 1, 2, text_of(value));
}

static uint32_t
node_at(uint64_t name, uint32_t now_s)
{
	struct sticky found;

	sticky_find(&routes, name, now_s, &found);
	return found.node;
}

static uint32_t
keep(uint64_t name, uint32_t node, uint32_t now_s)
{
	struct sticky found;

	sticky_find(&routes, name, now_s, &found);
	return sticky_keep(&routes, &found, node, now_s);
}

static void
a_value_keeps_its_node_for_an_hour_from_the_choice(void **state)
{
	uint64_t name = name_of("u1");

	(void)state;
	assert_int_equal(node_at(name, NOW), 0);
	assert_int_equal(keep(name, 7, NOW), 7);
	for (uint32_t s = 0; s < STICKY_TTL_S; s += 60)
		assert_int_equal(node_at(name, NOW + s), 7);
	assert_int_equal(node_at(name, NOW + STICKY_TTL_S - 1), 7);
	assert_int_equal(node_at(name, NOW + STICKY_TTL_S), 0);
	assert_int_equal(keep(name, 8, NOW + STICKY_TTL_S), 8);
	assert_int_equal(node_at(name, NOW + STICKY_TTL_S), 8);
	assert_int_equal(sticky_used(&routes), 1);
}

static void
functions_keys_and_values_do_not_share(void **state)
{
	(void)state;
	struct text u1 = TEXT("u1");
	uint64_t names[] = {sticky_name(&routes, 1, 2, u1),
	    sticky_name(&routes, 3, 2, u1), sticky_name(&routes, 1, 3, u1),
	    sticky_name(&routes, 1, 2, TEXT("u2"))};

	for (uint32_t i = 0; i < 4; i++)
		keep(names[i], 10 + i, NOW);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(node_at(names[i], NOW), 10 + i);
}

static void
a_node_that_left_is_replaced_and_the_first_to_choose_wins(void **state)
{
	uint64_t name = name_of("u1");
	struct sticky mine, theirs;

	(void)state;
	keep(name, 7, NOW);
	/* two gateways see that node 7 is gone, and both choose */
	sticky_find(&routes, name, NOW, &mine);
	sticky_find(&routes, name, NOW, &theirs);
	assert_int_equal(sticky_keep(&routes, &theirs, 9, NOW), 9);
	assert_int_equal(sticky_keep(&routes, &mine, 8, NOW), 9);
	assert_int_equal(node_at(name, NOW), 9);
	/* and the same when neither found anything */
	name = name_of("u2");
	sticky_find(&routes, name, NOW, &mine);
	sticky_find(&routes, name, NOW, &theirs);
	assert_int_equal(sticky_keep(&routes, &theirs, 5, NOW), 5);
	assert_int_equal(sticky_keep(&routes, &mine, 6, NOW), 5);
}

static void
a_full_table_forgets_its_oldest_value(void **state)
{
	char value[16];

	(void)state;
	for (uint32_t i = 0; i < SMALL; i++) {
		snprintf(value, sizeof(value), "u%u", i);
		assert_int_equal(keep(name_of(value), i + 1, NOW + i), i + 1);
	}
	assert_int_equal(sticky_used(&routes), SMALL);
	assert_int_equal(keep(name_of("new"), 99, NOW + 60), 99);
	assert_int_equal(node_at(name_of("new"), NOW + 60), 99);
	assert_int_equal(node_at(name_of("u0"), NOW + 60), 0);
	for (uint32_t i = 1; i < SMALL; i++) {
		snprintf(value, sizeof(value), "u%u", i);
		assert_int_equal(node_at(name_of(value), NOW + 60), i + 1);
	}
}

static void
the_sweep_gives_back_what_is_over_and_nothing_else(void **state)
{
	uint32_t from = 0;

	(void)state;
	keep(name_of("old"), 1, NOW);
	keep(name_of("young"), 2, NOW + 100);
	assert_int_equal(
	    sticky_sweep(&routes, &from, SMALL, NOW + STICKY_TTL_S - 1), 0);
	assert_int_equal(
	    sticky_sweep(&routes, &from, SMALL, NOW + STICKY_TTL_S), 1);
	assert_int_equal(sticky_used(&routes), 1);
	assert_int_equal(node_at(name_of("young"), NOW + STICKY_TTL_S), 2);
	/* in slices it comes round to every entry as well */
	for (uint32_t i = 0; i < SMALL; i++)
		sticky_sweep(&routes, &from, 1, NOW + 2 * STICKY_TTL_S);
	assert_int_equal(sticky_used(&routes), 0);
}

static void
a_choice_outlives_the_process_that_made_it(void **state)
{
	struct routes other;

	(void)state;
	keep(name_of("u1"), 7, NOW);
	assert_int_equal(routes_map(fd, &other), OK);
	routes_unmap(&routes);
	routes = other;
	assert_int_equal(node_at(name_of("u1"), NOW + 1), 7);
}

static void
garbage_stops_nobody(void **state)
{
	struct sticky found;
	uint32_t from = 0;

	(void)state;
	memset(routes_sticky(&routes), 0xff, SMALL * ROUTES_STICKY_BYTES);
	sticky_find(&routes, UINT64_MAX, NOW, &found);
	assert_int_equal(found.node, 0); /* of a time that has not come */
	found.entry = UINT32_MAX;
	assert_int_equal(sticky_keep(&routes, &found, 3, NOW), 3);
	assert_int_equal(keep(name_of("u1"), 4, NOW), 4);
	sticky_sweep(&routes, &from, SMALL, NOW);
	assert_true(sticky_used(&routes) <= SMALL);
}

static void
a_node_is_never_kept_as_nothing(void **state)
{
	(void)state;
	assert_int_equal(sticky_node(0), 1);
	assert_int_not_equal(sticky_node(hash_name(TEXT("one"))),
	    sticky_node(hash_name(TEXT("two"))));
}

int
main(void)
{
#define EACH(t) cmocka_unit_test_setup_teardown(t, start, finish)
	const struct CMUnitTest tests[] = {
	    EACH(a_value_keeps_its_node_for_an_hour_from_the_choice),
	    EACH(functions_keys_and_values_do_not_share),
	    EACH(a_node_that_left_is_replaced_and_the_first_to_choose_wins),
	    EACH(a_full_table_forgets_its_oldest_value),
	    EACH(the_sweep_gives_back_what_is_over_and_nothing_else),
	    EACH(a_choice_outlives_the_process_that_made_it),
	    EACH(garbage_stops_nobody),
	    EACH(a_node_is_never_kept_as_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
