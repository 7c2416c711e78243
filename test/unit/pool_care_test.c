// SPDX-License-Identifier: MIT
/* pool_care_test - quarantine, crashes, ages, heartbeats, starts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "workers/worker_pool/crash_barrier.h"
#include "workers/worker_pool/heartbeat.h"
#include "workers/worker_pool/lifecycle.h"
#include "workers/worker_pool/quarantine.h"
#include "workers/worker_pool/startup.h"

enum {
	NOW = 1000000,
	MINUTE = 60000,
	MB = 1 << 20
};

/* ---- quarantine ---------------------------------------------------------- */

static struct quarantine q;

static struct quarantine_call
call_of(uint64_t fingerprint)
{
	return (struct quarantine_call){
	    fingerprint, TEXT("async_pool"), TEXT("users"), TEXT("get")};
}

static uint32_t
death(uint64_t fingerprint, uint64_t now_ms)
{
	struct quarantine_call call = call_of(fingerprint);

	return quarantine_death(&q, &call, 1, now_ms);
}

static void
a_call_in_flight_at_two_deaths_is_refused_for_ten_minutes(void **state)
{
	(void)state;
	quarantine_init(&q, 10 * MINUTE, 2);
	assert_int_equal(death(7, NOW), 0);
	assert_false(quarantine_refuses(&q, 7, NOW));
	assert_int_equal(death(8, NOW), 0); /* another's */
	assert_int_equal(death(7, NOW + 5), 1);
	assert_true(quarantine_refuses(&q, 7, NOW + 5));
	assert_false(quarantine_refuses(&q, 8, NOW + 5));
	assert_true(quarantine_refuses(&q, 7, NOW + 4 + 10 * MINUTE));
	assert_false(quarantine_refuses(&q, 7, NOW + 5 + 10 * MINUTE));
	assert_int_equal(q.entries[0].refused, 2);
	assert_int_equal(q.entries[0].deaths, 2);
	assert_string_equal(q.entries[0].service, "users");
	assert_string_equal(q.entries[0].function, "get");
	quarantine_expire(&q, NOW + 5 + 10 * MINUTE);
	assert_int_equal(q.count, 0);
}

static void
a_call_that_was_answered_in_between_is_innocent(void **state)
{
	(void)state;
	quarantine_init(&q, MINUTE, 2);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(death(7, NOW), 0);
		quarantine_answered(&q, 7);
	}
	assert_int_equal(q.suspect_count, 0);
}

static void
the_same_call_several_times_in_one_runner_is_one_death(void **state)
{
	struct quarantine_call calls[3] = {call_of(7), call_of(7), call_of(9)};

	(void)state;
	quarantine_init(&q, MINUTE, 2);
	assert_int_equal(quarantine_death(&q, calls, 3, NOW), 0);
	assert_int_equal(quarantine_death(&q, calls, 3, NOW), 2);
}

static void
a_suspicion_grows_old(void **state)
{
	(void)state;
	quarantine_init(&q, MINUTE, 2);
	assert_int_equal(death(7, NOW), 0);
	assert_int_equal(death(7, NOW + MINUTE), 0);
	assert_int_equal(death(7, NOW + MINUTE), 1);
	quarantine_init(&q, 0, 2);
	for (int i = 0; i < 5; i++)
		assert_int_equal(death(7, NOW), 0);
}

static void
operators_may_let_one_out_or_all(void **state)
{
	(void)state;
	quarantine_init(&q, MINUTE, 1);
	for (uint64_t f = 1; f <= 3; f++)
		assert_int_equal(death(f, NOW), 1);
	assert_true(quarantine_remove(&q, 2));
	assert_false(quarantine_remove(&q, 2));
	assert_false(quarantine_refuses(&q, 2, NOW));
	assert_true(quarantine_refuses(&q, 3, NOW));
	assert_int_equal(quarantine_clear(&q), 2);
	assert_false(quarantine_refuses(&q, 3, NOW));
}

