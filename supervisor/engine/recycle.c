// SPDX-License-Identifier: MIT
#include "supervisor/engine/recycle.h"

#include <stdbool.h>

static uint64_t
age_limit(const struct recycle *r, const struct recycle_rule *rule)
{
	uint64_t reach = rule->age_ms / 10;

	return rule->age_ms - reach + r->chance % (2 * reach + 1);
}

static bool
is_fat(struct recycle *r, const struct recycle_rule *rule,
    const struct recycle_facts *facts, uint64_t now_ms)
{
	if (rule->rss_bytes == 0 || facts->rss_bytes <= rule->rss_bytes) {
		r->high_ms = 0;
		return false;
	}
	if (r->high_ms == 0)
		r->high_ms = now_ms;
	return now_ms - r->high_ms >= RECYCLE_SUSTAINED_MS;
}

enum recycle_why
recycle_judge(struct recycle *r, const struct recycle_rule *rule,
    const struct recycle_facts *facts, uint64_t now_ms, uint32_t chance)
{
	if (r->life != facts->life)
		*r = (struct recycle){.life = facts->life, .chance = chance};
	if (is_fat(r, rule, facts, now_ms))
		return RECYCLE_RSS;
	if (rule->age_ms > 0 && now_ms - facts->ready_ms >= age_limit(r, rule))
		return RECYCLE_AGE;
	if (rule->descriptors > 0 && facts->descriptors > rule->descriptors)
		return RECYCLE_DESCRIPTORS;
	return RECYCLE_NOT;
}

const char *
recycle_word(enum recycle_why why)
{
	static const char *const words[] = {"none", "rss", "age", "fd"};

	return words[why];
}
