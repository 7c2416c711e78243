// SPDX-License-Identifier: MIT
/* The bytes of the link: protocol/LINK.md and test/golden/link.txt. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/link/frame.h"

#define GOLDEN SOURCE_ROOT "/test/golden/link.txt"
#define GUIDE  SOURCE_ROOT "/protocol/LINK.md"

static struct buffer message;
static size_t place;

static void
begin(uint32_t id, uint64_t seq, uint64_t ack, uint64_t boot, uint32_t frames,
    struct packer *p)
{
	struct link_stamp stamp = {seq, ack, boot};

	buffer_truncate(&message, 0);
	assert_int_equal(link_begin(&message, LINK_IPC, 0x80000000u | id, stamp,
			     frames, &place),
	    OK);
	pack_init(p, &message);
}

/* is_golden compares the message with the line of that name. */
static void
is_golden(const char *name)
{
	char line[1024], hex[1024] = "";
	FILE *file = fopen(GOLDEN, "r");
	bool is_found = false;

	link_end(&message, LINK_IPC, place);
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
every_frame_has_its_golden_bytes(void **state)
{
	struct link_hello hello = {.max_bytes = LINK_MAX_BYTES};
	struct link_hello reply = {
	    .max_bytes = LINK_MAX_BYTES, .boot = 9, .name = TEXT("s")};
	struct link_request request = {.module = TEXT("m"),
	    .function = TEXT("get_user"),
	    .args = TEXT("\x91\xa3u42"),
	    .deadline_ms = 5000};
	struct packer p;

	(void)state;
	begin(1, 1, 0, 0, 1, &p);
	link_write_hello(&p, &hello, false);
	is_golden("hello");
	begin(1, 1, 1, 9, 1, &p);
	link_write_hello(&p, &reply, true);
	is_golden("hello_reply");
	begin(2, 2, 1, 9, 1, &p);
	link_write_call(&p, 7, &request);
	is_golden("call");
	request.hints = TEXT("\x81\xa4pool\xa1p");
	begin(2, 2, 1, 9, 1, &p);
	link_write_call(&p, 7, &request);
	is_golden("call_hints");
	begin(2, 2, 2, 9, 1, &p);
	link_write_result(&p, 7, TEXT("\xc3"));
	is_golden("result");
	begin(2, 2, 2, 9, 1, &p);
	link_write_result_hops(
	    &p, 7, TEXT("\xc3"), TEXT("\x82\xa8queue_us\x05\xa6run_us\x2a"));
	is_golden("result_hops");
	begin(3, 3, 3, 9, 1, &p);
	link_write_error(&p, 8, TEXT("not_found"), TEXT("no"));
	is_golden("error");
	begin(3, 3, 3, 9, 2, &p);
	link_write_chunk(&p, 8, 0, TEXT("\xc3"));
	link_write_plain(&p, FRAME_END, 8);
	is_golden("chunk_end");
	begin(3, 3, 3, 9, 2, &p);
	link_write_credit(&p, 8, 1024);
	link_write_plain(&p, FRAME_CANCEL, 8);
	is_golden("credit_cancel");
	begin(3, 3, 3, 9, 2, &p);
	link_write_plain(&p, FRAME_PING, 0);
	link_write_plain(&p, FRAME_DRAINING, 0);
	is_golden("ping_draining");
	begin(3, 3, 3, 9, 0, &p);
	is_golden("ack");
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
	struct sp_message m;
	struct link_head head;
	struct link_frame frame;
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
			assert_int_equal(
			    sp_read(bytes, cut, SP_IPC, LINK_MAX_BYTES, &m),
			    ERR_AGAIN);
		assert_int_equal(
		    sp_read(bytes, count, SP_IPC, LINK_MAX_BYTES, &m), OK);
		assert_int_equal(m.whole_bytes, count);
		assert_int_equal(link_read_head(m.body, &head), OK);
		for (uint32_t i = 0; i < head.frame_count; i++)
			assert_int_equal(
			    link_read_frame(&head.frames, &frame), OK);
		assert_true(unpack_is_done(&head.frames));
		seen++;
	}
	fclose(file);
	assert_int_equal(seen, 11);
}

static void
hints_are_a_map_or_nothing(void **state)
{
	const struct {
		struct text call;
		struct text hints;
		enum err e;
	} rows[] = {
#define CALL9 \
	"\x99\x02\x07\xa1m\xa1" \
	"f\x90\x00\xc0\x00"
	    {TEXT("\x98\x02\x07\xa1m\xa1"
		  "f\x90\x00\xc0\x00"),
		{0}, OK},
	    {TEXT(CALL9 "\xc0"), {0}, OK},
	    {TEXT(CALL9 "\x81\xa1p\x01"), TEXT("\x81\xa1p\x01"), OK},
	    {TEXT(CALL9 "\x05"), {0}, ERR_MALFORMED},
	    {TEXT(CALL9), {0}, ERR_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct link_frame frame;
		struct unpacker u;

		unpack_init(&u, rows[i].call);
		assert_int_equal(link_read_frame(&u, &frame), rows[i].e);
		if (rows[i].e == OK)
			assert_true(text_eq(frame.hints, rows[i].hints));
	}
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
	assert_int_equal(found, 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_frame_has_its_golden_bytes),
	    cmocka_unit_test(every_golden_message_is_read_whole),
	    cmocka_unit_test(hints_are_a_map_or_nothing),
	    cmocka_unit_test(the_guide_shows_the_golden_bytes),
	};

	buffer_init(&message, 1 << 16);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	buffer_finish(&message);
	return failed;
}
