// SPDX-License-Identifier: MIT
/* JSON both ways, as JSON.md has it, and where it ends. */

#include "test/unit/json_rig.h"

/* next_line gives the next line of a file, without its end. */
static bool
next_line(FILE *f, char line[4096])
{
	if (fgets(line, 4096, f) == NULL)
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static void
try_vector(char *line)
{
	char *save, *way = strtok_r(line, "\t", &save);
	char *one = strtok_r(NULL, "\t", &save);
	char *two = strtok_r(NULL, "\t", &save);

	assert_non_null(two);
	if (*way == '=' || *way == '>')
		becomes_bytes(one, two);
	if (*way == '=' || *way == '<')
		becomes_json(two, one);
	if (*way == '!')
		is_refused(one, two);
	if (*way == '?')
		bytes_are_refused(one, two);
}

static void
the_golden_vectors_hold(void **state)
{
	FILE *f = fopen(SOURCE_ROOT "/test/golden/json.txt", "r");
	char line[4096];
	int count = 0;

	(void)state;
	assert_non_null(f);
	while (next_line(f, line)) {
		if (line[0] == '#')
			continue;
		try_vector(line);
		count++;
	}
	fclose(f);
	assert_true(count > 80);
}

/* cells cuts "| a | `b` | c |" and takes the backquotes off. */
static int
cells(char *line, char *cell[8])
{
	int count = 0;
	char *at = line;

	while (count < 8 && (at = strstr(at, "| ")) != NULL) {
		char *from = at + 2, *end = strstr(from, " |");

		if (end == NULL)
			break;
		at = end + 1;
		*end = '\0';
		if (*from == '`' && end[-1] == '`') {
			from++;
			end[-1] = '\0';
		}
		cell[count++] = from;
	}
	return count;
}

static void
try_row(const char *head, int count, char *cell[8])
{
	if (strstr(head, "| JSON | becomes") == head && count == 4)
		becomes_bytes(cell[2], cell[3]);
	if (strstr(head, "| msgpack | becomes") == head && count == 4)
		becomes_json(cell[2], cell[3]);
	if (strstr(head, "| JSON | error") == head && count == 3)
		is_refused(cell[0], cell[1]);
	if (strstr(head, "| msgpack | bytes") == head && count == 3)
		bytes_are_refused(cell[1], cell[2]);
}

static void
every_row_of_json_md_is_true(void **state)
{
	FILE *f = fopen(SOURCE_ROOT "/protocol/JSON.md", "r");
	char line[4096], head[4096] = "";
	char *cell[8];
	int rows = 0;

	(void)state;
	assert_non_null(f);
	while (next_line(f, line)) {
		bool is_table = line[0] == '|';

		if (!is_table)
			head[0] = '\0';
		else if (head[0] == '\0')
			memcpy(head, line, sizeof head);
		else if (strncmp(line, "|---", 4) != 0) {
			try_row(head, cells(line, cell), cell);
			rows++;
		}
	}
	fclose(f);
	assert_int_equal(rows, 26);
}

static void
an_error_names_its_place_and_leaves_no_bytes(void **state)
{
	struct json_error error;

	(void)state;
	assert_int_equal(buffer_append(&packed, "kept", 4), OK);
	assert_int_equal(json_to_pack(TEXT("{\"a\":[1,2,tru]}"), &packed,
			     JSON_LIMITS, &error),
	    ERR_MALFORMED);
	assert_int_equal(error.err, ERR_MALFORMED);
	assert_int_equal(error.offset, 10);
	assert_string_equal(error.what, "no value starts like this");
	assert_int_equal(buffer_used(&packed), 4);
}

/* An object of `count` keys "k0", "k1" …, each written `times` times. */
static struct text
many_keys(int count, int times)
{
	buffer_truncate(&written, 0);
	assert_int_equal(buffer_append(&written, "{", 1), OK);
	for (int t = 0; t < times; t++)
		for (int i = 0; i < count; i++)
			assert_int_equal(
			    buffer_printf(&written, "%s\"k%d\":%d",
				i + t > 0 ? "," : "", i, t * 1000 + i % 1000),
			    OK);
	assert_int_equal(buffer_append(&written, "}", 1), OK);
	return buffer_text(&written);
}

static void
the_last_of_equal_keys_counts_however_many_there_are(void **state)
{
	static const int counts[] = {1, 2, 12, 13, 14, 32, 33, 65, 500, 15000};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		struct unpacker u;
		uint32_t count;
		uint64_t value;

		assert_int_equal(to_pack(many_keys(counts[i], 2)), OK);
		unpack_init(&u, buffer_text(&packed));
		assert_int_equal(unpack_map(&u, &count), OK);
		assert_int_equal(count, counts[i]);
		assert_int_equal(
		    unpack_field_u64(buffer_text(&packed), "k0", &value), OK);
		assert_int_equal(value, 1000);
		assert_int_equal(
		    pack_check(buffer_text(&packed), PACK_LIMITS), OK);
		assert_int_equal(to_pack(many_keys(counts[i], 1)), OK);
		assert_int_equal(
		    unpack_field_u64(buffer_text(&packed), "k0", &value), OK);
		assert_int_equal(value, 0);
	}
}

