// SPDX-License-Identifier: MIT
#include "workers/monitor/tracer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/base/memory.h"

enum {
	PAIRS = 24,
	VALUE_ROOM = 2048 /* unquoted values of one line */
};

void
tracer_init(struct tracer *t, const char *node)
{
	*t = (struct tracer){.node = node};
}

void
tracer_finish(struct tracer *t)
{
	tracer_clear(t);
}

enum log_level
tracer_level(struct text word)
{
	static const struct {
		const char *word;
		enum log_level level;
	} words[] = {{"info", LOG_INFO}, {"notice", LOG_INFO},
	    {"warn", LOG_WARN}, {"warning", LOG_WARN}, {"error", LOG_ERROR},
	    {"critical", LOG_FATAL}, {"alert", LOG_FATAL},
	    {"emergency", LOG_FATAL}, {"fatal", LOG_FATAL}};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (text_is(word, words[i].word))
			return words[i].level;
	return LOG_DEBUG;
}

static struct text
name_of(const struct tracer_key *k)
{
	return (struct text){k->name, k->len};
}

static uint32_t
place_of(const struct tracer *t, bool is_user, struct text key)
{
	uint32_t i = 0;

	while (i < t->count &&
	    (t->keys[i]->is_user != is_user ||
		!text_eq(name_of(t->keys[i]), key)))
		i++;
	return i;
}

const struct tracer_key *
tracer_find(const struct tracer *t, bool is_user, struct text key)
{
	uint32_t i = place_of(t, is_user, key);

	return i < t->count ? t->keys[i] : NULL;
}

enum err
tracer_add(struct tracer *t, bool is_user, struct text key, uint32_t id)
{
	const struct tracer_rules rules = {.folder = t->folder,
	    .max_bytes = t->max_file_bytes,
	    .max_backups = t->max_backup_files};
	char file[TRACE_KEY_BYTES + 32];

	if (key.len == 0)
		return ERR_MISSING;
	if (key.len > TRACE_KEY_BYTES)
		return ERR_TOO_BIG;
	if (place_of(t, is_user, key) < t->count)
		return OK;
	if (t->count == TRACER_KEYS)
		return ERR_FULL;
	struct tracer_key *k = MEMORY_NEW(struct tracer_key);
	k->is_user = is_user;
	k->id = id;
	k->len = key.len;
	memcpy(k->name, key.at, key.len);
	tracer_file_name(
	    is_user ? "user_id" : "request_type", key, file, sizeof(file));
	enum err e = tracer_file_init(&k->file, &rules, file);
	if (e != OK) {
		memory_free(k);
		return e;
	}
	t->keys[t->count++] = k;
	return OK;
}

static void
drop(struct tracer *t, uint32_t place)
{
	struct tracer_key *k = t->keys[place];

	tracer_file_close(&k->file);
	t->lost += k->file.lost;
	memory_free(k);
	t->keys[place] = t->keys[--t->count];
}

bool
tracer_remove(struct tracer *t, bool is_user, struct text key)
{
	uint32_t i = place_of(t, is_user, key);

	if (i == t->count)
		return false;
	drop(t, i);
	return true;
}

void
tracer_clear(struct tracer *t)
{
	while (t->count > 0)
		drop(t, t->count - 1);
}

bool
tracer_flush(struct tracer *t)
{
	bool is_well = true;

	for (uint32_t i = 0; i < t->count; i++)
		is_well &= tracer_file_flush(&t->keys[i]->file);
	return is_well;
}

/* --- lines --- */

struct pair {
	struct text key;
	struct text value;
};

struct line {
	struct pair pairs[PAIRS];
	uint32_t count;
	size_t used;
	char room[VALUE_ROOM];
};

static void
put(struct line *l, struct text key, struct text value)
{
	if (l->count < PAIRS)
		l->pairs[l->count++] = (struct pair){key, value};
}

/* copy keeps a value that was unquoted into a room that will be used again. */
static struct text
copy(struct line *l, struct text value)
{
	char *to = l->room + l->used;

	if (value.len > sizeof(l->room) - l->used)
		value.len = (uint32_t)(sizeof(l->room) - l->used);
	memcpy(to, value.at, value.len);
	l->used += value.len;
	return (struct text){to, value.len};
}

