// SPDX-License-Identifier: MIT
#include "supervisor/engine/intensity.h"

#include <string.h>

#include "protocol/base/err.h"

/* doubled gives `first` doubled `times` times, at most `cap`. */
static uint64_t
doubled(uint64_t first, uint32_t times, uint64_t cap)
{
	while (times-- > 0 && first < cap)
		first *= 2;
	return first < cap ? first : cap;
}

/* jittered spreads restarts of a herd: base ± percent, evenly. */
static uint64_t
jittered(uint64_t base_ms, uint32_t percent, uint32_t chance)
{
	uint64_t reach = base_ms * percent / 100;

	if (reach == 0)
		return base_ms;
	return base_ms - reach + chance % (2 * reach + 1);
}

/* is_too_many: `intensity` + 1 deaths lie within the period, this one last. */
static bool
is_too_many(const struct intensity *i, const struct policy *p, uint64_t now_ms)
{
	if (i->deaths <= p->intensity)
		return false;
	uint32_t oldest = i->deaths - 1 - p->intensity;
	return now_ms - i->died_ms[oldest % COUNT_OF(i->died_ms)] <=
	    p->period_ms;
}

uint64_t
intensity_died(struct intensity *i, const struct policy *p, uint64_t now_ms,
    uint64_t ready_ms, uint32_t chance)
{
	INVARIANT(p->intensity <= INTENSITY_MOST);
	if (ready_ms >= p->healthy_after_ms)
		intensity_healthy(i);
	i->died_ms[i->deaths++ % COUNT_OF(i->died_ms)] = now_ms;
	i->failures++;
	if (is_too_many(i, p, now_ms))
		i->is_exhausted = true;
	if (i->is_exhausted)
		return jittered(p->rest_cap_ms, p->jitter_percent, chance);
	if (i->failures == 1)
		return 0;
	return jittered(
	    doubled(p->rest_first_ms, i->failures - 2, p->rest_cap_ms),
	    p->jitter_percent, chance);
}

uint64_t
intensity_unstarted(
    struct intensity *i, const struct policy *p, uint32_t chance)
{
	uint64_t rest_ms =
	    doubled(p->unstarted_rest_ms, i->unstarted, p->rest_cap_ms);

	i->unstarted++;
	return jittered(rest_ms, p->jitter_percent, chance);
}

void
intensity_started(struct intensity *i)
{
	i->unstarted = 0;
}

void
intensity_healthy(struct intensity *i)
{
	i->failures = 0;
	i->is_exhausted = false;
}

void
intensity_forget(struct intensity *i)
{
	memset(i, 0, sizeof(*i));
}
