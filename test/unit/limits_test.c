// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/limits.h"

enum {
	KEYS = 24,
	STEPS = 1000000,
	HISTORY = 16384
};

static uint64_t rng_state = 88172645463325252u;

static uint64_t
rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static void
open_limits(struct limits *limits, uint32_t keys)
{
	struct limits_size size = {.keys = {keys, keys, keys}};
	int fd;

	assert_int_equal(limits_create(&size, &fd), OK);
	assert_int_equal(limits_map(fd, limits), OK);
	fd_close(&fd);
}

static bool
take(struct limits *limits, struct limits_hit *hit, uint64_t now_us,
    struct limits_verdict *verdict)
{
	hit->now_us = now_us;
	limits_take(limits, hit, verdict);
	return verdict->is_admitted;
}

/* --- one caller --- */

static void
a_limit_admits_exactly_max_and_again_when_the_window_has_slid(void **state)
{
	struct limits limits;
	struct limits_verdict v;
	struct limits_hit hit = {.max = 3, .window_ms = 100};

	(void)state;
	open_limits(&limits, 64);
	hit.key = limits_key(&limits, 1, TEXT("u1"));
	assert_true(take(&limits, &hit, 1000000, &v));
	assert_true(take(&limits, &hit, 1010000, &v));
	assert_true(take(&limits, &hit, 1020000, &v));
	assert_false(take(&limits, &hit, 1030000, &v));
	assert_int_equal(v.current, 3);
	assert_int_equal(v.retry_after_ms, 71); /* strictly more than 100 ms */
	assert_false(v.is_full);
	/* refusals do not extend the window */
	assert_false(take(&limits, &hit, 1100000, &v));
	assert_int_equal(v.retry_after_ms, 1);
	assert_true(take(&limits, &hit, 1100001, &v));
	assert_false(take(&limits, &hit, 1110000, &v));
	limits_unmap(&limits);
}

static void
a_limit_of_zero_always_refuses(void **state)
{
	struct limits limits;
	struct limits_verdict v;
	struct limits_hit hit = {.key = 7, .max = 0, .window_ms = 100};

	(void)state;
	open_limits(&limits, 64);
	for (uint64_t t = 1; t < 1000; t++)
		assert_false(take(&limits, &hit, t * 1000000, &v));
	assert_int_equal(v.retry_after_ms, 100);
	limits_look(&limits, &hit, &v);
	assert_false(v.is_admitted);
	limits_unmap(&limits);
}

static void
two_limits_on_one_value_never_share_a_counter(void **state)
{
	struct limits limits;
	struct limits_verdict v;
	struct limits_hit a = {.max = 2, .window_ms = 100}, b = a;

	(void)state;
	open_limits(&limits, 64);
	a.key = limits_key(&limits, 1, TEXT("42"));
	b.key = limits_key(&limits, 2, TEXT("42"));
	assert_true(a.key != b.key);
	assert_true(take(&limits, &a, 1000000, &v));
	assert_true(take(&limits, &a, 1000000, &v));
	assert_false(take(&limits, &a, 1000000, &v));
	assert_true(take(&limits, &b, 1000000, &v));
	assert_true(take(&limits, &b, 1000000, &v));
	assert_false(take(&limits, &b, 1000000, &v));
	limits_unmap(&limits);
}

static void
looking_consumes_nothing_and_reset_forgets(void **state)
{
	struct limits limits;
	struct limits_verdict v;
	struct limits_hit hit = {.key = 99, .max = 5, .window_ms = 1000};

	(void)state;
	open_limits(&limits, 64);
	hit.now_us = 5000000;
	limits_look(&limits, &hit, &v);
	assert_true(v.is_admitted);
	assert_int_equal(v.current, 0);
	for (int i = 0; i < 5; i++)
		assert_true(take(&limits, &hit, 5000000, &v));
	for (int i = 0; i < 5; i++)
		limits_look(&limits, &hit, &v);
	assert_false(v.is_admitted);
	assert_int_equal(v.current, 5);
	assert_true(limits_reset(&limits, &hit));
	limits_look(&limits, &hit, &v);
	assert_int_equal(v.current, 0);
	assert_true(take(&limits, &hit, 5000001, &v));
	limits_unmap(&limits);
}

static void
clearing_forgets_every_key_of_every_size(void **state)
{
	static const uint32_t sizes[] = {5, 20, 100};
	struct limits limits;
	struct limits_verdict v;

	(void)state;
	open_limits(&limits, 64);
	for (uint64_t key = 1; key <= 12; key++) {
		struct limits_hit hit = {
		    .key = key << 32, .max = sizes[key % 3], .window_ms = 1000};
		while (take(&limits, &hit, 5000000, &v))
			;
	}
	assert_int_equal(limits_clear(&limits, 5000100), 12);
	for (uint64_t key = 1; key <= 12; key++) {
		struct limits_hit hit = {.key = key << 32,
		    .max = sizes[key % 3],
		    .window_ms = 1000,
		    .now_us = 5000200};
		limits_look(&limits, &hit, &v);
		assert_int_equal(v.current, 0);
		assert_true(take(&limits, &hit, 5000200, &v));
	}
	assert_int_equal(limits_clear(&limits, 5000300), 12);
	assert_int_equal(limits_clear(&limits, 5000300), 0);
	limits_unmap(&limits);
}

