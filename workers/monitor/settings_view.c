// SPDX-License-Identifier: MIT
#include "workers/monitor/settings_view.h"

enum {
	DEPTH = 8 /* of settings: sections, lists of maps */
};

static bool
is_secret(struct text key)
{
	static const char *const endings[] = {
	    "secret", "password", "passwd", "passphrase"};

	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		uint32_t len = (uint32_t)strlen(endings[i]);

		if (key.len >= len &&
		    memcmp(key.at + key.len - len, endings[i], len) == 0)
			return true;
	}
	return false;
}

static enum err copy(
    struct packer *, struct unpacker *, bool is_masked, int depth);

static enum err
copy_map(struct packer *p, struct unpacker *u, int depth)
{
	uint32_t count;
	enum err e = unpack_map(u, &count);

	if (e != OK)
		return e;
	pack_map(p, count);
	for (uint32_t i = 0; e == OK && i < count; i++) {
		struct text key;

		e = unpack_text(u, &key);
		if (e != OK)
			break;
		pack_text(p, key);
		e = copy(p, u, is_secret(key), depth + 1);
	}
	return e;
}

/* copy: an empty text under a secret's key is told: there is none. */
static enum err
copy(struct packer *p, struct unpacker *u, bool is_masked, int depth)
{
	struct text span, words;
	struct unpacker inside;
	uint32_t count;
	enum err e;

	if (depth > DEPTH)
		return ERR_TOO_DEEP;
	if (!is_masked && unpack_peek(u) == PACK_MAP)
		return copy_map(p, u, depth);
	if (!is_masked && unpack_peek(u) == PACK_ARRAY) {
		e = unpack_array(u, &count);
		if (e == OK)
			pack_array(p, count);
		for (uint32_t i = 0; e == OK && i < count; i++)
			e = copy(p, u, false, depth + 1);
		return e;
	}
	e = unpack_raw(u, &span);
	if (e != OK)
		return e;
	unpack_init(&inside, span);
	if (!is_masked ||
	    (unpack_text(&inside, &words) == OK && words.len == 0))
		pack_raw(p, span);
	else
		pack_string(p, "[MASKED]");
	return OK;
}

enum err
settings_view_pack(struct packer *p, struct text span)
{
	struct unpacker u;

	unpack_init(&u, span);
	enum err e = copy(p, &u, false, 0);
	return e != OK ? e : pack_finish(p);
}

/* differs counts the keys of `a` that are not in `b`; those with another
 * value too, unless only the missing ones are wanted. */
static uint32_t
differs(struct text a, struct text b, int depth, bool only_missing)
{
	struct unpacker u;
	uint32_t count, found = 0;

	unpack_init(&u, a);
	if (depth == 2 || unpack_map(&u, &count) != OK)
		return only_missing ? 0 : !text_eq(a, b);
	for (uint32_t i = 0; i < count; i++) {
		struct text key, mine, other;

		if (unpack_text(&u, &key) != OK || unpack_raw(&u, &mine) != OK)
			return found;
		if (unpack_map_find(b, key, &other) != OK)
			found++;
		else
			found += differs(mine, other, depth + 1, only_missing);
	}
	return found;
}

uint32_t
settings_view_differs(struct text a, struct text b)
{
	return differs(a, b, 0, false) + differs(b, a, 0, true);
}
