// SPDX-License-Identifier: MIT
/*
 * errand_trace - the hops of a traced call while it is here: it waits, a
 * runner has it, the runner has answered. They bear the gateway's names, so
 * whoever reads them finds one request.
 */

#include <inttypes.h>

#include "protocol/base/memory.h"
#include "protocol/trace_hop.h"
#include "protocol/unpack.h"
#include "workers/worker_pool/worker_pool.h"

void
errand_trace_begin(struct errand *e, struct text parent, struct text hints)
{
	struct traceparent at;
	uint64_t flags;

	if (traceparent_read(parent, &at) != OK ||
	    unpack_field_u64(hints, "hops", &flags) != OK)
		return; /* passed on by somebody, and not recorded */
	e->span = MEMORY_NEW(struct trace_span);
	*e->span = (struct trace_span){.at = at,
	    .arrived_us = e->received_us,
	    .flags = (uint32_t)flags};
	trace_hop(e->span, STAGE_queued, "pool=%.*s waiting=%u",
	    TEXT_ARG(e->crew->spec->name), pool_waiting(e->crew->pool));
}

void
errand_trace_run(const struct errand *e)
{
	if (e->span != NULL)
		trace_hop(e->span, STAGE_run,
		    "pool=%.*s runner=%u queue_us=%" PRIu64,
		    TEXT_ARG(e->crew->spec->name), e->work.runner + 1,
		    loop_now_us(e->crew->wp->loop) - e->received_us);
}

void
errand_trace_ran(const struct errand *e, const char *status)
{
	if (e->span != NULL)
		trace_hop(e->span, STAGE_ran, "status=%s pool=%.*s runner=%u",
		    status, TEXT_ARG(e->crew->spec->name),
		    e->work.runner + 1);
}

void
errand_trace_end(struct errand *e)
{
	memory_free(e->span);
	e->span = NULL;
}
