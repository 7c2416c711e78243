// SPDX-License-Identifier: MIT
/* pool_test - who gets which call: rules one by one, then at random. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/base/err.h"
#include "workers/worker_pool/affinity.h"
#include "workers/worker_pool/pool.h"

enum {
	START = 1000,
	LONG = 1000000
};

static struct pool_spec
spec_of(uint64_t runners, uint64_t threads)
{
	return (struct pool_spec){.name = TEXT("p"),
	    .worker_profile = threads > 1 ? POOL_THREAD : POOL_PROCESS,
	    .pool_size = runners,
	    .threads_per_worker = threads,
	    .max_queue_size = 4,
	    .queue_timeout_ms = 100,
	    .circuit_breaker_cooldown_ms = 1000};
}

static struct pool *
made(const struct pool_spec *spec)
{
	struct pool_rules rules = {.spec = spec,
	    .affinity_ttl_ms = 60000,
	    .affinity_most = 1000,
	    .stuck_ms = 50};
	struct pool *p;

	pool_create(&p, &rules);
	return p;
}

/* ready gives a pool whose runners are all ready. */
static struct pool *
ready(const struct pool_spec *spec)
{
	struct pool *p = made(spec);

	for (uint32_t i = 0; i < spec->pool_size; i++)
		pool_runner_ready(
		    p, i, (uint32_t)spec->threads_per_worker, START);
	return p;
}

static struct pool_work
work(void)
{
	return (struct pool_work){.deadline_ms = LONG};
}

static enum pool_due
due(struct pool *p, uint64_t now_ms, const struct pool_work *expected)
{
	struct pool_work *which;
	enum pool_due what = pool_due(p, now_ms, &which);

	if (what != POOL_DUE_NONE)
		assert_ptr_equal(which, expected);
	return what;
}

static void
a_process_runner_has_one_call_at_a_time(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(a.runner, 0);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_null(pool_next(p, 0, START));
	assert_true(pool_end(p, &a, POOL_OK, START + 1));
	assert_ptr_equal(pool_next(p, 0, START + 1), &b);
	assert_true(b.was_queued);
	assert_true(pool_end(p, &b, POOL_OK, START + 1));
	assert_int_equal(pool_counts(p)->requests, 2);
	assert_int_equal(pool_counts(p)->queued, 1);
	assert_int_equal(pool_counts(p)->executed, 2);
	pool_destroy(&p);
}

static void
nobody_overtakes_those_who_wait(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work(), c = work();

	(void)state;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_true(pool_end(p, &a, POOL_OK, START));
	assert_int_equal(pool_next_ms(p), START); /* there is use for it */
	/* there is room, and somebody was here before */
	assert_int_equal(pool_submit(p, &c, START), POOL_QUEUED);
	assert_ptr_equal(pool_next(p, 0, START), &b);
	pool_destroy(&p);
}

static void
a_thread_runner_has_as_many_as_it_has_threads(void **state)
{
	struct pool_spec spec = spec_of(1, 3);
	struct pool *p = ready(&spec);
	struct pool_work w[4] = {work(), work(), work(), work()};

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pool_submit(p, &w[i], START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &w[3], START), POOL_QUEUED);
	assert_int_equal(pool_runner(p, 0)->load, 3);
	assert_int_equal(pool_available(p), 0);
	pool_destroy(&p);
}

static void
a_runner_never_gets_more_than_the_pool_allows_it(void **state)
{
	struct pool_spec spec = spec_of(1, 4);
	struct pool *p = made(&spec);

	(void)state;
	pool_runner_ready(p, 0, 100, START);
	assert_int_equal(pool_runner(p, 0)->capacity, 4);
	pool_runner_gone(p, 0, START);
	pool_runner_ready(p, 0, 2, START);
	assert_int_equal(pool_runner(p, 0)->capacity, 2);
	pool_destroy(&p);
}

static void
the_profile_strategy_gives_one_call_to_a_runner_with_threads(void **state)
{
	struct pool_spec spec = spec_of(1, 4);
	struct pool_work a = work(), b = work();
	struct pool *p;

	(void)state;
	spec.capacity_strategy = POOL_BY_PROFILE;
	p = ready(&spec);
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	pool_destroy(&p);
}

