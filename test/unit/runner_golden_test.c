// SPDX-License-Identifier: MIT
/* The bytes of the runner protocol: protocol/RUNNER.md, test/golden/runner.txt.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/runner.h"

#define GOLDEN SOURCE_ROOT "/test/golden/runner.txt"
#define GUIDE  SOURCE_ROOT "/protocol/RUNNER.md"

static struct buffer message;
static size_t place;

static void
begin(struct packer *p)
{
	buffer_truncate(&message, 0);
	pack_init(p, &message);
	place = runner_begin(p);
}

/* is_golden compares the message with the line of that name. */
static void
is_golden(struct packer *p, const char *name)
{
	char line[1024], hex[1024] = "";
	FILE *file = fopen(GOLDEN, "r");
	bool is_found = false;

	assert_int_equal(runner_end(p, place, RUNNER_MAX_BYTES), OK);
	for (size_t i = 0; i < buffer_used(&message); i++)
		snprintf(hex + 2 * i, 3, "%02x", buffer_at(&message)[i]);
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		char *tab = strchr(line, '\t');

		if (tab == NULL || strncmp(line, name, strlen(name)) != 0 ||
		    line + strlen(name) != tab)
			continue;
		tab[strcspn(tab, "\n")] = '\0';
		assert_string_equal(tab + 1, hex);
		is_found = true;
	}
	fclose(file);
	assert_true(is_found);
}

static void
what_a_pool_says_has_its_golden_bytes(void **state)
{
	struct runner_welcome welcome = {
	    TEXT("async"), TEXT("async/1"), 1, RUNNER_MAX_BYTES};
	struct link_request call = {.module = TEXT("text"),
	    .function = TEXT("slugify"),
	    .args = TEXT("\x91\xabHello World"),
	    .deadline_ms = 5000};
	struct packer p;

	(void)state;
	begin(&p);
	runner_write_welcome(&p, &welcome);
	is_golden(&p, "welcome");
	begin(&p);
	link_write_call(&p, 1024, &call);
	is_golden(&p, "call");
	begin(&p);
	call.credit_bytes = 65536;
	link_write_call(&p, 1024, &call);
	is_golden(&p, "stream_call");
	begin(&p);
	link_write_plain(&p, FRAME_CANCEL, 1024);
	is_golden(&p, "cancel");
	begin(&p);
	link_write_credit(&p, 1024, 4096);
	is_golden(&p, "credit");
	begin(&p);
	link_write_plain(&p, FRAME_PING, 1);
	is_golden(&p, "ping");
	begin(&p);
	link_write_plain(&p, FRAME_DRAINING, 0);
	is_golden(&p, "draining");
}

static void
what_a_runner_says_has_its_golden_bytes(void **state)
{
	struct runner_hello hello = {1, false};
	struct packer p;

	(void)state;
	begin(&p);
	runner_write_hello(&p, &hello);
	is_golden(&p, "hello");
	begin(&p);
	link_write_result(&p, 1024, TEXT("\xabhello-world"));
	is_golden(&p, "result");
	begin(&p);
	link_write_error(&p, 1024, TEXT("exception"), TEXT("no"));
	is_golden(&p, "error");
	begin(&p);
	link_write_chunk(&p, 1024, 0, TEXT("\xc3"));
	is_golden(&p, "chunk");
	begin(&p);
	link_write_plain(&p, FRAME_END, 1024);
	is_golden(&p, "end");
	begin(&p);
	link_write_plain(&p, (enum link_kind)FRAME_RECYCLE, 0);
	is_golden(&p, "recycle");
}

static size_t
from_hex(const char *hex, uint8_t *to, size_t size)
{
	size_t count = 0;
	unsigned byte;

	while (count < size && sscanf(hex, "%2x", &byte) == 1) {
		to[count++] = (uint8_t)byte;
		hex += 2;
	}
	return count;
}

static void
every_golden_message_is_read_whole(void **state)
{
	char line[1024];
	uint8_t bytes[512];
	struct link_frame frame;
	size_t whole;
	FILE *file = fopen(GOLDEN, "r");
	int seen = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		char *tab = strchr(line, '\t');

		if (tab == NULL)
			continue;
		size_t count = from_hex(tab + 1, bytes, sizeof(bytes));
		for (size_t cut = 0; cut < count; cut++)
			assert_int_equal(runner_read(bytes, cut,
					     RUNNER_MAX_BYTES, &frame, &whole),
			    ERR_AGAIN);
		assert_int_equal(
		    runner_read(bytes, count, RUNNER_MAX_BYTES, &frame, &whole),
		    OK);
		assert_int_equal(whole, count);
		seen++;
	}
	fclose(file);
	assert_int_equal(seen, 13);
}

/* the guide shows the same bytes, with blanks between the fields */
static void
the_guide_shows_the_golden_bytes(void **state)
{
	static char guide[64 * 1024], squeezed[64 * 1024];
	char line[1024];
	FILE *file = fopen(GUIDE, "r");
	size_t used = 0, found = 0;

	(void)state;
	assert_non_null(file);
	size_t count = fread(guide, 1, sizeof(guide) - 1, file);
	fclose(file);
	for (size_t i = 0; i < count; i++)
		if (guide[i] != ' ')
			squeezed[used++] = guide[i];
	file = fopen(GOLDEN, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		char *tab = strchr(line, '\t');

		if (tab != NULL && strstr(squeezed, tab + 1) != NULL)
			found++;
	}
	fclose(file);
	assert_int_equal(found, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_pool_says_has_its_golden_bytes),
	    cmocka_unit_test(what_a_runner_says_has_its_golden_bytes),
	    cmocka_unit_test(every_golden_message_is_read_whole),
	    cmocka_unit_test(the_guide_shows_the_golden_bytes),
	};

	buffer_init(&message, 1 << 16);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	buffer_finish(&message);
	return failed;
}
