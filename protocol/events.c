// SPDX-License-Identifier: MIT
/*
 * body of the segment `events`:
 *
 *   offset 0   attach mask, MASK_WORDS × u64: bit = enum event
 *          64  EVENTS_RINGS rings, each
 *                0   head: sequence of the newest published record, u64
 *                8   zero, to 64
 *               64   EVENTS_RECORDS records of 256 bytes; the one with
 *                    sequence s lies at (s - 1) % EVENTS_RECORDS:
 *                      word 0  sequence      1  checksum of all other words
 *                           2  wall_us       3  mono_us
 *                           4  life          5  pid | event << 32
 *                           6  bytes of text
 *                           7 … 31  text (200 bytes)
 *
 * Design notes
 *
 * A ring has one writer, and no reader ever holds it up. Whoever reads while
 * a record is being overwritten, or finds one half written by the dead, gets
 * words of two records: their checksum fails and the record is left out. The
 * head is only a hint where to look: a whole record one beyond it was written
 * by a process that died before publishing it, and counts.
 */

#include "protocol/events.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/clock.h"

enum {
	MASK_WORDS = 8,
	RECORD_WORDS = 32,
	WORD_SEQUENCE = 0,
	WORD_SUM = 1,
	WORD_WALL = 2,
	WORD_MONO = 3,
	WORD_LIFE = 4,
	WORD_WHO = 5,
	WORD_LENGTH = 6,
	WORD_TEXT = 7
};

struct ring {
	_Atomic uint64_t head;
	_Atomic uint64_t zero[7];
	_Atomic uint64_t records[EVENTS_RECORDS][RECORD_WORDS];
};

struct body {
	_Atomic uint64_t mask[MASK_WORDS];
	struct ring rings[EVENTS_RINGS];
};

_Static_assert((int)EVENT_IDS <= MASK_WORDS * 64, "a bit for each event");
_Static_assert(EVENTS_TEXT == (RECORD_WORDS - WORD_TEXT) * 8, "drawn above");

#define NAMES(name, ...) #name,

static const char *const layout_names[] = {EVENTS(NAMES)};

static const struct {
	const char *name;
	const char *meaning;
	enum log_level level;
	bool is_of_life;
} infos[EVENT_IDS] = {
#define LIFE   true
#define MASKED false
#define E(name, level, when, meaning) \
	[EVENT_##name] = {#name, meaning, LOG_##level, when},
    EVENTS(E)
#undef E
#undef LIFE
#undef MASKED
};

/* Which ring this process writes; no ring before event_attach. */
static struct {
	struct body *body;
	struct ring *ring;
	uint64_t life;
} mine;

static size_t
body_of(const uint32_t params[SEGMENT_PARAMS])
{
	if (params[0] != EVENTS_RINGS || params[1] != EVENTS_RECORDS)
		return 0;
	return sizeof(struct body);
}

static struct segment_shape
shape_of(void)
{
	return (struct segment_shape){.name = "events",
	    .kind = SEGMENT_EVENTS,
	    .version = 1,
	    .layout = hash_names(layout_names, COUNT_OF(layout_names)),
	    .params = {EVENTS_RINGS, EVENTS_RECORDS},
	    .body_of = body_of};
}

enum err
events_create(int *fd)
{
	struct segment_shape shape = shape_of();

	return segment_create(&shape, fd);
}

enum err
events_map(int fd, struct events *events)
{
	struct segment_shape shape = shape_of();

	return segment_map(fd, &shape, &events->segment);
}

void
events_unmap(struct events *events)
{
	if (mine.body == (void *)events->segment.body)
		event_detach();
	segment_unmap(&events->segment);
}

static struct body *
body_at(const struct events *events)
{
	return (struct body *)(void *)events->segment.body;
}

void
event_attach(struct events *events, uint32_t slot, uint64_t life)
{
	INVARIANT(slot < EVENTS_RINGS);
	mine.body = body_at(events);
	mine.ring = &mine.body->rings[slot];
	mine.life = life;
}

void
event_detach(void)
{
	mine.body = NULL;
	mine.ring = NULL;
}

const char *
event_name(enum event id)
{
	return (unsigned)id < EVENT_IDS ? infos[id].name : "unknown";
}

const char *
event_meaning(enum event id)
{
	return (unsigned)id < EVENT_IDS ? infos[id].meaning : "";
}

enum log_level
event_level(enum event id)
{
	return (unsigned)id < EVENT_IDS ? infos[id].level : LOG_INFO;
}

bool
event_is_of_life(enum event id)
{
	return (unsigned)id < EVENT_IDS && infos[id].is_of_life;
}

void
events_mask_set(struct events *events, enum event id, bool on)
{
	uint64_t bit = (uint64_t)1 << (id % 64);
	_Atomic uint64_t *word = &body_at(events)->mask[id / 64 % MASK_WORDS];

	if (on)
		atomic_fetch_or(word, bit);
	else
		atomic_fetch_and(word, ~bit);
}

static bool
mask_has(const struct body *body, enum event id)
{
	uint64_t word = atomic_load_explicit(
	    &body->mask[id / 64 % MASK_WORDS], memory_order_relaxed);

	return (word >> (id % 64) & 1) != 0;
}

bool
events_mask_has(const struct events *events, enum event id)
{
	return mask_has(body_at(events), id);
}

/* sum_of leaves out the place of the sum itself. */
static uint64_t
sum_of(const uint64_t words[RECORD_WORDS])
{
	uint64_t copy[RECORD_WORDS];

	memcpy(copy, words, sizeof(copy));
	copy[WORD_SUM] = 0;
	return hash_words(copy, RECORD_WORDS);
}

/* clean keeps a quoted stranger from forging lines where this is shown. */
static void
clean(const char *from, size_t len, char *to)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (unsigned char)from[i] < 0x20 || from[i] == 0x7f
		    ? '?'
		    : from[i];
}