static void
the_runner_with_the_fewest_calls_is_chosen(void **state)
{
	struct pool_spec spec = spec_of(3, 4);
	struct pool *p = ready(&spec);
	struct pool_work w[7];
	uint32_t chosen;

	(void)state;
	for (int i = 0; i < 6; i++) {
		w[i] = work();
		assert_int_equal(pool_submit(p, &w[i], START), POOL_DISPATCH);
	}
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(pool_runner(p, i)->load, 2);
	chosen = w[4].runner;
	pool_end(p, &w[4], POOL_OK, START);
	w[6] = work();
	assert_int_equal(pool_submit(p, &w[6], START), POOL_DISPATCH);
	assert_int_equal(w[6].runner, chosen);
	pool_destroy(&p);
}

static void
a_freed_runner_is_filled_up_in_one_go(void **state)
{
	struct pool_spec spec = spec_of(1, 3);
	struct pool *p = made(&spec);
	struct pool_work w[4] = {work(), work(), work(), work()};

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pool_submit(p, &w[i], START), POOL_QUEUED);
	pool_runner_ready(p, 0, 3, START + 1);
	assert_int_equal(pool_wants(p, START + 1), 0);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(pool_next(p, 0, START + 1), &w[i]);
	assert_null(pool_next(p, 0, START + 1));
	assert_int_equal(pool_wants(p, START + 1), POOL_NO_RUNNER);
	pool_destroy(&p);
}

static void
a_full_queue_refuses_at_once_and_counts_no_request(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = made(&spec);
	struct pool_work w[5] = {work(), work(), work(), work(), work()};

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pool_submit(p, &w[i], START), POOL_QUEUED);
	assert_int_equal(pool_submit(p, &w[4], START), POOL_SATURATED);
	assert_int_equal(w[4].state, POOL_WORK_OUT);
	assert_int_equal(pool_counts(p)->saturated, 1);
	assert_int_equal(pool_counts(p)->requests, 4);
	assert_int_equal(pool_waiting(p), 4);
	pool_destroy(&p);
}

