// SPDX-License-Identifier: MIT
/* JSON both ways, at random. */

#include "test/unit/json_rig.h"

static uint64_t seed = 7;

static uint64_t
dice(uint64_t sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % sides;
}

static void
floats_read_back_the_same_and_are_as_short_as_can_be(void **state)
{
	(void)state;
	for (int round = 0; round < 200000; round++) {
		double value, back, shorter;
		uint64_t bits = dice(UINT64_MAX);
		char text[64], less[64];

		memcpy(&value, &bits, sizeof value);
		if (round % 2 == 0) /* a decimal such as people write */
			value = (double)(int64_t)dice(1000000000) /
			    (double)(1 + 99999 * dice(2));
		if (!isfinite(value))
			continue;
		buffer_truncate(&written, 0);
		assert_int_equal(json_put_f64(&written, value), OK);
		struct text t = buffer_text(&written);

		assert_int_equal(text_copy(t, text, sizeof text), OK);
		back = strtod(text, NULL);
		assert_memory_equal(&back, &value, sizeof back);
		assert_non_null(strchr(text, '.'));
		/* one digit less must not do */
		int digits = 0;

		for (int p = 1; p <= 17 && digits == 0; p++) {
			snprintf(less, sizeof less, "%.*e", p - 1, value);
			shorter = strtod(less, NULL);
			if (shorter == value)
				digits = p;
		}
		int written_digits = 0;
		bool is_leading = true;

		for (char *at = text; *at != '\0' && *at != 'e'; at++) {
			is_leading = is_leading &&
			    (*at == '0' || *at == '.' || *at == '-');
			written_digits += !is_leading && *at != '.';
		}
		while (written_digits > digits) { /* zeros that hold places */
			assert_true(
			    value == floor(value) || strchr(text, 'e') != NULL);
			written_digits--;
		}
	}
}

static void
numbers_are_rounded_as_the_c_library_rounds_them(void **state)
{
	char text[64];

	(void)state;
	for (int round = 0; round < 100000; round++) {
		struct unpacker u;
		double value;

		snprintf(text, sizeof text, "%llu.%llue%d",
		    (unsigned long long)dice(UINT64_MAX) >> dice(64),
		    (unsigned long long)dice(UINT64_MAX) >> dice(64),
		    (int)dice(60) - 30);
		buffer_truncate(&packed, 0);
		assert_int_equal(
		    json_to_pack(text_of(text), &packed, JSON_LIMITS, NULL),
		    OK);
		unpack_init(&u, buffer_text(&packed));
		assert_int_equal(unpack_f64(&u, &value), OK);
		assert_true(value == strtod(text, NULL));
	}
}

/* random_json packs a random value of what JSON can say. */
static void
random_value(struct packer *p, int depth)
{
	uint32_t n = (uint32_t)dice(20);
	double value = (double)(int64_t)dice(UINT64_MAX) / 1e6;
	char bytes[20];

	for (uint32_t i = 0; i < n; i++)
		bytes[i] = (char)dice(128);
	switch (dice(depth > 0 ? 8 : 6)) {
	case 0:
		pack_nil(p);
		break;
	case 1:
		pack_bool(p, dice(2) == 1);
		break;
	case 2:
		pack_u64(p, dice(UINT64_MAX) >> dice(64));
		break;
	case 3:
		pack_i64(p, -(int64_t)(dice(UINT64_MAX) >> (1 + dice(63))));
		break;
	case 4:
		pack_f64(p, value);
		break;
	case 5:
		pack_text(p, (struct text){bytes, n});
		break;
	case 6:
		pack_array(p, n);
		for (; n > 0; n--)
			random_value(p, depth - 1);
		break;
	default:
		pack_map(p, n);
		for (; n > 0; n--) {
			char key[16];

			snprintf(key, sizeof key, "%u\n", n);
			pack_string(p, key);
			random_value(p, depth - 1);
		}
		break;
	}
}

static void
random_values_come_back_from_json_as_the_same_bytes(void **state)
{
	struct buffer first;
	struct packer p;

	(void)state;
	buffer_init(&first, 4 << 20);
	for (int round = 0; round < 3000; round++) {
		buffer_truncate(&first, 0);
		pack_init(&p, &first);
		random_value(&p, 3);
		assert_int_equal(pack_finish(&p), OK);
		assert_int_equal(to_json(buffer_text(&first)), OK);
		assert_int_equal(to_pack(buffer_text(&written)), OK);
		assert_true(text_eq(buffer_text(&first), buffer_text(&packed)));
	}
	buffer_finish(&first);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, done)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(floats_read_back_the_same_and_are_as_short_as_can_be),
	    CASE(numbers_are_rounded_as_the_c_library_rounds_them),
	    CASE(random_values_come_back_from_json_as_the_same_bytes),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
