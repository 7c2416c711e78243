// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_JSON_RIG_H
#define TEST_UNIT_JSON_RIG_H

/*
 * json_rig - JSON made of bytes and bytes of JSON, in blocks of exactly that
 * size.
 */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/json.h"

static struct buffer packed, written;
static struct arena arena;

static inline int
fresh(void **state)
{
	(void)state;
	buffer_init(&packed, 4 << 20);
	buffer_init(&written, 8 << 20);
	arena_init(&arena);
	return 0;
}

static inline int
done(void **state)
{
	(void)state;
	buffer_finish(&packed);
	buffer_finish(&written);
	arena_finish(&arena);
	return 0;
}

/* to_pack converts from a block of exactly that size: ASan sees one more. */
static inline enum err
to_pack(struct text json)
{
	char *exact = malloc(json.len > 0 ? json.len : 1);
	struct text t = {exact, json.len};

	if (json.len > 0)
		memcpy(exact, json.at, json.len);
	buffer_truncate(&packed, 0);
	enum err e = json_to_pack(t, &packed, JSON_LIMITS, NULL);
	free(exact);
	return e;
}

static inline enum err
to_json(struct text span)
{
	buffer_truncate(&written, 0);
	return pack_to_json(span, &written, NULL);
}

static inline const char *
hex_of(struct text t)
{
	char *hex = arena_alloc(&arena, 2 * (size_t)t.len + 1);

	for (uint32_t i = 0; i < t.len; i++)
		snprintf(hex + 2 * i, 3, "%02x", (uint8_t)t.at[i]);
	return hex;
}

static inline struct text
bytes_of(const char *hex)
{
	struct text t = {.len = (uint32_t)strlen(hex) / 2};
	char *at = arena_alloc(&arena, t.len + 1);

	for (uint32_t i = 0; i < t.len; i++) {
		char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		at[i] = (char)strtol(pair, NULL, 16);
	}
	t.at = at;
	return t;
}

static inline void
becomes_bytes(const char *json, const char *hex)
{
	enum err e = to_pack(text_of(json));

	if (e != OK)
		fail_msg("%s: %s", json, err_name(e));
	if (strcmp(hex_of(buffer_text(&packed)), hex) != 0)
		fail_msg("%s: %s", json, hex_of(buffer_text(&packed)));
	assert_int_equal(pack_check(buffer_text(&packed), PACK_LIMITS), OK);
}

static inline void
becomes_json(const char *hex, const char *json)
{
	enum err e = to_json(bytes_of(hex));

	if (e != OK)
		fail_msg("%s: %s", hex, err_name(e));
	if (!text_is(buffer_text(&written), json))
		fail_msg("%s: %.*s", hex, TEXT_ARG(buffer_text(&written)));
}

static inline void
is_refused(const char *json, const char *error)
{
	enum err e = to_pack(text_of(json));

	if (strcmp(err_name(e), error) != 0)
		fail_msg("%s: %s", json, err_name(e));
	assert_int_equal(buffer_used(&packed), 0);
}

static inline void
bytes_are_refused(const char *hex, const char *error)
{
	enum err e = to_json(bytes_of(hex));

	if (strcmp(err_name(e), error) != 0)
		fail_msg("%s: %s", hex, err_name(e));
	assert_int_equal(buffer_used(&written), 0);
}

#endif /* TEST_UNIT_JSON_RIG_H */
