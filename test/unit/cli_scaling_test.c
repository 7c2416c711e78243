// SPDX-License-Identifier: MIT
/*
 * cli_scaling - what `banyan diagnose scaling` says of machines made up here.
 */

#include "test/unit/cli_golden_rig.h"

#include "supervisor/cli/scaling.h"

static struct arena arena;
static struct scaling s;
static struct buffer bytes;

void
cli_complain(const char *hint, const char *fmt, ...)
{
	/* the pages complain through main.c, which is not linked here */
	(void)hint;
	(void)fmt;
}

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena);
	scaling_init(&s, &arena);
	buffer_init(&bytes, 1 << 20);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buffer_finish(&bytes);
	arena_finish(&arena);
	return 0;
}

static void
begin(void)
{
	scaling_init(&s, &arena);
	scaling_begin(&s, "t", "T");
}

/* level gives the verdict on the one test, and checks that it says `why`. */
static const char *
level(const char *why)
{
	struct packer p;
	struct unpacker u;
	struct text test, note;
	uint32_t count;

	buffer_truncate(&bytes, 0);
	pack_init(&p, &bytes);
	scaling_pack(&s, &p);
	assert_int_equal(pack_finish(&p), OK);
	assert_int_equal(show_array(buffer_text(&bytes), "tests", &u), 1);
	assert_int_equal(unpack_raw(&u, &test), OK);
	count = show_array(test, "notes", &u);
	if (why == NULL) {
		assert_int_equal(count, 0);
	} else {
		assert_int_equal(count, 1);
		assert_int_equal(unpack_raw(&u, &note), OK);
		assert_non_null(
		    strstr(arena_string(&arena, show_text(note, "text")), why));
	}
	return arena_string(&arena, show_text(test, "status"));
}

static struct text
packed(const char *json)
{
	static struct buffer to;

	buffer_init(&to, 1 << 20);
	assert_int_equal(
	    json_to_pack(text_of(json), &to, JSON_LIMITS, NULL), OK);
	struct text copy = arena_text(&arena, buffer_text(&to));
	buffer_finish(&to);
	return copy;
}

static const char *
pool(const char *profile, unsigned size, double used, unsigned active)
{
	char json[512];

	snprintf(json, sizeof(json),
	    "{\"p\":{\"profile\":\"%s\",\"worker_count\":%u,"
	    "\"utilization_percent\":%.1f,\"capacity_available\":1,"
	    "\"config\":{\"pool_size\":%u,\"threads_per_worker\":4}}}",
	    profile, active, used, size);
	begin();
	scaling_tell_pools(&s, packed(json));
	return "";
}

static void
pools_that_are_too_many_processes_or_too_full_are_told(void **state)
{
	(void)state;
	pool("process", 250, 80.0, 10);
	assert_string_equal(level(NULL), "ok");
	pool("process", 251, 10.0, 10);
	assert_string_equal(
	    level("251 single-threaded workers: consider the thread profile"),
	    "warning");
	pool("thread", 101, 10.0, 10);
	assert_string_equal(
	    level("101 workers with threads: fewer"), "warning");
	pool("process", 10, 80.5, 10);
	assert_string_equal(level("80.5 % used: raise pool_size"), "warning");
	pool("process", 150, 90.0, 101);
	assert_string_equal(
	    level("raise pool_size, or consider the thread profile"),
	    "warning");
	pool("thread", 10, 90.0, 10);
	assert_string_equal(
	    level("raise threads_per_worker or pool_size"), "warning");
}

static struct scaling_limit
limit(uint64_t most, uint64_t used)
{
	return (struct scaling_limit){
	    .limit = most, .used = used, .workers = 10, .per_worker = 2};
}

static void
descriptors_below_a_thousand_are_critical_and_above_80_percent_a_warning(
    void **state)
{
	struct scaling_limit l = limit(10000, 8000);

	(void)state;
	begin();
	scaling_tell_descriptors(&s, &l);
	assert_string_equal(level(NULL), "ok");
	l = limit(10000, 8001);
	begin();
	scaling_tell_descriptors(&s, &l);
	assert_string_equal(level("80.01 %"), "warning");
	l = limit(1999, 1000);
	begin();
	scaling_tell_descriptors(&s, &l);
	assert_string_equal(level("only 999 descriptors are left"), "critical");
	l = limit(1100, 1000);
	l.per_worker = 1;
	begin();
	scaling_tell_processes(&s, &l);
	assert_string_equal(level("90.91 % of the processes"), "warning");
	l = limit(1000, 10);
	l.per_worker = 10;
	begin();
	scaling_tell_processes(&s, &l);
	assert_string_equal(level("room for 109 workers only"), "warning");
}

