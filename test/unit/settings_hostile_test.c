// SPDX-License-Identifier: MIT
/* Settings files that want to keep their reader busy, or to mislead. */

#include "test/unit/settings_rig.h"

/* ---- hostile files ------------------------------------------------------- */

static char *
repeat(const char *what, size_t times, size_t *len)
{
	size_t one = strlen(what);
	char *all = test_malloc(one * times + 1);

	for (size_t i = 0; i < times; i++)
		memcpy(all + i * one, what, one);
	all[one * times] = '\0';
	*len = one * times;
	return all;
}

/* refused reads a hostile text, in less than a second, without success. */
static void
refused(const char *at, size_t len, const char *words)
{
	uint64_t began = clock_mono_ms();
	int fd;

	assert_int_equal(
	    read_text((struct text){at, (uint32_t)len}, &fd), ERR_MALFORMED);
	if (strstr(problems.at[0].text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, problems.at[0].text);
	assert_true(clock_mono_ms() - began < 2000);
}

/* refused_of reads `times` times a piece, between a head and a tail. */
static void
refused_of(const char *head, const char *piece, size_t times, const char *tail,
    const char *words)
{
	size_t len;
	char *pieces = repeat(piece, times, &len);
	char *text = test_malloc(strlen(head) + len + strlen(tail) + 1);

	len = (size_t)sprintf(text, "%s%s%s", head, pieces, tail);
	refused(text, len, words);
	test_free(text);
	test_free(pieces);
}

static void
two_hundred_kilobytes_of_brackets_end_at_once(void **state)
{
	static const char *const deep[] = {"[", "{a: ", "- ", "? ", "[[{a: "};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(deep); i++)
		refused_of("", deep[i], 200000 / strlen(deep[i]), "", "");
	refused_of("", "[", 200000, "", "nested deeper than 32 levels");
}

static void
an_alias_bomb_is_counted_unfolded(void **state)
{
	char bomb[2000];
	size_t at = (size_t)snprintf(
	    bomb, sizeof(bomb), "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");

	(void)state;
	for (int i = 1; i < 10; i++)
		at += (size_t)snprintf(bomb + at, sizeof(bomb) - at,
		    "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i,
		    i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	refused(bomb, at, "aliases counted as often as they are used");
}

static void
more_than_a_hundred_aliases_are_refused(void **state)
{
	(void)state;
	refused_of("a: &a 1\nb: [", "*a,", 101, "]\n", "more than 100 aliases");
}

static void
an_alias_cannot_reach_what_it_stands_in(void **state)
{
	(void)state;
	refused(
	    "a: &a [*a]\n", 11, "*a: no anchor of this name ends before here");
	refused("a: *b\n", 6, "no anchor");
}

static void
a_file_of_ten_megabytes_is_refused_by_its_size(void **state)
{
	(void)state;
	refused_of("", "node: a # ------\n", 10000000 / 17, "",
	    "larger than 4194304 bytes");
}

static void
more_values_than_allowed_are_refused(void **state)
{
	(void)state;
	refused_of("a: [", "1,", 60000, "]\n", "more than 50000 values");
}

static void
more_keys_than_can_be_compared_are_refused(void **state)
{
	char *text = test_malloc(400000);
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 20000; i++)
		len += (size_t)sprintf(text + len, "k%d: 1\n", i);
	refused(text, len, "more than 1000 keys in one map");
	test_free(text);
}

static void
bytes_that_are_no_text_are_refused_at_their_place(void **state)
{
	(void)state;
	bad("node: a\n# \xc3\xa4\xff\n", 2, 4, "not UTF-8");
	bad("node: \xed\xa0\x80\n", 1, 7, "not UTF-8");
	refused("node: a\0b\n", 10, "a zero byte");
	bad("node: a\nlog: \x01\n", 2, 6, "not YAML");
}

static void
yaml_that_no_settings_file_needs_is_refused(void **state)
{
	(void)state;
	bad("node: !!str a\n", 1, 7, "tags (!) are not supported");
	bad("a: &a {b: 1}\nlog: {<<: *a}\n", 2, 7, "merge keys");
	bad("? [a]\n: b\n", 1, 3, "a key must be a word");
	bad("node: a\n---\nnode: b\n", 2, 1, "a second document");
	bad("node: [a\n", 2, 1, "not YAML");
	bad("node: a\n\tlog: {}\n", 2, 1, "not YAML");
}

static void
what_is_quoted_back_is_cut_and_clean(void **state)
{
	size_t len;
	char *long_key = repeat("\xc3\xa4", 500, &len);
	char text[1200];

	(void)state;
	snprintf(text, sizeof(text), "\"%s\\e[31m\": 1\n", long_key);
	test_free(long_key);
	bad(text, 1, 1, "\xc3\xa4...: unknown key");
	bad("\"a\\e[31m\\nb\": 1\n", 1, 1, "a?[31m?b: unknown key");
}

static void
a_long_text_named_often_does_not_become_a_large_file(void **state)
{
	size_t len, at;
	char *word = repeat("x", 500000, &len);
	char *text = test_malloc(len + 2000);

	(void)state;
	at = (size_t)sprintf(text, "functions:\n - {a: &a \"%s\"", word);
	for (int i = 0; i < 60; i++)
		at += (size_t)sprintf(text + at, ", k%d: *a", i);
	at += (size_t)sprintf(text + at, "}\n");
	refused(text, at, "functions: too long as a whole");
	test_free(text);
	test_free(word);
}

static void
a_file_without_a_byte_means_every_default(void **state)
{
	struct settings_request request = request_of(NULL, 0);
	int fd;

	(void)state;
	request.file = "/dev/null";
	assert_int_equal(settings_read(&request, &fd, &problems), OK);
	close(fd);
}

static void
a_file_that_is_not_there_is_told_by_its_name(void **state)
{
	struct settings_request request = request_of(NULL, 0);
	int fd;

	(void)state;
	request.file = "/nonexistent/banyan.yaml";
	assert_int_equal(
	    settings_read(&request, &fd, &problems), ERR_MALFORMED);
	assert_string_equal(
	    problems.at[0].text, "cannot be read: No such file or directory");
	request.file = "/";
	assert_int_equal(
	    settings_read(&request, &fd, &problems), ERR_MALFORMED);
	assert_non_null(strstr(problems.at[0].text, "Is a directory"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(two_hundred_kilobytes_of_brackets_end_at_once),
	    cmocka_unit_test(an_alias_bomb_is_counted_unfolded),
	    cmocka_unit_test(more_than_a_hundred_aliases_are_refused),
	    cmocka_unit_test(an_alias_cannot_reach_what_it_stands_in),
	    cmocka_unit_test(a_file_of_ten_megabytes_is_refused_by_its_size),
	    cmocka_unit_test(more_values_than_allowed_are_refused),
	    cmocka_unit_test(more_keys_than_can_be_compared_are_refused),
	    cmocka_unit_test(bytes_that_are_no_text_are_refused_at_their_place),
	    cmocka_unit_test(yaml_that_no_settings_file_needs_is_refused),
	    cmocka_unit_test(what_is_quoted_back_is_cut_and_clean),
	    cmocka_unit_test(
		a_long_text_named_often_does_not_become_a_large_file),
	    cmocka_unit_test(a_file_without_a_byte_means_every_default),
	    cmocka_unit_test(a_file_that_is_not_there_is_told_by_its_name),
	};

	unsetenv(ENV_RUNTIME_DIR);
	unsetenv(ENV_STATE_DIR);
	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
