// SPDX-License-Identifier: MIT
/* page, paths - what a path leads to, and what its handler is given. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "workers/monitor/page.h"
#include "workers/monitor/paths.h"

struct bench {
	struct arena arena;
	struct buffer out, args;
	struct packer packer, arg_packer;
	struct page page;
};

static int
set_up(void **state)
{
	static struct bench b;

	arena_init(&b.arena);
	buffer_init(&b.out, 4096);
	buffer_init(&b.args, 4096);
	pack_init(&b.packer, &b.out);
	pack_init(&b.arg_packer, &b.args);
	*state = &b;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench *b = *state;

	page_close(&b->page);
	buffer_finish(&b->out);
	buffer_finish(&b->args);
	arena_finish(&b->arena);
	return 0;
}

static void
init_page(struct bench *b)
{
	page_init(&b->page, NULL, &b->arena, &b->packer, buffer_text(&b->args));
}

static void
a_path_is_matched_whole(void **state)
{
	struct text id = TEXT("untouched");

	(void)state;
	assert_true(path_matches(TEXT("/health"), "/health", &id));
	assert_false(path_matches(TEXT("/healt"), "/health", &id));
	assert_false(path_matches(TEXT("/health/"), "/health", &id));
	assert_false(path_matches(TEXT("/healthy"), "/health", &id));
	assert_false(path_matches(TEXT(""), "/", &id));
	assert_true(path_matches(TEXT("/"), "/", &id));
	assert_true(text_is(id, "untouched"));
}

static void
one_segment_stands_for_the_id(void **state)
{
	struct text id = {0};

	(void)state;
	assert_true(path_matches(TEXT("/pools/a b"), "/pools/{id}", &id));
	assert_true(text_is(id, "a b"));
	assert_true(
	    path_matches(TEXT("/pools/x/memory"), "/pools/{id}/memory", &id));
	assert_true(text_is(id, "x"));
	assert_false(path_matches(TEXT("/pools/"), "/pools/{id}", &id));
	assert_false(
	    path_matches(TEXT("/pools//memory"), "/pools/{id}/memory", &id));
	assert_false(path_matches(TEXT("/pools/x/y"), "/pools/{id}", &id));
	assert_false(path_matches(TEXT("/pools/x"), "/pools/{id}/memory", &id));
}

static const struct path rows[] = {
    {"GET", "/pools/{id}", NULL, "", ""},
    {"GET", "/alerts", NULL, "", ""},
    {"POST", "/alerts", NULL, "", ""},
    {"POST", "/alerts/acknowledge", NULL, "", ""},
};

static const struct path *
look(const char *method, const char *path, char allowed[PATHS_ALLOWED])
{
	struct text id;

	return paths_find(
	    rows, COUNT_OF(rows), text_of(method), text_of(path), &id, allowed);
}

static void
head_is_a_get_and_a_wrong_method_learns_the_right_ones(void **state)
{
	char allowed[PATHS_ALLOWED];

	(void)state;
	assert_ptr_equal(look("GET", "/pools/x", allowed), &rows[0]);
	assert_ptr_equal(look("HEAD", "/pools/x", allowed), &rows[0]);
	assert_ptr_equal(look("POST", "/alerts", allowed), &rows[2]);
	assert_null(look("PUT", "/alerts", allowed));
	assert_string_equal(allowed, "GET, HEAD, POST, OPTIONS");
	assert_null(look("GET", "/alerts/acknowledge", allowed));
	assert_string_equal(allowed, "POST, OPTIONS");
	assert_null(look("get", "/pools/x", allowed));
	assert_string_equal(allowed, "GET, HEAD, OPTIONS");
	assert_null(look("GET", "/nothing", allowed));
	assert_string_equal(allowed, "");
}

static void
a_misspelt_path_gets_a_suggestion(void **state)
{
	(void)state;
	assert_string_equal(
	    paths_closest(rows, COUNT_OF(rows), TEXT("/alert")), "/alerts");
	assert_null(paths_closest(
	    rows, COUNT_OF(rows), TEXT("/something/else/altogether")));
}

static void
a_parameter_is_read_from_path_query_and_body(void **state)
{
	struct bench *b = *state;
	struct text t;
	uint64_t n = 7;

	pack_map(&b->arg_packer, 4);
	pack_field_string(&b->arg_packer, "id", "node1");
	pack_field_string(&b->arg_packer, "duration", "12");
	pack_field_u64(&b->arg_packer, "resolution", 5);
	pack_string(&b->arg_packer, "nothing");
	pack_nil(&b->arg_packer);
	init_page(b);
	b->page.body = TEXT("\x81\xa8"
			    "alert_id"
			    "\xa1"
			    "7");
	assert_int_equal(page_text(&b->page, "id", &t), OK);
	assert_true(text_is(t, "node1"));
	assert_int_equal(page_text(&b->page, "alert_id", &t), OK);
	assert_true(text_is(t, "7"));
	assert_int_equal(page_u64(&b->page, "duration", &n), OK);
	assert_int_equal(n, 12);
	assert_int_equal(page_u64(&b->page, "resolution", &n), OK);
	assert_int_equal(n, 5);
	assert_int_equal(page_u64(&b->page, "id", &n), ERR_TYPE);
	assert_int_equal(page_text(&b->page, "resolution", &t), ERR_TYPE);
	assert_int_equal(page_text(&b->page, "nothing", &t), ERR_MISSING);
	assert_int_equal(page_u64(&b->page, "absent", &n), ERR_MISSING);
	assert_int_equal(n, 5);
}

static void
a_number_out_of_range_is_told_with_its_range(void **state)
{
	struct bench *b = *state;
	uint64_t n = 1;

	pack_map(&b->arg_packer, 2);
	pack_field_u64(&b->arg_packer, "duration", 25);
	pack_field_string(&b->arg_packer, "resolution", "1.5");
	init_page(b);
	assert_int_equal(
	    page_u64_in(&b->page, "duration", 1, 24, &n), ERR_RANGE);
	assert_true(text_is(
	    b->page.message, "duration must be a whole number of 1 to 24"));
	assert_int_equal(
	    page_u64_in(&b->page, "resolution", 1, 60, &n), ERR_TYPE);
	assert_int_equal(page_u64_in(&b->page, "absent", 1, 60, &n), OK);
	assert_int_equal(n, 1);
	assert_int_equal(page_u64_in(&b->page, "duration", 1, 25, &n), OK);
	assert_int_equal(n, 25);
}

static void
a_media_type_is_wanted_only_by_its_name(void **state)
{
	struct bench *b = *state;

	init_page(b);
	assert_false(page_wants(&b->page, "application/json"));
	b->page.accept = TEXT("*/*");
	assert_false(page_wants(&b->page, "application/json"));
	b->page.accept = TEXT("text/html, Application/JSON ;q=0.9,,");
	assert_true(page_wants(&b->page, "application/json"));
	assert_true(page_wants(&b->page, "text/html"));
	assert_false(page_wants(&b->page, "text/plain"));
	b->page.accept = TEXT("application/json2");
	assert_false(page_wants(&b->page, "application/json"));
}