static void
who_waits_too_long_is_told_and_never_run(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = made(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	b.deadline_ms = START + 40;
	assert_int_equal(pool_submit(p, &a, START), POOL_QUEUED);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_int_equal(pool_next_ms(p), START + 40);
	assert_int_equal(due(p, START + 39, NULL), POOL_DUE_NONE);
	assert_int_equal(due(p, START + 40, &b), POOL_DUE_EXPIRED);
	assert_int_equal(due(p, START + 100, &a), POOL_DUE_QUEUE_TIMEOUT);
	assert_int_equal(due(p, START + 100, NULL), POOL_DUE_NONE);
	pool_runner_ready(p, 0, 1, START + 101);
	assert_null(pool_next(p, 0, START + 101));
	assert_int_equal(pool_counts(p)->queue_timeouts, 1);
	assert_int_equal(pool_counts(p)->expired, 1);
	assert_int_equal(pool_next_ms(p), 0);
	pool_destroy(&p);
}

static void
nothing_is_handed_out_after_its_deadline(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = made(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	a.deadline_ms = START + 10;
	assert_int_equal(pool_submit(p, &a, START), POOL_QUEUED);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	pool_runner_ready(p, 0, 1, START + 10);
	/* nobody asked pool_due yet */
	assert_ptr_equal(pool_next(p, 0, START + 10), &b);
	assert_int_equal(due(p, START + 10, &a), POOL_DUE_EXPIRED);
	a = work();
	a.deadline_ms = START + 10;
	assert_int_equal(pool_submit(p, &a, START + 10), POOL_LATE);
	assert_int_equal(a.state, POOL_WORK_OUT);
	pool_destroy(&p);
}

static void
a_call_that_overruns_keeps_its_room_and_drops_its_answer(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	a.deadline_ms = START + 10;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_int_equal(due(p, START + 10, &a), POOL_DUE_OVERRUN);
	assert_null(pool_next(p, 0, START + 10));
	assert_int_equal(pool_runner(p, 0)->abandoned, 1);
	assert_int_equal(due(p, START + 59, NULL), POOL_DUE_NONE);
	assert_int_equal(due(p, START + 60, &a), POOL_DUE_STUCK);
	assert_int_equal(due(p, START + 70, NULL), POOL_DUE_NONE);
	assert_false(pool_end(p, &a, POOL_OK, START + 70));
	assert_int_equal(pool_runner(p, 0)->abandoned, 0);
	assert_ptr_equal(pool_next(p, 0, START + 70), &b);
	pool_destroy(&p);
}

static void
who_hangs_up_while_waiting_is_dropped_and_while_running_frees_the_runner(
    void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work(), c = work();

	(void)state;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_int_equal(pool_submit(p, &c, START), POOL_QUEUED);
	assert_true(pool_cancel(p, &b, START));
	assert_int_equal(pool_waiting(p), 1);
	assert_false(pool_cancel(p, &a, START));
	assert_false(pool_cancel(p, &a, START));
	assert_int_equal(pool_counts(p)->cancelled, 2);
	assert_false(pool_end(p, &a, POOL_OK, START + 1));
	assert_ptr_equal(pool_next(p, 0, START + 1), &c);
	pool_destroy(&p);
}

static void
a_lost_runner_gives_its_calls_back_once(void **state)
{
	struct pool_spec spec = spec_of(1, 3);
	struct pool *p = ready(&spec);
	struct pool_work w[3] = {work(), work(), work()};
	bool is_wanted;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pool_submit(p, &w[i], START), POOL_DISPATCH);
	assert_false(pool_cancel(p, &w[1], START));
	pool_runner_gone(p, 0, START + 1);
	assert_int_equal(pool_ready(p), 0);
	for (int i = 0; i < 3; i++) {
		assert_ptr_equal(pool_lost(p, 0, &is_wanted, START + 1), &w[i]);
		assert_int_equal(is_wanted, i != 1);
	}
	assert_null(pool_lost(p, 0, &is_wanted, START + 1));
	assert_int_equal(pool_counts(p)->lost, 3);
	pool_runner_ready(p, 0, 3, START + 2);
	assert_int_equal(pool_runner(p, 0)->life, 2);
	pool_destroy(&p);
}

static void
a_lost_call_may_be_tried_again_after_a_pause(void **state)
{
	struct pool_spec spec = spec_of(2, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work();
	bool is_wanted;

	(void)state;
	a.deadline_ms = START + 100;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	pool_runner_gone(p, a.runner, START);
	assert_ptr_equal(pool_lost(p, a.runner, &is_wanted, START), &a);
	assert_false(pool_retry(p, &a, 100, START));
	assert_int_equal(a.state, POOL_WORK_OUT);
	assert_true(pool_retry(p, &a, 50, START));
	assert_int_equal(due(p, START + 50, &a), POOL_DUE_RETRY);
	assert_int_equal(pool_submit(p, &a, START + 50), POOL_DISPATCH);
	assert_int_equal(a.tries, 2);
	assert_int_equal(pool_counts(p)->requests, 1);
	pool_destroy(&p);
}

static void
a_tainted_runner_is_never_chosen(void **state)
{
	struct pool_spec spec = spec_of(2, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	pool_runner_taint(p, 0, START + 60);
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(a.runner, 1);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_int_equal(pool_next_ms(p), START + 60);
	assert_int_equal(pool_wants(p, START + 60), 0);
	assert_ptr_equal(pool_next(p, 0, START + 60), &b);
	pool_destroy(&p);
}

static void
a_draining_runner_gets_no_more(void **state)
{
	struct pool_spec spec = spec_of(1, 2);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	pool_runner_drain(p, 0);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_true(pool_end(p, &a, POOL_OK, START));
	assert_null(pool_next(p, 0, START));
	assert_int_equal(pool_runner(p, 0)->load, 0);
	pool_destroy(&p);
}

static void
without_any_runner_to_come_calls_are_refused_at_once(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = made(&spec);
	struct pool_work a = work();

	(void)state;
	pool_doom(p, true);
	assert_int_equal(pool_submit(p, &a, START), POOL_NOT_INITIALIZED);
	pool_runner_ready(p, 0, 1, START);
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	pool_destroy(&p);
}

static void
calls_that_wait_end_when_nobody_is_to_come_any_more(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = made(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	assert_int_equal(pool_submit(p, &a, START), POOL_QUEUED);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	pool_doom(p, false);
	assert_int_equal(due(p, START, &a), POOL_DUE_NONE);
	pool_doom(p, true);
	assert_int_equal(pool_next_ms(p), START); /* at once */
	assert_int_equal(due(p, START, &a), POOL_DUE_DOOMED);
	assert_int_equal(due(p, START, &b), POOL_DUE_DOOMED);
	assert_int_equal(due(p, START, &b), POOL_DUE_NONE);
	assert_int_equal(pool_counts(p)->uninitialized, 2);
	pool_runner_ready(p, 0, 1, START);
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	pool_destroy(&p);
}

/* ---- sessions ------------------------------------------------------------ */

static void
a_session_goes_where_it_was_and_elsewhere_when_that_is_busy(void **state)
{
	struct pool_spec spec = spec_of(3, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	a.session = b.session = 77;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
		assert_int_equal(a.runner, 0);
		pool_end(p, &a, POOL_OK, START);
	}
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_DISPATCH);
	assert_int_not_equal(b.runner, 0);
	assert_int_equal(pool_sessions(p), 1);
	pool_destroy(&p);
}

static void
a_strict_session_waits_for_its_runner_even_when_others_are_free(void **state)
{
	struct pool_spec spec = spec_of(2, 1);
	struct pool_work a = work(), b = work(), c = work();
	struct pool *p;

	(void)state;
	spec.affinity = POOL_STRICT_QUEUE;
	p = ready(&spec);
	a.session = b.session = c.session = 7;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	assert_null(pool_next(p, 1, START));
	assert_int_equal(pool_wants(p, START), POOL_NO_RUNNER);
	pool_end(p, &a, POOL_OK, START);
	/* its own come first */
	assert_int_equal(pool_submit(p, &c, START), POOL_QUEUED);
	assert_int_equal(pool_wants(p, START), 0);
	assert_ptr_equal(pool_next(p, 0, START), &b);
	pool_destroy(&p);
}

static void
a_strict_session_is_told_once_that_its_runner_is_gone(void **state)
{
	struct pool_spec spec = spec_of(2, 1);
	struct pool_work a = work(), b = work();
	struct pool *p;
	bool is_wanted;

	(void)state;
	spec.affinity = POOL_STRICT_QUEUE;
	p = ready(&spec);
	a.session = b.session = 7;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_QUEUED);
	pool_runner_gone(p, 0, START);
	assert_ptr_equal(pool_lost(p, 0, &is_wanted, START), &a);
	assert_int_equal(due(p, START, &b), POOL_DUE_UNAVAILABLE);
	pool_runner_ready(p, 0, 1, START);
	assert_int_equal(pool_submit(p, &a, START), POOL_SESSION_UNAVAILABLE);
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_counts(p)->unavailable, 2);
	pool_destroy(&p);
}

static void
a_strict_session_may_ask_to_fail_at_once(void **state)
{
	struct pool_spec spec = spec_of(2, 1);
	struct pool_work a = work(), b = work();
	struct pool *p;

	(void)state;
	spec.affinity = POOL_STRICT_FAIL_FAST;
	p = ready(&spec);
	a.session = b.session = 7;
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START), POOL_WORKER_BUSY);
	pool_end(p, &a, POOL_OK, START);
	pool_runner_taint(p, 0, START + 50);
	assert_int_equal(pool_submit(p, &b, START), POOL_SESSION_UNAVAILABLE);
	assert_int_equal(pool_submit(p, &b, START), POOL_SESSION_UNAVAILABLE);
	assert_int_equal(pool_submit(p, &b, START + 50), POOL_DISPATCH);
	assert_int_equal(b.runner, 0);
	pool_destroy(&p);
}

