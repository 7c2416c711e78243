// SPDX-License-Identifier: MIT
#include "protocol/trace_counts.h"

#include <stddef.h>

void
trace_counts_clear(_Atomic uint64_t *counts, uint32_t place)
{
	if (counts == NULL || place >= TRACE_PLACES)
		return;
	atomic_store_explicit(&counts[2 * place], 0, memory_order_relaxed);
	atomic_store_explicit(&counts[2 * place + 1], 0, memory_order_relaxed);
}

void
trace_counts_add(_Atomic uint64_t *counts, uint32_t places, uint64_t requests,
    uint64_t records)
{
	if (counts == NULL)
		return;
	for (uint32_t i = 0; i < TRACE_PLACES; i++) {
		if ((places >> i & 1) == 0)
			continue;
		atomic_fetch_add_explicit(
		    &counts[2 * i], requests, memory_order_relaxed);
		atomic_fetch_add_explicit(
		    &counts[2 * i + 1], records, memory_order_relaxed);
	}
}

uint64_t
trace_counts_requests(const _Atomic uint64_t *counts, uint32_t place)
{
	if (counts == NULL || place >= TRACE_PLACES)
		return 0;
	return atomic_load_explicit(&counts[2 * place], memory_order_relaxed);
}

uint64_t
trace_counts_records(const _Atomic uint64_t *counts, uint32_t place)
{
	if (counts == NULL || place >= TRACE_PLACES)
		return 0;
	return atomic_load_explicit(
	    &counts[2 * place + 1], memory_order_relaxed);
}
