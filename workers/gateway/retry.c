// SPDX-License-Identifier: MIT
#include "workers/gateway/retry.h"

uint32_t
retry_delay_ms(uint32_t attempt, uint64_t chance)
{
	uint64_t ms = RETRY_MOST_MS;

	/* from the 7th on it is above the most; before, nothing overflows */
	if (attempt > 0 && attempt < 7)
		ms = (uint64_t)RETRY_BASE_MS << (attempt - 1);
	if (ms > RETRY_MOST_MS)
		ms = RETRY_MOST_MS;
	return (uint32_t)(ms / 2 + (ms * (chance >> 32) >> 32));
}

bool
retry_again(const struct retry *r, enum retry_failure how, uint64_t chance,
    uint64_t *at_ms)
{
	if (r->done >= r->count)
		return false;
	if (how == RETRY_MAY_HAVE_RUN && !r->is_idempotent)
		return false;
	*at_ms = r->now_ms + retry_delay_ms(r->done + 1, chance);
	return *at_ms < r->deadline_ms;
}
