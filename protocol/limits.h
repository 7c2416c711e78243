// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LIMITS_H
#define PROTOCOL_LIMITS_H

/*
 * limits - who may call once more: an exact sliding window per key, shared by
 * all gateways, in memory that no death can spoil.
 *
 * In no window of `window_ms`, wherever it is laid, are more than `max` hits
 * admitted, whoever is killed at whatever instruction. Up to 128 the limit is
 * met exactly; above, at least 99 % of it is admitted. A key that finds no
 * room in a full table is refused, never passed.
 *
 * It knows no settings, no clock, no log: see protocol/limit_rules.h for
 * which limits a call has.
 *
 * Trust:  keys are hashes (limits_key) of what strangers sent; the shared
 *         words may be garbage: no reader crashes or loops on them.
 * Owner:  struct limits is the caller's (map/unmap).
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/segment.h"

enum {
	LIMITS_CLASSES = 3,       /* rows of 8, 32 and 128 slots */
	LIMITS_MAX_MAX = 8000000, /* largest max_requests */
	LIMITS_MAX_WINDOW_MS = 86400000
};

struct limits {
	struct segment segment;
	uint32_t capacity[LIMITS_CLASSES]; /* rows; powers of two */
	uint8_t *head;                     /* limits.c draws it */
	uint8_t *tags[LIMITS_CLASSES];
	uint8_t *rows[LIMITS_CLASSES];
};

struct limits_size {
	uint32_t keys[LIMITS_CLASSES]; /* 0: the default */
};

struct limits_hit {
	uint64_t key;       /* limits_key */
	uint32_t max;       /* 0 always refuses */
	uint32_t window_ms; /* 1 … LIMITS_MAX_WINDOW_MS */
	/*
	 * now_us is CLOCK_MONOTONIC read for this call, after it arrived (not
	 * the turn's time): then it lies between its arrival and its answer,
	 * and the promise holds for what a client can observe.
	 */
	uint64_t now_us;
};

struct limits_verdict {
	bool is_admitted;
	bool is_full;     /* refused because the table has no room */
	uint32_t current; /* hits in the window; 0 when admitted */
	uint64_t at_us;   /* admitted: the time it was recorded under, which is
			     between now_us and the answer */
	uint32_t retry_after_ms; /* the same call succeeds then, not before */
};

/* limits_create: keys per class are rounded up to powers of two, ≤ 4 Mi. */
enum err limits_create(const struct limits_size *, int *fd) MUST_USE;
enum err limits_map(int fd, struct limits *) MUST_USE;
void limits_unmap(struct limits *);

/* limits_key ties a value to its limit: two limits never share a counter. */
uint64_t limits_key(
    const struct limits *, uint64_t limit_id, struct text value);

/* limits_take asks for one hit and records it if there is room. */
void limits_take(
    struct limits *, const struct limits_hit *, struct limits_verdict *);

/* limits_look answers what limits_take would, and records nothing. */
void limits_look(
    struct limits *, const struct limits_hit *, struct limits_verdict *);

/* limits_reset forgets the hits of one key; false if it had none. */
bool limits_reset(struct limits *, const struct limits_hit *);

/*
 * limits_clear forgets the hits of every key there is, and gives their number.
 * One that is being made meanwhile may stay.
 */
uint32_t limits_clear(struct limits *, uint64_t now_us);

struct limits_sweep {
	uint32_t position; /* where to go on; start with 0 */
	uint32_t looked;   /* rows in use that were looked at */
	uint32_t freed;    /* keys given back */
	uint32_t repaired; /* slots whose time was impossible */
	bool is_done;      /* position came round to 0 */
};

/*
 * limits_sweep looks at `budget` places from `position` on and frees keys
 * without a hit in their own window and the last `keep_ms`.
 */
void limits_sweep(struct limits *, uint64_t now_us, uint64_t keep_ms,
    uint32_t budget, struct limits_sweep *);

struct limits_usage {
	uint32_t capacity[LIMITS_CLASSES];
	uint32_t used[LIMITS_CLASSES];
};

void limits_usage(const struct limits *, struct limits_usage *);

#endif /* PROTOCOL_LIMITS_H */
