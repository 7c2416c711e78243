// SPDX-License-Identifier: MIT
#include "workers/config_db/log_marks.h"

#include <stdio.h>
#include <string.h>

#include "protocol/events.h"
#include "protocol/pack.h"

/* What lies behind a key. */
struct kept {
	uint64_t until_ms;
	uint64_t level;
};

static void
key_of(const struct log_mark *m, struct store_key *key)
{
	key->bytes[0] = (char)m->kind;
	memcpy(key->bytes + 1, m->name.at, m->name.len);
	key->val = (MDB_val){m->name.len + 1, key->bytes};
}

bool
log_mark_mutes(struct text pattern, const char *event)
{
	const char *p = pattern.at, *end = p + pattern.len;
	const char *star = NULL, *from = event;

	while (*event != '\0') {
		if (p < end && *p == '*') {
			star = p++;
			from = event;
		} else if (p < end && *p == *event) {
			p++;
			event++;
		} else if (star != NULL) {
			p = star + 1;
			event = ++from;
		} else {
			return false;
		}
	}
	while (p < end && *p == '*')
		p++;
	return p == end;
}

/* mute sets the bit of every routine event the pattern means. */
static uint32_t
mute(struct text pattern, uint64_t bits[LOG_WATCH_MUTE_WORDS])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < EVENT_IDS; i++) {
		enum event id = (enum event)i;

		if (event_level(id) >= LOG_WARN ||
		    !log_mark_mutes(pattern, event_name(id)))
			continue;
		bits[i / 64] |= (uint64_t)1 << (i % 64);
		count++;
	}
	return count;
}

bool
log_mark_problem(const struct log_mark *m, char *why, size_t size)
{
	uint64_t bits[LOG_WATCH_MUTE_WORDS] = {0};
	const char *near;

	if (m->kind == LOG_MARK_LEVEL)
		return false;
	if (m->name.len == 0 || m->name.len > LOG_MARK_NAME) {
		snprintf(why, size, "a name of 1 to %d bytes is wanted",
		    LOG_MARK_NAME);
		return true;
	}
	if (m->kind == LOG_MARK_FILTER && mute(m->name, bits) == 0) {
		snprintf(why, size,
		    "\"%.*s\" means no routine event; warnings and errors are "
		    "never filtered",
		    TEXT_ARG(m->name));
		return true;
	}
	if (m->kind != LOG_MARK_SCOPE || log_scope_mask(m->name) != 0)
		return false;
	near = log_scope_closest(m->name);
	snprintf(why, size, "there is no scope \"%.*s\"%s%s%s",
	    TEXT_ARG(m->name), near != NULL ? "; did you mean \"" : "",
	    near != NULL ? near : "", near != NULL ? "\"?" : "");
	return true;
}

static bool
is_over(uint64_t until_ms, uint64_t wall_ms)
{
	return until_ms != LOG_WATCH_FOREVER && until_ms <= wall_ms;
}

/* read_mark gives false for what no mark is. */
static bool
read_mark(MDB_val key, MDB_val value, struct log_mark *m)
{
	struct kept kept;
	const char *at = key.mv_data;

	if (key.mv_size < 1 || key.mv_size > LOG_MARK_NAME + 1 ||
	    value.mv_size != sizeof(kept))
		return false;
	memcpy(&kept, value.mv_data, sizeof(kept));
	*m = (struct log_mark){.kind = (enum log_mark_kind)at[0],
	    .name = {at + 1, (uint32_t)key.mv_size - 1},
	    .until_ms = kept.until_ms,
	    .level = kept.level};
	return kept.level <= LOG_FATAL;
}

/* drop_over makes room: what has ended is forgotten. */
static enum err
drop_over(struct table *t)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	struct log_mark m;
	enum err e = store_err(mdb_cursor_open(t->txn, t->store->log, &cursor));

	if (e != OK)
		return e;
	while (e == OK &&
	    mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS)
		if (!read_mark(key, value, &m) ||
		    is_over(m.until_ms, t->now_ms))
			e = store_err(mdb_cursor_del(cursor, 0));
	mdb_cursor_close(cursor);
	return e;
}

enum err
log_marks_put(struct table *t, const struct log_mark *m)
{
	struct kept kept = {m->until_ms, m->level};
	MDB_val value = {sizeof(kept), &kept};
	struct store_key key;
	MDB_stat stat;
	enum err e = drop_over(t);

	if (e == OK)
		e = store_err(mdb_stat(t->txn, t->store->log, &stat));
	if (e == OK && stat.ms_entries >= LOG_MARKS_MAX)
		return ERR_RANGE;
	key_of(m, &key);
	if (e == OK)
		e = store_err(
		    mdb_put(t->txn, t->store->log, &key.val, &value, 0));
	return e;
}

