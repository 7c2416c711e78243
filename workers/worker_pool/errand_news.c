// SPDX-License-Identifier: MIT
#include "workers/worker_pool/errand_news.h"

#include <string.h>

#include "protocol/base/clock.h"

/* kind_of sorts what ended a task into the four kinds of the contract. */
static const char *
kind_of(const char *reason)
{
	if (reason == NULL)
		return "error";
	if (strstr(reason, "expired") != NULL ||
	    strstr(reason, "timeout") != NULL)
		return "timeout";
	return strstr(reason, "cancel") != NULL ? "throw" : "exit";
}

static void
tell_task(const struct errand *e, uint64_t took_us, bool is_success,
    const char *reason)
{
	enum event id = is_success ? EVENT_task_stop : EVENT_task_exception;
	struct event_word label;

	if (!event_happens(id))
		return;
	event_word(&label, text_of(e->label));
	if (is_success)
		event_tell(id,
		    "duration_us=%llu pool_name=%.*s worker_id=%.*s/%u "
		    "command=%s",
		    (unsigned long long)took_us, TEXT_ARG(e->crew->spec->name),
		    TEXT_ARG(e->crew->spec->name), e->work.runner + 1,
		    label.at);
	else
		event_tell(id,
		    "duration_us=%llu pool_name=%.*s kind=%s reason=%s "
		    "worker_id=%.*s/%u command=%s stacktrace=-",
		    (unsigned long long)took_us, TEXT_ARG(e->crew->spec->name),
		    kind_of(reason), reason != NULL ? reason : "answered_error",
		    TEXT_ARG(e->crew->spec->name), e->work.runner + 1,
		    label.at);
}

static void
tell_executed(const struct errand *e, uint64_t took_us, bool is_success,
    const char *reason)
{
	event_tell(EVENT_request_executed,
	    "pool=%.*s worker_id=%.*s/%u command=%s duration_us=%llu "
	    "success=%s aborted=%s streaming=%s reason=%s",
	    TEXT_ARG(e->crew->spec->name), TEXT_ARG(e->crew->spec->name),
	    e->work.runner + 1, e->label, (unsigned long long)took_us,
	    is_success ? "true" : "false",
	    is_success || reason == NULL ? "false" : "true",
	    e->is_stream ? "true" : "false", reason != NULL ? reason : "-");
}

void
errand_executed(struct errand *e, bool is_success, const char *reason)
{
	struct worker_pool *wp = e->crew->wp;
	uint64_t took_us = loop_now_us(wp->loop) - e->received_us;

	errand_trace_ran(e, is_success ? "ok" : "error");
	stats_time(wp->slot, HISTOGRAM_worker_pool_call_us, took_us);
	errand_trace_listen(e);
	tell_task(e, took_us, is_success, reason);
	if (event_happens(EVENT_request_executed))
		tell_executed(e, took_us, is_success, reason);
	errand_trace_listen(NULL);
}
void
errand_news_dispatched(const struct errand *e)
{
	struct event_word label;

	if (event_happens(EVENT_task_start))
		event_tell(EVENT_task_start,
		    "system_time=%llu pool_name=%.*s worker_id=%.*s/%u "
		    "command=%s",
		    (unsigned long long)clock_wall_us() * 1000,
		    TEXT_ARG(e->crew->spec->name),
		    TEXT_ARG(e->crew->spec->name), e->work.runner + 1,
		    event_word(&label, text_of(e->label)));
	if (!event_happens(EVENT_call_dispatched))
		return;
	event_tell(EVENT_call_dispatched,
	    "pool=%.*s worker_id=%.*s/%u command=%s queued=%s",
	    TEXT_ARG(e->crew->spec->name), TEXT_ARG(e->crew->spec->name),
	    e->work.runner + 1, e->label,
	    e->work.was_queued ? "true" : "false");
}

void
errand_news_rejected(const struct errand *e, enum pool_verdict verdict)
{
	const struct crew *crew = e->crew;
	struct event_word label;

	event_word(&label, text_of(e->label));
	if (verdict == POOL_CIRCUIT_OPEN && event_happens(EVENT_task_rejected))
		event_tell(EVENT_task_rejected,
		    "system_time=%llu pool_name=%.*s reason=circuit_open "
		    "command=%s",
		    (unsigned long long)clock_wall_us() * 1000,
		    TEXT_ARG(crew->spec->name), label.at);
	if (event_happens(EVENT_pool_rejected))
		event_tell(EVENT_pool_rejected,
		    "queue_size=%u max_queue_size=%llu pool=%.*s reason=%s "
		    "command=%s",
		    pool_waiting(crew->pool),
		    (unsigned long long)crew->spec->max_queue_size,
		    TEXT_ARG(crew->spec->name),
		    verdict == POOL_SATURATED ? "queue_full"
					      : pool_verdict_word(verdict),
		    label.at);
}
