// SPDX-License-Identifier: MIT
/*
 * one row, words of 8 bytes:
 *
 *   word 0  hint   1  max   2  window_ms   3  floor_us   4 … 7  zero
 *        8 …       slots: time in µs << 16 | count
 *
 *   a slot with count 0 is free, whatever its time; else it holds `count`
 *   hits, the latest of them at that time
 *
 * Design notes
 *
 * The promise: in no interval (t, t + W] of true time are more than `max`
 * hits admitted, whoever dies when.
 *
 * Slot i may hold share(i) hits, and the shares add up to max (up to 128:
 * one each). A hit is one CAS on one slot, which either starts a new filling
 * (the old one is expired) or joins the present one (its count is below the
 * share). Nothing else admits, so a death before the CAS admitted nothing and
 * a death after it lost nothing: there is no third state.
 *
 * A filling starts only when now - time > W for the filling before it. The
 * slot's time is the latest of its hits, so any hit of the new filling is
 * more than W later than any hit of the old one: an interval of length W
 * meets hits of at most one filling per slot, at most share(i) hits, and the
 * sum over all slots is max.
 *
 * Resolution: a stamp is the true time rounded down to 1 µs. From
 * floor(b) - floor(a) > W (whole µs, so ≥ W + 1) follows b - a > W. With "≥ W"
 * it would follow only b - a > W - 1 µs; hence the strict comparison.
 * A caller may be stopped between reading its clock and the CAS. If it starts
 * a filling it records its old time, and the CAS proves that nobody touched
 * the slot meanwhile. If it joins one, its hit counts under the slot's time or
 * its own, whichever is later (at_us): with its own, it could lie within W of
 * the filling before. A word freed by row_close, and a row made anew
 * (floor_us), likewise carry the time by which the hits that were there had
 * expired, and a filling begins no earlier. All these times were written
 * before the CAS, so in each case
 * the recorded time lies between the call's arrival and its answer: no client
 * can tell that its call did not happen just then.
 *
 * Above 128 a filling expires whole with its latest hit, so its earlier hits
 * count too long. A hit joins the filling that is not full and starts another
 * (at the oldest slot) only when there is none: fillings follow each other,
 * at most one of them lies across the edge of the window, and at most
 * share - 1 hits count too long: under max / 128, so over 99 % of the limit
 * is admitted. `hint` only saves the search; a wrong one (its writer died, or
 * slept) costs a search, and in the worst case one more filling across the
 * edge, never a hit above the limit.
 *
 * A limit that was lowered finds slots beyond its own still filled: until
 * they expire all hits of the row are counted (row->max remembers), so the
 * new limit admits nothing before the old hits make room. A key whose limit is
 * lowered stays in its larger row; one that outgrows its row takes its hits
 * along, slot by slot: smaller rows hold one hit a slot, so they fit.
 */

#include "protocol/limits_row.h"

#include <string.h>

enum {
	COUNT_BITS = 16,
	COUNT_MASK = 0xffff,
	FUTURE_US = 60000000 /* no clock is that far ahead of another */
};

/* A row's slots as they were, with what the hit's window says of them. */
struct view {
	uint64_t words[ROW_SLOTS_MOST];
	uint32_t slots;   /* of the class */
	uint32_t usable;  /* the first so many, by this max */
	uint64_t total;   /* hits that count */
	uint32_t partial; /* a filling with room, or `slots` */
	uint32_t oldest;  /* the oldest expired slot, or `slots` */
};

uint32_t
row_slots(uint32_t class)
{
	static const uint32_t slots[LIMITS_CLASSES] = {8, 32, 128};

	return slots[class];
}

uint32_t
row_class_for(uint32_t max)
{
	return max <= 8 ? 0 : max <= 32 ? 1 : 2;
}

static uint64_t
word_of(uint64_t time_us, uint64_t count)
{
	return time_us << COUNT_BITS | count;
}