static void
more_than_it_has_room_for_push_out_the_oldest(void **state)
{
	(void)state;
	quarantine_init(&q, MINUTE, 2);
	for (uint64_t f = 1; f <= 1000; f++)
		assert_int_equal(death(f, NOW + f), 0);
	assert_int_equal(q.suspect_count, QUARANTINE_SUSPECTS);
	quarantine_init(&q, MINUTE, 1);
	for (uint64_t f = 1; f <= 1000; f++)
		assert_int_equal(death(f, NOW + f), 1);
	assert_int_equal(q.count, QUARANTINE_MOST);
	assert_true(quarantine_refuses(&q, 1000, NOW + 1000));
	assert_false(quarantine_refuses(&q, 1, NOW + 1000));
}

static void
a_fingerprint_knows_service_function_and_arguments(void **state)
{
	uint64_t f = quarantine_fingerprint(
	    TEXT("users"), TEXT("get"), TEXT("\x91\x01"));

	(void)state;
	assert_int_equal(f,
	    quarantine_fingerprint(
		TEXT("users"), TEXT("get"), TEXT("\x91\x01")));
	assert_int_not_equal(f,
	    quarantine_fingerprint(
		TEXT("users"), TEXT("get"), TEXT("\x91\x02")));
	assert_int_not_equal(f,
	    quarantine_fingerprint(
		TEXT("user"), TEXT("sget"), TEXT("\x91\x01")));
	assert_int_not_equal(f, 0);
}

static void
the_file_outlives_the_process_and_its_clock(void **state)
{
	struct buffer bytes;
	struct packer p;
	static struct quarantine next;

	(void)state;
	quarantine_init(&q, 10 * MINUTE, 1);
	death(7, NOW);
	death(8, NOW + 4 * MINUTE);
	buffer_init(&bytes, 1 << 20);
	pack_init(&p, &bytes);
	quarantine_write(&q, &p, NOW + 5 * MINUTE, UINT64_C(1700000000000));
	assert_int_equal(pack_finish(&p), OK);

	/* another clock, six minutes later: 7 had five left, 8 had nine */
	quarantine_init(&next, 10 * MINUTE, 1);
	quarantine_read(&next, buffer_text(&bytes), 50,
	    UINT64_C(1700000000000) + 6 * MINUTE);
	assert_int_equal(next.count, 1);
	assert_int_equal(next.entries[0].fingerprint, 8);
	assert_int_equal(next.entries[0].until_ms, 50 + 3 * MINUTE);
	assert_string_equal(next.entries[0].pool, "async_pool");

	/* damage at each byte: never worse than an empty one */
	for (uint32_t len = 0; len < buffer_used(&bytes); len++) {
		quarantine_init(&next, 10 * MINUTE, 1);
		quarantine_read(&next,
		    (struct text){(const char *)buffer_at(&bytes), len}, 50, 0);
		assert_int_equal(next.count, 0);
	}
	buffer_finish(&bytes);
}

/* ---- crashes ------------------------------------------------------------- */

static struct text oom_text = {"oom", 3};
static uint64_t pauses[] = {50, 100, 200};

static struct crash_barrier_spec
barrier(void)
{
	return (struct crash_barrier_spec){.enabled = true,
	    .mark_on = {&oom_text, 1},
	    .taint_ms = MINUTE,
	    .max_restarts = 4,
	    .backoff_ms = {pauses, 3}};
}

