// SPDX-License-Identifier: MIT
/* choose - who serves a call, and who after it. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "workers/gateway/choose.h"

enum {
	NODES = 8
};

static uint64_t nodes[NODES];

static int
name_the_nodes(void **state)
{
	char name[16];

	(void)state;
	for (uint32_t i = 0; i < NODES; i++) {
		int len = snprintf(name, sizeof(name), "node%u@host", i);

		nodes[i] = choose_node_hash((struct text){name, (uint32_t)len});
	}
	return 0;
}

static void
assert_permutation(const uint32_t *order, uint32_t count)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < count; i++) {
		assert_true(order[i] < count);
		seen |= 1u << order[i];
	}
	assert_int_equal(seen, (1u << count) - 1);
}

static void
every_mode_names_each_node_exactly_once(void **state)
{
	uint32_t order[NODES];

	(void)state;
	for (int mode = CHOOSE_RANDOM; mode <= CHOOSE_FIRST; mode++) {
		for (uint32_t count = 1; count <= NODES; count++) {
			struct choose c = {.mode = mode,
			    .nodes = nodes,
			    .count = count,
			    .key = TEXT("u42"),
			    .counter = 5,
			    .chance = 77};

			choose_order(&c, order);
			assert_permutation(order, count);
		}
	}
}

static void
a_node_that_is_put_first_leaves_the_others_as_they_stand(void **state)
{
	struct choose c = {
	    .mode = CHOOSE_FIRST, .nodes = nodes, .count = 4, .first = 2};
	uint32_t order[NODES];

	(void)state;
	choose_order(&c, order);
	assert_int_equal(order[0], 2);
	assert_int_equal(order[1], 0);
	assert_int_equal(order[2], 1);
	assert_int_equal(order[3], 3);
	c.first = 4; /* no node: any order will do */
	choose_order(&c, order);
	assert_permutation(order, 4);
}

static void
round_robin_over_three_returns_to_the_first_on_the_fourth_call(void **state)
{
	static const uint32_t first[] = {0, 1, 2, 0, 1};
	uint32_t order[3];

	(void)state;
	for (uint64_t call = 0; call < COUNT_OF(first); call++) {
		struct choose c = {.mode = CHOOSE_ROUND_ROBIN,
		    .nodes = nodes,
		    .count = 3,
		    .counter = call};

		choose_order(&c, order);
		assert_int_equal(order[0], first[call]);
		assert_int_equal(order[1], (first[call] + 1) % 3);
	}
}

static uint32_t
primary_of(uint32_t key, const uint64_t *among, uint32_t count)
{
	uint32_t order[NODES];
	char text[16];
	int len = snprintf(text, sizeof(text), "user-%u", key);
	struct choose c = {.mode = CHOOSE_HASH,
	    .nodes = among,
	    .count = count,
	    .key = {text, (uint32_t)len}};

	choose_order(&c, order);
	return order[0];
}

static void
a_node_that_leaves_moves_only_its_own_keys(void **state)
{
	(void)state;
	for (uint32_t key = 0; key < 2000; key++) {
		uint32_t with_all = primary_of(key, nodes, NODES);
		uint32_t without_last = primary_of(key, nodes, NODES - 1);

		if (with_all != NODES - 1)
			assert_int_equal(with_all, without_last);
	}
}

static void
the_fallback_of_a_key_is_its_primary_once_the_primary_left(void **state)
{
	uint32_t order[NODES], later[NODES];
	struct choose c = {.mode = CHOOSE_HASH,
	    .nodes = nodes,
	    .count = NODES,
	    .key = TEXT("a session")};
	uint64_t rest[NODES - 1];
	uint32_t n = 0;

	(void)state;
	choose_order(&c, order);
	for (uint32_t i = 0; i < NODES; i++)
		if (i != order[0])
			rest[n++] = nodes[i];
	c.nodes = rest;
	c.count = n;
	choose_order(&c, later);
	assert_true(rest[later[0]] == nodes[order[1]]);
}

static void
keys_and_chances_spread_evenly(void **state)
{
	uint32_t by_hash[NODES] = {0}, by_chance[NODES] = {0};
	uint32_t order[NODES];

	(void)state;
	for (uint32_t i = 0; i < 8000; i++) {
		struct choose c = {.mode = CHOOSE_RANDOM,
		    .nodes = nodes,
		    .count = NODES,
		    .chance = i * 7919};

		choose_order(&c, order);
		by_chance[order[0]]++;
		by_hash[primary_of(i, nodes, NODES)]++;
	}
	for (uint32_t i = 0; i < NODES; i++) {
		assert_in_range(by_hash[i], 850, 1150);
		assert_in_range(by_chance[i], 850, 1150);
	}
}

static void
a_missing_hash_value_falls_to_chance(void **state)
{
	uint32_t a[NODES], seen = 0;

	(void)state;
	for (uint64_t chance = 0; chance < 64; chance++) {
		struct choose c = {.mode = CHOOSE_HASH,
		    .nodes = nodes,
		    .count = NODES,
		    .chance = chance};

		choose_order(&c, a);
		seen |= 1u << a[0];
	}
	assert_true(seen != 0 && (seen & (seen - 1)) != 0);
}

static void
dead_nodes_stand_behind_live_ones_in_unchanged_order(void **state)
{
	uint32_t order[] = {3, 1, 0, 2};
	const bool is_live[] = {true, false, true, false};
	const uint32_t wanted[] = {0, 2, 3, 1};

	(void)state;
	choose_live_first(order, 4, is_live);
	assert_memory_equal(order, wanted, sizeof(wanted));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_mode_names_each_node_exactly_once),
	    cmocka_unit_test(
		round_robin_over_three_returns_to_the_first_on_the_fourth_call),
	    cmocka_unit_test(a_node_that_leaves_moves_only_its_own_keys),
	    cmocka_unit_test(
		the_fallback_of_a_key_is_its_primary_once_the_primary_left),
	    cmocka_unit_test(
		a_node_that_is_put_first_leaves_the_others_as_they_stand),
	    cmocka_unit_test(keys_and_chances_spread_evenly),
	    cmocka_unit_test(a_missing_hash_value_falls_to_chance),
	    cmocka_unit_test(
		dead_nodes_stand_behind_live_ones_in_unchanged_order),
	};

	return cmocka_run_group_tests(tests, name_the_nodes, NULL);
}
