// SPDX-License-Identifier: MIT
/*
 * a tag, one word for each row:
 *
 *   bits 63 … 10  fingerprint: the key's upper 54 bits (0 is written as 1)
 *         9 …  2  turn: raised whenever the row changes hands, wraps
 *         1 …  0  FREE → TENTATIVE → LIVE → DYING → FREE
 *                            ↓         ↑______|  somebody came back
 *                          FREE
 *
 * Design notes
 *
 * A key may be at 32 places: the four buckets (cache lines) from the one its
 * lower bits name. All of them are always looked at, so a free place in the
 * middle hides nothing.
 *
 * No key has two live rows. A new one is TENTATIVE, takes no hits, and is
 * made live only by a look at all 32 places that found no other of this key;
 * a tentative one that meets a live one, or a tentative one at an earlier
 * place, is given up, and an earlier one takes later ones away. Say places
 * p < q both became live. q's last look saw p not yet claimed, so p was
 * claimed after q, and p's look saw q: live, and p gave up; or tentative, and
 * p took it away (or failed, and looked again). Whoever dies in between
 * leaves a TENTATIVE tag, which the next caller of that key finishes and the
 * sweep takes away.
 *
 * A row changes hands in three steps: LIVE → DYING; every slot gets a new
 * free word (row_close), which stops at a hit that counts; DYING → FREE. A
 * hit reads its slot, then checks that the tag is what it was, then does its
 * CAS. If that succeeds the slot was not rewritten since, so its row has not
 * changed hands, and a close that comes later finds the hit and stops. A
 * caller that meets its own key DYING revives it under the next turn, so the
 * last step of the closer fails.
 *
 * Forgetting a row forgets until when its hits counted. A caller whose clock
 * reading is older than that (it was stopped after reading it) would find a
 * fresh row and record a time at which the forgotten hits still counted. So
 * closed_us keeps the time of the latest close, written before its tag is
 * FREE, and a new row takes no hit under an earlier time (row->floor_us).
 *
 * A row given up while a helper copied hits into it (row_import) may leave
 * them to its next owner, who is then refused a little too early: the safe
 * side, and for one window.
 *
 * Two gateways that disagree about a limit's class (the milliseconds of a
 * reload) may each use a row of their own until they agree.
 *
 * The turn has 8 bits: a process would have to stand still inside one call
 * for 256 changes of hands of one row, and wake up to the same key.
 */

#include "protocol/limits_table.h"

enum {
	FREE = 0,
	TENTATIVE = 1,
	LIVE = 2,
	DYING = 3,
	STATE_MASK = 3,
	TURN_SHIFT = 2,
	TURN_MASK = 0xff,
	PRINT_SHIFT = 10,
	ATTEMPTS = 1000
};

static _Atomic uint64_t *
closed_us_of(const struct limits *limits)
{
	return (_Atomic uint64_t *)(void *)limits->head;
}

static _Atomic uint64_t *
tag_at(const struct limits *limits, uint32_t class, uint32_t index)
{
	return (_Atomic uint64_t *)(void *)limits->tags[class] + index;
}

struct limits_row *
table_row(const struct limits *limits, uint32_t class, uint32_t index)
{
	return (struct limits_row *)(void *)(limits->rows[class] +
	    index * row_bytes(class));
}

static uint64_t
print_of(uint64_t key)
{
	return key >> PRINT_SHIFT == 0 ? 1 : key >> PRINT_SHIFT;
}

static uint32_t
state_of(uint64_t tag)
{
	return tag & STATE_MASK;
}

/* with gives the tag another state; `turns` is 1 if it changes hands. */
static uint64_t
with(uint64_t tag, uint64_t print, uint32_t state, uint32_t turns)
{
	uint64_t turn = ((tag >> TURN_SHIFT) + turns) & TURN_MASK;

	return print << PRINT_SHIFT | turn << TURN_SHIFT | state;
}

static uint64_t
freed(uint64_t tag)
{
	return with(tag, 0, FREE, 1);
}

static bool
is_of(uint64_t tag, uint64_t print)
{
	return state_of(tag) != FREE && tag >> PRINT_SHIFT == print;
}

