// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_NOTES_H
#define WORKERS_GATEWAY_NOTES_H

/*
 * notes - a budget of log lines for what strangers or sick services can cause
 * as often as they like. What finds no room is counted and told with the next
 * line that does.
 *
 * Pure: time is an argument.
 *
 * Trust:  nothing of strangers comes here.
 * Owner:  the caller's memory; zeroed is a fresh budget.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	NOTES_A_SECOND = 20
};

struct notes {
	uint64_t second;
	uint32_t count;
	uint64_t unnoted; /* since the last line */
};

/* notes_take: there is room for a line; `unnoted` went without before it. */
bool notes_take(struct notes *, uint64_t now_ms, uint64_t *unnoted);

#endif /* WORKERS_GATEWAY_NOTES_H */
