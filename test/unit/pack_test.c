// SPDX-License-Identifier: MIT
#include "test/unit/pack_rig.h"

#include <stdio.h>

static void
wrote(const char *hex)
{
	char got[128];
	size_t at = 0;

	assert_int_equal(pack_finish(&p), OK);
	for (size_t i = 0; i < buffer_used(&out) && at < sizeof got - 2; i++)
		at += (size_t)snprintf(
		    got + at, sizeof got - at, "%02x", buffer_at(&out)[i]);
	got[at] = '\0';
	assert_string_equal(got, hex);
	again();
}

static void
integers_take_their_shortest_form(void **state)
{
	static const struct {
		uint64_t value;
		const char *hex;
	} up[] = {
	    {0, "00"},
	    {127, "7f"},
	    {128, "cc80"},
	    {255, "ccff"},
	    {256, "cd0100"},
	    {65535, "cdffff"},
	    {65536, "ce00010000"},
	    {UINT32_MAX, "ceffffffff"},
	    {1ull << 32, "cf0000000100000000"},
	    {UINT64_MAX, "cfffffffffffffffff"},
	};
	static const struct {
		int64_t value;
		const char *hex;
	} down[] = {
	    {5, "05"},
	    {200, "ccc8"},
	    {-1, "ff"},
	    {-32, "e0"},
	    {-33, "d0df"},
	    {-128, "d080"},
	    {-129, "d1ff7f"},
	    {-32768, "d18000"},
	    {-32769, "d2ffff7fff"},
	    {INT32_MIN, "d280000000"},
	    {INT32_MIN - 1ll, "d3ffffffff7fffffff"},
	    {INT64_MIN, "d38000000000000000"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(up); i++) {
		pack_u64(&p, up[i].value);
		wrote(up[i].hex);
	}
	for (size_t i = 0; i < COUNT_OF(down); i++) {
		pack_i64(&p, down[i].value);
		wrote(down[i].hex);
	}
}

static void
other_values_have_the_bytes_of_the_specification(void **state)
{
	(void)state;
	pack_nil(&p);
	pack_bool(&p, true);
	pack_bool(&p, false);
	wrote("c0c3c2");
	pack_f64(&p, 1.5);
	wrote("cb3ff8000000000000");
	pack_string(&p, "abc");
	pack_bin(&p, TEXT("\x01\x02"));
	wrote("a3616263c4020102");
	pack_ext(&p, 7, TEXT("xy"));
	pack_ext(&p, -2, TEXT("xyz"));
	wrote("d5077879c703fe78797a");
	pack_timestamp(&p, 1, 0);
	wrote("d6ff00000001");
	pack_timestamp(&p, 1, 1);
	wrote("d7ff0000000400000001");
	pack_timestamp(&p, -1, 0);
	wrote("c70cff00000000ffffffffffffffff");
}

static void
a_container_closed_late_has_the_same_bytes_as_one_counted_first(void **state)
{
	static const uint32_t counts[] = {0, 1, 15, 16, 300, 65536};
	struct buffer late;
	struct packer q;

	(void)state;
	buffer_init(&late, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		uint32_t n = counts[i];

		again();
		buffer_truncate(&late, 0);
		pack_init(&q, &late);
		pack_map(&p, n);
		size_t place = pack_open(&q);
		for (uint32_t k = 0; k < 2 * n; k++) {
			pack_u64(&p, k);
			pack_u64(&q, k);
		}
		pack_close_map(&q, place, n);
		pack_array(&p, n);
		place = pack_open(&q);
		for (uint32_t k = 0; k < n; k++) {
			pack_nil(&p);
			pack_nil(&q);
		}
		pack_close_array(&q, place, n);
		assert_int_equal(pack_finish(&p), OK);
		assert_int_equal(pack_finish(&q), OK);
		assert_true(text_eq(buffer_text(&out), buffer_text(&late)));
	}
	buffer_finish(&late);
}

static void
a_full_buffer_is_reported_once_at_the_end(void **state)
{
	struct buffer small;
	struct packer q;

	(void)state;
	buffer_init(&small, 4);
	pack_init(&q, &small);
	pack_string(&q, "abc");
	assert_int_equal(pack_finish(&q), OK);
	pack_u64(&q, 1);
	pack_string(&q, "more");
	pack_array(&q, 70000);
	assert_int_equal(pack_finish(&q), ERR_FULL);
	assert_int_equal(buffer_used(&small), 4);
	buffer_finish(&small);
}

static void
texts_of_every_width_come_back(void **state)
{
	static const uint32_t lengths[] = {
	    0, 1, 31, 32, 255, 256, 65535, 65536, 300000};
	char *bytes = calloc(1, 300000);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		struct text in = {bytes, lengths[i]}, t, b;
		struct unpacker u;

		again();
		memset(bytes, 'a' + (int)i, lengths[i]);
		pack_text(&p, in);
		pack_bin(&p, in);
		unpack_init(&u, buffer_text(&out));
		assert_int_equal(unpack_text(&u, &t), OK);
		assert_int_equal(unpack_bin(&u, &b), OK);
		assert_true(unpack_is_done(&u));
		assert_true(text_eq(t, in) && text_eq(b, in));
	}
	free(bytes);
}

