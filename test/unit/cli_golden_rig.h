// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_CLI_GOLDEN_RIG_H
#define TEST_UNIT_CLI_GOLDEN_RIG_H

/*
 * cli_golden_rig - a page of `banyan` held against the text it should be.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/json.h"
#include "supervisor/cli/show.h"

/* compare_golden holds a page against test/golden/cli/NAME.txt. */
static inline void
compare_golden(const char *name, const char *page)
{
	static char golden[64 << 10];
	char path[512];
	size_t bytes;
	FILE *f;

	snprintf(
	    path, sizeof(path), SOURCE_ROOT "/test/golden/cli/%s.txt", name);
	if (getenv("BANYAN_GOLDEN") != NULL) {
		f = fopen(path, "w");
		assert_non_null(f);
		fwrite(page, 1, strlen(page), f);
		fclose(f);
	}
	f = fopen(path, "r");
	assert_non_null(f);
	bytes = fread(golden, 1, sizeof(golden) - 1, f);
	golden[bytes] = '\0';
	fclose(f);
	assert_string_equal(page, golden);
}

/* check_page compares the page an answer is shown as. */
static inline enum cli_exit
check_page(const char *op, const char *name, const char *json)
{
	struct buffer bytes, page;
	struct arena arena;
	enum cli_exit code;

	arena_init(&arena);
	buffer_init(&bytes, 1 << 20);
	buffer_init(&page, 1 << 20);
	assert_int_equal(
	    json_to_pack(text_of(json), &bytes, JSON_LIMITS, NULL), OK);
	struct view view = {.out = &page, .arena = &arena};
	code = show_page_of(op)(&view, buffer_text(&bytes));
	compare_golden(name, arena_string(&arena, buffer_text(&page)));
	buffer_finish(&page);
	buffer_finish(&bytes);
	arena_finish(&arena);
	return code;
}

#endif /* TEST_UNIT_CLI_GOLDEN_RIG_H */
