// SPDX-License-Identifier: MIT
#include "supervisor/engine/storm.h"

static void
bucket_init(
    struct storm_bucket *b, uint32_t size, uint32_t period_ms, uint64_t now_ms)
{
	b->size = size;
	b->period_ms = period_ms;
	b->level = (uint64_t)size * period_ms;
	b->counted_ms = now_ms;
}

/* bucket_wait refills and says how long until a token is there; 0: now. */
static uint64_t
bucket_wait(struct storm_bucket *b, uint64_t now_ms)
{
	uint64_t full = (uint64_t)b->size * b->period_ms;

	if (b->size == 0)
		return 0;
	if (now_ms > b->counted_ms) {
		uint64_t gone_ms = now_ms - b->counted_ms;

		if (gone_ms > b->period_ms)
			gone_ms = b->period_ms;
		b->level += gone_ms * b->size;
		if (b->level > full)
			b->level = full;
		b->counted_ms = now_ms;
	}
	if (b->level >= b->period_ms)
		return 0;
	return (b->period_ms - b->level + b->size - 1) / b->size;
}

void
storm_init(
    struct storm *s, uint32_t per_second, uint32_t per_minute, uint64_t now_ms)
{
	bucket_init(&s->second, per_second, 1000, now_ms);
	bucket_init(&s->minute, per_minute, 60000, now_ms);
}

bool
storm_take(struct storm *s, uint64_t now_ms, uint64_t *wait_ms)
{
	uint64_t second_ms = bucket_wait(&s->second, now_ms);
	uint64_t minute_ms = bucket_wait(&s->minute, now_ms);

	*wait_ms = second_ms > minute_ms ? second_ms : minute_ms;
	if (*wait_ms > 0)
		return false;
	if (s->second.size > 0)
		s->second.level -= s->second.period_ms;
	if (s->minute.size > 0)
		s->minute.level -= s->minute.period_ms;
	return true;
}
