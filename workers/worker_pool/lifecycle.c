// SPDX-License-Identifier: MIT
#include "workers/worker_pool/lifecycle.h"

enum {
	MB = 1 << 20
};

uint64_t
lifecycle_ttl_ms(const struct pool_spec *spec,
    const struct lifecycle_facts *facts, uint32_t jitter_percent)
{
	uint64_t most = spec->worker_ttl / 100 * jitter_percent +
	    spec->worker_ttl % 100 * jitter_percent / 100;

	/* a share of `most` by a number of 32 bits; both fit when split */
	return spec->worker_ttl + (most >> 16) * (facts->chance >> 16) +
	    (((most & 0xffff) * (facts->chance >> 16)) >> 16);
}

enum lifecycle_why
lifecycle_judge(const struct pool_spec *spec,
    const struct lifecycle_facts *facts, uint32_t jitter_percent,
    uint64_t now_ms)
{
	if (spec->worker_ttl != 0 &&
	    now_ms - facts->ready_ms >=
		lifecycle_ttl_ms(spec, facts, jitter_percent))
		return LIFECYCLE_TTL;
	if (spec->worker_max_requests != 0 &&
	    facts->succeeded >= spec->worker_max_requests)
		return LIFECYCLE_REQUESTS;
	if (spec->memory_threshold_mb != 0 &&
	    facts->rss_bytes / MB >= spec->memory_threshold_mb)
		return LIFECYCLE_MEMORY;
	return LIFECYCLE_KEEP;
}

uint32_t
lifecycle_room(const struct pool_spec *spec, uint32_t parallel, uint32_t ready,
    uint32_t leaving)
{
	uint64_t spare = ready > spec->min_ready ? ready - spec->min_ready : 0;

	if (leaving >= parallel)
		return 0;
	return spare < parallel - leaving ? (uint32_t)spare
					  : parallel - leaving;
}

bool
lifecycle_is_near_ttl(const struct pool_spec *spec,
    const struct lifecycle_facts *facts, uint64_t now_ms)
{
	return spec->worker_ttl != 0 &&
	    now_ms - facts->ready_ms >=
	    spec->worker_ttl - spec->worker_ttl / 10;
}

bool
lifecycle_is_near_max(
    const struct pool_spec *spec, const struct lifecycle_facts *facts)
{
	return spec->worker_max_requests != 0 &&
	    facts->succeeded >=
	    spec->worker_max_requests - spec->worker_max_requests / 10;
}

const char *
lifecycle_word(enum lifecycle_why why)
{
	static const char *const words[] = {"keep", "ttl_expired",
	    "max_requests", "memory_threshold", "manual", "worker_died"};

	return words[why];
}
