// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_JSON_SUITE_RIG_H
#define TEST_UNIT_JSON_SUITE_RIG_H

/*
 * json_suite_rig - judges the classes of cases of JSONTestSuite (Nicolas
 * Seriot, "Parsing JSON is a minefield"), written anew.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/json.h"

// clang-format off
#define TEXT_OF(literal) { literal, sizeof(literal) - 1 }
// clang-format on

/*
 * outcome converts, skips and converts again out of a block of exactly that
 * size; the ways must agree.
 */
static inline enum err
outcome(struct text json)
{
	char *exact = malloc(json.len + 1);
	struct buffer out;
	struct json_reader r;
	struct text raw;

	/* a block of the very size, so that ASan sees a byte too far */
	exact = realloc(exact, json.len > 0 ? json.len : 1);
	memcpy(exact, json.at, json.len);
	buffer_init(&out, 1 << 20);
	json.at = exact;
	enum err e = json_to_pack(json, &out, JSON_LIMITS, NULL);
	enum err skipped = json_open(&r, json, JSON_LIMITS);

	if (skipped == OK)
		skipped = json_skip(&r, &raw);
	if (skipped == OK)
		skipped = json_close(&r);
	assert_int_equal(e, skipped);
	if (e == OK)
		assert_int_equal(
		    pack_check(buffer_text(&out), PACK_LIMITS), OK);
	else
		assert_int_equal(buffer_used(&out), 0);
	buffer_finish(&out);
	free(exact);
	return e;
}

static inline void
all_are(const struct text *cases, size_t count, enum err wanted)
{
	for (size_t i = 0; i < count; i++) {
		enum err e = outcome(cases[i]);

		if (e != wanted)
			fail_msg("%.*s: %s", TEXT_ARG(cases[i]), err_name(e));
	}
}

#define ALL(cases, wanted) all_are(cases, COUNT_OF(cases), wanted)

#endif /* TEST_UNIT_JSON_SUITE_RIG_H */