static void
equal_keys_on_every_level_stay_cheap_and_right(void **state)
{
	char json[2000] = "", hex[400] = "";
	char *at = json;

	(void)state;
	for (int depth = 0; depth < 31; depth++) {
		at += snprintf(at, 40, "{\"a\":1,\"b\":2,\"a\":");
		strcat(hex, "82a16202a161");
	}
	at += snprintf(at, 4, "0");
	for (int depth = 0; depth < 31; depth++)
		*at++ = '}';
	assert_int_equal(to_pack(text_of(json)), OK);
	assert_memory_equal(hex_of(buffer_text(&packed)), "82a16202a16182", 14);
	assert_int_equal(buffer_used(&packed), 31 * 6 + 1);
	assert_int_equal(to_json(buffer_text(&packed)), OK);
	assert_memory_equal(buffer_at(&written), "{\"b\":2,\"a\":{\"b\":2", 17);
}

static void
equal_keys_from_a_service_are_written_once(void **state)
{
	struct packer p;

	(void)state;
	buffer_truncate(&packed, 0);
	pack_init(&p, &packed);
	pack_map(&p, 400);
	for (uint32_t i = 0; i < 400; i++) {
		char key[16];

		snprintf(key, sizeof key, "a key %u", i % 200);
		pack_string(&p, key);
		pack_array(&p, 1);
		pack_u64(&p, i);
	}
	assert_int_equal(to_json(buffer_text(&packed)), OK);
	struct text json = buffer_text(&written);

	assert_memory_equal(
	    json.at, "{\"a key 0\":[200],\"a key 1\":[201],", 33);
	assert_memory_equal(
	    json.at + json.len - 18, "\"a key 199\":[399]}", 18);
	assert_int_equal(to_pack(json), OK);
}

static void
depth_has_a_limit_both_ways(void **state)
{
	char json[200];

	(void)state;
	for (uint32_t depth = 31; depth <= 33; depth++) {
		memset(json, '[', depth);
		memset(json + depth, ']', depth);
		assert_int_equal(to_pack((struct text){json, 2 * depth}),
		    depth <= 32 ? OK : ERR_TOO_DEEP);
		memset(json, '\x91', depth);
		json[depth - 1] = '\x90';
		assert_int_equal(to_json((struct text){json, depth}),
		    depth <= 32 ? OK : ERR_TOO_DEEP);
	}
}

static void
nodes_have_a_limit_and_keys_count(void **state)
{
	char *json = malloc(300000);

	(void)state;
	for (uint32_t items = 65535; items <= 65536; items++) {
		json[0] = '[';
		for (uint32_t i = 0; i < items; i++)
			memcpy(json + 1 + 2 * i, "1,", 2);
		json[2 * items] = ']';
		assert_int_equal(to_pack((struct text){json, 2 * items + 1}),
		    items == 65535 ? OK : ERR_TOO_BIG);
	}
	assert_int_equal(to_pack(many_keys(32767, 1)), OK);
	assert_int_equal(to_pack(many_keys(32768, 1)), ERR_TOO_BIG);
	free(json);
}

static void
a_text_above_the_byte_limit_is_refused_unread(void **state)
{
	char *json = malloc(1000001);

	(void)state;
	memset(json, ' ', 1000001);
	json[0] = '1';
	assert_int_equal(to_pack((struct text){json, 1000000}), OK);
	json[0] = '?'; /* never looked at */
	assert_int_equal(to_pack((struct text){json, 1000001}), ERR_TOO_BIG);
	free(json);
}

