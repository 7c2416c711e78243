// SPDX-License-Identifier: MIT
#include "protocol/json_keys.h"

#include <stdlib.h>

#include "protocol/unpack.h"

void
json_keys_init(struct json_keys *keys)
{
	/* `few` is left as it is: nothing reads above `count` */
	keys->count = 0;
	keys->size = JSON_KEYS_INLINE;
	keys->at = keys->few;
	buffer_init(&keys->many, 2 * PACK_NODES * sizeof(struct json_key));
}

void
json_keys_finish(struct json_keys *keys)
{
	if (keys->size > JSON_KEYS_INLINE)
		buffer_finish(&keys->many);
}

void
json_keys_grow(struct json_keys *keys)
{
	size_t used = keys->count * sizeof(struct json_key);
	uint8_t *to;

	if (keys->size == JSON_KEYS_INLINE)
		INVARIANT(buffer_append(&keys->many, keys->few, used) == OK);
	/* the node limit stands far below the buffer's */
	INVARIANT(buffer_reserve(&keys->many, used, &to) == OK);
	buffer_commit(&keys->many, used);
	keys->size *= 2;
	keys->at = (struct json_key *)(void *)buffer_at(&keys->many);
}

/* key_text reads a packed key; the keys noted here are always texts. */
static struct text
key_text(const struct text *packed, const struct json_key *key)
{
	struct unpacker u;
	struct text t;

	unpack_init(&u, *packed);
	u.at += key->key;
	INVARIANT(unpack_text(&u, &t) == OK);
	return t;
}

static int
by_hash(const void *a, const void *b)
{
	const struct json_key *one = a, *two = b;

	return (one->hash > two->hash) - (one->hash < two->hash);
}

static int
by_place(const void *a, const void *b)
{
	const struct json_key *one = a, *two = b;

	return (one->from > two->from) - (one->from < two->from);
}

/* by_name puts equal keys side by side, the last written last. */
static int
by_name(const void *a, const void *b, void *packed)
{
	int order = text_compare(key_text(packed, a), key_text(packed, b));

	return order != 0 ? order : by_place(a, b);
}

/* hashes_meet also catches what was too much to compare key by key. */
static bool
hashes_meet(struct json_key *first, uint32_t count)
{
	qsort(first, count, sizeof *first, by_hash);
	for (uint32_t i = 1; i < count; i++)
		if (first[i].hash == first[i - 1].hash)
			return true;
	return false;
}

/* cut_repeats closes the gaps that lost entries leave in the buffer. */
static uint32_t
cut_repeats(struct json_key *first, uint32_t count, struct json_object_end o)
{
	uint8_t *bytes = buffer_at(o.out);
	uint32_t end = (uint32_t)buffer_used(o.out);
	uint32_t to = first[0].from, cut = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t from = first[i].from;
		uint32_t behind =
		    i + 1 < count ? first[i + 1].from - o.separator : end;

		if (first[i].is_repeat) {
			cut++;
			continue;
		}
		if (i > cut && o.separator > 0)
			bytes[to++] = ',';
		memmove(bytes + to, bytes + from, behind - from);
		to += behind - from;
	}
	buffer_truncate(o.out, to);
	return cut;
}

uint32_t
json_keys_end(struct json_keys *keys, struct json_object_end o)
{
	struct json_key *first = keys->at + o.base;
	uint32_t count = keys->count - o.base, repeats = 0;

	keys->count = o.base;
	if (count > JSON_KEYS_COMPARED)
		o.may_repeat = hashes_meet(first, count);
	if (!o.may_repeat)
		return 0;
	qsort_r(first, count, sizeof *first, by_name, &o.packed);
	for (uint32_t i = 0; i + 1 < count; i++) {
		first[i].is_repeat = text_eq(key_text(&o.packed, first + i),
		    key_text(&o.packed, first + i + 1));
		repeats += first[i].is_repeat;
	}
	qsort(first, count, sizeof *first, by_place);
	return repeats > 0 ? cut_repeats(first, count, o) : 0;
}