enum err
log_marks_drop(struct table *t, const struct log_mark *m)
{
	struct store_key key;

	key_of(m, &key);
	return store_err(mdb_del(t->txn, t->store->log, &key.val, NULL));
}

typedef void visit_mark(void *ctx, const struct log_mark *);

static enum err
walk(struct store *s, uint64_t wall_ms, visit_mark *visit, void *ctx)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	struct log_mark m;
	MDB_txn *txn;
	enum err e = store_begin(s, false, &txn);

	if (e != OK)
		return e;
	e = store_err(mdb_cursor_open(txn, s->log, &cursor));
	while (e == OK &&
	    mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS)
		if (read_mark(key, value, &m) && !is_over(m.until_ms, wall_ms))
			visit(ctx, &m);
	if (e == OK)
		mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	return e;
}

/* What all marks together mean; times are monotonic. */
struct meaning {
	uint64_t wall_ms, mono_ms;
	uint64_t level, level_until_ms;
	uint64_t scope_until_ms[LOG_SWITCH_END];
	uint64_t mute[LOG_WATCH_MUTE_WORDS];
};

static void
mean(void *ctx, const struct log_mark *m)
{
	struct meaning *to = ctx;
	uint64_t until_ms = m->until_ms == LOG_WATCH_FOREVER
	    ? LOG_WATCH_FOREVER
	    : to->mono_ms + (m->until_ms - to->wall_ms);
	uint64_t mask;

	switch (m->kind) {
	case LOG_MARK_LEVEL:
		to->level = m->level;
		to->level_until_ms = until_ms;
		break;
	case LOG_MARK_FILTER:
		mute(m->name, to->mute);
		break;
	case LOG_MARK_SCOPE:
		mask = log_scope_mask(m->name);
		for (uint32_t i = 0; i < LOG_SWITCH_END; i++)
			if ((mask >> i & 1) != 0 &&
			    to->scope_until_ms[i] != LOG_WATCH_FOREVER &&
			    (until_ms == LOG_WATCH_FOREVER ||
				until_ms > to->scope_until_ms[i]))
				to->scope_until_ms[i] = until_ms;
		break;
	}
}

enum err
log_marks_publish(
    struct store *s, struct log_watch *w, uint64_t wall_ms, uint64_t mono_ms)
{
	struct meaning all = {.wall_ms = wall_ms, .mono_ms = mono_ms};
	enum err e = walk(s, wall_ms, mean, &all);

	if (e != OK)
		return e;
	log_watch_level(w, (enum log_level)all.level, all.level_until_ms);
	for (uint32_t i = 0; i < LOG_SWITCH_END; i++)
		log_watch_scope(w, (enum log_scope)i, all.scope_until_ms[i]);
	log_watch_mute(w, all.mute);
	return OK;
}

struct listing {
	struct packer *p;
	uint32_t count;
};

static void
list_one(void *ctx, const struct log_mark *m)
{
	static const char *const levels[] = {
	    "debug", "info", "warn", "error", "fatal"};
	struct listing *l = ctx;

	l->count++;
	pack_map(l->p, 3);
	pack_field_string(l->p, "kind",
	    m->kind == LOG_MARK_LEVEL       ? "level"
		: m->kind == LOG_MARK_SCOPE ? "scope"
					    : "filter");
	pack_string(l->p, "name");
	if (m->kind == LOG_MARK_LEVEL)
		pack_string(l->p, levels[m->level]);
	else
		pack_text(l->p, m->name);
	pack_string(l->p, "until_ms");
	if (m->until_ms == LOG_WATCH_FOREVER)
		pack_nil(l->p);
	else
		pack_u64(l->p, m->until_ms);
}

enum err
log_marks_list(struct store *s, uint64_t wall_ms, struct packer *p)
{
	struct listing l = {.p = p};
	size_t place = pack_open(p);
	enum err e = walk(s, wall_ms, list_one, &l);

	pack_close_array(p, place, l.count);
	return e;
}

struct level_asked {
	bool is_asked;
	uint64_t level, until_ms;
};

static void
find_level(void *ctx, const struct log_mark *m)
{
	struct level_asked *to = ctx;

	if (m->kind == LOG_MARK_LEVEL)
		*to = (struct level_asked){true, m->level, m->until_ms};
}

enum err
log_marks_level(
    struct store *s, uint64_t wall_ms, uint64_t *level, uint64_t *until_ms)
{
	struct level_asked asked = {.is_asked = false};
	enum err e = walk(s, wall_ms, find_level, &asked);

	if (e != OK)
		return e;
	if (!asked.is_asked)
		return ERR_NOT_FOUND;
	*level = asked.level;
	*until_ms = asked.until_ms;
	return OK;
}
