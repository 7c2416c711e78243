// SPDX-License-Identifier: MIT
/*
 * body of the segment `limits`:
 *
 *   0   closed_us: the latest time by which a row was judged idle; zero to 64
 *
 * then, for each class (8, 32, 128 slots) in turn:
 *
 *   tags   capacity × 8 bytes, a bucket of eight in each cache line
 *   rows   capacity × (64 + slots × 8) bytes; row i belongs to tag i
 *
 * A tag is drawn in limits_table.c, a row in limits_row.c.
 *
 * Design notes
 *
 * A table that is full around a key first frees an idle row there, so it
 * holds as many keys as are active, not as many as were seen. If all 32
 * places are active the call is refused (is_full): passing it would make
 * "flood the table" the way round every limit.
 */

#include "protocol/limits.h"

#include <string.h>

#include "protocol/limits_row.h"
#include "protocol/limits_table.h"

enum {
	KEYS_LEAST = TABLE_PROBES,
	KEYS_MOST = 1 << 22,
	ATTEMPTS = 1000,
	FULL_RETRY_MS = 1000 /* a row may be idle by then; nobody knows */
};

static const uint32_t keys_default[LIMITS_CLASSES] = {32768, 16384, 8192};

static size_t
class_bytes(uint32_t class, uint32_t keys)
{
	return (size_t)keys * (8 + row_bytes(class));
}

static size_t
body_of(const uint32_t params[SEGMENT_PARAMS])
{
	size_t bytes = 0;

	for (uint32_t class = 0; class < LIMITS_CLASSES; class ++) {
		uint32_t n = params[class];

		if (n < KEYS_LEAST || n > KEYS_MOST || (n & (n - 1)) != 0)
			return 0;
		bytes += class_bytes(class, n);
	}
	return bytes;
}

static struct segment_shape
shape_of(void)
{
	return (struct segment_shape){.name = "limits",
	    .kind = SEGMENT_LIMITS,
	    .version = 1,
	    .layout = ROW_HEAD_WORDS << 8 | LIMITS_CLASSES,
	    .body_of = body_of};
}

enum err
limits_create(const struct limits_size *size, int *fd)
{
	struct segment_shape shape = shape_of();

	for (uint32_t class = 0; class < LIMITS_CLASSES; class ++) {
		uint32_t wanted = size != NULL && size->keys[class] != 0
		    ? size->keys[class]
		    : keys_default[class];
		uint32_t keys = KEYS_LEAST;

		while (keys < wanted && keys < KEYS_MOST)
			keys *= 2;
		shape.params[class] = keys;
	}
	return segment_create(&shape, fd);
}

enum err
limits_map(int fd, struct limits *limits)
{
	struct segment_shape shape = shape_of();
	enum err e = segment_map(fd, &shape, &limits->segment);
	uint8_t *at = limits->segment.body;

	if (e != OK)
		return e;
	limits->head = at;
	at += TABLE_HEAD_BYTES;
	for (uint32_t class = 0; class < LIMITS_CLASSES; class ++) {
		uint32_t keys = limits->segment.params[class];

		limits->capacity[class] = keys;
		limits->tags[class] = at;
		limits->rows[class] = at + (size_t)keys * 8;
		at += class_bytes(class, keys);
	}
	return OK;
}

void
limits_unmap(struct limits *limits)
{
	segment_unmap(&limits->segment);
	memset(limits, 0, sizeof(*limits));
}

uint64_t
limits_key(const struct limits *limits, uint64_t limit_id, struct text value)
{
	struct hash_seed seed = limits->segment.seed;

	seed.k0 ^= (limit_id + 1) * 0x9e3779b97f4a7c15u;
	return hash_short(seed, value.at, value.len);
}

/* bounded keeps a max that no row can hold from meaning something else. */
static struct limits_hit
bounded(const struct limits_hit *hit)
{
	struct limits_hit b = *hit;

	if (b.max > LIMITS_MAX_MAX)
		b.max = LIMITS_MAX_MAX;
	if (b.window_ms > LIMITS_MAX_WINDOW_MS)
		b.window_ms = LIMITS_MAX_WINDOW_MS;
	return b;
}

static void
refuse(struct limits_verdict *verdict, bool is_full, uint32_t retry_after_ms)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->is_full = is_full;
	verdict->retry_after_ms = retry_after_ms;
}

void
limits_take(struct limits *limits, const struct limits_hit *asked,
    struct limits_verdict *verdict)
{
	struct limits_hit hit = bounded(asked);

	if (hit.max == 0) {
		refuse(verdict, false, hit.window_ms);
		return;
	}
	for (int i = 0; i < ATTEMPTS; i++) {
		struct row_claim claim;
		struct place place;
		bool has_room;

		if (table_claim(limits, &hit, &place) != OK)
			break;
		has_room = row_find_claim(
		    place.row, place.class, &hit, &claim, verdict);
		/* only now is what was read known to be this key's */
		if (!place_is_mine(limits, &place))
			continue;
		if (!has_room)
			return;
		if (row_claim(place.row, &hit, &claim)) {
			memset(verdict, 0, sizeof(*verdict));
			verdict->is_admitted = true;
			verdict->at_us = row_claim_time(&claim);
			return;
		}
	}
	refuse(verdict, true, FULL_RETRY_MS);
}

void
limits_look(struct limits *limits, const struct limits_hit *asked,
    struct limits_verdict *verdict)
{
	struct limits_hit hit = bounded(asked);
	uint32_t class = row_class_for(hit.max);
	struct place place;

	/* as in a call; then where it would take its hits from */
	for (uint32_t i = 0; i < LIMITS_CLASSES; i++) {
		if (!table_find(
			limits, (class + i) % LIMITS_CLASSES, hit.key, &place))
			continue;
		row_look(place.row, place.class, &hit, verdict);
		if (place_is_mine(limits, &place))
			return;
	}
	refuse(verdict, false, hit.max == 0 ? hit.window_ms : 0);
	verdict->is_admitted = hit.max > 0;
}

bool
limits_reset(struct limits *limits, const struct limits_hit *asked)
{
	bool had = false;
	struct place place;

	for (uint32_t class = 0; class < LIMITS_CLASSES; class ++)
		if (table_find(limits, class, asked->key, &place))
			had |= table_drop(limits, &place, asked->now_us);
	return had;
}
