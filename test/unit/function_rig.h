// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_FUNCTION_RIG_H
#define TEST_UNIT_FUNCTION_RIG_H

/*
 * function_rig - functions in our notation, read and judged.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "protocol/function.h"
#include "protocol/function_rules.h"
#include "test/unit/notation.h"

static struct arena arena;
static const struct function_rules no_rules;

static inline int
start(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static inline int
finish(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

static inline struct function
read_one(const char *notation)
{
	struct function f;

	assert_int_equal(
	    function_read(pack_notation(&arena, notation), &arena, &f), OK);
	return f;
}

static inline struct problems
judge(const char *notation)
{
	struct function f = read_one(notation);
	struct problems p = {.count = 0};

	function_check_all(&f, &no_rules, &arena, &p);
	return p;
}

static inline void
assert_problem(const struct problems *p, uint32_t i, const char *text)
{
	assert_true(i < p->count);
	if (!text_is(p->at[i], text))
		fail_msg("%u: '%.*s', not '%s'", i, TEXT_ARG(p->at[i]), text);
}

/* The five fields that have no default, and whatever a test adds. */
#define GOOD(more) \
	"{'request_type':'get_user','service':'user_service'," \
	"'nodes':['app@host'],'mfa':{'module':'MyApp.Api'," \
	"'function':'get_user','args':[]} " more "}"

/* One value per row: refused with the text, or accepted when it is NULL. */
struct row {
	const char *more;
	const char *text;
};

static inline void
assert_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char notation[1024];
		struct problems p;

		snprintf(notation, sizeof(notation),
		    "{'request_type':'f','service':'s','nodes':['n'],"
		    "'mfa':{'module':'M','function':'f'},%s}",
		    rows[i].more);
		p = judge(notation);
		if (rows[i].text == NULL && p.count > 0)
			fail_msg("%s: %.*s", rows[i].more, TEXT_ARG(p.at[0]));
		if (rows[i].text != NULL)
			assert_problem(&p, 0, rows[i].text);
	}
}

#endif /* TEST_UNIT_FUNCTION_RIG_H */