static void
slow_tables_and_slow_spawns_are_told_by_their_seconds(void **state)
{
	struct scaling_cycles c = {.done = 110, .total_s = 2.0};
	struct scaling_spawns w = {.done = 110, .total_s = 10.0};

	(void)state;
	begin();
	scaling_tell_cycles(&s, &c);
	assert_string_equal(level(NULL), "ok");
	c.total_s = 2.1;
	begin();
	scaling_tell_cycles(&s, &c);
	assert_string_equal(level("2.1 s for 110 cycles"), "warning");
	c.total_s = 5.1;
	begin();
	scaling_tell_cycles(&s, &c);
	assert_string_equal(level("too slow"), "critical");
	c = (struct scaling_cycles){.failed = 110, .reason = "disk full"};
	begin();
	scaling_tell_cycles(&s, &c);
	assert_string_equal(level("the first failure: disk full"), "failed");
	begin();
	scaling_tell_spawns(&s, &w);
	assert_string_equal(level(NULL), "ok");
	w.total_s = 10.1;
	begin();
	scaling_tell_spawns(&s, &w);
	assert_string_equal(level("10.1 s for 110"), "warning");
	w.total_s = 30.1;
	begin();
	scaling_tell_spawns(&s, &w);
	assert_string_equal(level("30.1 s for 110"), "critical");
}

static void
tell_breaking(bool fails)
{
	struct scaling_breaking b = {.count = 2,
	    .starts = {{.workers = 100,
			   .is_started = true,
			   .took_ms = 12.34,
			   .descriptors = 2,
			   .processes = 1,
			   .memory_mb = 1.5},
		{.workers = 250,
		    .is_started = !fails,
		    .took_ms = 20,
		    .reason = "no socket: Too many open files"}},
	    .descriptors = limit(200, 100),
	    .processes = limit(1000000, 100)};

	b.processes.per_worker = 1;
	scaling_begin(&s, "breaking_point", "BREAKING POINT");
	scaling_tell_breaking(&s, &b);
}

static void
the_page_has_every_test_and_what_breaks_first(void **state)
{
	struct scaling_limit fds = limit(1500, 1000), all = limit(32768, 142);
	struct scaling_cycles cycles = {.done = 110,
	    .total_s = 0.175,
	    .avg_ms = 15.7,
	    .min_ms = 4.67,
	    .max_ms = 36.75,
	    .table_size = 1500};
	struct scaling_spawns spawns = {
	    .done = 100, .failed = 10, .total_s = 0.5};
	struct scaling_sockets sockets = {.is_known = true,
	    .listener = "ws://127.0.0.1:4000/socket",
	    .established = 12,
	    .listening = 3,
	    .workers = 8};

	(void)state;
	scaling_init(&s, &arena);
	scaling_begin(&s, "pool_profile_analysis", "POOL PROFILE ANALYSIS");
	scaling_tell_pools(&s,
	    packed("{\"big\":{\"profile\":\"process\",\"worker_count\":301,"
		   "\"utilization_percent\":45.0,\"capacity_available\":166,"
		   "\"config\":{\"pool_size\":301}},"
		   "\"gone\":{\"error\":\"pool_not_running\"}}"));
	scaling_begin(&s, "port_limits", "PORT (DESCRIPTOR) LIMITS");
	scaling_tell_descriptors(&s, &fds);
	scaling_begin(&s, "process_limits", "PROCESS LIMITS");
	scaling_tell_processes(&s, &all);
	scaling_begin(&s, "registry_contention", "REGISTRY CONTENTION");
	scaling_tell_cycles(&s, &cycles);
	scaling_begin(&s, "process_spawn_rate", "PROCESS SPAWN RATE");
	scaling_tell_spawns(&s, &spawns);
	scaling_begin(&s, "connection_limits", "CONNECTION LIMITS");
	scaling_tell_sockets(&s, &sockets);
	tell_breaking(true);

	struct packer p;
	struct buffer page;
	struct view view = {.out = &page, .arena = &arena};

	pack_init(&p, &bytes);
	scaling_pack(&s, &p);
	buffer_init(&page, 1 << 20);
	assert_int_equal(
	    show_scaling(&view, buffer_text(&bytes)), CLI_DEGRADED);
	compare_golden("scaling", arena_string(&arena, buffer_text(&page)));
	buffer_finish(&page);
}

static void
numbers_are_short(void **state)
{
	(void)state;
	assert_string_equal(scaling_number(&arena, 999), "999");
	assert_string_equal(scaling_number(&arena, 1500), "1.5K");
	assert_string_equal(scaling_number(&arena, 2000000), "2.00M");
}

static void
without_a_failure_it_says_so(void **state)
{
	(void)state;
	scaling_init(&s, &arena);
	tell_breaking(false);
	assert_string_equal(level(NULL), "ok");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(pools_that_are_too_many_processes_or_too_full_are_told),
	    TEST(
		descriptors_below_a_thousand_are_critical_and_above_80_percent_a_warning),
	    TEST(slow_tables_and_slow_spawns_are_told_by_their_seconds),
	    TEST(the_page_has_every_test_and_what_breaks_first),
	    TEST(numbers_are_short),
	    TEST(without_a_failure_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
