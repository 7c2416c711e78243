// SPDX-License-Identifier: MIT
/*
 * errand_trace - the hops of a traced call while it is here: it waits, a
 * runner has it, the runner has answered. They bear the gateway's names, so
 * whoever reads them finds one request.
 */

#include <inttypes.h>

#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "protocol/trace_hop.h"
#include "protocol/trace_watch.h"
#include "protocol/unpack.h"
#include "workers/worker_pool/worker_pool.h"

void
errand_trace_begin(struct errand *e, struct text parent, struct text hints)
{
	struct traceparent at;
	struct worker_pool *wp = e->crew->wp;
	struct trace_watch watch;
	uint64_t flags, places;

	if (traceparent_read(parent, &at) != OK ||
	    unpack_field_u64(hints, "hops", &flags) != OK)
		return; /* passed on by somebody, and not recorded */
	e->span = MEMORY_NEW(struct trace_span);
	if (unpack_field_u64(hints, "traces", &places) != OK)
		places = 0;
	trace_watch_at(&watch,
	    (char *)events_watch_area(worker_events(wp->worker)) +
		TRACE_WATCH_AT);
	*e->span = (struct trace_span){.at = at,
	    .arrived_us = e->received_us,
	    .flags = (uint32_t)flags,
	    .places = (uint32_t)places,
	    .counts = trace_watch_counts(&watch)};
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
		    status, TEXT_ARG(e->crew->spec->name), e->work.runner + 1);
}

void
errand_trace_listen(const struct errand *e)
{
	if (e == NULL || e->span == NULL)
		trace_listen(NULL, NULL);
	else
		trace_listen(e->span, "worker_pool");
}

void
errand_trace_end(struct errand *e)
{
	if (e->span == NULL)
		return;
	trace_listen(NULL, NULL); /* it might be this one that listens */
	memory_free(e->span);
	e->span = NULL;
}
