// SPDX-License-Identifier: MIT
#include "protocol/mask.h"

#include "protocol/json.h"
#include "protocol/json_out.h"
#include "protocol/pack.h"

enum {
	MASK_BYTES = 1 << 20
};

void
mask_read(struct mask *m, struct text array)
{
	struct unpacker u;
	uint32_t count = 0;

	m->count = 0;
	unpack_init(&u, array);
	if (unpack_array(&u, &count) != OK)
		return;
	while (count-- > 0 && m->count < MASK_WORDS &&
	    unpack_text(&u, &m->words[m->count]) == OK)
		if (m->words[m->count].len > 0)
			m->count++;
}

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
}

static bool
has_at(struct text key, uint32_t at, struct text word)
{
	for (uint32_t i = 0; i < word.len; i++)
		if (lower(key.at[at + i]) != lower(word.at[i]))
			return false;
	return true;
}

bool
mask_hides(const struct mask *m, struct text key)
{
	for (uint32_t w = 0; w < m->count; w++)
		for (uint32_t at = 0; at + m->words[w].len <= key.len; at++)
			if (has_at(key, at, m->words[w]))
				return true;
	return false;
}

static enum err copy(const struct mask *, struct unpacker *, struct packer *,
    uint32_t depth);

static enum err
copy_map(const struct mask *m, struct unpacker *u, struct packer *p,
    uint32_t depth)
{
	struct text key, span;
	uint32_t count;
	enum err e = unpack_map(u, &count);

	if (e != OK)
		return e;
	pack_map(p, count);
	while (count-- > 0) {
		bool is_text = unpack_peek(u) == PACK_TEXT;

		if (is_text && unpack_text(u, &key) == OK)
			pack_text(p, key);
		else if ((e = unpack_raw(u, &span)) == OK)
			pack_raw(p, span);
		if (e != OK)
			return e;
		if (!is_text || !mask_hides(m, key)) {
			e = copy(m, u, p, depth + 1);
		} else {
			e = unpack_skip(u);
			pack_string(p, MASK_TEXT);
		}
		if (e != OK)
			return e;
	}
	return OK;
}

static enum err
copy(const struct mask *m, struct unpacker *u, struct packer *p, uint32_t depth)
{
	struct text span;
	uint32_t count;
	enum err e;

	if (depth > PACK_DEPTH)
		return ERR_TOO_DEEP;
	if (unpack_peek(u) == PACK_MAP)
		return copy_map(m, u, p, depth);
	if (unpack_peek(u) != PACK_ARRAY) {
		e = unpack_raw(u, &span);
		if (e == OK)
			pack_raw(p, span);
		return e;
	}
	e = unpack_array(u, &count);
	if (e == OK)
		pack_array(p, count);
	while (e == OK && count-- > 0)
		e = copy(m, u, p, depth + 1);
	return e;
}

enum err
mask_json(const struct mask *m, struct text value, struct buffer *to)
{
	struct buffer masked;
	struct unpacker u;
	struct packer p;
	size_t before = buffer_used(to);

	buffer_init(&masked, MASK_BYTES);
	pack_init(&p, &masked);
	unpack_init(&u, value);
	enum err e = copy(m, &u, &p, 0);
	if (e == OK)
		e = pack_finish(&p);
	if (e == OK)
		e = pack_to_json(buffer_text(&masked), to, NULL);
	if (e != OK)
		buffer_truncate(to, before);
	buffer_finish(&masked);
	return e;
}