static void
sessions_are_forgotten_after_a_minute_and_the_oldest_first(void **state)
{
	struct affinity a;
	struct affinity_found found;

	(void)state;
	affinity_init(&a, 60000, 100);
	affinity_set(&a, 5, 2, 9, START);
	assert_true(affinity_find(&a, 5, START + 59999, &found));
	assert_int_equal(found.runner, 2);
	assert_int_equal(found.life, 9);
	assert_false(affinity_find(&a, 5, START + 60000, &found));
	for (uint64_t i = 1; i <= 100000; i++)
		affinity_set(&a, i, 0, 1, START);
	assert_in_range(affinity_count(&a, START), 100, 512);
	assert_true(affinity_find(&a, 100000, START, &found));
	affinity_forget(&a, 100000);
	assert_false(affinity_find(&a, 100000, START, &found));
	affinity_finish(&a);
}

/* ---- breakers ------------------------------------------------------------ */

static void
five_failures_in_a_row_close_a_runner_out(void **state)
{
	struct pool_spec spec = spec_of(2, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work();

	(void)state;
	a.session = 3; /* so that it goes to the same one */
	for (int i = 0; i < 5; i++) {
		assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
		assert_int_equal(a.runner, 0);
		pool_end(p, &a, POOL_FAILED, START);
	}
	assert_int_equal(pool_runner_breaker_turn(p, 0), BREAKER_OPENED);
	assert_int_equal(pool_runner_breaker_turn(p, 0), BREAKER_STAYED);
	assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
	assert_int_equal(a.runner, 1);
	pool_end(p, &a, POOL_OK, START);
	pool_destroy(&p);
}

static void
a_cooled_breaker_of_a_busy_runner_wakes_nobody(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work(), b = work();

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
		pool_end(p, &a, POOL_FAILED, START);
	}
	/* the probe is out and takes long; its end is what all wait for */
	assert_int_equal(pool_submit(p, &a, START + 1000), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START + 1001), POOL_QUEUED);
	assert_int_equal(pool_next_ms(p), START + 1101); /* b's own time */
	pool_destroy(&p);
}