static uint64_t
time_of(uint64_t word)
{
	return word >> COUNT_BITS;
}

static uint32_t
count_of(uint64_t word)
{
	return word & COUNT_MASK;
}

/* share_of is how many of `max` hits slot `i` may hold. */
static inline uint32_t
share_of(uint32_t max, uint32_t i)
{
	if (max <= ROW_SLOTS_MOST)
		return i < max ? 1 : 0;
	return max / ROW_SLOTS_MOST + (i < max % ROW_SLOTS_MOST ? 1 : 0);
}

/* counts: is this word's filling still inside the window? */
static inline bool
counts(uint64_t word, uint64_t now_us, uint64_t window_us)
{
	return count_of(word) > 0 &&
	    (now_us < time_of(word) || now_us - time_of(word) <= window_us);
}

static uint64_t
window_us_of(const struct limits_hit *hit)
{
	return (uint64_t)hit->window_ms * 1000;
}

bool
row_is_possible(uint64_t us, uint64_t now_us)
{
	return us <= now_us + FUTURE_US;
}

/*
 * first_time: when a filling of this slot may begin. A free word carries the
 * time at which what was there was judged expired; see the notes.
 */
static inline uint64_t
first_time(const struct limits_row *row, uint64_t word, uint64_t now_us)
{
	uint64_t floor_us =
	    atomic_load_explicit(&row->floor_us, memory_order_relaxed);

	if (count_of(word) == 0 && time_of(word) > floor_us)
		floor_us = time_of(word);
	return floor_us > now_us && row_is_possible(floor_us, now_us) ? floor_us
								      : now_us;
}

/* next_word: the slot's word with this hit in it; 0 if there is no room. */
static inline uint64_t
next_word(const struct limits_row *row, uint64_t word,
    const struct limits_hit *hit, uint32_t share)
{
	if (!counts(word, hit->now_us, window_us_of(hit)))
		return word_of(first_time(row, word, hit->now_us), 1);
	if (count_of(word) >= share)
		return 0;
	return word_of(
	    time_of(word) > hit->now_us ? time_of(word) : hit->now_us,
	    count_of(word) + 1);
}

static uint64_t
slot_word(const struct limits_row *row, uint32_t i)
{
	return atomic_load_explicit(&row->slots[i], memory_order_acquire);
}

static void
look_at(const struct limits_row *row, uint32_t class,
    const struct limits_hit *hit, struct view *view)
{
	uint64_t window_us = window_us_of(hit);
	uint64_t oldest_us = UINT64_MAX;

	view->slots = row_slots(class);
	view->usable = hit->max < view->slots ? hit->max : view->slots;
	view->total = 0;
	view->partial = view->oldest = view->slots;
	for (uint32_t i = 0; i < view->slots; i++) {
		uint64_t word = view->words[i] = slot_word(row, i);
		uint64_t age = count_of(word) == 0 ? 0 : time_of(word);

		if (counts(word, hit->now_us, window_us)) {
			view->total += count_of(word);
			if (i < view->usable && view->partial == view->slots &&
			    count_of(word) < share_of(hit->max, i))
				view->partial = i;
		} else if (i < view->usable && age < oldest_us) {
			oldest_us = age;
			view->oldest = i;
		}
	}
}

/* wait_ms_until rounds up to the first millisecond at which it has expired. */
static uint32_t
wait_ms_until(uint64_t expired_us, const struct limits_hit *hit)
{
	uint64_t wait_us =
	    expired_us > hit->now_us ? expired_us - hit->now_us : 0;
	uint64_t most = (uint64_t)hit->window_ms + FUTURE_US / 1000;
	uint64_t ms = (wait_us + 999) / 1000;

	return (uint32_t)(ms < most ? ms : most);
}

