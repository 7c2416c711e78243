// SPDX-License-Identifier: MIT
/* roll - whom a gateway still has, as it said. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/pack.h"
#include "workers/relay/roll.h"

static struct buffer bytes;

/* read_back gives what a gateway would have sent. */
static enum err
read_back(struct packer *p, struct roll *r)
{
	struct unpacker u;

	assert_int_equal(pack_finish(p), OK);
	unpack_init(&u, buffer_text(&bytes));
	return roll_read(r, &u);
}

static void
pack_client(struct packer *p, uint64_t client, uint32_t channel, uint32_t count)
{
	pack_array(p, 2);
	pack_u64(p, client);
	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_u64(p, channel + i);
}

static void
clients_and_their_channels_are_found_in_any_order(void **state)
{
	struct roll r;
	struct packer p;

	(void)state;
	buffer_init(&bytes, 1 << 16);
	pack_init(&p, &bytes);
	pack_array(&p, 3);
	pack_client(&p, UINT64_MAX, 4, 2);
	pack_client(&p, 3, 1, 0);
	pack_client(&p, 9, 1, 1);
	assert_int_equal(read_back(&p, &r), OK);
	assert_true(roll_has_client(&r, 3));
	assert_false(roll_has(&r, 3, 1));
	assert_true(roll_has(&r, UINT64_MAX, 4));
	assert_true(roll_has(&r, UINT64_MAX, 5));
	assert_false(roll_has(&r, UINT64_MAX, 1)); /* that is client 9's */
	assert_true(roll_has(&r, 9, 1));
	assert_false(roll_has_client(&r, 4));
	assert_false(roll_has(&r, 4, 1));
	roll_finish(&r);
	assert_false(roll_has_client(&r, 3));
	buffer_finish(&bytes);
}

static void
a_client_without_a_list_is_there_with_any_channel(void **state)
{
	struct roll r;
	struct packer p;

	(void)state;
	buffer_init(&bytes, 1 << 16);
	pack_init(&p, &bytes);
	pack_array(&p, 2);
	pack_u64(&p, 7);
	pack_client(&p, 5, 2, 1);
	assert_int_equal(read_back(&p, &r), OK);
	assert_true(roll_has(&r, 7, 1));
	assert_true(roll_has(&r, 7, 100));
	assert_false(roll_has(&r, 5, 1));
	roll_finish(&r);
	buffer_finish(&bytes);
}

static void
what_is_no_roll_is_refused_and_leaves_nothing(void **state)
{
	static const char *const wrong[] = {
	    "\x80",                              /* a map */
	    "\x91\xa1x",                         /* a client that is a text */
	    "\x91\x91\x01",                      /* one of one */
	    "\x91\x93\x01\x90\x90",              /* one of three */
	    "\x91\x92\x01\x02",                  /* channels that are none */
	    "\x91\x92\x01\x91\xa1x", "\x91\xff", /* less than nobody */
	    "\x92\x01",                          /* it ends early */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct unpacker u;
		struct roll r;

		unpack_init(&u, text_of(wrong[i]));
		assert_int_not_equal(roll_read(&r, &u), OK);
		assert_int_equal(r.count, 0);
		roll_finish(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(clients_and_their_channels_are_found_in_any_order),
	    cmocka_unit_test(a_client_without_a_list_is_there_with_any_channel),
	    cmocka_unit_test(what_is_no_roll_is_refused_and_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
