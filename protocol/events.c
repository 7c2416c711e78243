// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A ring has one writer, and no reader ever holds it up: see events_read.c.
 *
 * A process may die between writing a record and publishing it. Its next life
 * publishes it first (event_attach): a sequence never names two records, and
 * a reader that stays behind the head loses nothing.
 *
 * The pid is kept from event_attach: asking the kernel for it would be a
 * third of the price of a record.
 *
 * A record is skipped, and counted as that, at the one place that refuses it:
 * event_happens, when nobody else wants the fields, or tell. Who asks
 * event_happens and hears no does not tell.
 */

#include "protocol/events.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/text.h"
#include "protocol/events_layout.h"
#include "protocol/events_pace.h"
#include "protocol/log_rules.h"

enum {
	EVENT_FIELDS = 1024 /* before a ring or a line cuts them */
};

_Static_assert(
    (int)EVENT_IDS <= EVENTS_MASK_WORDS * 64, "a bit for each event");
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

/* Which rings this process writes; none before event_attach. */
static struct {
	struct events_body *body; /* NULL: no rings */
	struct ring rings[EVENTS_KINDS];
	_Atomic uint64_t *counts; /* EVENTS_COUNTS */
	uint64_t life;
	uint32_t pid;
	const uint64_t *now_us; /* NULL: without a pace */
	struct events_pace paces[EVENT_IDS];
} mine;

/* Is this the thread that writes the rings? */
static _Thread_local bool is_mine;

static size_t
body_of(const uint32_t params[SEGMENT_PARAMS])
{
	if (params[0] != EVENTS_RINGS || params[1] != EVENTS_RECORDS ||
	    params[2] != EVENTS_TELEMETRY_RECORDS)
		return 0;
	return sizeof(struct events_body);
}