/* take_oldest gives the earliest filling that counts, and forgets it. */
static bool
take_oldest(struct view *view, const struct limits_hit *hit, uint64_t *word)
{
	uint32_t at = view->slots;

	for (uint32_t i = 0; i < view->slots; i++)
		if (counts(view->words[i], hit->now_us, window_us_of(hit)) &&
		    (at == view->slots ||
			time_of(view->words[i]) < time_of(view->words[at])))
			at = i;
	if (at == view->slots)
		return false;
	*word = view->words[at];
	view->words[at] = 0;
	return true;
}

/*
 * retry_after finds when enough fillings have expired for one more hit: one
 * will do, unless the limit was lowered and there are hits to spare.
 */
static uint32_t
retry_after(struct view *view, const struct limits_hit *hit)
{
	uint64_t left = view->total;
	uint64_t word;

	while (take_oldest(view, hit, &word)) {
		left -= count_of(word);
		if (left < hit->max)
			return wait_ms_until(
			    time_of(word) + window_us_of(hit) + 1, hit);
	}
	return hit->window_ms;
}

static void
refuse(struct view *view, const struct limits_hit *hit,
    struct limits_verdict *verdict)
{
	verdict->is_admitted = false;
	verdict->is_full = false;
	verdict->current = (uint32_t)view->total;
	verdict->retry_after_ms = retry_after(view, hit);
}

/* is_within: every filling that counts fits the shares of this max. */
static bool
is_within(const struct view *view, const struct limits_hit *hit)
{
	for (uint32_t i = 0; i < view->slots; i++)
		if (counts(view->words[i], hit->now_us, window_us_of(hit)) &&
		    count_of(view->words[i]) > share_of(hit->max, i))
			return false;
	return true;
}

/* search looks at all slots: slower, and the only way to a refusal. */
static bool
search(struct limits_row *row, uint32_t class, const struct limits_hit *hit,
    struct row_claim *claim, struct limits_verdict *verdict)
{
	struct view view;
	bool was_lowered =
	    atomic_load_explicit(&row->max, memory_order_relaxed) > hit->max;

	look_at(row, class, hit, &view);
	if (was_lowered && is_within(&view, hit))
		atomic_store_explicit(
		    &row->max, hit->max, memory_order_relaxed);
	claim->at = view.partial < view.slots ? view.partial : view.oldest;
	if (claim->at == view.slots ||
	    (was_lowered && view.total >= hit->max)) {
		refuse(&view, hit, verdict);
		return false;
	}
	claim->old = view.words[claim->at];
	claim->next =
	    next_word(row, claim->old, hit, share_of(hit->max, claim->at));
	return true;
}

/* note keeps what later readers of the row need to know about this hit. */
static void
note(struct limits_row *row, const struct limits_hit *hit)
{
	if (atomic_load_explicit(&row->window_ms, memory_order_relaxed) !=
	    hit->window_ms)
		atomic_store_explicit(
		    &row->window_ms, hit->window_ms, memory_order_relaxed);
	if (atomic_load_explicit(&row->max, memory_order_relaxed) < hit->max)
		atomic_store_explicit(
		    &row->max, hit->max, memory_order_relaxed);
}

bool
row_find_claim(struct limits_row *row, uint32_t class,
    const struct limits_hit *hit, struct row_claim *claim,
    struct limits_verdict *verdict)
{
	uint32_t slots = row_slots(class);
	uint32_t usable = hit->max < slots ? hit->max : slots;
	uint64_t hint = atomic_load_explicit(&row->hint, memory_order_relaxed);

	note(row, hit);
	if (atomic_load_explicit(&row->max, memory_order_relaxed) != hit->max)
		return search(row, class, hit, claim, verdict);
	claim->at = hint < usable ? (uint32_t)hint : 0;
	claim->old = slot_word(row, claim->at);
	claim->next =
	    next_word(row, claim->old, hit, share_of(hit->max, claim->at));
	if (claim->next != 0)
		return true;
	return search(row, class, hit, claim, verdict);
}

