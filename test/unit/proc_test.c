// SPDX-License-Identifier: MIT
/* proc - what the kernel says of a process, from its texts and of ourselves. */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "protocol/base/fd.h"
#include "protocol/base/proc.h"

#define NUMBERS \
	" 77 77 0 -1 4194560 9 0 1 0 250 50 0 0 20 0 4 0 123456 9000 100"

static void
a_process_may_call_itself_anything(void **state)
{
	static const char *const names[] = {
	    "1 (relay)", "1 (a b)", "1 ()) R 1)", "1 (\n) Z 9 (\xff)"};
	struct proc_stat stat;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(text, sizeof(text), "%s S 42" NUMBERS, names[i]);
		assert_true(proc_parse_stat(text, 100, &stat));
		assert_int_equal(stat.state, 'S');
		assert_int_equal(stat.parent, 42);
		assert_int_equal(stat.user_us, 2500000);
		assert_int_equal(stat.system_us, 500000);
		assert_int_equal(stat.threads, 4);
		assert_int_equal(stat.born_ticks, 123456);
	}
}

static void
a_text_that_ends_early_says_nothing(void **state)
{
	struct proc_stat stat = {.state = '?'};
	struct proc_run run = {.cpu_ns = 7};
	struct proc_memory memory = {.rss_bytes = 7};
	uint64_t number = 7;

	(void)state;
	assert_false(proc_parse_stat("", 100, &stat));
	assert_false(proc_parse_stat("1 (relay) S 42 77", 100, &stat));
	assert_false(proc_parse_stat("1 relay S 42" NUMBERS, 100, &stat));
	assert_false(proc_parse_run("12", &run));
	assert_false(proc_parse_statm("900 31 20 5", 4096, &memory));
	assert_false(proc_parse_pss("Rss: 12 kB\n", &number));
	assert_int_equal(stat.state, '?');
	assert_int_equal(run.cpu_ns, 7);
	assert_int_equal(memory.rss_bytes, 7);
	assert_int_equal(number, 7);
}

static void
memory_is_read_in_pages_and_kilobytes(void **state)
{
	struct proc_memory memory;
	struct proc_run run;
	uint64_t number;

	(void)state;
	assert_true(proc_parse_statm("900 31 20 5 0 40 0\n", 4096, &memory));
	assert_int_equal(memory.rss_bytes, 31 * 4096);
	assert_int_equal(memory.data_bytes, 40 * 4096);
	assert_int_equal(memory.own_bytes, 11 * 4096);
	assert_int_equal(memory.code_bytes, 5 * 4096);
	struct proc_stat stat;
	assert_true(proc_parse_stat("1 (a) S 42" NUMBERS
				    " 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 "
				    "19 42 0 0\n",
	    100, &stat));
	assert_int_equal(stat.io_wait_us, 420000);
	assert_true(proc_parse_stat("1 (a) S 42" NUMBERS, 100, &stat));
	assert_int_equal(stat.io_wait_us, 0);
	struct proc_io io;
	assert_true(proc_parse_io("rchar: 9\nwchar: 8\nsyscr: 1\nsyscw: 1\n"
				  "read_bytes: 4096\nwrite_bytes: 512\n"
				  "cancelled_write_bytes: 7\n",
	    &io));
	assert_int_equal(io.read_bytes, 4096);
	assert_int_equal(io.written_bytes, 512);
	assert_false(proc_parse_io("rchar: 9\nread_bytes: x\n", &io));
	assert_true(proc_parse_pss("5500-7fff ---p [rollup]\nRss:  900 kB\n"
				   "Pss:              120 kB\nPss_Anon: 8 kB\n",
	    &number));
	assert_int_equal(number, 120 * 1024);
	assert_true(proc_parse_run("1000 2000 3\n", &run));
	assert_int_equal(run.cpu_ns, 1000);
	assert_int_equal(run.waiting_ns, 2000);
}

static void
we_see_ourselves_by_pid_and_without(void **state)
{
	struct proc_stat self, same;
	int fd;

	(void)state;
	assert_true(proc_stat(PROC_SELF, &self));
	assert_true(proc_stat(getpid(), &same));
	assert_int_equal(self.state, 'R');
	assert_int_equal(self.parent, getppid());
	assert_int_equal(self.threads, 1);
	assert_int_equal(self.born_ticks, same.born_ticks);
	assert_true(proc_rss_bytes(PROC_SELF) > 100000);
	assert_true(proc_pss_bytes(PROC_SELF) > 10000);

	int64_t before = proc_descriptors(PROC_SELF);
	assert_true(before >= 3);
	fd = dup(1);
	assert_true(fd >= 0);
	assert_int_equal(proc_descriptors(PROC_SELF), before + 1);
	fd_close(&fd);
	assert_int_equal(proc_descriptors(PROC_SELF), before);
}

static void
nobody_has_nothing(void **state)
{
	static const int nobody[] = {0, INT_MAX};
	struct proc_stat stat;
	struct proc_run run;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_false(proc_stat(nobody[i], &stat));
		assert_false(proc_run(nobody[i], &run));
		assert_int_equal(proc_rss_bytes(nobody[i]), 0);
		assert_int_equal(proc_pss_bytes(nobody[i]), 0);
		assert_int_equal(proc_descriptors(nobody[i]), -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_process_may_call_itself_anything),
	    cmocka_unit_test(a_text_that_ends_early_says_nothing),
	    cmocka_unit_test(memory_is_read_in_pages_and_kilobytes),
	    cmocka_unit_test(we_see_ourselves_by_pid_and_without),
	    cmocka_unit_test(nobody_has_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
