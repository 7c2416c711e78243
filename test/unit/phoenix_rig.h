// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_PHOENIX_RIG_H
#define TEST_UNIT_PHOENIX_RIG_H

/*
 * phoenix_rig - an arena, two buffers, and the frame in one of them.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "workers/gateway/phoenix.h"

static struct arena arena;
static struct buffer out;
static struct buffer args;

static inline int
fresh(void **state)
{
	(void)state;
	arena_init(&arena);
	buffer_init(&out, 1 << 20);
	buffer_init(&args, 1 << 20);
	return 0;
}

static inline int
done(void **state)
{
	(void)state;
	arena_finish(&arena);
	buffer_finish(&out);
	buffer_finish(&args);
	return 0;
}

/* payload_of gives what the frame in `out` carries behind its head. */
static inline const char *
payload_of(void)
{
	static char text[4096];
	const char *at = (const char *)buffer_at(&out);
	size_t size = buffer_used(&out);
	size_t head = (at[1] & 0x7f) < 126 ? 2 : 4;

	memcpy(text, at + head, size - head);
	text[size - head] = '\0';
	return text;
}

#define T(name) cmocka_unit_test_setup_teardown(name, fresh, done)

#endif /* TEST_UNIT_PHOENIX_RIG_H */