static struct segment_shape
shape_of(void)
{
	return (struct segment_shape){.name = "events",
	    .kind = SEGMENT_EVENTS,
	    .version = 2,
	    .layout = hash_names(layout_names, COUNT_OF(layout_names)),
	    .params = {EVENTS_RINGS, EVENTS_RECORDS, EVENTS_TELEMETRY_RECORDS},
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

/* publish_left_over ends what a life began that died before its last store. */
static void
publish_left_over(struct ring *ring)
{
	struct event_record record;
	uint64_t next =
	    atomic_load_explicit(&ring->at->head, memory_order_relaxed) + 1;

	if (events_take(ring, next, &record))
		atomic_store_explicit(
		    &ring->at->head, next, memory_order_release);
}

void
event_attach(struct events *events, uint32_t slot, uint64_t life)
{
	INVARIANT(slot < EVENTS_RINGS);
	mine.body = events_body_at(events);
	for (int kind = 0; kind < EVENTS_KINDS; kind++) {
		mine.rings[kind] =
		    events_ring_at(mine.body, (enum events_kind)kind, slot);
		publish_left_over(&mine.rings[kind]);
	}
	mine.counts = mine.body->counts[slot];
	mine.life = life;
	is_mine = true;
	mine.pid = (uint32_t)getpid();
}

void
event_detach(void)
{
	mine.body = NULL;
}

void
event_clock(const uint64_t *now_us)
{
	mine.now_us = now_us;
}

void
events_pace_set(struct events *events, uint64_t per_s)
{
	atomic_store_explicit(
	    &events_body_at(events)->pace, per_s, memory_order_relaxed);
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
	_Atomic uint64_t *word =
	    &events_body_at(events)->mask[id / 64 % EVENTS_MASK_WORDS];

	if (on)
		atomic_fetch_or(word, bit);
	else
		atomic_fetch_and(word, ~bit);
}

static bool
mask_has(const struct events_body *body, enum event id)
{
	uint64_t word = atomic_load_explicit(
	    &body->mask[id / 64 % EVENTS_MASK_WORDS], memory_order_relaxed);

	return (word >> (id % 64) & 1) != 0;
}

bool
events_mask_has(const struct events *events, enum event id)
{
	return mask_has(events_body_at(events), id);
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

/* fitting cuts between two pairs: half a value would be another value. */
static size_t
fitting(const char *text)
{
	size_t len = strnlen(text, EVENTS_TEXT + 1);

	if (len <= EVENTS_TEXT)
		return len;
	for (len = EVENTS_TEXT; len > 0 && text[len] != ' '; len--)
		;
	return len > 0 ? len : EVENTS_TEXT;
}

static void
record(enum event id, const char *text)
{
	uint64_t words[RECORD_WORDS] = {0};
	struct ring *ring =
	    &mine.rings[infos[id].is_of_life ? EVENTS_OF_LIFE
					     : EVENTS_OF_TELEMETRY];
	uint64_t sequence =
	    atomic_load_explicit(&ring->at->head, memory_order_relaxed) + 1;
	_Atomic uint64_t *to = *events_place(ring, sequence);
	size_t len = fitting(text);

	words[WORD_SEQUENCE] = sequence;
	words[WORD_WALL] = clock_wall_us();
	words[WORD_MONO] = clock_mono_us();
	words[WORD_LIFE] = mine.life;
	words[WORD_WHO] = mine.pid | (uint64_t)id << 32;
	words[WORD_LENGTH] = len;
	clean(text, len, (char *)(words + WORD_TEXT));
	words[WORD_SUM] = events_sum(words);
	for (int i = 0; i < RECORD_WORDS; i++)
		atomic_store_explicit(&to[i], words[i], memory_order_relaxed);
	atomic_store_explicit(&ring->at->head, sequence, memory_order_release);
}

bool
event_is_recorded(enum event id)
{
	return mine.body != NULL &&
	    (infos[id].is_of_life || mask_has(mine.body, id));
}

bool
event_is_wanted(enum event id)
{
	INVARIANT((unsigned)id < EVENT_IDS);
	return log_rules_wants(id) || event_is_recorded(id);
}

/* has_pace: traces are bounded by rate, count and time of their own. */
static bool
has_pace(enum event id)
{
	return mine.now_us != NULL && !infos[id].is_of_life &&
	    id != EVENT_trace_hop && id != EVENT_trace_facts;
}

static bool
is_in_pace(enum event id)
{
	uint64_t per_s =
	    atomic_load_explicit(&mine.body->pace, memory_order_relaxed);

	return !has_pace(id) ||
	    events_pace_has(
		&mine.paces[id], per_s > 0 ? per_s : EVENTS_PACE, *mine.now_us);
}

static void
skip(void)
{
	_Atomic uint64_t *of = &mine.rings[EVENTS_OF_TELEMETRY].at->skipped;

	atomic_store_explicit(of,
	    atomic_load_explicit(of, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

static void
count(enum event id)
{
	_Atomic uint64_t *of = &mine.counts[id];

	atomic_store_explicit(of,
	    atomic_load_explicit(of, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

bool
event_happens(enum event id)
{
	INVARIANT((unsigned)id < EVENT_IDS);
	if (mine.body != NULL)
		count(id);
	if (log_rules_wants(id))
		return true;
	if (!event_is_recorded(id))
		return false;
	if (is_in_pace(id))
		return true;
	skip();
	return false;
}

/* fill tells an event without the passwords of its URLs. */
static void
fill(char fields[EVENT_FIELDS], const char *fmt, va_list args)
{
	vsnprintf(fields, EVENT_FIELDS, fmt, args);
	text_hide_passwords(fields, strlen(fields));
}

static void
tell(enum event id, bool is_logged, const char *fmt, va_list args)
{
	char fields[EVENT_FIELDS];

	fill(fields, fmt, args);
	if (is_logged && log_rules_wants(id))
		log_rules_write(id, fields);
	if (!event_is_recorded(id))
		return;
	if (!is_in_pace(id)) {
		skip();
		return;
	}
	if (has_pace(id))
		mine.paces[id].left--;
	record(id, fields);
}

/* Who hears what is noted while it handles one traced request. */
static struct {
	event_heard *run; /* NULL: nobody */
	void *ctx;
} listener;

void
event_listen(event_heard *run, void *ctx)
{
	listener.run = run;
	listener.ctx = ctx;
}

static void
hear(enum event id, const char *fmt, va_list args)
{
	event_heard *run = listener.run;
	char fields[EVENT_FIELDS];

	fill(fields, fmt, args);
	listener.run = NULL; /* it may note something itself */
	run(listener.ctx, id, fields);
	listener.run = run;
}

void
event_note(enum event id, const char *fmt, ...)
{
	va_list args;

	if (listener.run != NULL) {
		va_start(args, fmt);
		hear(id, fmt, args);
		va_end(args);
	}
	if (!event_happens(id))
		return;
	va_start(args, fmt);
	tell(id, true, fmt, args);
	va_end(args);
}

void
event_tell(enum event id, const char *fmt, ...)
{
	va_list args;

	if (listener.run != NULL) {
		va_start(args, fmt);
		hear(id, fmt, args);
		va_end(args);
	}
	if (!event_is_wanted(id))
		return;
	va_start(args, fmt);
	tell(id, true, fmt, args);
	va_end(args);
}

void
event_record(enum event id, const char *fmt, ...)
{
	va_list args;

	if (!event_is_recorded(id))
		return;
	va_start(args, fmt);
	tell(id, false, fmt, args);
	va_end(args);
}

void
event_line(enum log_level level, const char *event, const char *fields)
{
	char text[EVENTS_TEXT + 64];

	if (mine.body == NULL || !is_mine)
		return;
	count(EVENT_log_line);
	snprintf(text, sizeof(text), "%s %s %s", log_level_name(level), event,
	    fields);
	record(EVENT_log_line, text);
}

/* is_plain: nothing in it could end a value or begin another pair. */
static bool
is_plain(struct text text)
{
	for (uint32_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] <= ' ' || text.at[i] == '"' ||
		    text.at[i] == '=' || text.at[i] == 0x7f)
			return false;
	return true;
}

const char *
event_word_in(char *to, size_t size, struct text text)
{
	uint32_t most = (uint32_t)(size - 3);
	uint32_t len = text.len < most ? text.len : most;
	char *at = to;

	/* never half of a character */
	while (len < text.len && len > 0 &&
	    ((unsigned char)text.at[len] & 0xc0) == 0x80)
		len--;
	text.len = len;
	if (len == 0)
		return memcpy(to, "-", 2);
	if (is_plain(text)) {
		memcpy(to, text.at, len);
		to[len] = '\0';
		return to;
	}
	*at++ = '"';
	for (uint32_t i = 0; i < len; i++)
		*at++ = text.at[i] == '"' ? '\'' : text.at[i];
	*at++ = '"';
	*at = '\0';
	return to;
}

const char *
event_word(struct event_word *word, struct text text)
{
	/* 40 bytes of text */
	return event_word_in(word->at, sizeof(word->at) - 1, text);
}
