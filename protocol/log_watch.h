// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LOG_WATCH_H
#define PROTOCOL_LOG_WATCH_H

/*
 * log_watch - what operators asked of the log at run time, as every process
 * of the tree reads it: words in shared memory that end by themselves.
 *
 * config_db alone writes them, and keeps the same on disk; the tail's word is
 * the monitor's, and kept by nobody. Everybody copies
 * them twice a second, so no line costs a look at shared memory.
 *
 * Trust:  the words may hold anything; what is no level or no event is left
 *         out, and warnings and errors are never muted.
 * Owner:  the words are the events segment's (events_watch_area).
 */

#include <stdint.h>

#include "protocol/base/log.h"
#include "protocol/log_scopes.h"

enum {
	LOG_WATCH_BYTES = 1024,
	LOG_WATCH_MUTE_WORDS = 8, /* a bit for each event */
	LOG_WATCH_FOREVER = 1     /* as a time: no end */
};

struct log_watch; /* LOG_WATCH_BYTES of shared words */

struct log_watch *log_watch_at(void *area);

/* Times are monotonic ms; 0 is off, LOG_WATCH_FOREVER has no end. */
void log_watch_level(
    struct log_watch *, enum log_level level, uint64_t until_ms);
void log_watch_scope(struct log_watch *, enum log_scope, uint64_t until_ms);
void log_watch_mute(
    struct log_watch *, const uint64_t bits[LOG_WATCH_MUTE_WORDS]);

/* log_watch_tail: until then every line written is recorded, too. */
void log_watch_tail(struct log_watch *, uint64_t until_ms);

/* log_watch_detail: until then clients hear inner reasons of errors; it always
 * has an end. log_watch_detail_until: 0 when it is off or over. */
void log_watch_detail(struct log_watch *, uint64_t until_ms);
uint64_t log_watch_detail_until(const struct log_watch *, uint64_t now_ms);

/* One reading: what holds now. */
struct log_watched {
	bool has_level;
	enum log_level level;
	uint64_t scopes; /* bits of enum log_scope */
	uint64_t mute[LOG_WATCH_MUTE_WORDS];
	bool is_tailed;
};

void log_watch_read(
    const struct log_watch *, uint64_t now_ms, struct log_watched *);

/* log_watch_scope_until: 0 when it is off or over. */
uint64_t log_watch_scope_until(
    const struct log_watch *, enum log_scope, uint64_t now_ms);

#endif /* PROTOCOL_LOG_WATCH_H */
