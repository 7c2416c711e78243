// SPDX-License-Identifier: MIT
#include "workers/kit/heartbeat.h"

#include <stdlib.h>

#include "protocol/base/clock.h"
#include "protocol/base/proc.h"
#include "protocol/log_rules.h"
#include "workers/kit/inside.h"

enum {
	CENSUS_MS = 1000,
	LAGGED_US = 250000 /* a turn this long is worth a line */
};

/* turn_ended is the heartbeat itself: a few stores, no system call but the
 * clock, which the kernel answers without being entered. */
static void
turn_ended(void *ctx)
{
	struct worker *w = ctx;
	uint64_t now_us = clock_mono_us();
	uint64_t turn_us = now_us - loop_now_us(w->loop);

	stats_beat(w->slot, now_us / 1000);
	stats_add(w->slot, COUNTER_process_turns, 1);
	stats_time(w->slot, HISTOGRAM_process_turn_us, turn_us);
	if (turn_us / 1000 > stats_get(w->slot, COUNTER_process_lag_worst_ms))
		stats_set(
		    w->slot, COUNTER_process_lag_worst_ms, turn_us / 1000);
	if (turn_us > LAGGED_US)
		event_note(EVENT_loop_lagged, "turn_ms=%llu",
		    (unsigned long long)(turn_us / 1000));
}

static void
count_self(void *ctx)
{
	struct worker *w = ctx;
	int64_t descriptors = proc_descriptors(PROC_SELF);

	stats_set(
	    w->slot, COUNTER_process_memory_bytes, proc_rss_bytes(PROC_SELF));
	if (descriptors >= 0)
		stats_set(w->slot, COUNTER_process_descriptors,
		    (uint64_t)descriptors);
	if (!segment_is_sound(&w->stats.segment) ||
	    !segment_is_sound(&w->events.segment)) {
		log_line(LOG_FATAL, "segment_unusable",
		    "hint=\"its header was written over\"");
		exit(EXIT_SEGMENT);
	}
	log_rules_look(
	    log_watch_at(events_watch_area(&w->events)), loop_now_ms(w->loop));
	log_tick();
	loop_timer_start(w->loop, &w->census, loop_now_ms(w->loop) + CENSUS_MS);
}

void
heartbeat_start(struct worker *w)
{
	w->beat = (struct loop_hook){.run = turn_ended, .ctx = w};
	loop_on_turn_end(w->loop, &w->beat);
	event_clock(loop_clock(w->loop));
	log_rules_look(
	    log_watch_at(events_watch_area(&w->events)), loop_now_ms(w->loop));
	w->census = (struct loop_timer){.due = count_self, .ctx = w};
	loop_timer_start(w->loop, &w->census, loop_now_ms(w->loop) + CENSUS_MS);
}