static void
a_full_table_refuses_strangers_until_a_key_is_idle(void **state)
{
	struct limits limits;
	struct limits_verdict v;
	struct limits_hit hit = {.max = 4, .window_ms = 100};

	(void)state;
	open_limits(&limits, 32); /* every key may be at any place */
	for (uint64_t k = 0; k < 32; k++) {
		hit.key = (k + 1) << 32;
		assert_true(take(&limits, &hit, 1000000, &v));
	}
	hit.key = (uint64_t)1000 << 32;
	assert_false(take(&limits, &hit, 1000000, &v));
	assert_true(v.is_full);
	assert_true(v.retry_after_ms > 0);
	hit.key = (uint64_t)1 << 32; /* who has a place keeps it */
	assert_true(take(&limits, &hit, 1050000, &v));
	hit.key = (uint64_t)1000 << 32;
	assert_true(take(&limits, &hit, 1100002, &v));
	hit.key = (uint64_t)1 << 32;
	hit.now_us = 1100002;
	limits_look(&limits, &hit, &v);
	assert_int_equal(v.current, 1); /* not the one that was freed */
	limits_unmap(&limits);
}

static void
the_sweep_gives_back_idle_keys_only(void **state)
{
	struct limits limits;
	struct limits_verdict v;
	struct limits_usage usage;
	struct limits_sweep sweep = {0};
	struct limits_hit hit = {.max = 40, .window_ms = 100};

	(void)state;
	open_limits(&limits, 1024);
	for (uint64_t k = 0; k < 100; k++) {
		hit.key = limits_key(&limits, (uint32_t)k, TEXT("x"));
		assert_true(
		    take(&limits, &hit, 1000000 + (k % 2) * 100000, &v));
	}
	limits_usage(&limits, &usage);
	assert_int_equal(usage.used[2], 100);
	while (!sweep.is_done)
		limits_sweep(&limits, 1150000, 0, 100, &sweep);
	assert_int_equal(sweep.looked, 100);
	assert_int_equal(sweep.freed, 50);
	limits_usage(&limits, &usage);
	assert_int_equal(usage.used[2], 50);
	memset(&sweep, 0, sizeof(sweep));
	while (!sweep.is_done)
		limits_sweep(&limits, 1300000, 10000, 100, &sweep);
	assert_int_equal(sweep.freed, 0); /* keep_ms keeps them */
	limits_unmap(&limits);
}

static void
a_slot_from_the_far_future_is_repaired(void **state)
{
	struct limits limits;
	struct limits_verdict v;
	struct limits_sweep sweep = {0};
	struct limits_hit hit = {.key = 5, .max = 1, .window_ms = 100};

	(void)state;
	open_limits(&limits, 64);
	assert_true(take(&limits, &hit, (uint64_t)1 << 45, &v));
	assert_false(take(&limits, &hit, 1000000, &v));
	assert_true(v.retry_after_ms <= 100 + 60000);
	while (!sweep.is_done)
		limits_sweep(&limits, 1000000, 1000, 1000, &sweep);
	assert_int_equal(sweep.repaired, 1);
	assert_true(take(&limits, &hit, 1000000, &v));
	limits_unmap(&limits);
}

static void
a_caller_whose_clock_is_late_is_recorded_late_enough(void **state)
{
	struct limits limits;
	struct limits_verdict v;
	struct limits_sweep sweep = {0};
	struct limits_hit one = {.key = 5000, .max = 1, .window_ms = 1};
	struct limits_hit other = one;
	struct limits_hit many = {.key = 60000, .max = 300, .window_ms = 1};

	(void)state;
	open_limits(&limits, 64);
	/* it joins a filling: with its own time it could lie within the
	 * window of the filling before */
	assert_true(take(&limits, &many, 5000000, &v));
	assert_true(take(&limits, &many, 4999000, &v));
	assert_true(v.at_us == 5000000);
	/* its row was forgotten meanwhile: the hit at 5000000 counts until
	 * 5001000, and 5000400 would be too early for the next */
	assert_true(take(&limits, &one, 5000000, &v));
	while (!sweep.is_done)
		limits_sweep(&limits, 5001500, 0, 1000, &sweep);
	assert_int_equal(sweep.freed, 2);
	other.key += (uint64_t)1 << 40; /* gets that row; ours is another */
	assert_true(take(&limits, &other, 5001600, &v));
	assert_true(take(&limits, &one, 5000400, &v));
	assert_true(v.at_us >= 5001001 && v.at_us <= 5001500);
	limits_unmap(&limits);
}

