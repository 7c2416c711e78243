// SPDX-License-Identifier: MIT
#include "workers/puller/schedule.h"

enum {
	DOUBLINGS = 40 /* more would overflow long after every cap */
};

void
schedule_init(struct schedule *s, uint64_t first_ms)
{
	*s = (struct schedule){.next_ms = first_ms};
}

void
schedule_set(struct schedule *s, uint64_t interval_ms, uint64_t most_ms)
{
	s->interval_ms = interval_ms;
	s->most_ms = most_ms;
}

bool
schedule_is_due(const struct schedule *s, uint64_t now_ms)
{
	return !s->is_in_round && now_ms >= s->next_ms;
}

void
schedule_now(struct schedule *s, uint64_t now_ms)
{
	if (s->next_ms > now_ms)
		s->next_ms = now_ms;
}

uint64_t
schedule_delay(const struct schedule *s)
{
	uint64_t delay = s->interval_ms;

	for (uint32_t i = 0; i < s->failure_count && i < DOUBLINGS; i++) {
		if (delay >= s->most_ms)
			break;
		delay *= 2;
	}
	/* an interval above the cap is the operator's wish, not a back-off */
	if (delay > s->most_ms && s->failure_count > 0)
		delay =
		    s->most_ms > s->interval_ms ? s->most_ms : s->interval_ms;
	return delay;
}

void
schedule_begin(struct schedule *s, uint32_t services, uint64_t now_ms)
{
	s->is_in_round = services > 0;
	s->open = services;
	s->succeeded = 0;
	s->next_ms = now_ms + s->interval_ms;
}

bool
schedule_finish_one(struct schedule *s, bool is_success, uint64_t now_ms)
{
	bool was_failing = s->failure_count > 0;

	if (!s->is_in_round)
		return false;
	s->succeeded += is_success;
	if (--s->open > 0)
		return false;
	s->is_in_round = false;
	if (s->succeeded > 0)
		s->failure_count = 0;
	else
		s->failure_count++;
	/* a round asked for meanwhile stays asked for */
	if (s->next_ms > now_ms)
		s->next_ms = now_ms + schedule_delay(s);
	return was_failing && s->succeeded > 0;
}
