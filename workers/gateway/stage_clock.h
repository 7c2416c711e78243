// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_STAGE_CLOCK_H
#define WORKERS_GATEWAY_STAGE_CLOCK_H

/*
 * stage_clock - how long the stages of a call take, one call in 64: a clock
 * asked seven times in each call would be a stage of its own.
 *
 * Trust:  none needed.
 * Owner:  no memory; the counts go to the gateway's histograms.
 */

#include <stdint.h>

#include "protocol/base/clock.h"
#include "protocol/stats.h"

enum {
	STAGE_ONE_IN = 64
};

struct stage_clock {
	uint64_t at_ns; /* when the last stage ended; 0: not this call */
	uint32_t calls;
};

static inline void
stage_clock_begin(struct stage_clock *c)
{
	c->at_ns = ++c->calls % STAGE_ONE_IN == 0 ? clock_mono_ns() : 0;
}

/* stage_clock_done: a stage ended here, and the next one begins. */
static inline void
stage_clock_done(
    struct stage_clock *c, struct stats_slot *slot, enum histogram stage)
{
	if (c->at_ns == 0)
		return;
	uint64_t now_ns = clock_mono_ns();
	stats_time(slot, stage, now_ns - c->at_ns);
	c->at_ns = now_ns;
}

/* stage_clock_end: what the call does from now on is not timed. */
static inline void
stage_clock_end(struct stage_clock *c)
{
	c->at_ns = 0;
}

#define STAGE_DONE(g, stage) \
	stage_clock_done( \
	    &(g)->stages, (g)->slot, HISTOGRAM_gateway_stage_##stage##_ns)

#endif /* WORKERS_GATEWAY_STAGE_CLOCK_H */