bool
row_claim(struct limits_row *row, const struct limits_hit *hit,
    const struct row_claim *claim)
{
	uint64_t old = claim->old;
	uint32_t share = share_of(hit->max, claim->at);

	if (!atomic_compare_exchange_strong(
		&row->slots[claim->at], &old, claim->next))
		return false;
	atomic_store_explicit(&row->hint,
	    claim->at + (count_of(claim->next) >= share ? 1u : 0u),
	    memory_order_relaxed);
	return true;
}

uint64_t
row_claim_time(const struct row_claim *claim)
{
	return time_of(claim->next);
}

void
row_look(const struct limits_row *row, uint32_t class,
    const struct limits_hit *hit, struct limits_verdict *verdict)
{
	struct view view;

	look_at(row, class, hit, &view);
	refuse(&view, hit, verdict);
	if (view.total < hit->max) {
		verdict->is_admitted = true;
		verdict->retry_after_ms = 0;
	}
}

void
row_raise(_Atomic uint64_t *time_us, uint64_t us)
{
	uint64_t old = atomic_load(time_us);

	while (old < us && !atomic_compare_exchange_weak(time_us, &old, us))
		continue;
}

void
row_begin(
    struct limits_row *row, const struct limits_hit *hit, uint64_t closed_us)
{
	if (!row_is_possible(closed_us, hit->now_us))
		closed_us = 0;
	row_raise(
	    &row->floor_us, closed_us > hit->now_us ? closed_us : hit->now_us);
	note(row, hit);
}

void
row_import(struct limits_row *to, const struct limits_row *from,
    uint32_t from_class, const struct limits_hit *hit)
{
	for (uint32_t i = 0; i < row_slots(from_class); i++) {
		uint64_t word = slot_word(from, i);
		uint64_t old = slot_word(to, i);

		/* a helper may have been here: what it put in stays */
		if (counts(word, hit->now_us, window_us_of(hit)) &&
		    count_of(old) == 0)
			(void)atomic_compare_exchange_strong(
			    &to->slots[i], &old, word);
	}
}

static uint64_t
idle_us_of(const struct limits_row *row, uint64_t keep_us)
{
	uint64_t window_ms =
	    atomic_load_explicit(&row->window_ms, memory_order_relaxed);

	if (window_ms > LIMITS_MAX_WINDOW_MS)
		window_ms = LIMITS_MAX_WINDOW_MS;
	return window_ms * 1000 > keep_us ? window_ms * 1000 : keep_us;
}

bool
row_is_idle(const struct limits_row *row, uint32_t class, uint64_t now_us,
    uint64_t keep_us)
{
	uint64_t idle_us = idle_us_of(row, keep_us);

	for (uint32_t i = 0; i < row_slots(class); i++)
		if (counts(slot_word(row, i), now_us, idle_us))
			return false;
	return true;
}

bool
row_close(struct limits_row *row, uint32_t class, uint64_t now_us,
    uint64_t keep_us, bool force)
{
	uint64_t idle_us = idle_us_of(row, keep_us);

	for (uint32_t i = 0; i < row_slots(class); i++) {
		uint64_t old = slot_word(row, i);
		uint64_t next;

		do {
			if (!force && counts(old, now_us, idle_us))
				return false;
			/* later than any word this slot ever had */
			next = word_of(
			    now_us > time_of(old) ? now_us : time_of(old) + 1,
			    0);
		} while (!atomic_compare_exchange_strong(
		    &row->slots[i], &old, next));
	}
	return true;
}

uint32_t
row_repair(struct limits_row *row, uint32_t class, uint64_t now_us)
{
	uint32_t repaired = 0;

	for (uint32_t i = 0; i < row_slots(class); i++) {
		uint64_t old = slot_word(row, i);

		if (!row_is_possible(time_of(old), now_us))
			repaired += atomic_compare_exchange_strong(
			    &row->slots[i], &old, word_of(now_us, 0));
	}
	return repaired;
}
