// SPDX-License-Identifier: MIT
/* machine - what the kernel says of processors, memory and network. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "workers/monitor/machine.h"

static void
time_of_processors_is_busy_or_idle(void **state)
{
	struct machine_ticks t = {1, 2};

	(void)state;
	assert_int_equal(
	    machine_parse_stat(
		TEXT("cpu  10 20 30 400 50 6 7 8 9 9\ncpu0 1"), &t),
	    OK);
	assert_int_equal(t.busy, 81);
	assert_int_equal(t.all, 531);
	assert_int_equal(
	    machine_parse_stat(TEXT("btime 5\n"), &t), ERR_MALFORMED);
	assert_int_equal(machine_parse_stat(TEXT(""), &t), ERR_MALFORMED);
	assert_int_equal(t.busy, 81);
}

static void
memory_in_use_is_what_is_not_available(void **state)
{
	uint64_t total = 0, used = 0;

	(void)state;
	assert_int_equal(
	    machine_parse_memory(TEXT("MemTotal:  1000 kB\nMemFree: 5 kB\n"
				      "MemAvailable:  400 kB\n"),
		&total, &used),
	    OK);
	assert_int_equal(total, 1024000);
	assert_int_equal(used, 614400);
	assert_int_equal(
	    machine_parse_memory(TEXT("MemFree: 5 kB\n"), &total, &used),
	    ERR_MALFORMED);
}

static void
bytes_of_all_interfaces_but_lo_count(void **state)
{
	(void)state;
	assert_int_equal(machine_parse_network(TEXT(
			     "Inter-|   Receive\n face |bytes packets\n"
			     "    lo: 900 1 0 0 0 0 0 0 900 1 0 0 0 0 0 0\n"
			     "  eth0: 100 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\n"
			     " wlan0:7 1 0 0 0 0 0 0 3 1 0 0 0 0 0 0\n")),
	    130);
	assert_int_equal(machine_parse_network(TEXT("")), 0);
}

static void
a_share_never_passes_a_hundred(void **state)
{
	(void)state;
	assert_true(machine_percent(1, 0) == 0);
	assert_true(machine_percent(1, 4) == 25);
	assert_true(machine_percent(5, 4) == 100);
}

static void
this_machine_has_processors_memory_and_a_disk(void **state)
{
	struct machine m = {.at_ms = 0};
	double load[3];

	(void)state;
	machine_look(&m, "/tmp", 1000);
	assert_true(m.cores > 0);
	assert_true(m.memory_total > m.memory_used);
	assert_true(m.disk_total >= m.disk_used && m.disk_total > 0);
	assert_true(m.network_capacity > 0);
	machine_look(&m, "/nowhere/at/all", 2000);
	assert_true(m.cpu_percent >= 0 && m.cpu_percent <= 100);
	assert_true(m.disk_total > 0); /* as it was */
	assert_int_equal(
	    machine_parse_load(TEXT("0.5 1.25 2 1/300 7\n"), load), OK);
	assert_true(load[0] == 0.5 && load[2] == 2);
	assert_int_equal(machine_parse_load(TEXT("x"), load), ERR_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(time_of_processors_is_busy_or_idle),
	    cmocka_unit_test(memory_in_use_is_what_is_not_available),
	    cmocka_unit_test(bytes_of_all_interfaces_but_lo_count),
	    cmocka_unit_test(a_share_never_passes_a_hundred),
	    cmocka_unit_test(this_machine_has_processors_memory_and_a_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
