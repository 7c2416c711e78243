// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_BREAKER_H
#define WORKERS_WORKER_POOL_BREAKER_H

/*
 * breaker - stops giving calls to what failed many times in a row, and lets
 * one try again after a while.
 *
 * Pure: the time comes as an argument.
 *
 * Trust:  numbers come from validated settings.
 * Owner:  whoever holds the struct; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

enum breaker_state {
	BREAKER_CLOSED,
	BREAKER_OPEN,
	BREAKER_HALF_OPEN, /* cooled down: one probe at a time */
};

/* What a breaker did, for the event. */
enum breaker_turn {
	BREAKER_STAYED,
	BREAKER_OPENED,
	BREAKER_CLOSES,
};

struct breaker {
	uint64_t threshold; /* failures in a row that open it */
	uint64_t cooldown_ms;
	uint64_t failures;  /* in a row */
	uint64_t opened_ms; /* when it last opened */
	bool is_open;       /* open or half open */
	bool is_probing;    /* a probe is out */
};

void breaker_init(struct breaker *, uint64_t threshold, uint64_t cooldown_ms);

/* breaker_allows: a call may be given now. */
bool breaker_allows(const struct breaker *, uint64_t now_ms);

/* breaker_begin notes a call given; while half open it is the probe. */
void breaker_begin(struct breaker *, uint64_t now_ms);

enum breaker_turn breaker_success(struct breaker *);
enum breaker_turn breaker_failure(struct breaker *, uint64_t now_ms);

/* breaker_void: a call ended and says nothing; a probe may be sent again. */
void breaker_void(struct breaker *);

enum breaker_state breaker_state(const struct breaker *, uint64_t now_ms);
const char *breaker_word(enum breaker_state); /* "half_open" */

#endif /* WORKERS_WORKER_POOL_BREAKER_H */
