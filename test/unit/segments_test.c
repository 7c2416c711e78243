// SPDX-License-Identifier: MIT
#include "test/unit/segments_rig.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/events.h"
#include "protocol/hash.h"
#include "protocol/limits.h"
#include "protocol/role.h"
#include "protocol/routes.h"
#include "protocol/stats.h"
#include "protocol/stats_tree.h"

/* --- names and hashes --- */

static void
every_role_has_one_name(void **state)
{
	(void)state;
	for (int r = ROLE_none + 1; r < ROLES; r++)
		assert_int_equal(
		    role_by_name(text_of(role_name((enum role)r))), r);
	assert_string_equal(role_name((enum role)999), "none");
	assert_int_equal(role_by_name(TEXT("nobody")), ROLE_none);
	assert_string_equal(role_name(ROLE_rate_limiter), "rate_limiter");
}

static void
siphash_gives_the_vectors_of_its_authors(void **state)
{
	/* vectors.h of github.com/veorq/SipHash: key 00…0f, inputs 00…n */
	static const uint64_t want[] = {0x726fdb47dd0e0e31u,
	    0x74f839c593dc67fdu, 0x0d6c8009d9a94f5au, 0x85676696d7fb7e2du,
	    0xcf2794e0277187b7u, 0x18765564cd99a68du, 0xcbc9466e58fee3ceu,
	    0xab0200f58b01d137u, 0x93f5f5799a932462u};
	struct hash_seed seed = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
	uint8_t in[16];

	(void)state;
	for (uint8_t i = 0; i < sizeof(in); i++)
		in[i] = i;
	for (size_t n = 0; n < COUNT_OF(want); n++)
		assert_true(hash_keyed(seed, in, n) == want[n]);
	/* the paper's example: 15 bytes */
	assert_true(hash_keyed(seed, in, 15) == 0xa129ca6149be45e5u);
	assert_true(hash_short(seed, in, 15) != hash_keyed(seed, in, 15));
}

/* --- headers --- */