/* value_of: `nil` stands for what nobody said. */
static struct text
value_of(struct line *l, struct text value)
{
	if (text_is(value, "nil"))
		return (struct text){.at = NULL, .len = 0};
	return copy(l, value);
}

static bool
is_word_of(struct text word, const char *words)
{
	struct text rest = text_of(words);

	while (rest.len > 0) {
		int64_t space = text_find(rest, ' ');
		struct text one = {
		    rest.at, space < 0 ? rest.len : (uint32_t)space};

		if (text_eq(one, word))
			return true;
		uint32_t step = space < 0 ? rest.len : one.len + 1;
		rest.at += step;
		rest.len -= step;
	}
	return false;
}

/* take_facts takes the common keys; the arguments only with the start. */
static void
take_facts(struct line *l, struct text facts, const struct stage_info *info)
{
	bool is_start = text_is(text_of(info->name), "start");
	bool has_version = is_word_of(TEXT("version"), info->keys);
	struct text key, value;
	char room[1024];

	while (facts_next(&facts, &key, &value, room, sizeof(room)))
		if ((is_start ||
			!(text_is(key, "args") || text_is(key, "arity"))) &&
		    !(has_version && text_is(key, "version")))
			put(l, key, value_of(l, value));
}

static void
take_hop(struct line *l, const struct hop *h, const char *keys)
{
	struct text rest = h->rest, key, value;
	char room[256];
	bool has_error = false;

	while (facts_next(&rest, &key, &value, room, sizeof(room))) {
		if (!is_word_of(key, keys))
			continue;
		has_error |= text_is(key, "error");
		put(l, key, value_of(l, value));
	}
	if (h->stage == STAGE_end && !has_error)
		put(l, TEXT("error"), (struct text){.at = NULL, .len = 0});
}

static int
by_key(const void *a, const void *b)
{
	return text_compare(
	    ((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static void
stamp(uint64_t wall_us, char to[40])
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;
	char day[32];

	strftime(
	    day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
	snprintf(to, 40, "%s.%06" PRIu64 "Z", day, wall_us % 1000000);
}

bool
tracer_line(const struct tracer *t, const struct traced_request *r,
    const struct hop *h, const struct trace_place *place, struct buffer *to)
{
	const struct stage_info *info = stage_info(h->stage);
	struct line l = {.count = 0, .used = 0};
	char when[40];
	struct text level;

	if (h->is_piece || info->event[0] == '\0')
		return false;
	if (h->stage == STAGE_log &&
	    facts_find(h->rest, "level", &level, NULL, 0) &&
	    tracer_level(level) < t->log_level)
		return false;
	stamp(place->wall_us, when);
	put(&l, TEXT("timestamp"), text_of(when));
	put(&l, TEXT("node"), text_of(t->node));
	put(&l, TEXT("event"), text_of(info->event));
	take_facts(&l, traces_facts(r), info);
	take_hop(&l, h, info->keys);
	qsort(l.pairs, l.count, sizeof(l.pairs[0]), by_key);
	for (uint32_t i = 0; i < l.count; i++) {
		char key[64];

		snprintf(key, sizeof(key), "%.*s", TEXT_ARG(l.pairs[i].key));
		facts_put(to, key, l.pairs[i].value);
	}
	return true;
}

void
tracer_take(struct tracer *t, const struct traced_request *r,
    const struct hop *h, const struct trace_place *place)
{
	struct buffer line;

	buffer_init(&line, TRACER_LINE);
	for (uint32_t i = 0; i < t->count; i++) {
		bool is_his = false;

		for (uint32_t k = 0; k < r->id_count; k++)
			is_his |= r->ids[k] == t->keys[i]->id;
		if (!is_his ||
		    (buffer_used(&line) == 0 &&
			(!tracer_line(t, r, h, place, &line) ||
			    buffer_append_text(&line, TEXT("\n")) != OK)))
			continue;
		tracer_file_add(&t->keys[i]->file, buffer_text(&line));
	}
	buffer_finish(&line);
}
