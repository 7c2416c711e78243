// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_LOG_H
#define PROTOCOL_BASE_LOG_H

/*
 * log - one event, one line, one write(2) to standard error.
 *
 *   2026-11-21T10:00:00.123456Z warn gateway/1 life=2 listener_paused fds=…
 *
 * The same warning or error again and again is written once, then counted
 * (log_fold.h):
 *
 *   2026-11-21T10:00:05.1Z warn gateway/1 life=2 listener_paused repeated=17
 *
 * The event word comes from protocol/tables/events.h (base does not know the
 * table; see protocol/events.h for the typed way in). Lines are cut at 1 KiB,
 * control bytes in them become '?', and a full pipe drops the line rather
 * than stop the process.
 *
 * Trust:  fields may quote bytes from outside: the caller bounds them, the
 *         cleaning here keeps them from forging lines or moving cursors.
 * Owner:  no memory. Any thread; not for signal handlers.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
	LOG_FATAL
};

enum {
	LOG_LEVELS = LOG_FATAL + 1,
	LOG_FIELDS_BYTES = 1024 /* the fields of one line, their end included */
};

enum log_format {
	LOG_TEXT,   /* coloured on a terminal */
	LOG_LOGFMT, /* key=value throughout */
	LOG_JSON
};

/* What a line is about: its colour on a terminal. */
enum log_kind {
	LOG_OTHER,
	LOG_SUCCESS,    /* something started or works again: green */
	LOG_ACTIVATION, /* a runner did: blue */
	LOG_FAILURE,    /* something ended or failed: red */
	LOG_ACTION,     /* somebody did something: amber */
	LOG_HEALTH      /* how something is: cyan */
};

enum log_colour {
	LOG_COLOUR_AUTO, /* on a terminal, unless NO_COLOR is set */
	LOG_COLOUR_ALWAYS,
	LOG_COLOUR_NEVER
};

struct log_box;

const char *log_level_name(enum log_level);

/* log_init names the process in every later line; `who` is copied. */
void log_init(const char *who, uint64_t life);
void log_set_level(enum log_level);
void log_set_format(enum log_format);
bool log_wants(enum log_level);
void log_set_colour(enum log_colour);

/* log_set_folding: the same warning or error within `window_ms` is counted, not
 * written; 0 writes all. log_tick tells the counts whose window is over;
 * call it about once a second, and log_flush before leaving. */
void log_set_folding(uint32_t window_ms);
void log_tick(void);
void log_flush(void);

/* log_count_in: from now on each line counts in of[its level], also one that
 * folding holds back; LOG_LEVELS words that stay until another call. NULL:
 * nowhere. */
void log_count_in(_Atomic uint64_t *of);

/* log_listen: `run` hears each line as it is written, on its thread; NULL ends
 * that. It must not log. */
typedef void log_heard(enum log_level, const char *event, const char *fields);
void log_listen(log_heard *run);

/* log_is_terminal: are lines written for a person's eyes, in colour? */
bool log_is_terminal(void);

/* log_line writes fields "key=value key=\"two words\"" behind the event. */
void log_line(enum log_level, const char *event, const char *fields, ...)
    PRINTF(3, 4);

/* log_write is log_line behind the question whether it is wanted: secrets
 * are hidden and the fields cleaned in place. */
void log_write(enum log_level, enum log_kind, const char *event,
    char fields[LOG_FIELDS_BYTES]);

/*
 * log_hide: from now on `run` takes secrets out of the fields of every line,
 * in place, before anybody sees them. Before that nobody has settings yet, and
 * nothing is hidden. log_hidden does the same to what is no line.
 */
typedef void log_hider(char fields[LOG_FIELDS_BYTES]);
void log_hide(log_hider *run);
void log_hidden(char fields[LOG_FIELDS_BYTES]);

/* log_draw writes a box (log_text.h) for such a line. */
void log_draw(const struct log_box *, enum log_level, enum log_kind,
    const char *event, const char *fields);

#endif /* PROTOCOL_BASE_LOG_H */