/* index_of gives the i-th of the places a key may be at. */
static inline uint32_t
index_of(const struct limits *limits, uint32_t class, uint64_t key, uint32_t i)
{
	uint32_t mask = limits->capacity[class] - 1;

	return ((uint32_t)key * TABLE_BUCKET + i) & mask;
}

static bool
swap(const struct limits *limits, const struct place *place, uint64_t next)
{
	uint64_t old = place->tag;

	return atomic_compare_exchange_strong(
	    tag_at(limits, place->class, place->index), &old, next);
}

static void
place_set(const struct limits *limits, struct place *place, uint32_t class,
    uint32_t index, uint64_t tag)
{
	place->class = class;
	place->index = index;
	place->tag = tag;
	place->row = table_row(limits, class, index);
}

bool
place_is_mine(const struct limits *limits, const struct place *place)
{
	return atomic_load(tag_at(limits, place->class, place->index)) ==
	    place->tag;
}

bool
table_at(const struct limits *limits, uint32_t class, uint32_t index,
    struct place *place)
{
	uint64_t tag = atomic_load(tag_at(limits, class, index));

	place_set(limits, place, class, index, tag);
	return state_of(tag) == LIVE;
}

bool
table_is_used(const struct limits *limits, uint32_t class, uint32_t index)
{
	return state_of(atomic_load(tag_at(limits, class, index))) != FREE;
}

bool
table_find(const struct limits *limits, uint32_t class, uint64_t key,
    struct place *place)
{
	uint64_t print = print_of(key);

	for (uint32_t i = 0; i < TABLE_PROBES; i++) {
		uint32_t index = index_of(limits, class, key, i);
		uint64_t tag = atomic_load_explicit(
		    tag_at(limits, class, index), memory_order_acquire);

		if (is_of(tag, print) && state_of(tag) == LIVE) {
			place_set(limits, place, class, index, tag);
			return true;
		}
	}
	return false;
}

/*
 * must_give_way looks for other rows of the key, and takes away tentative
 * ones behind this. `changed`: the look must be repeated.
 */
static bool
must_give_way(const struct limits *limits, const struct place *place,
    uint64_t key, bool *changed)
{
	bool is_behind = false; /* have we passed our own place? */

	*changed = false;
	for (uint32_t i = 0; i < TABLE_PROBES; i++) {
		struct place other;
		uint32_t index = index_of(limits, place->class, key, i);
		uint64_t tag = atomic_load(tag_at(limits, place->class, index));

		if (index == place->index) {
			is_behind = true;
			continue;
		}
		if (!is_of(tag, print_of(key)))
			continue;
		if (state_of(tag) != TENTATIVE || !is_behind)
			return true;
		place_set(limits, &other, place->class, index, tag);
		if (!swap(limits, &other, freed(tag)))
			*changed = true;
	}
	return false;
}

/* import brings the hits the key has in a smaller class; gives whence. */
static bool
import(struct limits *limits, const struct limits_hit *hit,
    const struct place *place, struct place *from)
{
	for (uint32_t class = 0; class < place->class; class ++) {
		if (!table_find(limits, class, hit->key, from))
			continue;
		row_import(place->row, from->row, class, hit);
		return true;
	}
	return false;
}

/* confirm makes a tentative place live, or gives it up. */
static void
confirm(struct limits *limits, const struct limits_hit *hit,
    const struct place *place)
{
	struct place from;
	bool changed = false, has_old;

	do {
		if (!place_is_mine(limits, place))
			return;
		if (must_give_way(limits, place, hit->key, &changed)) {
			(void)swap(limits, place, freed(place->tag));
			return;
		}
	} while (changed);
	row_begin(place->row, hit, atomic_load(closed_us_of(limits)));
	has_old = import(limits, hit, place, &from);
	if (swap(
		limits, place, with(place->tag, print_of(hit->key), LIVE, 0)) &&
	    has_old)
		(void)table_drop(limits, &from, hit->now_us);
}

/* scan finds the key in any state, and the first free place. */
static bool
scan(const struct limits *limits, uint32_t class, uint64_t key,
    struct place *found, struct place *vacant)
{
	uint64_t print = print_of(key);

