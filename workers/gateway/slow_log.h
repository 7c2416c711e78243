// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_SLOW_LOG_H
#define WORKERS_GATEWAY_SLOW_LOG_H

/*
 * slow_log - the slowest calls there were, so many and no more: a heap whose
 * first entry is the fastest of them, and goes when a slower one comes.
 *
 * Pure. A call that is faster than all that are kept costs one compare.
 *
 * Trust:  names are strangers': they are cut and never ended by a NUL.
 * Owner:  whoever holds the struct; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"

enum {
	SLOW_LOG_MOST = 128,
	SLOW_LOG_WORD = 64 /* bytes kept of each name */
};

struct slow_word {
	uint8_t len;
	char bytes[SLOW_LOG_WORD];
};

struct slow_call {
	uint64_t total_us;   /* from arrival to answer */
	uint64_t gateway_us; /* … of it until the last dispatch; 0 dispatches:
				all of it */
	uint64_t node_us;    /* from there to the answer */
	uint64_t at_ms;      /* wall clock of the answer */
	const char *answer;  /* "ok" or the code of the error: static */
	struct slow_word request_id;
	struct slow_word service;
	struct slow_word request_type;
	struct slow_word user;
};

struct slow_log {
	uint64_t floor_us; /* a call must be slower than this to be kept */
	uint64_t least_us; /* … and as slow as this in any case */
	uint32_t count;
	struct slow_call of[SLOW_LOG_MOST];
};

/* slow_log_init keeps nothing below `least_us`. */
void slow_log_init(struct slow_log *, uint64_t least_us);

/* slow_log_least changes that; what is kept stays. */
void slow_log_least(struct slow_log *, uint64_t least_us);

static inline bool
slow_log_wants(const struct slow_log *log, uint64_t total_us)
{
	return total_us > log->floor_us;
}

/* slow_log_take copies one that is wanted. */
void slow_log_take(struct slow_log *, const struct slow_call *);

/* slow_log_clear forgets all. */
void slow_log_clear(struct slow_log *);

/* slow_log_sorted gives the slowest first; the result's length is count. */
void slow_log_sorted(
    const struct slow_log *, const struct slow_call *to[SLOW_LOG_MOST]);

void slow_word_set(struct slow_word *, struct text);
struct text slow_word_text(const struct slow_word *);

#endif /* WORKERS_GATEWAY_SLOW_LOG_H */
