// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_JSON_KEYS_H
#define PROTOCOL_JSON_KEYS_H

/*
 * json_keys - the last of equal keys counts, in both directions of json.
 *
 * A stack of the keys of all open objects. As long as no two hashes of one
 * object meet, a key costs a few comparisons; when they do, the keys are
 * sorted and the entries that lost are cut out of what was written.
 *
 * Trust:  keys come from strangers, who can make hashes meet at will: what
 *         follows is a sort, n log n, never worse.
 * Owner:  the struct is the caller's (init/finish); beyond a few dozen keys
 *         it takes memory, 16 bytes a key, which the node limit bounds.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "protocol/base/buffer.h"
#include "protocol/base/text.h"

enum {
	JSON_KEYS_INLINE = 32,  /* kept without taking memory */
	JSON_KEYS_COMPARED = 12 /* of one object, before sorting is cheaper */
};

struct json_key {
	uint32_t hash;
	uint32_t key;  /* offset of the packed key, from `packed` */
	uint32_t from; /* offset of the entry in the buffer written to */
	bool is_repeat;
};

struct json_keys {
	uint32_t count; /* in use, of `size` */
	uint32_t size;
	struct json_key *at; /* `few`, or the memory of `many` */
	struct buffer many;
	struct json_key few[JSON_KEYS_INLINE];
};

void json_keys_init(struct json_keys *);
void json_keys_finish(struct json_keys *);
void json_keys_grow(struct json_keys *);

/* json_keys_hash: equal keys have equal hashes, and that is all it promises. */
static inline uint32_t
json_keys_hash(struct text key)
{
	uint64_t head = 0, tail = 0;

	if (key.len >= 8) {
		memcpy(&head, key.at, 8);
		memcpy(&tail, key.at + key.len - 8, 8);
	} else {
		for (uint32_t i = 0; i < key.len; i++)
			head = head << 8 | (uint8_t)key.at[i];
	}
	head ^= (tail << 29 | tail >> 35) + key.len;
	return (uint32_t)((head * 0x9e3779b97f4a7c15ull) >> 32);
}

/*
 * json_keys_add notes a key of the object that began at `base` (the count
 * then). True when an earlier key of that object may be the same.
 */
static inline bool
json_keys_add(struct json_keys *keys, uint32_t base, struct json_key key)
{
	bool may_repeat = false;
	uint32_t i = base;

	if (keys->count == keys->size)
		json_keys_grow(keys);
	if (keys->count - base <= JSON_KEYS_COMPARED)
		for (; i < keys->count; i++)
			may_repeat |= keys->at[i].hash == key.hash;
	keys->at[keys->count++] = key;
	return may_repeat;
}

/* What json_keys_end needs to know of an object. */
struct json_object_end {
	uint32_t base;
	bool may_repeat;    /* what json_keys_add said, for any of its keys */
	struct text packed; /* offsets of keys count from its start */
	struct buffer *out; /* its entries are the last bytes in it */
	uint32_t separator; /* bytes between entries: 1 for JSON's comma */
};

/*
 * json_keys_end forgets the object's keys, cuts lost entries out of `out` and
 * gives their count.
 */
uint32_t json_keys_end(struct json_keys *, struct json_object_end);

#endif /* PROTOCOL_JSON_KEYS_H */
