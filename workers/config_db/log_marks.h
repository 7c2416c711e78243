// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONFIG_DB_LOG_MARKS_H
#define WORKERS_CONFIG_DB_LOG_MARKS_H

/*
 * log_marks - what operators asked of the log at run time, kept on disk: a
 * level, scopes that are on, filters that mute routine events. Each has an end
 * by the wall clock, or none.
 *
 *   "l"           → until, level
 *   "s" scope     → until
 *   "f" pattern   → until         a pattern of event names, * as a wildcard
 *
 * Trust:  names are an operator's, judged by log_mark_problem first.
 * Owner:  works inside the table's transaction, or one of its own.
 */

#include "protocol/log_watch.h"
#include "workers/config_db/table.h"

struct packer;

enum {
	LOG_MARKS_MAX = 256,
	LOG_MARK_NAME = 64
};

enum log_mark_kind {
	LOG_MARK_LEVEL = 'l',
	LOG_MARK_SCOPE = 's',
	LOG_MARK_FILTER = 'f'
};

struct log_mark {
	enum log_mark_kind kind;
	struct text name;  /* of a scope, or a pattern; empty for the level */
	uint64_t until_ms; /* wall clock; LOG_WATCH_FOREVER */
	uint64_t level;    /* enum log_level */
};

/* log_mark_problem says in `why` what is wrong with a mark; false: nothing. */
bool log_mark_problem(const struct log_mark *, char *why, size_t size);

/* ERR_RANGE: LOG_MARKS_MAX are kept already. */
enum err log_marks_put(struct table *, const struct log_mark *) MUST_USE;

/* ERR_NOT_FOUND. */
enum err log_marks_drop(struct table *, const struct log_mark *) MUST_USE;

/* log_marks_publish makes every process see what holds at this moment. */
enum err log_marks_publish(struct store *, struct log_watch *, uint64_t wall_ms,
    uint64_t mono_ms) MUST_USE;

/* log_marks_list packs an array of {kind, name, level?, until_ms?}. */
enum err log_marks_list(
    struct store *, uint64_t wall_ms, struct packer *) MUST_USE;

/* log_marks_level gives what an operator asked for; ERR_NOT_FOUND: nothing, the
 * settings hold. */
enum err log_marks_level(struct store *, uint64_t wall_ms, uint64_t *level,
    uint64_t *until_ms) MUST_USE;

/* log_mark_mutes: does the pattern mean this event's name? */
bool log_mark_mutes(struct text pattern, const char *event);

#endif /* WORKERS_CONFIG_DB_LOG_MARKS_H */