	vacant->row = NULL;
	for (uint32_t i = 0; i < TABLE_PROBES; i++) {
		uint32_t index = index_of(limits, class, key, i);
		uint64_t tag = atomic_load(tag_at(limits, class, index));

		if (is_of(tag, print)) {
			place_set(limits, found, class, index, tag);
			return true;
		}
		if (state_of(tag) == FREE && vacant->row == NULL)
			place_set(limits, vacant, class, index, tag);
	}
	return false;
}

/* make_room frees an idle row among the key's places. */
static bool
make_room(struct limits *limits, uint32_t class, const struct limits_hit *hit)
{
	for (uint32_t i = 0; i < TABLE_PROBES; i++)
		if (table_tend(limits, class,
			index_of(limits, class, hit->key, i), hit->now_us,
			0) == TENDED_FREED)
			return true;
	return false;
}

enum err
table_claim(
    struct limits *limits, const struct limits_hit *hit, struct place *place)
{
	uint32_t class = row_class_for(hit->max);
	uint64_t print = print_of(hit->key);

	/* a limit that was lowered keeps its larger row */
	for (uint32_t larger = class; larger < LIMITS_CLASSES; larger++)
		if (table_find(limits, larger, hit->key, place))
			return OK;
	for (int i = 0; i < ATTEMPTS; i++) {
		struct place vacant;

		if (!scan(limits, class, hit->key, place, &vacant)) {
			if (vacant.row == NULL) {
				if (!make_room(limits, class, hit))
					return ERR_FULL;
				continue;
			}
			*place = vacant;
			place->tag = with(vacant.tag, print, TENTATIVE, 0);
			if (!swap(limits, &vacant, place->tag))
				continue;
		}
		if (state_of(place->tag) == LIVE)
			return OK;
		if (state_of(place->tag) == TENTATIVE)
			confirm(limits, hit, place);
		else /* DYING: back to life, under another turn */
			(void)swap(
			    limits, place, with(place->tag, print, LIVE, 1));
	}
	return ERR_FULL; /* only damage keeps a tag from settling */
}

/* die carries out the last two steps; whoever closed it first. */
static bool
die(struct limits *limits, struct place *place, uint64_t now_us,
    uint64_t keep_us, bool force)
{
	if (row_close(place->row, place->class, now_us, keep_us, force)) {
		row_raise(closed_us_of(limits), now_us);
		return swap(limits, place, freed(place->tag));
	}
	(void)swap(limits, place,
	    with(place->tag, place->tag >> PRINT_SHIFT, LIVE, 1));
	return false;
}

/* begin_to_die is the first step. */
static bool
begin_to_die(struct limits *limits, struct place *place)
{
	uint64_t next = with(place->tag, place->tag >> PRINT_SHIFT, DYING, 0);

	if (!swap(limits, place, next))
		return false;
	place->tag = next;
	return true;
}

enum table_tended
table_tend(struct limits *limits, uint32_t class, uint32_t index,
    uint64_t now_us, uint64_t keep_us)
{
	uint64_t tag = atomic_load(tag_at(limits, class, index));
	struct place place;

	place_set(limits, &place, class, index, tag);
	switch (state_of(tag)) {
	case FREE:
		return TENDED_FREE;
	case TENTATIVE: /* it holds no hits: its maker tries again, or died */
		return swap(limits, &place, freed(tag)) ? TENDED_FREED
							: TENDED_KEPT;
	case LIVE:
		if (!row_is_idle(place.row, class, now_us, keep_us) ||
		    !begin_to_die(limits, &place))
			return TENDED_KEPT;
		break;
	default:
		break;
	}
	return die(limits, &place, now_us, keep_us, false) ? TENDED_FREED
							   : TENDED_KEPT;
}

void
table_repair(struct limits *limits, uint64_t now_us)
{
	uint64_t closed_us = atomic_load(closed_us_of(limits));

	if (!row_is_possible(closed_us, now_us))
		(void)atomic_compare_exchange_strong(
		    closed_us_of(limits), &closed_us, now_us);
}

bool
table_drop(struct limits *limits, const struct place *place, uint64_t now_us)
{
	struct place dying = *place;

	if (!begin_to_die(limits, &dying))
		return false;
	return die(limits, &dying, now_us, 0, true);
}
