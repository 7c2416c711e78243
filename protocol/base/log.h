// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_LOG_H
#define PROTOCOL_BASE_LOG_H

/*
 * log - one event, one line, one write(2) to standard error.
 *
 *   2026-11-21T10:00:00.123456Z warn gateway/1 life=2 listener_paused fds=…
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

enum log_format {
	LOG_TEXT,   /* coloured when standard error is a terminal */
	LOG_LOGFMT, /* key=value throughout */
	LOG_JSON
};

/* log_init names the process in every later line; `who` is copied. */
void log_init(const char *who, uint64_t life);
void log_set_level(enum log_level);
void log_set_format(enum log_format);
bool log_wants(enum log_level);

/* log_line writes fields "key=value key=\"two words\"" behind the event. */
void log_line(enum log_level, const char *event, const char *fields, ...)
    PRINTF(3, 4);

#endif /* PROTOCOL_BASE_LOG_H */