static void
an_error_that_a_function_answers_is_no_failure(void **state)
{
	struct pool_spec spec = spec_of(1, 1);
	struct pool *p = ready(&spec);
	struct pool_work a = work();

	(void)state;
	for (int i = 0; i < 50; i++) {
		assert_int_equal(pool_submit(p, &a, START), POOL_DISPATCH);
		pool_end(p, &a, POOL_ANSWERED_ERROR, START);
	}
	assert_int_equal(pool_counts(p)->errors, 50);
	assert_int_equal(pool_runner(p, 0)->succeeded, 0);
	pool_destroy(&p);
}

static void
ten_failures_open_the_pool_and_one_probe_closes_it(void **state)
{
	struct pool_spec spec = spec_of(20, 1);
	struct pool *p = ready(&spec);
	struct pool_work w[20], a = work(), b = work();

	(void)state;
	for (int i = 0; i < 20; i++) {
		w[i] = work();
		assert_int_equal(pool_submit(p, &w[i], START), POOL_DISPATCH);
	}
	assert_int_equal(pool_submit(p, &a, START), POOL_QUEUED);
	for (int i = 0; i < 10; i++)
		pool_end(p, &w[i], POOL_FAILED, START);
	assert_int_equal(pool_breaker_turn(p), BREAKER_OPENED);
	assert_null(pool_next(p, 0, START));
	assert_int_equal(due(p, START, &a), POOL_DUE_CIRCUIT);
	assert_int_equal(pool_submit(p, &a, START + 999), POOL_CIRCUIT_OPEN);
	assert_int_equal(pool_submit(p, &a, START + 1000), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START + 1000), POOL_CIRCUIT_OPEN);
	pool_end(p, &a, POOL_FAILED, START + 1000);
	assert_int_equal(pool_submit(p, &a, START + 1999), POOL_CIRCUIT_OPEN);
	assert_int_equal(pool_submit(p, &a, START + 2000), POOL_DISPATCH);
	pool_end(p, &a, POOL_OK, START + 2000);
	assert_int_equal(pool_breaker_turn(p), BREAKER_CLOSES);
	assert_int_equal(pool_submit(p, &a, START + 2000), POOL_DISPATCH);
	assert_int_equal(pool_submit(p, &b, START + 2000), POOL_DISPATCH);
	pool_destroy(&p);
}

