// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A field is looked for from the start each time: the maps that travel have a
 * dozen keys, and a table of them would have to be built before it saves any.
 */

#include "protocol/unpack.h"

enum err
unpack_map_find(struct text map, struct text key, struct text *value)
{
	struct unpacker u;
	enum err found = ERR_NOT_FOUND;
	uint32_t count;

	unpack_init(&u, map);
	enum err e = unpack_map(&u, &count);

	for (; e == OK && count > 0; count--) {
		struct text name, span;
		bool is_it = false;

		if (unpack_peek(&u) == PACK_TEXT) {
			e = unpack_text(&u, &name);
			is_it = e == OK && text_eq(name, key);
		} else {
			e = unpack_skip(&u);
		}
		if (e == OK)
			e = unpack_raw(&u, &span);
		if (e == OK && is_it) {
			*value = span;
			found = OK;
		}
	}
	return e != OK ? e : found;
}

/* field stands a cursor on a field of a map. */
static enum err
field(struct text map, const char *key, struct unpacker *u)
{
	struct text span;
	enum err e = unpack_map_find(map, text_of(key), &span);

	if (e == OK)
		unpack_init(u, span);
	return e;
}

enum err
unpack_field_text(struct text map, const char *key, struct text *t)
{
	struct unpacker u;
	enum err e = field(map, key, &u);

	return e != OK ? e : unpack_text(&u, t);
}

enum err
unpack_field_u64(struct text map, const char *key, uint64_t *value)
{
	struct unpacker u;
	enum err e = field(map, key, &u);

	return e != OK ? e : unpack_u64(&u, value);
}

enum err
unpack_field_bool(struct text map, const char *key, bool *value)
{
	struct unpacker u;
	enum err e = field(map, key, &u);

	return e != OK ? e : unpack_bool(&u, value);
}
