// SPDX-License-Identifier: MIT
/* link/calls - calls found by id, whatever else is in flight. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/base/err.h"
#include "protocol/link/calls.h"

enum {
	LIFE = 7,
	MOST = 300 /* in flight in the model */
};

static uint64_t random_state = 42;

static uint64_t
chance(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

/* What is in flight, as a list that cannot go wrong. */
static struct model {
	uint64_t id;
	void *call;
} model[MOST];
static uint32_t in_flight;

static void
assert_same(const struct link_calls *c)
{
	assert_int_equal(c->count, in_flight);
	for (uint32_t i = 0; i < in_flight; i++) {
		const struct link_entry *entry =
		    link_calls_find(c, model[i].id);

		assert_non_null(entry);
		assert_ptr_equal(entry->call, model[i].call);
	}
}

static void
enter(struct link_calls *c, uint64_t id)
{
	void *call = &model[in_flight];
	struct link_entry *entry =
	    id == 0 ? link_calls_add(c, call) : link_calls_put(c, id, call);

	model[in_flight++] = (struct model){entry->id, call};
}

static uint64_t
leave(struct link_calls *c, uint32_t which)
{
	uint64_t id = model[which].id;

	link_calls_remove(c, link_calls_find(c, id));
	model[which] = model[--in_flight];
	return id;
}

/* slow ones stay while the counter goes round the table many times */
static void
calls_that_come_and_go_in_any_order_are_found(void **state)
{
	struct link_calls c;

	(void)state;
	link_calls_init(&c, LIFE);
	in_flight = 0;
	for (uint32_t step = 0; step < 60000; step++) {
		uint32_t slow = in_flight < 20 ? in_flight : 20;

		if (in_flight < MOST && (in_flight <= slow || chance() % 2))
			enter(&c, 0);
		else if (chance() % 1000 == 0)
			leave(&c, (uint32_t)(chance() % in_flight));
		else
			assert_null(link_calls_find(&c,
			    leave(&c,
				slow +
				    (uint32_t)(chance() %
					(in_flight - slow)))));
		if (step % 97 == 0)
			assert_same(&c);
	}
	while (in_flight > 0)
		leave(&c, 0);
	assert_same(&c);
	link_calls_finish(&c);
}

/* ids the other end chose may all want the same place */
static void
ids_of_the_other_end_may_collide(void **state)
{
	struct link_calls c;

	(void)state;
	link_calls_init(&c, LIFE);
	in_flight = 0;
	for (uint64_t i = 1; i <= 100; i++)
		enter(&c, i << 32 | i % 3);
	assert_same(&c);
	assert_null(link_calls_find(&c, UINT64_C(200) << 32));
	for (uint32_t i = 0; in_flight > 0; i++) {
		leave(&c, (uint32_t)(chance() % in_flight));
		if (i % 10 == 0)
			assert_same(&c);
	}
	link_calls_finish(&c);
}

static void
an_id_that_was_never_given_is_known_as_such(void **state)
{
	struct link_calls c;

	(void)state;
	link_calls_init(&c, LIFE);
	assert_null(link_calls_find(&c, 1));
	uint64_t id = link_calls_add(&c, &c)->id;
	assert_true(link_calls_was_issued(&c, id));
	assert_false(link_calls_was_issued(&c, id + 1));
	assert_false(link_calls_was_issued(&c, 0));
	assert_null(link_calls_find(&c, 0));
	link_calls_finish(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(calls_that_come_and_go_in_any_order_are_found),
	    cmocka_unit_test(ids_of_the_other_end_may_collide),
	    cmocka_unit_test(an_id_that_was_never_given_is_known_as_such),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