static void
record(enum event id, const char *text)
{
	uint64_t words[RECORD_WORDS] = {0};
	uint64_t sequence =
	    atomic_load_explicit(&mine.ring->head, memory_order_relaxed) + 1;
	_Atomic uint64_t *to =
	    mine.ring->records[(sequence - 1) % EVENTS_RECORDS];
	size_t len = strnlen(text, EVENTS_TEXT);

	words[WORD_SEQUENCE] = sequence;
	words[WORD_WALL] = clock_wall_us();
	words[WORD_MONO] = clock_mono_us();
	words[WORD_LIFE] = mine.life;
	words[WORD_WHO] = (uint32_t)getpid() | (uint64_t)id << 32;
	words[WORD_LENGTH] = len;
	clean(text, len, (char *)(words + WORD_TEXT));
	words[WORD_SUM] = sum_of(words);
	for (int i = 0; i < RECORD_WORDS; i++)
		atomic_store_explicit(&to[i], words[i], memory_order_relaxed);
	atomic_store_explicit(&mine.ring->head, sequence, memory_order_release);
}

static bool
is_recorded(enum event id)
{
	return mine.ring != NULL &&
	    (infos[id].is_of_life || mask_has(mine.body, id));
}

bool
event_is_wanted(enum event id)
{
	INVARIANT((unsigned)id < EVENT_IDS);
	return log_wants(infos[id].level) || is_recorded(id);
}

void
event_note(enum event id, const char *fmt, ...)
{
	char fields[1024];
	va_list args;

	if (!event_is_wanted(id))
		return;
	va_start(args, fmt);
	vsnprintf(fields, sizeof(fields), fmt, args);
	va_end(args);
	log_line(infos[id].level, infos[id].name, "%s", fields);
	if (is_recorded(id))
		record(id, fields);
}

/* take copies the record with this sequence; false if it is not whole. */
static bool
take(const struct ring *ring, uint64_t sequence, struct event_record *to)
{
	const _Atomic uint64_t *from =
	    ring->records[(sequence - 1) % EVENTS_RECORDS];
	uint64_t words[RECORD_WORDS];

	for (int i = 0; i < RECORD_WORDS; i++)
		words[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
	if (words[WORD_SEQUENCE] != sequence ||
	    words[WORD_SUM] != sum_of(words) ||
	    words[WORD_LENGTH] > EVENTS_TEXT ||
	    words[WORD_WHO] >> 32 >= EVENT_IDS)
		return false;
	to->sequence = sequence;
	to->wall_us = words[WORD_WALL];
	to->mono_us = words[WORD_MONO];
	to->life = words[WORD_LIFE];
	to->pid = (uint32_t)words[WORD_WHO];
	to->id = (enum event)(words[WORD_WHO] >> 32);
	memcpy(to->bytes, words + WORD_TEXT, words[WORD_LENGTH]);
	to->bytes[words[WORD_LENGTH]] = '\0';
	to->text = (struct text){to->bytes, (uint32_t)words[WORD_LENGTH]};
	return true;
}

uint32_t
events_last(const struct events *events, uint32_t slot, uint64_t after,
    struct event_record *to, uint32_t most)
{
	const struct ring *ring;
	uint64_t head, first;
	uint32_t count = 0;

	if (slot >= EVENTS_RINGS)
		return 0;
	ring = &body_at(events)->rings[slot];
	head = atomic_load_explicit(&ring->head, memory_order_acquire) + 1;
	if (most > EVENTS_RECORDS)
		most = EVENTS_RECORDS;
	first = head > most ? head - most : 1;
	if (after >= head)
		return 0;
	if (first <= after)
		first = after + 1;
	for (uint64_t i = 0; first + i <= head && i < most; i++)
		if (take(ring, first + i, &to[count]))
			count++;
	return count;
}
