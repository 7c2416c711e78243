// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_EVENTS_PACE_H
#define PROTOCOL_EVENTS_PACE_H

/*
 * events_pace - how many records of one event are worth writing: a burst of
 * half a second's worth, then so many a second.
 *
 * Nobody could read more: a ring that is overwritten twenty times between two
 * looks of its reader only costs the calls that write it. Each event has a
 * pace of its own, so a storm of one hides no other.
 *
 * Pure: time is an argument.
 *
 * Trust:  the pace comes out of shared memory: any number will do.
 * Owner:  the caller's struct; zeroed is ready.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	PACE_BURST_LEAST = 256,
	PACE_STEP_US = 20000 /* between two times something is earned */
};

struct events_pace {
	uint32_t left;
	uint64_t earned_us; /* until when that is counted; 0: never yet */
};

/* events_pace_earn adds what came due since the last time. */
void events_pace_earn(struct events_pace *, uint64_t per_s, uint64_t now_us);

/* events_pace_has: would one more be within the pace? */
static inline bool
events_pace_has(struct events_pace *pace, uint64_t per_s, uint64_t now_us)
{
	if (pace->left == 0 && now_us - pace->earned_us >= PACE_STEP_US)
		events_pace_earn(pace, per_s, now_us);
	return pace->left > 0;
}

#endif /* PROTOCOL_EVENTS_PACE_H */
