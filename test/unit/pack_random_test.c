// SPDX-License-Identifier: MIT
#include "test/unit/pack_rig.h"

#include <msgpack.h>

static uint64_t seed = 42;

static uint64_t
dice(uint64_t sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % sides;
}

/* random_value packs one; with msgpack-c too, which serves as the oracle. */
static void
random_value(msgpack_packer *oracle, int depth)
{
	uint32_t n = (uint32_t)dice(20);
	uint64_t bits = dice(UINT64_MAX) >> dice(64);
	char bytes[400];

	memset(bytes, 'x', sizeof bytes);
	switch (dice(depth > 0 ? 9 : 7)) {
	case 0:
		pack_nil(&p);
		msgpack_pack_nil(oracle);
		break;
	case 1:
		pack_bool(&p, true);
		msgpack_pack_true(oracle);
		break;
	case 2:
		pack_u64(&p, bits);
		msgpack_pack_uint64(oracle, bits);
		break;
	case 3:
		pack_i64(&p, -(int64_t)(bits >> 1));
		msgpack_pack_int64(oracle, -(int64_t)(bits >> 1));
		break;
	case 4:
		pack_f64(&p, (double)bits / 3);
		msgpack_pack_double(oracle, (double)bits / 3);
		break;
	case 5:
		n *= n;
		pack_text(&p, (struct text){bytes, n});
		msgpack_pack_str(oracle, n);
		msgpack_pack_str_body(oracle, bytes, n);
		break;
	case 6:
		n *= n;
		pack_bin(&p, (struct text){bytes, n});
		msgpack_pack_bin(oracle, n);
		msgpack_pack_bin_body(oracle, bytes, n);
		break;
	case 7:
		pack_array(&p, n);
		msgpack_pack_array(oracle, n);
		for (; n > 0; n--)
			random_value(oracle, depth - 1);
		break;
	default:
		pack_map(&p, n);
		msgpack_pack_map(oracle, n);
		for (n *= 2; n > 0; n--)
			random_value(oracle, depth - 1);
		break;
	}
}

static void
the_reference_library_writes_the_same_bytes(void **state)
{
	msgpack_sbuffer bytes;
	msgpack_packer oracle;

	(void)state;
	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&oracle, &bytes, msgpack_sbuffer_write);
	for (int round = 0; round < 3000; round++) {
		again();
		msgpack_sbuffer_clear(&bytes);
		random_value(&oracle, 3);
		struct text theirs = {bytes.data, (uint32_t)bytes.size};

		assert_int_equal(pack_finish(&p), OK);
		assert_true(text_eq(buffer_text(&out), theirs));
		assert_int_equal(pack_check(theirs, PACK_LIMITS), OK);
	}
	msgpack_sbuffer_destroy(&bytes);
}

static void
a_message_cut_anywhere_is_malformed_and_read_only_within_its_bytes(void **state)
{
	msgpack_sbuffer bytes;
	msgpack_packer oracle;

	(void)state;
	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&oracle, &bytes, msgpack_sbuffer_write);
	for (int round = 0; round < 60; round++) {
		again();
		random_value(&oracle, 2);
		for (uint32_t cut = 0; cut < buffer_used(&out); cut++) {
			/* its own block, so that ASan sees a step too far */
			char *exact = malloc(cut + 1);
			struct text part = {exact, cut};

			memcpy(exact, buffer_at(&out), cut);
			exact = realloc(exact, cut > 0 ? cut : 1);
			part.at = exact;
			assert_int_equal(
			    pack_check(part, PACK_LIMITS), ERR_MALFORMED);
			free(exact);
		}
	}
	msgpack_sbuffer_destroy(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(the_reference_library_writes_the_same_bytes),
	    CASE(
		a_message_cut_anywhere_is_malformed_and_read_only_within_its_bytes),
	};

	return cmocka_run_group_tests_name("pack_random", tests, NULL, NULL);
}
