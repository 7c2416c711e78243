// SPDX-License-Identifier: MIT
#ifndef WORKERS_PULLER_SCHEDULE_H
#define WORKERS_PULLER_SCHEDULE_H

/*
 * schedule - when the next round over all services is.
 *
 * Pure: the caller brings the time. There is one next time, so asking for a
 * round by hand moves it and never adds a second one.
 *
 * Trust:  numbers come from validated settings.
 * Owner:  the struct is the caller's; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

struct schedule {
	uint64_t interval_ms;
	uint64_t most_ms;       /* no back-off is longer */
	uint64_t next_ms;       /* of the next round */
	uint32_t failure_count; /* rounds in a row in which every service
				   failed */
	uint32_t open;          /* services of this round not yet finished */
	uint32_t succeeded;     /* in this round */
	bool is_in_round;
};

void schedule_init(struct schedule *, uint64_t first_ms);
void schedule_set(struct schedule *, uint64_t interval_ms, uint64_t most_ms);

bool schedule_is_due(const struct schedule *, uint64_t now_ms);

/* schedule_now asks for a round at once, or right behind the one at work. */
void schedule_now(struct schedule *, uint64_t now_ms);

/* schedule_begin opens a round over `services`. */
void schedule_begin(struct schedule *, uint32_t services, uint64_t now_ms);

/*
 * schedule_finish_one ends one service's part. The round ends with the last:
 * after a round in which every service failed the pause doubles, after any
 * other it is the interval again. True when this ended a row of failures.
 */
bool schedule_finish_one(struct schedule *, bool is_success, uint64_t now_ms);

/* schedule_delay: the pause after a round, as things are. */
uint64_t schedule_delay(const struct schedule *);

#endif /* WORKERS_PULLER_SCHEDULE_H */
