// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * "In a row" is about one fingerprint, not about runners: between two deaths
 * by a poisonous call others may die of something else. And an answer clears:
 * a call that everybody makes is in flight whenever a runner dies, whatever
 * killed it, but it is also answered a thousand times in between.
 */

#include "workers/worker_pool/quarantine.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "protocol/hash.h"

enum {
	FILE_VERSION = 1
};

void
quarantine_init(struct quarantine *q, uint64_t hold_ms, uint32_t deaths)
{
	memset(q, 0, sizeof(*q));
	q->hold_ms = hold_ms;
	q->deaths = deaths;
}

uint64_t
quarantine_fingerprint(
    struct text service, struct text function, struct text args)
{
	struct hash_seed seed = {hash_name(service), hash_name(function)};
	uint64_t hash = hash_short(seed, args.at, args.len);

	return hash != 0 ? hash : 1;
}

static struct quarantine_entry *
find(struct quarantine *q, uint64_t fingerprint)
{
	for (uint32_t i = 0; i < q->count; i++)
		if (q->entries[i].fingerprint == fingerprint)
			return &q->entries[i];
	return NULL;
}

bool
quarantine_refuses(struct quarantine *q, uint64_t fingerprint, uint64_t now_ms)
{
	struct quarantine_entry *e;

	if (q->count == 0 || fingerprint == 0)
		return false;
	e = find(q, fingerprint);
	if (e == NULL || now_ms >= e->until_ms)
		return false;
	e->refused++;
	return true;
}

static void
drop(struct quarantine *q, struct quarantine_entry *e)
{
	size_t after = (size_t)(q->entries + q->count - (e + 1));

	memmove(e, e + 1, after * sizeof(*e));
	q->count--;
	q->changes++;
}

static void
name(char *to, struct text from)
{
	snprintf(to, QUARANTINE_NAME, "%.*s", TEXT_ARG(from));
}

static void
confine(struct quarantine *q, const struct quarantine_call *call,
    uint32_t deaths, uint64_t now_ms)
{
	struct quarantine_entry *e = find(q, call->fingerprint);

	if (e != NULL)
		drop(q, e); /* its time begins anew */
	if (q->count == QUARANTINE_MOST)
		drop(q, &q->entries[0]);
	e = &q->entries[q->count++];
	*e = (struct quarantine_entry){.fingerprint = call->fingerprint,
	    .since_ms = now_ms,
	    .until_ms = now_ms + q->hold_ms,
	    .deaths = deaths};
	name(e->pool, call->pool);
	name(e->service, call->service);
	name(e->function, call->function);
	q->changes++;
}

static struct quarantine_suspect *
suspect_of(struct quarantine *q, uint64_t fingerprint)
{
	for (uint32_t i = 0; i < q->suspect_count; i++)
		if (q->suspects[i].fingerprint == fingerprint)
			return &q->suspects[i];
	return NULL;
}

/* suspect_new takes a free place, or that of who was suspected longest ago. */
static struct quarantine_suspect *
suspect_new(struct quarantine *q, uint64_t fingerprint)
{
	struct quarantine_suspect *s = &q->suspects[0];

	if (q->suspect_count < QUARANTINE_SUSPECTS)
		s = &q->suspects[q->suspect_count++];
	else
		for (uint32_t i = 1; i < q->suspect_count; i++)
			if (q->suspects[i].last_ms < s->last_ms)
				s = &q->suspects[i];
	*s = (struct quarantine_suspect){.fingerprint = fingerprint};
	return s;
}

static void
clear_suspect(struct quarantine *q, struct quarantine_suspect *s)
{
	*s = q->suspects[--q->suspect_count];
}

/* blame counts a death against a call; true: that was one too many. */
static bool
blame(struct quarantine *q, const struct quarantine_call *call, uint64_t now_ms)
{
	struct quarantine_suspect *s = suspect_of(q, call->fingerprint);

	if (s == NULL)
		s = suspect_new(q, call->fingerprint);
	if (s->death == q->death)
		return false; /* several of the same in one runner */
	if (s->deaths > 0 && now_ms - s->last_ms >= q->hold_ms)
		s->deaths = 0;
	s->death = q->death;
	s->last_ms = now_ms;
	if (++s->deaths < q->deaths)
		return false;
	confine(q, call, s->deaths, now_ms);
	clear_suspect(q, s);
	return true;
}

