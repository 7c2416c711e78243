// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_RETRY_H
#define WORKERS_GATEWAY_RETRY_H

/*
 * retry - whether a call that failed is tried again, and after how long.
 *
 * Pure: time and chance are arguments. Who waits, and where the next attempt
 * goes, is again.h's.
 *
 * Trust:  counts are a checked function's; nothing of strangers comes here.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	RETRY_BASE_MS = 100,
	RETRY_MOST_MS = 5000
};

/*
 * retry_delay_ms: 100 ms before the first repetition (attempt 1), twice as
 * long before each further one, 5 s at most, times a factor from 0.5 up to,
 * but never quite, 1.5.
 */
uint32_t retry_delay_ms(uint32_t attempt, uint64_t chance);

/* How a call failed. */
enum retry_failure {
	RETRY_ANSWERED,    /* its node said so: it has ended there */
	RETRY_NOT_RUN,     /* no node took it */
	RETRY_MAY_HAVE_RUN /* a node had it and was lost */
};

struct retry {
	uint32_t done;  /* repetitions so far */
	uint32_t count; /* repetitions its function allows */
	bool is_idempotent;
	uint64_t now_ms;
	uint64_t deadline_ms; /* of the whole call */
};

/*
 * retry_again says when to try again: false when it was tried often enough,
 * when it may have run and must not run twice, or when its deadline comes
 * first.
 */
bool retry_again(
    const struct retry *, enum retry_failure, uint64_t chance, uint64_t *at_ms);

#endif /* WORKERS_GATEWAY_RETRY_H */