static void
one_death_is_one_failure_however_many_calls_it_takes(void **state)
{
	struct pool_spec spec = spec_of(1, 30);
	struct pool *p = ready(&spec);
	struct pool_work w[30];
	bool is_wanted;

	(void)state;
	for (int i = 0; i < 30; i++) {
		w[i] = work();
		assert_int_equal(pool_submit(p, &w[i], START), POOL_DISPATCH);
	}
	pool_runner_gone(p, 0, START);
	while (pool_lost(p, 0, &is_wanted, START) != NULL)
		;
	assert_int_equal(pool_breaker(p)->failures, 1);
	assert_int_equal(breaker_state(pool_breaker(p), START), BREAKER_CLOSED);
	pool_destroy(&p);
}

static void
a_probe_that_comes_back_unused_lets_another_try(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 1, 100);
	assert_int_equal(breaker_failure(&b, START), BREAKER_OPENED);
	assert_string_equal(breaker_word(breaker_state(&b, START)), "open");
	assert_false(breaker_allows(&b, START + 99));
	assert_true(breaker_allows(&b, START + 100));
	breaker_begin(&b, START + 100);
	assert_false(breaker_allows(&b, START + 100));
	breaker_void(&b);
	assert_true(breaker_allows(&b, START + 100));
	assert_string_equal(
	    breaker_word(breaker_state(&b, START + 100)), "half_open");
	/* answers of before say nothing while nothing was tried */
	assert_int_equal(breaker_success(&b), BREAKER_STAYED);
	breaker_begin(&b, START + 100);
	assert_int_equal(breaker_success(&b), BREAKER_CLOSES);
	assert_string_equal(breaker_word(breaker_state(&b, 0)), "closed");
}

/* ---- at random ----------------------------------------------------------- */

enum {
	CALLS = 64,
	RUNNERS = 4,
	STEPS = 100000
};

/* What the test believes, kept apart from what the pool does. */
struct model {
	struct pool *p;
	struct pool_spec spec;
	struct pool_work calls[CALLS];
	bool is_in[CALLS];     /* taken, not ended */
	bool is_on[CALLS];     /* a runner has it */
	bool is_wanted[CALLS]; /* somebody waits for it */
	bool is_up[RUNNERS];
	bool drains[RUNNERS];
	uint64_t tainted[RUNNERS];
	uint64_t now_ms;
	uint64_t seed;
	/* the ledger: one line per call taken */
	uint64_t taken, ended, refused;
	uint64_t answered, dropped; /* of the ended */
};

static uint32_t
chance(struct model *m, uint32_t below)
{
	m->seed = m->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(m->seed >> 33) % below;
}

static void
ended(struct model *m, const struct pool_work *w, bool is_answered)
{
	size_t i = (size_t)(w - m->calls);

	assert_true(m->is_in[i]);
	assert_int_equal(w->state, POOL_WORK_OUT);
	assert_int_equal(is_answered, m->is_wanted[i]);
	m->is_in[i] = m->is_on[i] = m->is_wanted[i] = false;
	m->ended++;
	m->answered += is_answered;
	m->dropped += !is_answered;
}

static void
started(struct model *m, const struct pool_work *w)
{
	size_t i = (size_t)(w - m->calls);

	assert_true(m->is_in[i] && !m->is_on[i] && m->is_wanted[i]);
	assert_true(m->now_ms < w->deadline_ms);
	assert_true(m->is_up[w->runner] && !m->drains[w->runner]);
	assert_true(m->now_ms >= m->tainted[w->runner]);
	m->is_on[i] = true;
}

static void
check(struct model *m)
{
	uint32_t loads[RUNNERS] = {0}, waiting = 0, on = 0;

	for (int i = 0; i < CALLS; i++) {
		const struct pool_work *w = &m->calls[i];

		if (!m->is_in[i]) {
			assert_int_equal(w->state, POOL_WORK_OUT);
		} else if (m->is_on[i]) {
			loads[w->runner]++;
			on++;
		} else {
			waiting += w->state == POOL_WORK_WAITING;
		}
	}
	for (uint32_t r = 0; r < RUNNERS; r++) {
		assert_int_equal(pool_runner(m->p, r)->load, loads[r]);
		if (m->is_up[r])
			assert_in_range(
			    loads[r], 0, pool_runner(m->p, r)->capacity);
	}
	assert_int_equal(pool_waiting(m->p), waiting);
	assert_int_equal(pool_running(m->p), on);
	assert_in_range(waiting, 0, m->spec.max_queue_size);
}