static void
what_two_dead_makers_of_a_row_left_becomes_one_row(void **state)
{
	struct limits limits;
	struct limits_verdict v;
	struct limits_usage usage;
	struct limits_hit hit = {.key = 77 << 10, .max = 2, .window_ms = 100};
	uint64_t *tags;

	(void)state;
	open_limits(&limits, 32);
	tags = (uint64_t *)(void *)limits.tags[0];
	tags[2] = tags[5] = 77 << 10 | 1; /* tentative */
	assert_true(take(&limits, &hit, 1000000, &v));
	limits_usage(&limits, &usage);
	assert_int_equal(usage.used[0], 1);
	assert_true(take(&limits, &hit, 1000000, &v));
	assert_false(take(&limits, &hit, 1000000, &v));
	/* and one that somebody died while freeing comes back with its hits */
	assert_int_equal(tags[2] & 3, 2);
	tags[2] |= 3;
	assert_false(take(&limits, &hit, 1000000, &v));
	assert_int_equal(tags[2] & 3, 2);
	limits_unmap(&limits);
}

/* --- the model: a plain list of the times of all admitted hits --- */

struct model {
	uint64_t times[HISTORY];
	uint32_t count; /* all of them, in order */
	uint32_t max;
	uint32_t window_ms;
	uint64_t key;
};

static struct model models[KEYS];

static uint32_t
model_current(struct model *m, uint64_t now_us)
{
	uint32_t n = 0;

	if (m->count == HISTORY) { /* forget the older half */
		memmove(m->times, m->times + HISTORY / 2,
		    HISTORY / 2 * sizeof(m->times[0]));
		m->count = HISTORY / 2;
	}
	while (n < m->count &&
	    now_us - m->times[m->count - 1 - n] <=
		(uint64_t)m->window_ms * 1000)
		n++;
	return n;
}

static uint32_t
model_retry_ms(struct model *m, uint32_t current, uint64_t now_us)
{
	/* when this one has expired there are max - 1 left */
	uint64_t at = m->times[m->count - current + (current - m->max)] +
	    (uint64_t)m->window_ms * 1000 + 1;

	return (uint32_t)((at - now_us + 999) / 1000);
}

static void
model_step(struct limits *limits, struct model *m, uint64_t now_us)
{
	struct limits_hit hit = {m->key, m->max, m->window_ms, now_us};
	uint32_t current = model_current(m, now_us);
	struct limits_verdict v;

	if (rng() % 8 == 0) {
		limits_look(limits, &hit, &v);
		assert_int_equal(v.current, current);
		assert_int_equal(v.is_admitted, current < m->max);
	}
	limits_take(limits, &hit, &v);
	assert_int_equal(v.is_admitted, current < m->max);
	if (v.is_admitted) {
		m->times[m->count++] = now_us;
		return;
	}
	assert_false(v.is_full);
	assert_int_equal(v.current, current);
	assert_int_equal(v.retry_after_ms, model_retry_ms(m, current, now_us));
}

static void
up_to_128_it_equals_the_model_in_a_million_random_steps(void **state)
{
	static const uint32_t maxes[] = {
	    1, 2, 5, 8, 9, 20, 32, 33, 64, 100, 127, 128};
	struct limits limits;
	struct limits_sweep sweep = {0};
	uint64_t now_us = 1000000000;

	(void)state;
	open_limits(&limits, 64);
	memset(models, 0, sizeof(models));
	for (int i = 0; i < KEYS; i++) {
		models[i].key = limits_key(&limits, (uint32_t)i, TEXT("k"));
		models[i].max = maxes[rng() % COUNT_OF(maxes)];
		models[i].window_ms = 1 + (uint32_t)(rng() % 40);
	}
	for (int step = 0; step < STEPS; step++) {
		struct model *m = &models[rng() % KEYS];

		now_us += rng() % 64 == 0 ? rng() % 60000 : rng() % 40;
		if (rng() % 5000 == 0) /* the operator changes a limit */
			m->max = maxes[rng() % COUNT_OF(maxes)];
		if (rng() % 16 == 0)
			limits_sweep(&limits, now_us, 0, 7, &sweep);
		model_step(&limits, m, now_us);
	}
	assert_true(sweep.freed > 100);
	limits_unmap(&limits);
}

