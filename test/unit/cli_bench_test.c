// SPDX-License-Identifier: MIT
/* bench: what becomes of the times and errors of many calls. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "protocol/pack.h"
#include "protocol/unpack.h"
#include "supervisor/cli/bench.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/show.h"

static struct buffer out;

static struct text
told(struct bench *b)
{
	struct packer p;

	buffer_truncate(&out, 0);
	pack_init(&p, &out);
	bench_pack(b, &p);
	assert_int_equal(pack_finish(&p), OK);
	return buffer_text(&out);
}

/* what show.c wants of the program around it; nothing here complains */
void
cli_complain(const char *hint, const char *fmt, ...)
{
	(void)hint;
	fail_msg("a complaint: %s", fmt);
}

static int
micros(struct text map, const char *key)
{
	return (int)(show_f64(map, key) * 1000 + 0.5);
}

static void
times_are_told_in_order(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		bench_add(&b, (1000 - i) * 1000, TEXT(""));
	b.elapsed_ns = 500000000;
	struct text all = told(&b);
	struct text ms = show_map(all, "latency_ms");
	assert_int_equal(show_u64(all, "calls"), 1000);
	assert_int_equal(show_u64(all, "succeeded"), 1000);
	assert_int_equal(micros(all, "total_ms"), 500000);
	assert_int_equal(micros(all, "per_second"), 2000000);
	assert_int_equal(micros(ms, "min"), 1);
	assert_int_equal(micros(ms, "p50"), 500);
	assert_int_equal(micros(ms, "p99"), 990);
	assert_int_equal(micros(ms, "p999"), 999);
	assert_int_equal(micros(ms, "max"), 1000);
	assert_int_equal(micros(ms, "average"), 501);
	bench_finish(&b);
}

static void
errors_are_counted_by_class(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 5);
	bench_add(&b, 7000, TEXT("denied"));
	bench_add(&b, 7000, TEXT("rate_limited"));
	bench_add(&b, 7000, TEXT("denied"));
	bench_lose(&b, TEXT("timeout"));
	struct text all = told(&b);
	struct text errors = show_map(all, "errors");
	assert_int_equal(show_u64(all, "asked"), 5);
	assert_int_equal(show_u64(all, "calls"), 4);
	assert_int_equal(show_u64(all, "failed"), 4);
	assert_int_equal(show_u64(errors, "denied"), 2);
	assert_int_equal(show_u64(errors, "timeout"), 1);
	assert_int_equal(micros(show_map(all, "latency_ms"), "max"), 7);
	bench_finish(&b);
}

static void
nothing_made_is_no_division(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 3);
	struct text all = told(&b);
	assert_int_equal(show_u64(all, "calls"), 0);
	assert_int_equal(micros(show_map(all, "latency_ms"), "max"), 0);
	bench_finish(&b);
}

static void
more_classes_than_there_is_room_for_are_other(void **state)
{
	struct bench b;
	char name[16];

	(void)state;
	bench_init(&b, 100);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "class_%d", i);
		bench_lose(&b, text_of(name));
	}
	assert_int_equal(show_u64(show_map(told(&b), "errors"), "other"),
	    100 - BENCH_CLASSES);
	bench_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_are_told_in_order),
	    cmocka_unit_test(errors_are_counted_by_class),
	    cmocka_unit_test(nothing_made_is_no_division),
	    cmocka_unit_test(more_classes_than_there_is_room_for_are_other),
	};

	buffer_init(&out, 1 << 16);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	buffer_finish(&out);
	return failed;
}