static void
step_submit(struct model *m)
{
	size_t i = chance(m, CALLS);
	struct pool_work *w = &m->calls[i];
	enum pool_verdict verdict;

	if (m->is_in[i])
		return;
	*w = (struct pool_work){
	    .deadline_ms = m->now_ms + chance(m, 200), .session = chance(m, 4)};
	verdict = pool_submit(m->p, w, m->now_ms);
	if (verdict > POOL_QUEUED) {
		m->refused++;
		return;
	}
	m->is_in[i] = m->is_wanted[i] = true;
	m->taken++;
	if (verdict == POOL_DISPATCH)
		started(m, w);
}

static void
step_pull(struct model *m)
{
	struct pool_work *w;
	uint32_t r;

	while ((r = pool_wants(m->p, m->now_ms)) != POOL_NO_RUNNER) {
		uint32_t count = 0;

		while ((w = pool_next(m->p, r, m->now_ms)) != NULL) {
			started(m, w);
			count++;
		}
		if (count == 0)
			return; /* its time is over: pool_due ends it */
	}
}

static void
step_end(struct model *m)
{
	size_t i = chance(m, CALLS);
	enum pool_end end = (enum pool_end)chance(m, 4);
	struct pool_work *w = &m->calls[i];

	if (m->is_on[i])
		ended(m, w, pool_end(m->p, w, end, m->now_ms));
}

static void
step_cancel(struct model *m)
{
	size_t i = chance(m, CALLS);
	struct pool_work *w = &m->calls[i];

	if (!m->is_in[i] || !m->is_wanted[i])
		return;
	m->is_wanted[i] = false;
	if (pool_cancel(m->p, w, m->now_ms))
		ended(m, w, false);
}

static void
lose(struct model *m, uint32_t r)
{
	struct pool_work *w;
	bool is_wanted;

	pool_runner_gone(m->p, r, m->now_ms);
	m->is_up[r] = m->drains[r] = false;
	while ((w = pool_lost(m->p, r, &is_wanted, m->now_ms)) != NULL) {
		size_t i = (size_t)(w - m->calls);

		assert_int_equal(is_wanted, m->is_wanted[i]);
		if (is_wanted && chance(m, 2) == 0 &&
		    pool_retry(m->p, w, chance(m, 50), m->now_ms))
			m->is_on[i] = false;
		else
			ended(m, w, is_wanted);
	}
}

static void
step_runner(struct model *m)
{
	uint32_t r = chance(m, RUNNERS);

	if (!m->is_up[r]) {
		pool_runner_ready(m->p, r, 1 + chance(m, 4), m->now_ms);
		m->is_up[r] = true;
	} else if (chance(m, 3) == 0) {
		lose(m, r);
	} else if (chance(m, 2) == 0) {
		pool_runner_drain(m->p, r);
		m->drains[r] = true;
	} else {
		m->tainted[r] = m->now_ms + chance(m, 100);
		pool_runner_taint(m->p, r, m->tainted[r]);
	}
}

static void
again(struct model *m, struct pool_work *w)
{
	enum pool_verdict verdict = pool_submit(m->p, w, m->now_ms);

	if (verdict == POOL_DISPATCH)
		started(m, w);
	else if (verdict != POOL_QUEUED)
		ended(m, w, true);
}

static void
step_due(struct model *m)
{
	struct pool_work *w;
	enum pool_due what;

	while ((what = pool_due(m->p, m->now_ms, &w)) != POOL_DUE_NONE) {
		if (what == POOL_DUE_OVERRUN)
			m->is_wanted[w - m->calls] = false;
		else if (what == POOL_DUE_STUCK)
			assert_true(m->is_on[w - m->calls]);
		else if (what == POOL_DUE_RETRY)
			again(m, w);
		else
			ended(m, w, true);
	}
	step_pull(m);
	/* the process may rest: nothing is due at once */
	assert_true(pool_next_ms(m->p) == 0 || pool_next_ms(m->p) > m->now_ms);
	/* nothing that is due was hidden */
	for (int i = 0; i < CALLS; i++)
		if (m->calls[i].heap_at != 0)
			assert_true(m->calls[i].due_ms > m->now_ms);
}