static enum page_status
parks(struct page *page)
{
	return page_park(page);
}

static enum page_status
fails(struct page *page)
{
	return page_fail(page, PAGE_NOT_FOUND, "no pool is named %s", "x");
}

static enum page_status ended_with;

static void
note_end(struct page *page, enum page_status status)
{
	(void)page;
	ended_with = status;
}

static void
a_parked_page_ends_once_and_later(void **state)
{
	struct bench *b = *state;

	init_page(b);
	b->page.finished = note_end;
	ended_with = PAGE_PARKED;
	assert_int_equal(page_run(&b->page, parks), PAGE_PARKED);
	assert_int_equal(ended_with, PAGE_PARKED);
	page_finish(&b->page, PAGE_OK);
	assert_int_equal(ended_with, PAGE_OK);
	assert_false(b->page.is_parked);
}

static void
a_failure_keeps_its_words(void **state)
{
	struct bench *b = *state;

	init_page(b);
	assert_int_equal(page_run(&b->page, fails), PAGE_NOT_FOUND);
	assert_true(text_is(b->page.message, "no pool is named x"));
}

static void
a_page_may_have_a_body_of_its_own(void **state)
{
	struct bench *b = *state;

	init_page(b);
	struct buffer *plain = page_plain(&b->page, "text/plain");

	assert_int_equal(buffer_append_text(plain, TEXT("ok\n")), OK);
	assert_ptr_equal(page_plain(&b->page, "text/html"), plain);
	assert_string_equal(b->page.content_type, "text/html");
	assert_true(text_is(buffer_text(b->page.plain), "ok\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_path_is_matched_whole),
	    TEST(one_segment_stands_for_the_id),
	    TEST(head_is_a_get_and_a_wrong_method_learns_the_right_ones),
	    TEST(a_misspelt_path_gets_a_suggestion),
	    TEST(a_parameter_is_read_from_path_query_and_body),
	    TEST(a_number_out_of_range_is_told_with_its_range),
	    TEST(a_media_type_is_wanted_only_by_its_name),
	    TEST(a_parked_page_ends_once_and_later),
	    TEST(a_failure_keeps_its_words),
	    TEST(a_page_may_have_a_body_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
