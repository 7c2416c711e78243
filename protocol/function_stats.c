// SPDX-License-Identifier: MIT
/*
 * FUNCTION_ROWS rows, one behind the other; one row:
 *
 *    0  owner, used, spare                          8 × u64
 *   64  places, stats->function_places of them; one place:
 *         now   counts, sum_us, buckets             FUNCTION_WORDS words
 *         who   two-copy: flags and lengths, route, names
 *         base  two-copy: what `now` was when the place was handed over
 *
 * Design notes
 *
 * Reading a page of a memfd that nobody wrote makes it exist. So readers stay
 * below `used`, and look at a base only where `who` says there is one.
 *
 * A place is handed over in two steps, base first, and its gateway may die
 * between them: then the old function goes on in it with what it had counted
 * moved to __other__. The sum over both is the same at every instruction.
 */

#include "protocol/function_stats.h"

#include <string.h>

#include "protocol/base/err.h"

enum {
	HAS_BASE = 1,
	WORD_NAMES = 2
};

_Static_assert(
    sizeof(struct function_sums) == FUNCTION_WORDS * 8, "read word by word");
_Static_assert(
    sizeof(struct function_counts) == FUNCTION_WORDS * 8, "read word by word");
_Static_assert(sizeof(struct function_row) == 64, "drawn above");

static size_t
row_bytes(uint32_t places)
{
	return sizeof(struct function_row) +
	    places * sizeof(struct function_place);
}

size_t
function_stats_bytes(uint32_t places)
{
	return FUNCTION_ROWS * row_bytes(places);
}

struct function_row *
function_stats_at(const struct stats *stats, uint32_t row)
{
	INVARIANT(row < FUNCTION_ROWS);
	return (struct function_row *)(void *)(stats->functions +
	    row * row_bytes(stats->function_places));
}

struct function_row *
function_stats_claim(const struct stats *stats, uint32_t slot)
{
	for (uint32_t i = 0; i < FUNCTION_ROWS; i++)
		if (atomic_load(&function_stats_at(stats, i)->owner) ==
		    (uint64_t)slot + 1)
			return function_stats_at(stats, i);
	for (uint32_t i = 0; i < FUNCTION_ROWS; i++) {
		struct function_row *row = function_stats_at(stats, i);
		uint64_t nobody = 0;

		if (atomic_compare_exchange_strong(
			&row->owner, &nobody, (uint64_t)slot + 1))
			return row;
	}
	return NULL;
}

uint32_t
function_stats_used(const struct stats *stats, const struct function_row *row)
{
	uint64_t used = atomic_load_explicit(&row->used, memory_order_acquire);

	if (used == 0)
		return 1;
	return used < stats->function_places ? (uint32_t)used
					     : stats->function_places;
}

/* cut keeps whole letters only. */
static uint32_t
cut(struct text t, uint32_t most)
{
	if (t.len <= most)
		return t.len;
	while (most > 0 && ((unsigned char)t.at[most] & 0xc0) == 0x80)
		most--;
	return most;
}

static void
name_place(struct function_place *place, const struct function_who *who)
{
	uint64_t words[FUNCTION_WHO_WORDS] = {0};
	uint32_t service = cut(who->service, FUNCTION_NAME_SHOWN);
	uint32_t type = cut(who->request_type, FUNCTION_NAME_SHOWN);
	uint32_t version = cut(who->version, FUNCTION_VERSION_SHOWN);
	char *at = (char *)(words + WORD_NAMES);

	words[0] = (who->has_base ? HAS_BASE : 0) | (uint64_t)service << 8 |
	    (uint64_t)type << 16 | (uint64_t)version << 24;
	words[1] = who->route;
	if (service > 0)
		memcpy(at, who->service.at, service);
	if (type > 0)
		memcpy(at + service, who->request_type.at, type);
	if (version > 0)
		memcpy(at + service + type, who->version.at, version);
	two_copy_write(place->who, words, FUNCTION_WHO_WORDS);
}

uint32_t
function_stats_add(const struct stats *stats, struct function_row *row,
    const struct function_who *who)
{
	uint32_t place = function_stats_used(stats, row);
	struct function_who own = *who;

	INVARIANT(place < stats->function_places);
	own.has_base = false;
	name_place(&row->places[place], &own);
	atomic_store_explicit(
	    &row->used, (uint64_t)place + 1, memory_order_release);
	return place;
}

static void
read_words(const struct function_counts *from, struct function_sums *to)
{
	for (int i = 0; i < FUNCTION_COUNTS; i++)
		to->counts[i] = atomic_load_explicit(
		    &from->counts[i], memory_order_acquire);
	to->sum_us = atomic_load_explicit(&from->sum_us, memory_order_relaxed);
	for (int i = 0; i < FUNCTION_BUCKETS; i++)
		to->buckets[i] = atomic_load_explicit(
		    &from->buckets[i], memory_order_acquire);
}

void
function_stats_hand_over(
    struct function_row *row, uint32_t place, const struct function_who *who)
{
	struct function_place *p = &row->places[place];
	struct function_who next = *who;
	struct function_sums now;
	uint64_t words[FUNCTION_WORDS];

	read_words(&p->now, &now);
	memcpy(words, &now, sizeof(words));
	two_copy_write(p->base, words, FUNCTION_WORDS);
	next.has_base = true;
	name_place(p, &next);
}

void
function_stats_time(struct function_counts *c, uint64_t took_us)
{
	_Atomic uint64_t *bucket = &c->buckets[stats_bucket_of(took_us) / 2];

	atomic_store_explicit(bucket,
	    atomic_load_explicit(bucket, memory_order_relaxed) + 1,
	    memory_order_release);
	atomic_store_explicit(&c->sum_us,
	    atomic_load_explicit(&c->sum_us, memory_order_relaxed) + took_us,
	    memory_order_relaxed);
}

enum err
function_stats_who(const struct function_place *place, struct function_who *who,
    char to[FUNCTION_WHO_WORDS * 8])
{
	uint64_t words[FUNCTION_WHO_WORDS];
	enum err e = two_copy_read(place->who, words, FUNCTION_WHO_WORDS);
	uint32_t service, type, version;

	*who = (struct function_who){.route = 0};
	if (e != OK)
		return e;
	service = (uint8_t)(words[0] >> 8);
	type = (uint8_t)(words[0] >> 16);
	version = (uint8_t)(words[0] >> 24);
	if (service > FUNCTION_NAME_SHOWN || type > FUNCTION_NAME_SHOWN ||
	    version > FUNCTION_VERSION_SHOWN)
		return ERR_MALFORMED;
	memcpy(to, words + WORD_NAMES, sizeof(words) - WORD_NAMES * 8);
	*who = (struct function_who){.route = words[1],
	    .service = {to, service},
	    .request_type = {to + service, type},
	    .version = {to + service + type, version},
	    .has_base = (words[0] & HAS_BASE) != 0};
	return OK;
}

void
function_stats_read(const struct function_place *place, bool has_base,
    struct function_sums *all, struct function_sums *base)
{
	uint64_t words[FUNCTION_WORDS], most[FUNCTION_WORDS];

	read_words(&place->now, all);
	memset(base, 0, sizeof(*base));
	if (!has_base ||
	    two_copy_read(place->base, words, FUNCTION_WORDS) != OK)
		return;
	memcpy(most, all, sizeof(most));
	for (int i = 0; i < FUNCTION_WORDS; i++)
		if (words[i] > most[i])
			words[i] = most[i];
	memcpy(base, words, sizeof(*base));
}

uint64_t
function_bucket_top(uint32_t bucket)
{
	return stats_bucket_top(bucket * 2 + 1);
}