static void
every_call_ends_exactly_once(void **state)
{
	static struct model m;

	(void)state;
	for (uint32_t affinity = 0; affinity < 3; affinity++) {
		m = (struct model){
		    .now_ms = START, .seed = 20261121 + affinity};
		m.spec = spec_of(RUNNERS, 4);
		m.spec.max_queue_size = 20;
		m.spec.circuit_breaker_cooldown_ms = 30;
		m.spec.affinity = affinity;
		m.p = made(&m.spec);
		for (uint32_t i = 0; i < STEPS; i++) {
			static void (*const steps[])(struct model *) = {
			    step_submit, step_submit, step_submit, step_end,
			    step_end, step_pull, step_cancel, step_runner,
			    step_due};

			m.now_ms += chance(&m, 3);
			steps[chance(&m, COUNT_OF(steps))](&m);
			check(&m);
		}
		for (uint32_t r = 0; r < RUNNERS; r++)
			if (m.is_up[r])
				lose(&m, r);
		m.now_ms += LONG;
		step_due(&m);
		check(&m);
		assert_int_equal(m.taken, m.ended);
		assert_int_equal(m.answered + m.dropped, m.ended);
		assert_int_equal(pool_counts(m.p)->requests, m.taken);
		assert_true(m.taken > STEPS / 20 && m.refused > 0);
		assert_int_equal(pool_next_ms(m.p), 0);
		pool_destroy(&m.p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_process_runner_has_one_call_at_a_time),
	    cmocka_unit_test(nobody_overtakes_those_who_wait),
	    cmocka_unit_test(a_thread_runner_has_as_many_as_it_has_threads),
	    cmocka_unit_test(a_runner_never_gets_more_than_the_pool_allows_it),
	    cmocka_unit_test(
		the_profile_strategy_gives_one_call_to_a_runner_with_threads),
	    cmocka_unit_test(the_runner_with_the_fewest_calls_is_chosen),
	    cmocka_unit_test(a_freed_runner_is_filled_up_in_one_go),
	    cmocka_unit_test(
		a_full_queue_refuses_at_once_and_counts_no_request),
	    cmocka_unit_test(who_waits_too_long_is_told_and_never_run),
	    cmocka_unit_test(nothing_is_handed_out_after_its_deadline),
	    cmocka_unit_test(
		a_call_that_overruns_keeps_its_room_and_drops_its_answer),
	    cmocka_unit_test(
		who_hangs_up_while_waiting_is_dropped_and_while_running_frees_the_runner),
	    cmocka_unit_test(a_lost_runner_gives_its_calls_back_once),
	    cmocka_unit_test(a_lost_call_may_be_tried_again_after_a_pause),
	    cmocka_unit_test(a_tainted_runner_is_never_chosen),
	    cmocka_unit_test(a_draining_runner_gets_no_more),
	    cmocka_unit_test(
		without_any_runner_to_come_calls_are_refused_at_once),
	    cmocka_unit_test(
		calls_that_wait_end_when_nobody_is_to_come_any_more),
	    cmocka_unit_test(
		a_session_goes_where_it_was_and_elsewhere_when_that_is_busy),
	    cmocka_unit_test(
		a_strict_session_waits_for_its_runner_even_when_others_are_free),
	    cmocka_unit_test(
		a_strict_session_is_told_once_that_its_runner_is_gone),
	    cmocka_unit_test(a_strict_session_may_ask_to_fail_at_once),
	    cmocka_unit_test(
		sessions_are_forgotten_after_a_minute_and_the_oldest_first),
	    cmocka_unit_test(five_failures_in_a_row_close_a_runner_out),
	    cmocka_unit_test(a_cooled_breaker_of_a_busy_runner_wakes_nobody),
	    cmocka_unit_test(an_error_that_a_function_answers_is_no_failure),
	    cmocka_unit_test(
		ten_failures_open_the_pool_and_one_probe_closes_it),
	    cmocka_unit_test(
		one_death_is_one_failure_however_many_calls_it_takes),
	    cmocka_unit_test(a_probe_that_comes_back_unused_lets_another_try),
	    cmocka_unit_test(every_call_ends_exactly_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