static void
an_integer_is_read_in_whatever_width_it_came(void **state)
{
	struct unpacker u;
	uint64_t big;
	int64_t i;
	uint32_t small;

	(void)state;
	unpack_init(&u, TEXT("\xcf\0\0\0\0\0\0\0\x05"));
	assert_int_equal(unpack_u32(&u, &small), OK);
	assert_int_equal(small, 5);
	unpack_init(&u, TEXT("\xd3\0\0\0\0\0\0\0\x05"));
	assert_int_equal(unpack_u64(&u, &big), OK);
	assert_int_equal(big, 5);
	unpack_init(&u, TEXT("\xd0\x80"));
	assert_int_equal(unpack_i64(&u, &i), OK);
	assert_int_equal(i, -128);
	unpack_init(&u, TEXT("\xe0"));
	assert_int_equal(unpack_i64(&u, &i), OK);
	assert_int_equal(i, -32);
}

static void
an_integer_that_does_not_fit_is_a_range_error_and_moves_nothing(void **state)
{
	struct unpacker u;
	uint64_t big;
	int64_t i;
	uint32_t small;

	(void)state;
	unpack_init(&u, TEXT("\xff"));
	assert_int_equal(unpack_u64(&u, &big), ERR_RANGE);
	assert_int_equal(unpack_u32(&u, &small), ERR_RANGE);
	assert_int_equal(unpack_left(&u), 1);
	unpack_init(&u, TEXT("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"));
	assert_int_equal(unpack_i64(&u, &i), ERR_RANGE);
	assert_int_equal(unpack_u32(&u, &small), ERR_RANGE);
	assert_int_equal(unpack_u64(&u, &big), OK);
	assert_true(big == UINT64_MAX);
}

static void
a_value_of_another_type_is_a_type_error_and_moves_nothing(void **state)
{
	struct unpacker u;
	struct text t;
	uint32_t n;
	double d;
	bool b;

	(void)state;
	unpack_init(&u, TEXT("\x05"));
	assert_int_equal(unpack_text(&u, &t), ERR_TYPE);
	assert_int_equal(unpack_array(&u, &n), ERR_TYPE);
	assert_int_equal(unpack_map(&u, &n), ERR_TYPE);
	assert_int_equal(unpack_f64(&u, &d), ERR_TYPE);
	assert_int_equal(unpack_bool(&u, &b), ERR_TYPE);
	assert_int_equal(unpack_nil(&u), ERR_TYPE);
	assert_int_equal(unpack_left(&u), 1);
	assert_int_equal(unpack_peek(&u), PACK_INT);
}

static void
floats_of_both_widths_are_read(void **state)
{
	struct unpacker u;
	double d;

	(void)state;
	unpack_init(&u, TEXT("\xca\x3f\xc0\x00\x00\xcb\x3f\xf8\0\0\0\0\0\0"));
	assert_int_equal(unpack_f64(&u, &d), OK);
	assert_true(d == 1.5);
	assert_int_equal(unpack_f64(&u, &d), OK);
	assert_true(d == 1.5);
}

