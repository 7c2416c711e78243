// SPDX-License-Identifier: MIT
/* checkup: five checks, and the worst of them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/base/err.h"
#include "workers/monitor/checkup.h"

static const struct checkup_facts fine = {.supervisor_is_alive = true,
    .config_is_read = true,
    .config_is_valid = true,
    .config_problem = "",
    .memory_percent = 40,
    .process_percent = 1,
    .warning_percent = 75,
    .error_percent = 90,
    .children = 8,
    .children_alive = 8,
    .gateways_alive = 1,
    .relay_is_alive = true};

static void
five_checks_have_their_names_in_order(void **state)
{
	static const char *const names[] = {"System Processes", "Configuration",
	    "Resource Usage", "Supervision Tree", "Subscription Health"};
	struct checkup c;

	(void)state;
	checkup_run(&fine, &c);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_string_equal(c.results[i].name, names[i]);
		assert_int_equal(c.results[i].level, CHECKUP_OK);
	}
	assert_string_equal(checkup_status(&c), "healthy");
}

static void
the_worst_check_is_the_status(void **state)
{
	struct checkup_facts f = fine;
	struct checkup c;

	(void)state;
	f.children_alive = 7;
	checkup_run(&f, &c);
	assert_string_equal(c.results[3].text, "7 of 8 alive");
	assert_string_equal(checkup_status(&c), "degraded");
	f.config_is_valid = false;
	f.config_problem = "a.yaml:1:1: no";
	checkup_run(&f, &c);
	assert_non_null(strstr(c.results[1].text, "a.yaml:1:1: no"));
	assert_string_equal(checkup_status(&c), "unhealthy");
	assert_int_equal(c.errors, 1);
	assert_int_equal(c.warnings, 1);
}

static void
thresholds_of_resources_are_crossed_not_touched(void **state)
{
	static const struct {
		double memory, processes;
		enum checkup_level level;
	} cases[] = {{75, 0, CHECKUP_OK}, {75.1, 0, CHECKUP_WARNING},
	    {0, 75.1, CHECKUP_WARNING}, {90, 0, CHECKUP_WARNING},
	    {90.1, 0, CHECKUP_ERROR}};
	struct checkup c;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct checkup_facts f = fine;

		f.memory_percent = cases[i].memory;
		f.process_percent = cases[i].processes;
		checkup_run(&f, &c);
		assert_int_equal(c.results[2].level, cases[i].level);
	}
}

static void
who_supervises_and_who_listens_must_be_there(void **state)
{
	struct checkup_facts f = fine;
	struct checkup c;

	(void)state;
	f.supervisor_is_alive = false;
	checkup_run(&f, &c);
	assert_int_equal(c.results[0].level, CHECKUP_ERROR);
	f = fine;
	f.gateways_alive = 0;
	checkup_run(&f, &c);
	assert_int_equal(c.results[0].level, CHECKUP_ERROR);
	f = fine;
	f.relay_is_alive = false;
	checkup_run(&f, &c);
	assert_int_equal(c.results[4].level, CHECKUP_WARNING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(five_checks_have_their_names_in_order),
	    cmocka_unit_test(the_worst_check_is_the_status),
	    cmocka_unit_test(thresholds_of_resources_are_crossed_not_touched),
	    cmocka_unit_test(who_supervises_and_who_listens_must_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
