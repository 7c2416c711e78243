// SPDX-License-Identifier: MIT
/*
 * Several processes hammer one table and are killed at random instructions.
 * Every admitted hit is written to a shared ledger with its time; afterwards
 * no window of the ledger may hold more than the limit. A process that is
 * killed between its admission and its entry loses that entry: it can hide a
 * hit from the lower bound (allowed for), never one from the upper.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/limits.h"

enum {
	ENTRIES = 1 << 22,
	HAMMERS = 4,
	KEYS_MOST = 64,
	KILLS_LEAST = 100
};

struct entry {
	uint64_t at_us; /* 0: its writer died before it was whole */
	uint32_t key;
};

struct ledger {
	_Atomic uint32_t count;
	atomic_bool go;
	_Atomic uint64_t refused;
	_Atomic uint64_t seen_us;    /* when a hammer last ran */
	_Atomic uint64_t starved_us; /* times in which none did */
	struct entry entries[ENTRIES];
};

struct job {
	struct limits *limits;
	struct ledger *ledger;
	uint32_t keys;
	uint32_t max;
	uint32_t window_ms;
	bool sweeps; /* the first process only frees rows */
};

static struct ledger *
open_ledger(void)
{
	struct ledger *ledger = mmap(NULL, sizeof(struct ledger),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(ledger != MAP_FAILED);
	return ledger;
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

static void
write_down(struct ledger *ledger, uint32_t key, uint64_t at_us)
{
	uint32_t at = atomic_fetch_add(&ledger->count, 1);

	if (at >= ENTRIES)
		_exit(9);
	ledger->entries[at].key = key;
	ledger->entries[at].at_us = at_us;
}

/* beat keeps count of the times in which the machine ran no hammer at all. */
static void
beat(struct ledger *ledger, uint64_t now_us)
{
	uint64_t seen_us = atomic_exchange(&ledger->seen_us, now_us);

	if (seen_us != 0 && now_us > seen_us + 200)
		atomic_fetch_add(&ledger->starved_us, now_us - seen_us);
}

static _Noreturn void
sweep_for_ever(const struct job *job)
{
	struct limits_sweep sweep = {0};

	for (;;)
		limits_sweep(job->limits, clock_mono_us(), 0, 64, &sweep);
}

static _Noreturn void
hammer(const struct job *job, uint32_t seed)
{
	struct limits_verdict v;
	uint32_t n = seed;

	for (;;) {
		uint32_t key = (n = n * 1664525 + 1013904223) >> 16;
		struct limits_hit hit = {
		    .max = job->max, .window_ms = job->window_ms};

		key %= job->keys;
		hit.key = limits_key(job->limits, key, TEXT("k"));
		hit.now_us = clock_mono_us();
		beat(job->ledger, hit.now_us);
		limits_take(job->limits, &hit, &v);
		if (v.is_admitted)
			write_down(job->ledger, key, v.at_us);
		else
			atomic_fetch_add(&job->ledger->refused, 1);
	}
}

static pid_t
spawn(const struct job *job, uint32_t number, uint32_t life)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (job->sweeps && number == 0)
		sweep_for_ever(job);
	hammer(job, number * 7919 + life);
}

/* run keeps HAMMERS processes alive for `ms`, killing one every few ms. */
static uint32_t
run(const struct job *job, uint32_t ms)
{
	uint64_t end_ms = clock_mono_ms() + ms;
	pid_t pids[HAMMERS];
	uint32_t kills = 0;

	for (uint32_t i = 0; i < HAMMERS; i++)
		pids[i] = spawn(job, i, 0);
	while (clock_mono_ms() < end_ms || kills < KILLS_LEAST) {
		struct timespec rest = {0, 500000 + (rand() % 4) * 1000000};
		uint32_t i = (uint32_t)rand() % HAMMERS;
		int status;

		nanosleep(&rest, NULL);
		kill(pids[i], SIGKILL);
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFSIGNALED(status));
		pids[i] = spawn(job, i, ++kills);
	}
	for (uint32_t i = 0; i < HAMMERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	return kills;
}

static int
by_key_and_time(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

/* check finds a window above the limit; gives the number of hits. */
static uint32_t
check(const struct job *job)
{
	struct entry *e = job->ledger->entries;
	uint32_t n = job->ledger->count, whole = 0;

	for (uint32_t i = 0; i < n; i++)
		if (e[i].at_us != 0)
			e[whole++] = e[i];
	qsort(e, whole, sizeof(*e), by_key_and_time);
	for (uint32_t i = 0; i + job->max < whole; i++)
		if (e[i].key == e[i + job->max].key &&
		    e[i + job->max].at_us - e[i].at_us <=
			(uint64_t)job->window_ms * 1000)
			fail_msg("%u hits within %llu us, limit %u in %u ms",
			    job->max + 1,
			    (unsigned long long)(e[i + job->max].at_us -
				e[i].at_us),
			    job->max, job->window_ms);
	return whole;
}

static void
hammer_one_key(uint32_t max, uint32_t window_ms)
{
	struct limits limits;
	struct job job = {.limits = &limits,
	    .ledger = open_ledger(),
	    .keys = 1,
	    .max = max,
	    .window_ms = window_ms};
	uint32_t kills, admitted;
	uint64_t spanned_us, least;

	open_limits(&limits, 32);
	kills = run(&job, 1500);
	admitted = check(&job);
	spanned_us = job.ledger->entries[admitted - 1].at_us -
	    job.ledger->entries[0].at_us;
	print_message("          max %u: %u admitted in %llu us (nobody ran "
		      "for %llu), %llu refused, %u kills\n",
	    max, admitted, (unsigned long long)spanned_us,
	    (unsigned long long)job.ledger->starved_us,
	    (unsigned long long)job.ledger->refused, kills);
	assert_true(job.ledger->starved_us < spanned_us);
	/* whole windows, at 99 %, less what the dead did not write down */
	least =
	    (spanned_us - job.ledger->starved_us) / (window_ms * 1000) * max;
	least = least * 99 / 100;
	assert_true(admitted + kills >= least);
	munmap(job.ledger, sizeof(*job.ledger));
	limits_unmap(&limits);
}

static void
no_window_is_above_a_small_limit_whoever_is_killed(void **state)
{
	(void)state;
	hammer_one_key(8, 10);
}

static void
no_window_is_above_a_middling_limit_whoever_is_killed(void **state)
{
	(void)state;
	hammer_one_key(100, 50);
}

static void
no_window_is_above_a_counted_limit_whoever_is_killed(void **state)
{
	(void)state;
	hammer_one_key(5000, 100);
}

/* Rows change hands all the time: more keys than rows, and a sweeper. */
static void
rows_that_change_hands_under_kills_never_lose_a_hit(void **state)
{
	struct limits limits;
	struct job job = {.limits = &limits,
	    .ledger = open_ledger(),
	    .keys = KEYS_MOST,
	    .max = 3,
	    .window_ms = 1,
	    .sweeps = true};
	uint32_t kills, admitted;

	(void)state;
	open_limits(&limits, 32);
	kills = run(&job, 2500);
	admitted = check(&job);
	print_message("          %u admitted, %llu refused, %u kills\n",
	    admitted, (unsigned long long)job.ledger->refused, kills);
	assert_true(admitted > 1000);
	munmap(job.ledger, sizeof(*job.ledger));
	limits_unmap(&limits);
}

static void
of_a_hundred_at_once_exactly_fifty_pass(void **state)
{
	struct limits limits;
	struct ledger *ledger = open_ledger();
	struct limits_hit hit = {.key = 11, .max = 50, .window_ms = 60000};
	pid_t pids[100];

	(void)state;
	open_limits(&limits, 32);
	for (uint32_t i = 0; i < 100; i++) {
		struct limits_verdict v;

		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] != 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (!atomic_load(&ledger->go))
			sched_yield();
		hit.now_us = clock_mono_us();
		limits_take(&limits, &hit, &v);
		if (v.is_admitted)
			write_down(ledger, 0, v.at_us);
		_exit(0);
	}
	atomic_store(&ledger->go, true);
	for (uint32_t i = 0; i < 100; i++)
		waitpid(pids[i], NULL, 0);
	assert_int_equal(ledger->count, 50);
	munmap(ledger, sizeof(*ledger));
	limits_unmap(&limits);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		no_window_is_above_a_small_limit_whoever_is_killed),
	    cmocka_unit_test(
		no_window_is_above_a_middling_limit_whoever_is_killed),
	    cmocka_unit_test(
		no_window_is_above_a_counted_limit_whoever_is_killed),
	    cmocka_unit_test(
		rows_that_change_hands_under_kills_never_lose_a_hit),
	    cmocka_unit_test(of_a_hundred_at_once_exactly_fifty_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
