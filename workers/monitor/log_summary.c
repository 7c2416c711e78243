// SPDX-License-Identifier: MIT
#include "workers/monitor/log_summary.h"

#include <string.h>

enum event
log_summary_event(uint32_t place)
{
	uint32_t at = 0;

	for (int id = 0; id < EVENT_IDS; id++)
		if (event_level((enum event)id) >= LOG_WARN && at++ == place)
			return (enum event)id;
	return EVENT_IDS;
}

void
log_summary_keep(struct log_readings *r, const struct log_reading *now)
{
	uint32_t last = (r->next + LOG_READINGS - 1) % LOG_READINGS;

	if (r->count > 0 && now->at_ms < r->kept[last].at_ms + LOG_READING_MS)
		return;
	r->kept[r->next] = *now;
	r->next = (r->next + 1) % LOG_READINGS;
	if (r->count < LOG_READINGS)
		r->count++;
}

const struct log_reading *
log_summary_since(const struct log_readings *r, uint64_t then_ms)
{
	const struct log_reading *found = NULL;

	for (uint32_t back = 1; back <= r->count; back++) {
		found =
		    &r->kept[(r->next + LOG_READINGS - back) % LOG_READINGS];
		if (found->at_ms <= then_ms)
			break;
	}
	return found;
}

static uint64_t
grown(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

static void
add_top(struct log_summary *s, enum event id, uint64_t count)
{
	uint32_t at = s->tops++;

	for (; at > 0 && s->top[at - 1].count < count; at--)
		s->top[at] = s->top[at - 1];
	s->top[at] = (struct log_top){.id = id, .count = count};
}

void
log_summary_make(const struct log_reading *from, const struct log_reading *to,
    struct log_summary *s)
{
	uint64_t errors = 0;
	uint32_t place = 0;

	memset(s, 0, sizeof(*s));
	s->period_ms = grown(from->at_ms, to->at_ms);
	for (int level = 0; level < LOG_LEVELS; level++) {
		s->lines[level] = grown(from->lines[level], to->lines[level]);
		s->total += s->lines[level];
		if (level >= LOG_WARN)
			errors += s->lines[level];
	}
	if (s->period_ms > 0)
		s->errors_per_minute =
		    (double)errors * 60000 / (double)s->period_ms;
	for (int id = 0; id < EVENT_IDS; id++) {
		if (event_level((enum event)id) < LOG_WARN)
			continue;
		uint64_t count = grown(from->events[place], to->events[place]);
		place++;
		if (count > 0)
			add_top(s, (enum event)id, count);
	}
}