static void
above_128_it_admits_99_percent_and_never_more_in_random_steps(void **state)
{
	static const uint32_t maxes[] = {129, 200, 255, 256, 1000, 5000};
	struct limits limits;
	struct limits_verdict v;
	uint64_t now_us = 1000000000;
	uint64_t least = UINT64_MAX; /* in 1/10000 of the limit */

	(void)state;
	open_limits(&limits, 64);
	memset(models, 0, sizeof(models));
	for (uint32_t i = 0; i < COUNT_OF(maxes); i++) {
		models[i].key = limits_key(&limits, i, TEXT("k"));
		models[i].max = maxes[i];
		models[i].window_ms = 20;
	}
	for (int step = 0; step < STEPS; step++) {
		struct model *m = &models[rng() % COUNT_OF(maxes)];
		struct limits_hit hit = {m->key, m->max, m->window_ms, 0};
		uint32_t current;

		now_us += rng() % 2048 == 0 ? rng() % 30000 : rng() % 6;
		current = model_current(m, now_us);
		if (take(&limits, &hit, now_us, &v)) {
			assert_true(current < m->max);
			m->times[m->count++] = now_us;
			continue;
		}
		if ((uint64_t)current * 10000 / m->max < least)
			least = (uint64_t)current * 10000 / m->max;
		/* retry_after is exact: not a millisecond earlier */
		hit.now_us = now_us + (v.retry_after_ms - 1) * 1000;
		limits_look(&limits, &hit, &v);
		assert_false(v.is_admitted);
	}
	print_message("          refusals began at %.2f %% of the limit\n",
	    (double)least / 100);
	assert_true(least >= 9900 && least <= 10000);
	limits_unmap(&limits);
}

static void
garbage_in_the_segment_never_stops_a_reader(void **state)
{
	struct limits limits;

	(void)state;
	for (int round = 0; round < 40; round++) {
		struct limits_sweep sweep = {0};
		struct limits_usage usage;
		uint64_t *words;

		open_limits(&limits, 64);
		words = (uint64_t *)(void *)limits.segment.body;
		for (size_t i = 0; i < (limits.segment.bytes - 128) / 8; i++)
			words[i] =
			    round % 2 == 0 ? rng() : rng() | UINT64_MAX << 40;
		for (uint64_t i = 0; i < 500; i++) {
			struct limits_verdict v;
			struct limits_hit hit = {rng(), (uint32_t)(rng() % 300),
			    1 + (uint32_t)i, rng() >> 20};

			limits_take(&limits, &hit, &v);
			limits_look(&limits, &hit, &v);
			(void)limits_reset(&limits, &hit);
		}
		while (!sweep.is_done)
			limits_sweep(&limits, rng() >> 20, 0, 1000, &sweep);
		limits_usage(&limits, &usage);
		limits_unmap(&limits);
	}
}

static void
a_hit_on_a_warm_key_is_cheap(void **state)
{
	struct limits limits;
	struct limits_verdict v;
	static const uint32_t maxes[] = {8, 32, 128, 1000000};

	(void)state;
	open_limits(&limits, 1024);
	for (uint32_t i = 0; i < COUNT_OF(maxes); i++) {
		struct limits_hit hit = {1234567 + i, maxes[i], 1, 1000000};
		uint64_t start_ns = clock_mono_ns(), took_ns;

		for (int n = 0; n < 1000000; n++) { /* admitted throughout */
			hit.now_us += 1100;
			limits_take(&limits, &hit, &v);
		}
		took_ns = clock_mono_ns() - start_ns;
		print_message("          max %u: %.1f ns a hit\n", maxes[i],
		    (double)took_ns / 1e6);
		assert_true(v.is_admitted);
		assert_true(took_ns < (uint64_t)1000 * 1000000); /* sanity */
	}
	limits_unmap(&limits);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_limit_admits_exactly_max_and_again_when_the_window_has_slid),
	    cmocka_unit_test(a_limit_of_zero_always_refuses),
	    cmocka_unit_test(two_limits_on_one_value_never_share_a_counter),
	    cmocka_unit_test(looking_consumes_nothing_and_reset_forgets),
	    cmocka_unit_test(clearing_forgets_every_key_of_every_size),
	    cmocka_unit_test(
		a_full_table_refuses_strangers_until_a_key_is_idle),
	    cmocka_unit_test(the_sweep_gives_back_idle_keys_only),
	    cmocka_unit_test(a_slot_from_the_far_future_is_repaired),
	    cmocka_unit_test(
		a_caller_whose_clock_is_late_is_recorded_late_enough),
	    cmocka_unit_test(
		what_two_dead_makers_of_a_row_left_becomes_one_row),
	    cmocka_unit_test(
		up_to_128_it_equals_the_model_in_a_million_random_steps),
	    cmocka_unit_test(
		above_128_it_admits_99_percent_and_never_more_in_random_steps),
	    cmocka_unit_test(garbage_in_the_segment_never_stops_a_reader),
	    cmocka_unit_test(a_hit_on_a_warm_key_is_cheap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
