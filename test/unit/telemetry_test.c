// SPDX-License-Identifier: MIT
/* telemetry_test - the catalogue of events, and how their texts are sorted. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/telemetry.h"

/* The thirty of the contract: their names never change. */
static const char *const thirty[] = {"executor.request.start",
    "executor.request.stop", "executor.request.exception", "executor.retry",
    "executor.retry.exhausted", "rate_limiter.check", "rate_limiter.exceeded",
    "rate_limiter.reset", "rate_limiter.cleanup", "hook.before.start",
    "hook.before.stop", "hook.before.exception", "hook.after.start",
    "hook.after.stop", "hook.after.exception", "worker_pool.task.start",
    "worker_pool.task.stop", "worker_pool.task.exception",
    "worker_pool.task.rejected", "worker_pool.circuit_breaker.open",
    "worker_pool.circuit_breaker.close", "config.pull.start",
    "config.pull.stop", "config.push", "config.add", "config.batch_add",
    "config.delete", "config.clear", "config.disable", "config.enable"};

static void
every_event_has_one_row_and_a_name_of_its_own(void **state)
{
	(void)state;
	for (int id = 0; id < EVENT_IDS; id++) {
		const struct telemetry_row *row = telemetry_row((enum event)id);

		if (row == NULL)
			fail_msg("%s has no row in tables/telemetry.h",
			    event_name((enum event)id));
		assert_int_equal(telemetry_find(text_of(row->name)), id);
	}
	assert_true(EVENT_IDS >= 31);
	assert_int_equal(telemetry_find(TEXT("executor")), EVENT_IDS);
	assert_null(telemetry_row(EVENT_IDS));
	assert_string_equal(telemetry_name(EVENT_IDS), "unknown");
}

static void
the_names_of_the_contract_are_there(void **state)
{
	(void)state;
	assert_int_equal(sizeof(thirty) / sizeof(thirty[0]), 30);
	for (size_t i = 0; i < sizeof(thirty) / sizeof(thirty[0]); i++)
		assert_int_not_equal(
		    telemetry_find(text_of(thirty[i])), EVENT_IDS);
}

static uint32_t
chosen(enum telemetry_by by, const char *list)
{
	struct telemetry_choice choice = {0};
	struct text wrong;
	uint32_t count = 0;

	if (telemetry_choose(&choice, by, text_of(list), &wrong) != OK)
		return 0;
	for (int id = 0; id < EVENT_IDS; id++)
		count += telemetry_has(&choice, (enum event)id);
	return count;
}

static void
events_are_chosen_by_prefix_glob_name_or_category(void **state)
{
	struct telemetry_choice choice = {0};
	struct text wrong;

	(void)state;
	assert_int_equal(chosen(TELEMETRY_BY_MATCH, "executor.request."), 4);
	assert_int_equal(chosen(TELEMETRY_BY_MATCH, "executor.r*.st*"), 2);
	assert_int_equal(chosen(TELEMETRY_BY_MATCH, "*"), EVENT_IDS);
	assert_int_equal(
	    chosen(TELEMETRY_BY_EVENT, "config.add,config.push"), 2);
	assert_int_equal(chosen(TELEMETRY_BY_CATEGORY, "rate_limiter"), 7);
	assert_int_equal(telemetry_choose(&choice, TELEMETRY_BY_EVENT,
			     TEXT("config.add,config.ad"), &wrong),
	    ERR_MISSING);
	assert_true(text_is(wrong, "config.ad"));
	assert_int_equal(
	    telemetry_choose(&choice, TELEMETRY_BY_MATCH, TEXT("x*y"), &wrong),
	    ERR_MISSING);
}

/* sorted writes the pairs as "m:key=number f:key=0 t:key=text …". */
static const char *
sorted(enum event id, const char *text)
{
	static char out[1024];
	struct text rest = text_of(text);
	struct telemetry_pair p;
	size_t len = 0;

	out[0] = '\0';
	while (telemetry_next(id, &rest, &p)) {
		const char *kind = p.is_measurement ? "m"
		    : p.type == TELEMETRY_FLAG      ? "f"
		    : p.type == TELEMETRY_NUMBER    ? "n"
						    : "t";

		len += (size_t)snprintf(out + len, sizeof(out) - len,
		    "%s%s:%.*s=%.*s", len > 0 ? " " : "", kind, TEXT_ARG(p.key),
		    TEXT_ARG(p.value));
		if (p.type != TELEMETRY_TEXT)
			len += (size_t)snprintf(out + len, sizeof(out) - len,
			    "/%lld", (long long)p.number);
	}
	return out;
}

static void
a_text_is_sorted_into_measurements_and_metadata_by_its_row(void **state)
{
	(void)state;
	assert_string_equal(
	    sorted(EVENT_request_stop,
		"duration_us=12 success=true async=false user_id=007"),
	    "m:duration_us=12/12 f:success=true/1 f:async=false/0 "
	    "t:user_id=007");
	assert_string_equal(sorted(EVENT_circuit_breaker_opened,
				"pool_name=a consecutive_failures=5"),
	    "t:pool_name=a n:consecutive_failures=5/5");
	/* not what the row says: text, and no measurement */
	assert_string_equal(
	    sorted(EVENT_request_stop, "duration_us=soon success=maybe"),
	    "t:duration_us=soon t:success=maybe");
	assert_string_equal(
	    sorted(EVENT_child_died, "child=relay pid=3 a plain word"),
	    "t:child=relay n:pid=3/3");
}

static void
a_quoted_value_cannot_forge_another_pair(void **state)
{
	struct event_word word;
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "user_id=%s success=true",
	    event_word(&word, TEXT("eve success=false\"")));
	assert_string_equal(sorted(EVENT_request_stop, text),
	    "t:user_id=eve success=false' f:success=true/1");
	assert_string_equal(event_word(&word, TEXT("")), "-");
	assert_string_equal(event_word(&word, TEXT("ann")), "ann");
	assert_string_equal(
	    event_word(&word,
		TEXT("01234567890123456789012345678901234567\xc3\xa4\xc3\xa4")),
	    "01234567890123456789012345678901234567\xc3\xa4");
	assert_string_equal(
	    event_word(
		&word, TEXT("012345678901234567890123456789012345678\xc3\xa4")),
	    "012345678901234567890123456789012345678");
	assert_string_equal(sorted(EVENT_ready, "reason=\"cut in the mid"),
	    "t:reason=cut in the mid");
	assert_string_equal(
	    sorted(EVENT_ready, "=1 a== \"b=2\" c="), "t:a== t:c=");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_event_has_one_row_and_a_name_of_its_own),
	    cmocka_unit_test(the_names_of_the_contract_are_there),
	    cmocka_unit_test(events_are_chosen_by_prefix_glob_name_or_category),
	    cmocka_unit_test(
		a_text_is_sorted_into_measurements_and_metadata_by_its_row),
	    cmocka_unit_test(a_quoted_value_cannot_forge_another_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
