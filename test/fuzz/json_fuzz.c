// SPDX-License-Identifier: MIT
/*
 * json_fuzz - what is accepted becomes checked msgpack, which becomes JSON
 * that becomes the same msgpack; skipping accepts what converting accepts.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* skip walks the text with the cursor, strings and keys included. */
static enum err
skip(struct text t, struct arena *arena)
{
	struct json_reader r;
	struct text raw, key;
	bool more;
	enum err e = json_open(&r, t, JSON_LIMITS);

	if (e == OK && json_peek(&r) == JSON_OBJECT) {
		e = json_object(&r);
		while (e == OK &&
		    (e = json_object_next(&r, arena, &key, &more)) == OK &&
		    more) {
			must(text_is_utf8(key));
			e = json_skip(&r, &raw);
		}
	} else if (e == OK && json_peek(&r) == JSON_STRING) {
		e = json_string(&r, arena, &raw);
		must(e != OK || text_is_utf8(raw));
	} else if (e == OK) {
		e = json_skip(&r, &raw);
	}
	return e == OK ? json_close(&r) : e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text t = {(const char *)data, (uint32_t)size};
	struct buffer first, json, again;
	struct json_error error;
	struct arena arena;

	if (size > 65536)
		return 0;
	arena_init(&arena);
	buffer_init(&first, 1 << 22);
	buffer_init(&json, 1 << 22);
	buffer_init(&again, 1 << 22);
	enum err e = json_to_pack(t, &first, JSON_LIMITS, &error);

	must(error.err == e && error.offset <= size);
	must(buffer_used(&first) <= size * 9);
	must(skip(t, &arena) == e);
	if (e == OK) {
		struct text packed = buffer_text(&first);

		must(pack_check(packed, PACK_LIMITS) == OK);
		must(pack_to_json(packed, &json, NULL) == OK);
		must(text_is_utf8(buffer_text(&json)));
		must(json_to_pack(
			 buffer_text(&json), &again, JSON_LIMITS, NULL) == OK);
		must(text_eq(packed, buffer_text(&again)));
	}
	buffer_finish(&first);
	buffer_finish(&json);
	buffer_finish(&again);
	arena_finish(&arena);
	return 0;
}
