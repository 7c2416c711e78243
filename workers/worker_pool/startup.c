// SPDX-License-Identifier: MIT
#include "workers/worker_pool/startup.h"

void
startup_init(struct startup *s, const struct pool_spec *spec, uint64_t now_ms)
{
	bool has_batches = spec->worker_profile == POOL_PROCESS;

	*s = (struct startup){.size = (uint32_t)spec->pool_size,
	    .batch = (uint32_t)(has_batches ? spec->startup_batch_size
					    : spec->pool_size),
	    .delay_ms = spec->startup_batch_delay_ms,
	    .next_ms = now_ms};
}

bool
startup_is_over(const struct startup *s)
{
	return s->started == s->size;
}

uint32_t
startup_due(struct startup *s, uint64_t now_ms)
{
	uint32_t left = s->size - s->started;
	uint32_t count = left < s->batch ? left : s->batch;

	if (left == 0 || now_ms < s->next_ms)
		return 0;
	s->started += count;
	s->next_ms = now_ms + s->delay_ms;
	return count;
}

uint64_t
startup_next_ms(const struct startup *s)
{
	return s->next_ms;
}
