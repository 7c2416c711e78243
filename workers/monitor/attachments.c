// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Sampling goes by a hash of the record's place: no dice, so the same records
 * pass in every run, and no counting to ten either, which would always meet
 * the same of two processes that take turns.
 *
 * The feed area holds ATTACHMENTS two-copy slots and one for the control. A
 * monitor that dies in the middle of a change leaves the old one whole.
 */

#include "workers/monitor/attachments.h"

#include <string.h>

#include "protocol/hash.h"
#include "protocol/two_copy.h"

enum {
	CHOICE_WORDS = 8, /* in the segment: room for more events */
	CONTROL_WORDS = 4 + 2 * CHOICE_WORDS,
	SLOT = TWO_COPY_WORDS(ATTACHMENT_WORDS),
	NAME_AT = 0,
	MATCH_AT = NAME_AT + ATTACHMENT_NAME / 8,
	HOLDER_AT = MATCH_AT + ATTACHMENT_MATCH / 8,
	UNTIL_AT,
	LOGGED_AT,
	CHOICE_AT,
};

_Static_assert(
    CHOICE_AT + CHOICE_WORDS <= ATTACHMENT_WORDS, "a slot holds it all");
_Static_assert((SLOT * ATTACHMENTS + TWO_COPY_WORDS(CONTROL_WORDS)) * 8 <=
	EVENTS_FEED_BYTES,
    "the feed area holds them all");
_Static_assert((EVENT_IDS + 63) / 64 <= CHOICE_WORDS, "a bit for each");

static void
choose_all(struct telemetry_choice *choice)
{
	memset(choice, 0xff, sizeof(*choice));
}

void
attachments_init(struct attachments *a)
{
	memset(a, 0, sizeof(*a));
	a->control.sampling = SAMPLING_WHOLE;
	choose_all(&a->control.sampled);
	choose_all(&a->control.allowed);
}

static struct attachment *
find(struct attachments *a, struct text name)
{
	for (int i = 0; i < ATTACHMENTS; i++)
		if (a->items[i].name[0] != '\0' &&
		    text_is(name, a->items[i].name))
			return &a->items[i];
	return NULL;
}

enum err
attachments_put(
    struct attachments *a, struct text name, const struct attachment *item)
{
	struct attachment *place = find(a, name);
	char copy[ATTACHMENT_NAME];

	if (name.len == 0 || text_copy(name, copy, sizeof(copy)) != OK)
		return ERR_TOO_BIG;
	if (place != NULL &&
	    (item->holder == 0 || place->holder != item->holder))
		return ERR_EXISTS;
	for (int i = 0; i < ATTACHMENTS && place == NULL; i++)
		if (a->items[i].name[0] == '\0')
			place = &a->items[i];
	if (place == NULL)
		return ERR_FULL;
	*place = *item;
	memcpy(place->name, copy, sizeof(copy));
	return OK;
}

enum err
attachments_remove(struct attachments *a, struct text name, uint64_t holder)
{
	struct attachment *item = find(a, name);

	if (item == NULL || (holder != 0 && item->holder != holder))
		return ERR_NOT_FOUND;
	memset(item, 0, sizeof(*item));
	return OK;
}

bool
attachments_expire(struct attachments *a, uint64_t now_ms)
{
	bool is_any = false;

	for (int i = 0; i < ATTACHMENTS; i++) {
		struct attachment *item = &a->items[i];

		if (item->name[0] == '\0' || item->until_ms == 0 ||
		    item->until_ms > now_ms)
			continue;
		memset(item, 0, sizeof(*item));
		is_any = true;
	}
	return is_any;
}

void
attachments_mask(const struct attachments *a, struct telemetry_choice *to)
{
	size_t words = sizeof(to->words) / sizeof(to->words[0]);

	memset(to, 0, sizeof(*to));
	if (a->control.is_off)
		return;
	*to = a->always;
	for (size_t w = 0; w < words; w++)
		to->words[w] |= a->handled.words[w];
	for (int i = 0; i < ATTACHMENTS; i++)
		for (size_t w = 0; w < words; w++)
			to->words[w] |= a->items[i].name[0] == '\0'
			    ? 0
			    : a->items[i].choice.words[w];
	for (size_t w = 0; w < words; w++)
		to->words[w] &= a->control.allowed.words[w];
}

