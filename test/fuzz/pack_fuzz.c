// SPDX-License-Identifier: MIT
/*
 * pack_fuzz - the check, the cursor and the way to JSON agree on what is
 * whole, and what comes out is JSON that can be read again.
 */

#include <stdint.h>
#include <stdlib.h>

#include "protocol/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* read_all reads every value with the call for its type. */
static enum err
read_all(struct unpacker *u)
{
	uint32_t count;
	uint64_t number;
	int64_t below;
	int8_t type;
	double real;
	bool yes;
	struct text t;

	switch (unpack_peek(u)) {
	case PACK_NIL:
		return unpack_nil(u);
	case PACK_BOOL:
		return unpack_bool(u, &yes);
	case PACK_INT:
		return unpack_u64(u, &number) == OK ? OK
						    : unpack_i64(u, &below);
	case PACK_FLOAT:
		return unpack_f64(u, &real);
	case PACK_TEXT:
		return unpack_text(u, &t);
	case PACK_BIN:
		return unpack_bin(u, &t);
	case PACK_ARRAY:
		return unpack_array(u, &count);
	case PACK_MAP:
		return unpack_map(u, &count);
	case PACK_EXT:
		return unpack_ext(u, &type, &t);
	case PACK_END:
	case PACK_BROKEN:
	default:
		return ERR_MALFORMED;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text t = {(const char *)data, (uint32_t)size};
	struct unpacker u, heads;
	struct buffer json, packed;
	struct text value;
	enum err ignored;

	if (size > 65536)
		return 0;
	enum err checked = pack_check(t, PACK_LIMITS);

	unpack_init(&u, t);
	enum err skipped = unpack_skip(&u);

	/* only limits may part them */
	must(checked != OK || (skipped == OK && unpack_is_done(&u)));
	must(checked == OK || checked == ERR_TOO_BIG ||
	    checked == ERR_TOO_DEEP || skipped != OK || !unpack_is_done(&u));
	unpack_init(&heads, t);
	while (!unpack_is_done(&heads) && read_all(&heads) == OK)
		must(heads.at <= heads.end);
	must(checked != OK || unpack_is_done(&heads));
	ignored = unpack_map_find(t, TEXT("a"), &value);
	(void)ignored;
	buffer_init(&json, 1 << 22);
	buffer_init(&packed, 1 << 22);
	if (pack_to_json(t, &json, NULL) == OK) {
		struct json_limits wide = {1 << 22, JSON_DEPTH, JSON_NODES};

		must(checked == OK || checked == ERR_TOO_BIG);
		must(text_is_utf8(buffer_text(&json)));
		must(checked != OK ||
		    json_to_pack(buffer_text(&json), &packed, wide, NULL) ==
			OK);
	}
	buffer_finish(&json);
	buffer_finish(&packed);
	return 0;
}