static void
a_death_is_told_by_its_signal_its_code_and_its_last_words(void **state)
{
	const struct {
		struct crash_facts facts;
		const char *word;
	} deaths[] = {
	    {{.code = 0}, "none"},
	    {{.code = -1, .signal = 11}, "segfault"},
	    {{.code = 139}, "segfault"},
	    {{.code = -1, .signal = 6}, "abort"},
	    {{.code = 134}, "abort"},
	    {{.code = 137}, "oom"},
	    {{.code = -1, .signal = 9, .is_oom = true}, "oom"},
	    {{.code = -1, .signal = 9}, "unknown"},
	    {{.code = 1}, "unknown"},
	    {{.code = 1,
		 .last_words = TEXT("RuntimeError: CUDA out of memory")},
		"gpu"},
	    {{.code = 1, .last_words = TEXT("the Gpu fell off")}, "gpu"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(deaths); i++)
		assert_string_equal(
		    crash_word(crash_classify(&deaths[i].facts)),
		    deaths[i].word);
}

static void
only_marked_deaths_taint(void **state)
{
	struct crash_barrier_spec spec = barrier();
	struct crash_facts oom = {.code = 137}, other = {.code = 3};
	uint64_t code = 3;

	(void)state;
	assert_true(crash_taints(&spec, CRASH_OOM, &oom));
	assert_false(crash_taints(&spec, CRASH_UNKNOWN, &other));
	spec.exit_codes = (struct pool_numbers){&code, 1};
	assert_true(crash_taints(&spec, CRASH_UNKNOWN, &other));
	spec.enabled = false;
	assert_false(crash_taints(&spec, CRASH_OOM, &oom));
}

static void
a_lost_call_is_tried_again_only_if_it_may_run_twice(void **state)
{
	struct crash_barrier_spec spec = barrier();
	uint64_t pause_ms = 0;

	(void)state;
	assert_false(crash_retries(&spec, true, 1, &pause_ms));
	assert_true(crash_retries(&spec, false, 1, &pause_ms));
	assert_int_equal(pause_ms, 50);
	assert_true(crash_retries(&spec, false, 4, &pause_ms));
	assert_int_equal(pause_ms, 200);
	assert_false(crash_retries(&spec, false, 5, &pause_ms));
	spec.retry = POOL_RETRY_ALWAYS;
	assert_false(crash_retries(&spec, true, 1, &pause_ms));
	spec.retry = POOL_RETRY_NEVER;
	assert_false(crash_retries(&spec, false, 1, &pause_ms));
	spec.retry = POOL_RETRY_IDEMPOTENT;
	spec.enabled = false;
	assert_false(crash_retries(&spec, false, 1, &pause_ms));
}

static void
ten_crashes_in_a_minute_make_a_pool_unhealthy(void **state)
{
	static struct crash_window w;

	(void)state;
	crash_window_init(&w, MINUTE, 10);
	for (uint32_t i = 0; i < 9; i++)
		crash_window_add(&w, i % 3, NOW + i);
	assert_true(crash_window_is_healthy(&w, NOW + 9));
	crash_window_add(&w, 7, NOW + 9);
	assert_false(crash_window_is_healthy(&w, NOW + 9));
	assert_int_equal(crash_window_runners(&w, NOW + 9), 4);
	assert_int_equal(crash_window_of(&w, 0, NOW + 9), 3);
	assert_true(crash_window_is_healthy(&w, NOW + MINUTE));
	assert_int_equal(crash_window_count(&w, NOW + MINUTE), 9);
	for (uint32_t i = 0; i < 1000; i++)
		crash_window_add(&w, 1, NOW + MINUTE);
	assert_int_equal(w.total, 1010);
	assert_int_equal(crash_window_count(&w, NOW + MINUTE), CRASH_TIMES);
}

/* ---- ages ---------------------------------------------------------------- */

static void
age_then_calls_then_memory_end_a_life(void **state)
{
	struct pool_spec spec = {.worker_ttl = 1000,
	    .worker_max_requests = 10,
	    .memory_threshold_mb = 64};
	struct lifecycle_facts f = {.ready_ms = NOW};

	(void)state;
	assert_int_equal(
	    lifecycle_judge(&spec, &f, 0, NOW + 999), LIFECYCLE_KEEP);
	f.rss_bytes = UINT64_C(64) * MB;
	assert_int_equal(
	    lifecycle_judge(&spec, &f, 0, NOW + 999), LIFECYCLE_MEMORY);
	f.succeeded = 10;
	assert_int_equal(
	    lifecycle_judge(&spec, &f, 0, NOW + 999), LIFECYCLE_REQUESTS);
	assert_int_equal(
	    lifecycle_judge(&spec, &f, 0, NOW + 1000), LIFECYCLE_TTL);
	spec = (struct pool_spec){0};
	assert_int_equal(
	    lifecycle_judge(&spec, &f, 0, NOW * 2), LIFECYCLE_KEEP);
	f.rss_bytes = UINT64_C(64) * MB - 1;
	spec.memory_threshold_mb = 64;
	assert_int_equal(
	    lifecycle_judge(&spec, &f, 0, NOW * 2), LIFECYCLE_KEEP);
	assert_string_equal(lifecycle_word(LIFECYCLE_TTL), "ttl_expired");
	assert_string_equal(lifecycle_word(LIFECYCLE_MANUAL), "manual");
}

static void
an_age_is_never_cut_short_and_never_stretched_by_more_than_the_jitter(
    void **state)
{
	struct pool_spec spec = {.worker_ttl = 1000};
	struct lifecycle_facts f = {.ready_ms = NOW};
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	for (uint64_t chance = 0; chance <= UINT32_MAX; chance += 1000003) {
		uint64_t ttl;

		f.chance = (uint32_t)chance;
		ttl = lifecycle_ttl_ms(&spec, &f, 10);
		least = ttl < least ? ttl : least;
		most = ttl > most ? ttl : most;
	}
	assert_int_equal(least, 1000);
	assert_int_equal(most, 1099);
	spec.worker_ttl = UINT64_C(400) * 365 * 24 * 3600 * 1000;
	f.chance = UINT32_MAX;
	assert_in_range(lifecycle_ttl_ms(&spec, &f, 100), spec.worker_ttl,
	    spec.worker_ttl * 2);
}

static void
recycling_leaves_enough_ready_and_takes_few_at_once(void **state)
{
	struct pool_spec spec = {.min_ready = 4};

	(void)state;
	assert_int_equal(lifecycle_room(&spec, 8, 10, 0), 6);
	assert_int_equal(lifecycle_room(&spec, 8, 10, 5), 3);
	assert_int_equal(lifecycle_room(&spec, 2, 10, 0), 2);
	assert_int_equal(lifecycle_room(&spec, 2, 10, 2), 0);
	assert_int_equal(lifecycle_room(&spec, 8, 4, 0), 0);
	assert_int_equal(lifecycle_room(&spec, 8, 0, 0), 0);
	spec.min_ready = 0;
	assert_int_equal(lifecycle_room(&spec, 8, 1, 0), 1);
}

static void
nine_tenths_of_the_way_is_near(void **state)
{
	struct pool_spec spec = {
	    .worker_ttl = 1000, .worker_max_requests = 100};
	struct lifecycle_facts f = {.ready_ms = NOW, .succeeded = 89};

	(void)state;
	assert_false(lifecycle_is_near_ttl(&spec, &f, NOW + 899));
	assert_true(lifecycle_is_near_ttl(&spec, &f, NOW + 900));
	assert_false(lifecycle_is_near_max(&spec, &f));
	f.succeeded = 90;
	assert_true(lifecycle_is_near_max(&spec, &f));
	spec = (struct pool_spec){0};
	assert_false(lifecycle_is_near_ttl(&spec, &f, NOW + 900));
	assert_false(lifecycle_is_near_max(&spec, &f));
}

/* ---- heartbeats ---------------------------------------------------------- */

static const struct heartbeat_spec half_second = {.enabled = true,
    .ping_interval_ms = 500,
    .timeout_ms = 500,
    .max_missed_heartbeats = 3,
    .dependent = true};

static void
a_pong_in_time_resets_the_count_and_has_a_latency(void **state)
{
	struct heartbeat h;

	(void)state;
	heartbeat_begin(&h, &half_second, NOW);
	assert_int_equal(heartbeat_turn(&h, true, NOW), HEARTBEAT_PING);
	assert_int_equal(heartbeat_turn(&h, true, NOW + 1), HEARTBEAT_NOTHING);
	assert_false(heartbeat_pong(&h, 2, NOW + 3));
	assert_true(heartbeat_pong(&h, 1, NOW + 3));
	assert_int_equal(h.latency_ms, 3);
	assert_int_equal(heartbeat_next_ms(&h), NOW + 500);
	assert_int_equal(
	    heartbeat_turn(&h, true, NOW + 499), HEARTBEAT_NOTHING);
	assert_int_equal(heartbeat_turn(&h, true, NOW + 500), HEARTBEAT_PING);
	assert_int_equal(
	    heartbeat_turn(&h, true, NOW + 1000), HEARTBEAT_MISSED);
	assert_int_equal(heartbeat_turn(&h, true, NOW + 1000), HEARTBEAT_PING);
	assert_int_equal(h.missed, 1);
	assert_true(heartbeat_pong(&h, 3, NOW + 1001));
	assert_int_equal(h.missed, 0);
	assert_int_equal(h.sent, 3);
	assert_int_equal(h.received, 2);
	assert_int_equal(h.timeouts, 1);
}

/* hang lets a runner be silent and gives when it has failed. */
static uint64_t
hang(struct heartbeat *h, uint64_t from_ms)
{
	for (uint64_t now = from_ms; now < from_ms + 100000; now++) {
		enum heartbeat_act act;

		while (
		    (act = heartbeat_turn(h, true, now)) != HEARTBEAT_NOTHING)
			if (act == HEARTBEAT_FAILED)
				return now;
	}
	return 0;
}

static void
a_silent_runner_has_failed_two_seconds_after_its_last_answer(void **state)
{
	struct heartbeat h;

	(void)state;
	heartbeat_begin(&h, &half_second, NOW);
	assert_int_equal(heartbeat_turn(&h, true, NOW), HEARTBEAT_PING);
	assert_true(heartbeat_pong(&h, 1, NOW));
	assert_in_range(hang(&h, NOW + 1), NOW + 1500, NOW + 2000);
	assert_int_equal(h.missed, 3);
	assert_int_equal(heartbeat_next_ms(&h), 0);
	assert_int_equal(
	    heartbeat_turn(&h, true, NOW + 9000), HEARTBEAT_NOTHING);
}

static void
one_that_nothing_depends_on_is_only_told_about(void **state)
{
	struct heartbeat_spec spec = half_second;
	struct heartbeat h;
	uint64_t failed;

	(void)state;
	spec.dependent = false;
	heartbeat_begin(&h, &spec, NOW);
	failed = hang(&h, NOW);
	assert_int_equal(heartbeat_turn(&h, true, failed), HEARTBEAT_PING);
	assert_int_equal(
	    heartbeat_turn(&h, true, failed + 500), HEARTBEAT_MISSED);
	assert_true(heartbeat_pong(&h, 1, failed + 600));
	assert_int_equal(h.missed, 0);
	assert_true(hang(&h, failed + 700) > 0);
}

static void
one_that_works_and_cannot_answer_is_not_asked(void **state)
{
	struct heartbeat h;

	(void)state;
	heartbeat_begin(&h, &half_second, NOW);
	assert_int_equal(heartbeat_turn(&h, true, NOW), HEARTBEAT_PING);
	for (uint64_t now = NOW; now < NOW + 10000; now += 100)
		assert_int_equal(
		    heartbeat_turn(&h, false, now), HEARTBEAT_NOTHING);
	assert_int_equal(h.timeouts, 0);
	assert_int_equal(heartbeat_turn(&h, true, NOW + 10400), HEARTBEAT_PING);
	/* the one from before may still be answered */
	assert_true(heartbeat_pong(&h, 1, NOW + 10401));
	assert_true(h.is_out);
}

static void
a_heartbeat_that_is_off_never_acts(void **state)
{
	struct heartbeat_spec spec = half_second;
	struct heartbeat h;

	(void)state;
	spec.enabled = false;
	heartbeat_begin(&h, &spec, NOW);
	assert_int_equal(hang(&h, NOW), 0);
	assert_int_equal(heartbeat_next_ms(&h), 0);
	assert_false(heartbeat_pong(&h, 1, NOW));
	spec = half_second;
	spec.initial_delay_ms = 300;
	heartbeat_begin(&h, &spec, NOW);
	assert_int_equal(
	    heartbeat_turn(&h, true, NOW + 299), HEARTBEAT_NOTHING);
	assert_int_equal(heartbeat_turn(&h, true, NOW + 300), HEARTBEAT_PING);
}

/* ---- starts -------------------------------------------------------------- */

static void
runners_start_in_batches_with_a_pause_between(void **state)
{
	struct pool_spec spec = {.pool_size = 25,
	    .startup_batch_size = 10,
	    .startup_batch_delay_ms = 500};
	struct startup s;

	(void)state;
	startup_init(&s, &spec, NOW);
	assert_int_equal(startup_due(&s, NOW), 10);
	assert_int_equal(startup_due(&s, NOW + 499), 0);
	assert_int_equal(startup_next_ms(&s), NOW + 500);
	assert_int_equal(startup_due(&s, NOW + 500), 10);
	assert_int_equal(startup_due(&s, NOW + 1000), 5);
	assert_true(startup_is_over(&s));
	assert_int_equal(startup_due(&s, NOW + 9000), 0);
	spec.worker_profile = POOL_THREAD;
	startup_init(&s, &spec, NOW);
	assert_int_equal(startup_due(&s, NOW), 25);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_call_in_flight_at_two_deaths_is_refused_for_ten_minutes),
	    cmocka_unit_test(a_call_that_was_answered_in_between_is_innocent),
	    cmocka_unit_test(
		the_same_call_several_times_in_one_runner_is_one_death),
	    cmocka_unit_test(a_suspicion_grows_old),
	    cmocka_unit_test(operators_may_let_one_out_or_all),
	    cmocka_unit_test(more_than_it_has_room_for_push_out_the_oldest),
	    cmocka_unit_test(
		a_fingerprint_knows_service_function_and_arguments),
	    cmocka_unit_test(the_file_outlives_the_process_and_its_clock),
	    cmocka_unit_test(
		a_death_is_told_by_its_signal_its_code_and_its_last_words),
	    cmocka_unit_test(only_marked_deaths_taint),
	    cmocka_unit_test(
		a_lost_call_is_tried_again_only_if_it_may_run_twice),
	    cmocka_unit_test(ten_crashes_in_a_minute_make_a_pool_unhealthy),
	    cmocka_unit_test(age_then_calls_then_memory_end_a_life),
	    cmocka_unit_test(
		an_age_is_never_cut_short_and_never_stretched_by_more_than_the_jitter),
	    cmocka_unit_test(
		recycling_leaves_enough_ready_and_takes_few_at_once),
	    cmocka_unit_test(nine_tenths_of_the_way_is_near),
	    cmocka_unit_test(a_pong_in_time_resets_the_count_and_has_a_latency),
	    cmocka_unit_test(
		a_silent_runner_has_failed_two_seconds_after_its_last_answer),
	    cmocka_unit_test(one_that_nothing_depends_on_is_only_told_about),
	    cmocka_unit_test(one_that_works_and_cannot_answer_is_not_asked),
	    cmocka_unit_test(a_heartbeat_that_is_off_never_acts),
	    cmocka_unit_test(runners_start_in_batches_with_a_pause_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
