// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_PACK_RIG_H
#define TEST_UNIT_PACK_RIG_H

/*
 * pack_rig - a packer and its buffer, fresh for every test.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/pack.h"

static struct buffer out;
static struct packer p;

static inline int
fresh(void **state)
{
	(void)state;
	buffer_init(&out, 1 << 20);
	pack_init(&p, &out);
	return 0;
}

static inline int
done(void **state)
{
	(void)state;
	buffer_finish(&out);
	return 0;
}

/* again starts the packer over on an empty buffer. */
static inline void
again(void)
{
	buffer_truncate(&out, 0);
	pack_init(&p, &out);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, done)

#endif /* TEST_UNIT_PACK_RIG_H */