static void
a_segment_is_sealed_against_shrinking_and_growing(void **state)
{
	int fds[4];

	(void)state;
	assert_int_equal(stats_create(64, &fds[0]), OK);
	assert_int_equal(events_create(&fds[1]), OK);
	assert_int_equal(limits_create(NULL, &fds[2]), OK);
	assert_int_equal(routes_create(100, 100, &fds[3]), OK);
	for (int i = 0; i < 4; i++) {
		struct stat st;

		assert_int_equal(fstat(fds[i], &st), 0);
		assert_int_not_equal(ftruncate(fds[i], 0), 0);
		assert_int_not_equal(ftruncate(fds[i], st.st_size + 4096), 0);
		/* nobody can add F_SEAL_WRITE and so stop everybody */
		assert_int_not_equal(
		    fcntl(fds[i], F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
		fd_close(&fds[i]);
	}
}

static void
a_memfd_that_could_shrink_is_refused(void **state)
{
	int good, bad;
	struct stats stats;
	struct stat st;
	uint8_t header[SEGMENT_HEADER_BYTES];

	(void)state;
	assert_int_equal(stats_create(64, &good), OK);
	assert_int_equal(fstat(good, &st), 0);
	bad = memfd_create("unsealed", MFD_CLOEXEC);
	assert_int_equal(ftruncate(bad, st.st_size), 0);
	assert_int_equal(
	    pread(good, header, sizeof(header), 0), sizeof(header));
	assert_int_equal(
	    pwrite(bad, header, sizeof(header), 0), sizeof(header));
	assert_int_equal(stats_map(bad, &stats), ERR_MALFORMED);
	assert_null(stats.segment.memory);
	assert_int_equal(stats_map(-1, &stats), ERR_MALFORMED);
	fd_close(&bad);
	fd_close(&good);
}

static void
a_flipped_bit_anywhere_in_a_header_is_refused(void **state)
{
	(void)state;
	for (int at = 0; at < SEGMENT_HEADER_BYTES; at++) {
		struct limits limits, again;
		uint8_t *bytes;
		int fd;

		assert_int_equal(limits_create(NULL, &fd), OK);
		assert_int_equal(limits_map(fd, &limits), OK);
		assert_true(segment_is_sound(&limits.segment));
		bytes = limits.segment.memory;
		bytes[at] ^= (uint8_t)(1u << (at % 8));
		assert_int_not_equal(limits_map(fd, &again), OK);
		assert_false(segment_is_sound(&limits.segment));
		bytes[at] ^= (uint8_t)(1u << (at % 8));
		assert_true(segment_is_sound(&limits.segment));
		limits_unmap(&limits);
		fd_close(&fd);
	}
}

static void
another_kind_of_segment_is_refused(void **state)
{
	struct routes routes;
	struct events events;
	int fd;

	(void)state;
	assert_int_equal(stats_create(64, &fd), OK);
	assert_int_not_equal(routes_map(fd, &routes), OK);
	assert_int_not_equal(events_map(fd, &events), OK);
	fd_close(&fd);
}

/* --- stats --- */

static struct stats stats;

static int
open_stats(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(stats_create(64, &fd), OK);
	assert_int_equal(stats_map(fd, &stats), OK);
	fd_close(&fd);
	return 0;
}

static int
close_stats(void **state)
{
	(void)state;
	stats_unmap(&stats);
	return 0;
}

static void
counters_outlive_a_life_and_gauges_do_not(void **state)
{
	struct stats_slot *slot = stats_slot_at(&stats, 7);
	char words[STATS_WORDS_TEXT];

	(void)state;
	assert_null(stats_slot_at(&stats, STATS_SLOTS));
	stats_begin(slot, ROLE_gateway, 1, 1, 1000);
	stats_add(slot, COUNTER_gateway_calls, 41);
	stats_set(slot, COUNTER_gateway_connections, 9);
	stats_sub(slot, COUNTER_gateway_connections, 2);
	assert_int_equal(stats_get(slot, COUNTER_gateway_connections), 7);
	stats_last_words(slot, "it hurt");
	stats_last_words_of(slot, words);
	assert_string_equal(words, "it hurt");
	stats_begin(slot, ROLE_gateway, 1, 2, 2000);
	stats_add(slot, COUNTER_gateway_calls, 1);
	assert_int_equal(stats_get(slot, COUNTER_gateway_calls), 42);
	assert_int_equal(stats_get(slot, COUNTER_gateway_connections), 0);
	stats_last_words_of(slot, words);
	assert_string_equal(words, "");
	assert_int_equal(slot->life, 2);
}

static void
a_counter_belongs_to_its_role_or_to_every_process(void **state)
{
	(void)state;
	assert_true(counter_is_of(COUNTER_gateway_calls, ROLE_gateway));
	assert_false(counter_is_of(COUNTER_gateway_calls, ROLE_puller));
	assert_true(counter_is_of(COUNTER_process_turns, ROLE_puller));
	assert_string_equal(counter_info(COUNTER_gateway_calls)->name, "calls");
	assert_true(counter_info(COUNTER_gateway_in_flight)->is_gauge);
	assert_true(histogram_is_of(HISTOGRAM_gateway_call_us, ROLE_gateway));
}

static void
a_histogram_tells_percentiles_within_an_eighth(void **state)
{
	struct stats_slot *slot = stats_slot_at(&stats, 3);
	struct stats_summary s;

	(void)state;
	for (uint64_t v = 0; v < 100000; v++) {
		uint32_t b = stats_bucket_of(v);

		assert_true(v <= stats_bucket_top(b));
		assert_true(b == 0 || v > stats_bucket_top(b - 1));
	}
	assert_int_equal(stats_bucket_of(UINT64_MAX), STATS_BUCKETS - 1);
	for (uint64_t v = 1; v <= 1000; v++)
		stats_time(slot, HISTOGRAM_gateway_call_us, v);
	stats_summary(slot, HISTOGRAM_gateway_call_us, &s);
	assert_int_equal(s.count, 1000);
	assert_int_equal(s.sum, 500500);
	assert_in_range(s.p50, 500, 563);
	assert_in_range(s.p99, 990, 1120);
	assert_in_range(s.p999, 999, 1120);
}

static void
what_is_said_of_a_child_comes_back_whole(void **state)
{
	struct stats_child in = {.role = ROLE_puller,
	    .state = CHILD_RESTING,
	    .pid = 4711,
	    .life = 3,
	    .restarts = 2,
	    .rest_until_ms = 99,
	    .parent = STATS_SLOT_SUPERVISOR,
	    .last_status = 9,
	    .wants_up = true,
	    .is_in_probation = true,
	    .reason = "killed by signal 9"};
	struct stats_child out;

	(void)state;
	assert_int_equal(stats_child_get(&stats, 5, &out), ERR_MISSING);
	stats_child_set(&stats, 5, &in);
	assert_int_equal(stats_child_get(&stats, 5, &out), OK);
	assert_memory_equal(&in, &out, sizeof(in));
	stats_child_forget(&stats, 5);
	assert_int_equal(stats_child_get(&stats, 5, &out), ERR_MISSING);
	assert_int_equal(stats_child_get(&stats, 1000, &out), ERR_RANGE);
}

/* A writer says each number in every field; a mix would show. */
static _Noreturn void
write_for_ever(uint64_t from)
{
	struct stats_child child = {.role = ROLE_gateway};

	for (uint64_t n = from;; n++) {
		child.life = child.restarts = child.started_ms = n;
		child.ready_ms = child.rest_until_ms = child.died_ms = n;
		memset(child.reason, 'a' + (int)(n % 26), STATS_REASON - 1);
		stats_child_set(&stats, 9, &child);
	}
}

static void
check_child(uint64_t *reads)
{
	struct stats_child c;
	enum err e = stats_child_get(&stats, 9, &c);

	if (e == ERR_AGAIN || (e == ERR_MISSING && *reads == 0))
		return;
	assert_int_equal(e, OK);
	assert_true(c.life == c.restarts && c.life == c.started_ms &&
	    c.life == c.ready_ms && c.life == c.died_ms);
	for (int i = 0; i < STATS_REASON - 1; i++)
		assert_int_equal(c.reason[i], 'a' + (int)(c.life % 26));
	(*reads)++;
}

static void
no_reader_sees_half_a_record_though_the_writer_is_killed(void **state)
{
	uint64_t reads = 0;

	(void)state;
	for (int kills = 0; kills < 200; kills++) {
		uint64_t until_us = clock_mono_us() + 500 + rng() % 3000;
		pid_t pid = fork_child();

		if (pid == 0)
			write_for_ever((uint64_t)kills << 32);
		while (clock_mono_us() < until_us)
			check_child(&reads);
		kill_and_reap(pid);
		if (reads > 0) /* the dead left something whole, at once */
			check_child(&reads);
	}
	print_message("          %llu whole reads, 200 kills\n",
	    (unsigned long long)reads);
	assert_true(reads > 1000);
}

static void
a_damaged_record_is_not_believed(void **state)
{
	struct stats_child child = {.role = ROLE_puller, .life = 1};
	struct stats_child out;
	uint64_t seen = 0;

	(void)state;
	stats_child_set(&stats, 0, &child);
	for (size_t word = 0; word < TWO_COPY_WORDS(STATS_CHILD_WORDS);
	     word++) {
		stats.tree[word] ^= 1u << 7;
		seen += stats_child_get(&stats, 0, &out) == OK;
		stats.tree[word] ^= 1u << 7;
	}
	/* only the idle copy may be damaged without being noticed */
	assert_int_equal(seen, STATS_CHILD_WORDS + 1);
}

static void
garbage_in_stats_never_stops_a_reader(void **state)
{
	(void)state;
	fill_with_garbage(&stats.segment);
	for (uint32_t i = 0; i < STATS_SLOTS; i++) {
		struct stats_child child;
		struct stats_summary s;
		char words[STATS_WORDS_TEXT];

		assert_int_not_equal(stats_child_get(&stats, i, &child), OK);
		stats_last_words_of(stats_slot_at(&stats, i), words);
		stats_summary(
		    stats_slot_at(&stats, i), HISTOGRAM_gateway_call_us, &s);
	}
}

/* --- routes --- */

static void
turns_are_taken_per_function_and_shared_when_full(void **state)
{
	struct routes routes;
	int fd;

	(void)state;
	assert_int_equal(routes_create(32, 32, &fd), OK);
	assert_int_equal(routes_map(fd, &routes), OK);
	for (uint64_t turn = 0; turn < 100; turn++) {
		assert_int_equal(
		    routes_turn(&routes, 0x1111222233334444), turn);
		assert_int_equal(routes_turn(&routes, 0), turn);
	}
	assert_int_equal(routes_used(&routes), 2);
	for (int i = 0; i < 1000; i++)
		(void)routes_turn(&routes, rng());
	assert_int_equal(routes_used(&routes), 32);
	fill_with_garbage(&routes.segment);
	for (int i = 0; i < 1000; i++)
		(void)routes_turn(&routes, rng());
	routes_unmap(&routes);
	fd_close(&fd);
}

int
main(void)
{
#define STATS(name) \
	cmocka_unit_test_setup_teardown(name, open_stats, close_stats)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_role_has_one_name),
	    cmocka_unit_test(siphash_gives_the_vectors_of_its_authors),
	    cmocka_unit_test(a_segment_is_sealed_against_shrinking_and_growing),
	    cmocka_unit_test(a_memfd_that_could_shrink_is_refused),
	    cmocka_unit_test(a_flipped_bit_anywhere_in_a_header_is_refused),
	    cmocka_unit_test(another_kind_of_segment_is_refused),
	    STATS(counters_outlive_a_life_and_gauges_do_not),
	    STATS(a_counter_belongs_to_its_role_or_to_every_process),
	    STATS(a_histogram_tells_percentiles_within_an_eighth),
	    STATS(what_is_said_of_a_child_comes_back_whole),
	    STATS(no_reader_sees_half_a_record_though_the_writer_is_killed),
	    STATS(a_damaged_record_is_not_believed),
	    STATS(garbage_in_stats_never_stops_a_reader),
	    cmocka_unit_test(turns_are_taken_per_function_and_shared_when_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