/* fault P2: none of these may take more than twice the limit. */
static void
bombs_are_refused_before_they_take_memory(void **state)
{
	uint32_t bytes = 10000000;
	char *json = malloc(bytes);

	(void)state;
	memset(json, '[', bytes);
	assert_int_equal(to_pack((struct text){json, 100000}), ERR_TOO_DEEP);
	memset(json, 'x', bytes); /* a string of ten megabytes */
	json[0] = json[bytes - 1] = '"';
	assert_int_equal(to_pack((struct text){json, bytes}), ERR_TOO_BIG);
	memset(json, '9', 1000000); /* a number of a million digits */
	assert_int_equal(to_pack((struct text){json, 1000000}), ERR_TOO_BIG);
	memset(json, '{', bytes);
	assert_int_equal(to_pack((struct text){json, 1000000}), ERR_MALFORMED);
	for (uint32_t i = 0; i < 1000000; i += 5) /* keys, all the same */
		memcpy(json + i, "\"\":1,", 5);
	json[0] = ' ';
	memcpy(json, "{ \"\":", 5);
	assert_int_equal(to_pack((struct text){json, 999999}), ERR_MALFORMED);
	assert_true(packed.size <= 2 * JSON_BYTES);
	free(json);
}

static void
a_full_buffer_is_an_error_and_takes_nothing(void **state)
{
	struct buffer small;
	struct json_error error;

	(void)state;
	for (size_t limit = 0; limit < 40; limit++) {
		struct text json = TEXT(
		    "{\"name\":[1,2,{\"x\":\"\\u00e9yyyyyy\"}],\"a\":1.5}");

		buffer_init(&small, limit);
		enum err e = json_to_pack(json, &small, JSON_LIMITS, &error);

		assert_int_equal(e, limit >= 32 ? OK : ERR_FULL);
		if (e != OK)
			assert_int_equal(buffer_used(&small), 0);
		buffer_finish(&small);
	}
	assert_int_equal(to_pack(TEXT("{\"name\":[1,\"x\",1.5,null]}")), OK);
	for (size_t limit = 0; limit < 40; limit++) {
		buffer_init(&small, limit);
		enum err e = pack_to_json(buffer_text(&packed), &small, NULL);

		assert_int_equal(e, limit >= 25 ? OK : ERR_FULL);
		if (e != OK)
			assert_int_equal(buffer_used(&small), 0);
		buffer_finish(&small);
	}
}

static void
a_text_cut_anywhere_is_malformed(void **state)
{
	struct text whole =
	    TEXT("[null,true,-12.5e-3,\"a\\n\\ud83d\\ude00\xc3\xa9\",{\"k\":{"
		 "\"l\":[{},[]]}},\"0123456789abcdef\"]");

	(void)state;
	assert_int_equal(to_pack(whole), OK);
	for (uint32_t cut = 0; cut < whole.len; cut++) {
		enum err e = to_pack((struct text){whole.at, cut});

		/* between the two bytes of é it is UTF-8 that is cut */
		assert_true(e == ERR_MALFORMED || e == ERR_UTF8);
	}
}

static void
replaced_bytes_are_counted(void **state)
{
	struct json_stats stats = {5};

	(void)state;
	assert_int_equal(pack_to_json(TEXT("\xa5\xff"
					   "a\xc3\xe2\x82"),
			     &written, &stats),
	    OK);
	assert_true(text_is(buffer_text(&written),
	    "\"\xef\xbf\xbd"
	    "a\xef\xbf\xbd"
	    "\xef\xbf\xbd\xef\xbf\xbd\""));
	assert_int_equal(stats.replaced, 9);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, done)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(the_golden_vectors_hold),
	    CASE(every_row_of_json_md_is_true),
	    CASE(an_error_names_its_place_and_leaves_no_bytes),
	    CASE(the_last_of_equal_keys_counts_however_many_there_are),
	    CASE(equal_keys_on_every_level_stay_cheap_and_right),
	    CASE(equal_keys_from_a_service_are_written_once),
	    CASE(depth_has_a_limit_both_ways),
	    CASE(nodes_have_a_limit_and_keys_count),
	    CASE(a_text_above_the_byte_limit_is_refused_unread),
	    CASE(bombs_are_refused_before_they_take_memory),
	    CASE(a_full_buffer_is_an_error_and_takes_nothing),
	    CASE(a_text_cut_anywhere_is_malformed),
	    CASE(replaced_bytes_are_counted),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