static void
timestamps_of_all_three_lengths_come_back(void **state)
{
	static const struct {
		int64_t seconds;
		uint32_t nanoseconds;
	} times[] = {{0, 0}, {UINT32_MAX, 0}, {1700000000, 999999999},
	    {1ll << 34, 0}, {-62135596800, 5}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		struct unpacker u;
		int64_t seconds;
		uint32_t nanoseconds;

		again();
		pack_timestamp(&p, times[i].seconds, times[i].nanoseconds);
		unpack_init(&u, buffer_text(&out));
		assert_int_equal(
		    unpack_timestamp(&u, &seconds, &nanoseconds), OK);
		assert_true(seconds == times[i].seconds);
		assert_int_equal(nanoseconds, times[i].nanoseconds);
		assert_true(unpack_is_done(&u));
	}
}

static void
a_map_is_searched_by_key_and_the_last_of_equals_counts(void **state)
{
	struct text map, value;
	uint64_t n;
	bool b;

	(void)state;
	pack_map(&p, 5);
	pack_string(&p, "a");
	pack_u64(&p, 1);
	pack_u64(&p, 7); /* a key that is no text is stepped over */
	pack_string(&p, "a");
	pack_string(&p, "deep");
	pack_array(&p, 2);
	pack_map(&p, 1);
	pack_string(&p, "a");
	pack_u64(&p, 9);
	pack_nil(&p);
	pack_string(&p, "a");
	pack_u64(&p, 2);
	pack_string(&p, "yes");
	pack_bool(&p, true);
	map = buffer_text(&out);
	assert_int_equal(unpack_field_u64(map, "a", &n), OK);
	assert_int_equal(n, 2);
	assert_int_equal(unpack_field_bool(map, "yes", &b), OK);
	assert_true(b);
	assert_int_equal(unpack_map_find(map, TEXT("deep"), &value), OK);
	assert_int_equal(value.len, 6);
	assert_int_equal(
	    unpack_map_find(map, TEXT("none"), &value), ERR_NOT_FOUND);
	assert_int_equal(unpack_field_text(map, "a", &value), ERR_TYPE);
	assert_int_equal(
	    unpack_map_find(TEXT("\x01"), TEXT("a"), &value), ERR_TYPE);
}

static void
the_check_passes_exactly_one_value(void **state)
{
	(void)state;
	assert_int_equal(pack_check(TEXT("\xc0"), PACK_LIMITS), OK);
	assert_int_equal(pack_check(TEXT("\x92\x01\xa1x"), PACK_LIMITS), OK);
	assert_int_equal(pack_check(TEXT(""), PACK_LIMITS), ERR_MALFORMED);
	assert_int_equal(
	    pack_check(TEXT("\xc0\xc0"), PACK_LIMITS), ERR_MALFORMED);
	assert_int_equal(pack_check(TEXT("\xc1"), PACK_LIMITS), ERR_MALFORMED);
	assert_int_equal(
	    pack_check(TEXT("\x91\xc1"), PACK_LIMITS), ERR_MALFORMED);
}

/* Sizes msgpack-c would take gigabytes for: spec/measured.md, section 8. */
static void
declared_sizes_above_the_bytes_present_are_refused(void **state)
{
	static const struct text bombs[] = {
	    {"\xdd\xff\xff\xff\xff", 5}, /* array32 */
	    {"\xdd\x04\x00\x00\x00", 5},
	    {"\xdf\x04\x00\x00\x00", 5},                      /* map32 */
	    {"\xdf\xff\xff\xff\xff", 5}, {"\xdc\xff\xff", 3}, /* array16 */
	    {"\xde\x00\x01", 3},                              /* map16 */
	    {"\xdb\xff\xff\xff\xff", 5},                      /* str32 */
	    {"\xc6\xff\xff\xff\xff", 5},                      /* bin32 */
	    {"\xc9\xff\xff\xff\xff\x01", 6},                  /* ext32 */
	    {"\xd8\x01\x02", 3},                              /* fixext16 */
	    {"\x8f\x01\x01", 3},                              /* fixmap */
	    {"\x9f\x01", 2},                                  /* fixarray */
	    {"\xbf\x01", 2},                                  /* fixstr */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bombs); i++) {
		struct unpacker u;

		assert_int_equal(
		    pack_check(bombs[i], PACK_LIMITS), ERR_MALFORMED);
		unpack_init(&u, bombs[i]);
		assert_int_equal(unpack_skip(&u), ERR_MALFORMED);
		assert_int_equal(unpack_left(&u), bombs[i].len);
	}
}

