// SPDX-License-Identifier: MIT
#include "protocol/events_pace.h"

enum {
	FULL_US = 1000000, /* longer than any burst takes to be earned */
	PER_S_MOST = 1000000
};

static uint64_t
burst_of(uint64_t per_s)
{
	return per_s / 2 > PACE_BURST_LEAST ? per_s / 2 : PACE_BURST_LEAST;
}

void
events_pace_earn(struct events_pace *pace, uint64_t per_s, uint64_t now_us)
{
	uint64_t us = now_us - pace->earned_us;
	uint64_t earned;

	if (per_s > PER_S_MOST)
		per_s = PER_S_MOST;
	earned = us >= FULL_US ? burst_of(per_s) : us * per_s / 1000000;
	if (earned > burst_of(per_s))
		earned = burst_of(per_s);
	if (earned == 0)
		return; /* what is due in part is not forgotten */
	pace->left = (uint32_t)earned;
	pace->earned_us = now_us;
}
