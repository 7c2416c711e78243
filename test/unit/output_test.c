// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "workers/worker_pool/output.h"

struct heard {
	char text[4096];
	int lines;
	uint64_t repeated, dropped;
};

static void
hear(void *ctx, enum output_kind kind, struct text text, uint64_t count)
{
	struct heard *h = ctx;
	size_t used = strlen(h->text);

	h->lines += kind == OUTPUT_SAID;
	h->repeated += kind == OUTPUT_REPEATED ? count : 0;
	h->dropped += kind == OUTPUT_DROPPED ? count : 0;
	if (kind == OUTPUT_SAID)
		snprintf(h->text + used, sizeof(h->text) - used, "%.*s|",
		    TEXT_ARG(text));
}

static void
feed(struct output *o, const char *text, uint64_t now_ms)
{
	output_feed(o, text, strlen(text), now_ms);
}

static void
lines_arrive_whole_however_they_are_chopped(void **state)
{
	struct heard h = {0};
	struct output o;

	(void)state;
	output_init(&o, hear, &h, 0);
	feed(&o, "one\ntw", 0);
	feed(&o, "o\r\n\nthree", 0);
	assert_string_equal(h.text, "one|two|");
	output_end(&o, 0);
	assert_string_equal(h.text, "one|two|three|");
}

static void
a_line_cannot_forge_another(void **state)
{
	struct heard h = {0};
	struct output o;

	(void)state;
	output_init(&o, hear, &h, 0);
	feed(&o, "a\" level=fatal\x1b[31m\t\x7f.\n", 0);
	assert_string_equal(h.text, "a' level=fatal [31m  .|");
}

static void
a_long_line_is_cut_and_the_next_one_is_whole(void **state)
{
	struct heard h = {0};
	struct output o;
	static char longer[10000];

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	output_init(&o, hear, &h, 0);
	feed(&o, longer, 0);
	feed(&o, "\nshort\n", 0);
	assert_int_equal(h.lines, 2);
	assert_int_equal(strlen(h.text), OUTPUT_LINE + 1 + 6);
	assert_string_equal(h.text + OUTPUT_LINE, "|short|");
}

static void
what_is_said_again_is_counted_not_said(void **state)
{
	struct heard h = {0};
	struct output o;

	(void)state;
	output_init(&o, hear, &h, 0);
	for (int i = 0; i < 1000; i++)
		feed(&o, "no database\n", 0);
	assert_int_equal(h.lines, 1);
	feed(&o, "good bye\n", 0);
	assert_int_equal(h.lines, 2);
	assert_int_equal(h.repeated, 999);
}

static void
a_flood_is_dropped_and_counted_and_ends_with_time(void **state)
{
	struct heard h = {0};
	struct output o;
	char line[32];

	(void)state;
	output_init(&o, hear, &h, 1000);
	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "%d\n", i);
		feed(&o, line, 1000);
		h.text[0] = '\0';
	}
	assert_int_equal(h.lines, OUTPUT_BURST);
	feed(&o, "later\n", 2000);
	assert_string_equal(h.text, "later|");
	assert_int_equal(h.dropped, 1000 - OUTPUT_BURST);
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "%d\n", i);
		feed(&o, line, 2000);
	}
	assert_int_equal(h.lines, OUTPUT_BURST + OUTPUT_PER_SECOND);
	output_end(&o, 2000);
	assert_int_equal(
	    h.dropped, 1000 - OUTPUT_BURST + 100 - (OUTPUT_PER_SECOND - 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_arrive_whole_however_they_are_chopped),
	    cmocka_unit_test(a_line_cannot_forge_another),
	    cmocka_unit_test(a_long_line_is_cut_and_the_next_one_is_whole),
	    cmocka_unit_test(what_is_said_again_is_counted_not_said),
	    cmocka_unit_test(a_flood_is_dropped_and_counted_and_ends_with_time),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