static void
depth_and_nodes_have_limits(void **state)
{
	char *bytes = calloc(1, 1 << 20);

	(void)state;
	memset(bytes, '\x91', 1 << 20);
	bytes[PACK_DEPTH] = '\x01';
	assert_int_equal(
	    pack_check((struct text){bytes, PACK_DEPTH + 1}, PACK_LIMITS), OK);
	bytes[PACK_DEPTH] = '\x91';
	bytes[PACK_DEPTH + 1] = '\x01';
	assert_int_equal(
	    pack_check((struct text){bytes, PACK_DEPTH + 2}, PACK_LIMITS),
	    ERR_TOO_DEEP);
	assert_int_equal(pack_check((struct text){bytes, 1 << 20}, PACK_LIMITS),
	    ERR_TOO_DEEP);
	memset(bytes, 0, 1 << 20);
	memcpy(bytes, "\xdd\x00\x00\xff\xff", 5); /* 65 535 + the array */
	assert_int_equal(
	    pack_check((struct text){bytes, 5 + 65535}, PACK_LIMITS), OK);
	memcpy(bytes, "\xdd\x00\x01\x00\x00", 5);
	assert_int_equal(
	    pack_check((struct text){bytes, 5 + 65536}, PACK_LIMITS),
	    ERR_TOO_BIG);
	free(bytes);
}

static void
every_first_byte_is_either_read_or_refused(void **state)
{
	uint8_t bytes[600];

	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		memset(bytes, 0, sizeof bytes);
		bytes[0] = (uint8_t)first;
		struct unpacker u = {bytes, bytes + sizeof bytes};
		enum err e = unpack_skip(&u);

		assert_int_equal(e, first == 0xc1 ? ERR_MALFORMED : OK);
		assert_true(u.at <= u.end);
		assert_string_not_equal(
		    pack_type_name((enum pack_type)pack_types[first]),
		    "unknown");
	}
}

static void
a_head_alone_never_promises_more_items_than_bytes_follow(void **state)
{
	static const char array[] = "\xdd\x00\x00\x00\x05"
				    "abcd";
	static const char map[] = "\xdf\x00\x00\x00\x03"
				  "abcde";
	struct unpacker u;
	uint32_t count;

	(void)state;
	/* a caller may size an array by the count: it must be believable */
	unpack_init(&u, (struct text){.at = array, .len = sizeof(array) - 1});
	assert_int_equal(unpack_array(&u, &count), ERR_MALFORMED);
	unpack_init(&u, (struct text){.at = map, .len = sizeof(map) - 1});
	assert_int_equal(unpack_map(&u, &count), ERR_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(integers_take_their_shortest_form),
	    CASE(other_values_have_the_bytes_of_the_specification),
	    CASE(
		a_container_closed_late_has_the_same_bytes_as_one_counted_first),
	    CASE(a_full_buffer_is_reported_once_at_the_end),
	    CASE(texts_of_every_width_come_back),
	    CASE(an_integer_is_read_in_whatever_width_it_came),
	    CASE(
		an_integer_that_does_not_fit_is_a_range_error_and_moves_nothing),
	    CASE(a_value_of_another_type_is_a_type_error_and_moves_nothing),
	    CASE(floats_of_both_widths_are_read),
	    CASE(timestamps_of_all_three_lengths_come_back),
	    CASE(a_map_is_searched_by_key_and_the_last_of_equals_counts),
	    CASE(the_check_passes_exactly_one_value),
	    CASE(declared_sizes_above_the_bytes_present_are_refused),
	    CASE(a_head_alone_never_promises_more_items_than_bytes_follow),
	    CASE(depth_and_nodes_have_limits),
	    CASE(every_first_byte_is_either_read_or_refused),
	};

	return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