bool
attachments_passes(
    const struct attachments *a, enum event id, bool is_of_life, uint64_t mark)
{
	if (!telemetry_has(&a->control.allowed, id))
		return false;
	if (is_of_life)
		return true;
	if (a->control.is_off)
		return false;
	if (!telemetry_has(&a->control.sampled, id))
		return true;
	return hash_words(&mark, 1) % SAMPLING_WHOLE < a->control.sampling;
}

bool
attachments_logs(const struct attachments *a, enum event id)
{
	for (int i = 0; i < ATTACHMENTS; i++)
		if (a->items[i].name[0] != '\0' && a->items[i].is_logged &&
		    telemetry_has(&a->items[i].choice, id))
			return true;
	return false;
}

uint32_t
attachments_count(const struct attachments *a)
{
	uint32_t count = 0;

	for (int i = 0; i < ATTACHMENTS; i++)
		count += a->items[i].name[0] != '\0';
	return count;
}

/* --- in the segment --- */

static void
keep_one(const struct attachment *item, _Atomic uint64_t *slot)
{
	uint64_t words[ATTACHMENT_WORDS] = {0};
	uint64_t old[ATTACHMENT_WORDS];

	memcpy(&words[NAME_AT], item->name, ATTACHMENT_NAME);
	memcpy(&words[MATCH_AT], item->match, ATTACHMENT_MATCH);
	words[HOLDER_AT] = item->holder;
	words[UNTIL_AT] = item->until_ms;
	words[LOGGED_AT] = item->is_logged;
	memcpy(&words[CHOICE_AT], item->choice.words, sizeof(item->choice));
	if (two_copy_read(slot, old, ATTACHMENT_WORDS) == OK &&
	    memcmp(old, words, sizeof(words)) == 0)
		return;
	two_copy_write(slot, words, ATTACHMENT_WORDS);
}

static void
recall_one(struct attachment *item, const _Atomic uint64_t *slot)
{
	uint64_t words[ATTACHMENT_WORDS];

	memset(item, 0, sizeof(*item));
	if (two_copy_read(slot, words, ATTACHMENT_WORDS) != OK)
		return;
	memcpy(item->name, &words[NAME_AT], ATTACHMENT_NAME - 1);
	memcpy(item->match, &words[MATCH_AT], ATTACHMENT_MATCH - 1);
	item->holder = words[HOLDER_AT];
	item->until_ms = words[UNTIL_AT];
	item->is_logged = words[LOGGED_AT] != 0;
	memcpy(item->choice.words, &words[CHOICE_AT], sizeof(item->choice));
}

void
attachments_keep(const struct attachments *a, void *feed_area)
{
	_Atomic uint64_t *area = feed_area;
	uint64_t words[CONTROL_WORDS] = {0};

	for (int i = 0; i < ATTACHMENTS; i++)
		keep_one(&a->items[i], area + i * SLOT);
	words[0] = a->control.is_off;
	words[1] = a->control.sampling;
	memcpy(&words[4], a->control.sampled.words, sizeof(a->control.sampled));
	memcpy(&words[4 + CHOICE_WORDS], a->control.allowed.words,
	    sizeof(a->control.allowed));
	two_copy_write(area + SLOT * ATTACHMENTS, words, CONTROL_WORDS);
}

void
attachments_recall(struct attachments *a, const void *feed_area)
{
	const _Atomic uint64_t *area = feed_area;
	uint64_t words[CONTROL_WORDS];

	for (int i = 0; i < ATTACHMENTS; i++)
		recall_one(&a->items[i], area + i * SLOT);
	if (two_copy_read(area + SLOT * ATTACHMENTS, words, CONTROL_WORDS) !=
		OK ||
	    words[1] > SAMPLING_WHOLE)
		return;
	a->control.is_off = words[0] != 0;
	a->control.sampling = words[1];
	memcpy(a->control.sampled.words, &words[4], sizeof(a->control.sampled));
	memcpy(a->control.allowed.words, &words[4 + CHOICE_WORDS],
	    sizeof(a->control.allowed));
}
