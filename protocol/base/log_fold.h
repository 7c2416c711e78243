// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_LOG_FOLD_H
#define PROTOCOL_BASE_LOG_FOLD_H

/*
 * log_fold - the same line again and again is told once, then counted.
 *
 * The last few different lines are remembered. A line that is the same as one
 * of them, within `window_ms` of its first telling, is swallowed; when the
 * window ends, or its place is needed, one line says how often it came.
 *
 * Pure: time is an argument. Fatal lines are never given to it.
 *
 * Trust:  lines were cleaned. Owner: no memory outside the struct; zeroed is
 * empty.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/log.h"

enum {
	LOG_FOLD_PLACES = 8,
	LOG_FOLD_TEXT = 256 /* longer lines are not folded */
};

struct log_folded {
	enum log_level level;
	enum log_kind kind;
	char event[48];
	char fields[LOG_FOLD_TEXT];
	uint64_t since_ms;
	uint32_t repeats; /* swallowed since; 0: nothing to tell */
	bool is_used;
};

struct log_fold {
	struct log_folded places[LOG_FOLD_PLACES];
	uint32_t next; /* the place given away next */
};

/*
 * log_fold_take: true when the line is to be written. `told` is then the
 * repeat whose place it took; its repeats are 0 when there is nothing to say.
 */
bool log_fold_take(struct log_fold *, const struct log_folded *line,
    uint64_t now_ms, uint32_t window_ms, struct log_folded *told);

/* log_fold_due gives one repeat whose window is over, and forgets it; false
 * when there is none. `is_end`: all windows are. */
bool log_fold_due(struct log_fold *, uint64_t now_ms, uint32_t window_ms,
    bool is_end, struct log_folded *told);

#endif /* PROTOCOL_BASE_LOG_FOLD_H */