uint32_t
quarantine_death(struct quarantine *q, const struct quarantine_call *calls,
    uint32_t count, uint64_t now_ms)
{
	uint32_t confined = 0;

	if (q->hold_ms == 0)
		return 0;
	quarantine_expire(q, now_ms);
	q->death++;
	for (uint32_t i = 0; i < count; i++)
		if (calls[i].fingerprint != 0)
			confined += blame(q, &calls[i], now_ms);
	return confined;
}

void
quarantine_answered(struct quarantine *q, uint64_t fingerprint)
{
	struct quarantine_suspect *s;

	if (q->suspect_count == 0)
		return;
	s = suspect_of(q, fingerprint);
	if (s != NULL)
		clear_suspect(q, s);
}

void
quarantine_expire(struct quarantine *q, uint64_t now_ms)
{
	for (uint32_t i = q->count; i-- > 0;)
		if (now_ms >= q->entries[i].until_ms)
			drop(q, &q->entries[i]);
}

bool
quarantine_remove(struct quarantine *q, uint64_t fingerprint)
{
	struct quarantine_entry *e = find(q, fingerprint);

	if (e != NULL)
		drop(q, e);
	return e != NULL;
}

uint32_t
quarantine_clear(struct quarantine *q)
{
	uint32_t count = q->count;

	q->count = q->suspect_count = 0;
	q->changes += count > 0;
	return count;
}

/* ---- the file ------------------------------------------------------------ */

void
quarantine_write(const struct quarantine *q, struct packer *p, uint64_t now_ms,
    uint64_t wall_ms)
{
	pack_map(p, 3);
	pack_field_u64(p, "version", FILE_VERSION);
	pack_field_u64(p, "wall_ms", wall_ms);
	pack_string(p, "entries");
	pack_array(p, q->count);
	for (uint32_t i = 0; i < q->count; i++) {
		const struct quarantine_entry *e = &q->entries[i];

		pack_map(p, 6);
		pack_field_u64(p, "fingerprint", e->fingerprint);
		pack_field_u64(p, "left_ms",
		    e->until_ms > now_ms ? e->until_ms - now_ms : 0);
		pack_field_u64(p, "deaths", e->deaths);
		pack_field_string(p, "pool", e->pool);
		pack_field_string(p, "service", e->service);
		pack_field_string(p, "function", e->function);
	}
}

static bool
read_entry(
    struct quarantine *q, struct text span, uint64_t away_ms, uint64_t now_ms)
{
	struct quarantine_call call;
	uint64_t left_ms, deaths;

	if (unpack_field_u64(span, "fingerprint", &call.fingerprint) != OK ||
	    unpack_field_u64(span, "left_ms", &left_ms) != OK ||
	    unpack_field_u64(span, "deaths", &deaths) != OK ||
	    unpack_field_text(span, "pool", &call.pool) != OK ||
	    unpack_field_text(span, "service", &call.service) != OK ||
	    unpack_field_text(span, "function", &call.function) != OK ||
	    call.fingerprint == 0 || deaths > UINT32_MAX)
		return false;
	if (left_ms > q->hold_ms)
		left_ms = q->hold_ms; /* the setting got shorter */
	if (left_ms <= away_ms)
		return true;
	confine(q, &call, (uint32_t)deaths, now_ms);
	q->entries[q->count - 1].until_ms = now_ms + left_ms - away_ms;
	return true;
}

void
quarantine_read(
    struct quarantine *q, struct text file, uint64_t now_ms, uint64_t wall_ms)
{
	uint64_t version, then_ms, away_ms;
	struct text list, span;
	struct unpacker at;
	uint32_t count;

	if (pack_check(file, PACK_LIMITS) != OK ||
	    unpack_field_u64(file, "version", &version) != OK ||
	    version != FILE_VERSION ||
	    unpack_field_u64(file, "wall_ms", &then_ms) != OK ||
	    unpack_map_find(file, TEXT("entries"), &list) != OK)
		return;
	/* a wall clock that went back says nothing about the time away */
	away_ms = wall_ms > then_ms ? wall_ms - then_ms : 0;
	unpack_init(&at, list);
	if (unpack_array(&at, &count) != OK || count > QUARANTINE_MOST)
		return;
	while (count-- > 0)
		if (unpack_raw(&at, &span) != OK ||
		    !read_entry(q, span, away_ms, now_ms))
			return;
}
