// SPDX-License-Identifier: MIT
/*
 * front - the gateways' door: calls come in over the link with hints, and go
 * to the pool they are for.
 */

#include <errno.h>
#include <stdio.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "protocol/endpoint.h"
#include "protocol/unpack.h"
#include "workers/worker_pool/worker_pool.h"

enum {
	CALL_MS = 300000, /* of a call without a deadline */
	STREAM_MS = 900000,
	CALLS_AT_ONCE = 40000, /* of one gateway; then it is not read */
};

#define QUARANTINED "This call has ended its runners and is refused for a while"

/* What a gateway says beside the arguments (protocol/LINK.md, section 7). */
struct hints {
	struct text pool, session, service, request_type, traceparent;
	bool once;
	bool stream;
};

#define HINT(word, member, is_flag) \
	{ \
		{.at = word, .len = sizeof(word) - 1}, \
		    offsetof(struct hints, member), is_flag \
	}

static const struct {
	struct text key;
	size_t offset;
	bool is_flag;
} known_hints[] = {HINT("session", session, false), HINT("once", once, true),
    HINT("stream", stream, true), HINT("service", service, false),
    HINT("request_type", request_type, false), HINT("pool", pool, false),
    HINT("traceparent", traceparent, false)};

/* take_hint sets what it knows; a value of another type is as if absent. */
static void
take_hint(struct hints *h, struct text key, struct unpacker value)
{
	for (size_t i = 0; i < COUNT_OF(known_hints); i++) {
		void *to = (char *)h + known_hints[i].offset;

		if (!text_eq(key, known_hints[i].key))
			continue;
		enum err e = known_hints[i].is_flag ? unpack_bool(&value, to)
						    : unpack_text(&value, to);
		(void)e;
		return;
	}
}

static void
read_hints(struct text span, struct hints *h)
{
	struct unpacker u;
	struct text key;
	uint32_t count;

	*h = (struct hints){.once = true};
	unpack_init(&u, span);
	if (span.len == 0 || unpack_map(&u, &count) != OK)
		return;
	while (count-- > 0 && unpack_text(&u, &key) == OK) {
		take_hint(h, key, u);
		if (unpack_skip(&u) != OK)
			return;
	}
}

/* choose_crew: the one asked for, or the one for this response mode. */
static struct crew *
choose_crew(const struct worker_pool *wp, const struct hints *h)
{
	struct crew *crew;

	if (h->pool.len > 0)
		return crew_find(wp, h->pool);
	crew =
	    crew_find(wp, h->stream ? TEXT("stream_pool") : TEXT("async_pool"));
	if (crew == NULL)
		crew = crew_find(wp, TEXT("default"));
	return crew != NULL ? crew : &wp->crews[0];
}

static void
write_label(struct errand *e, const struct hints *h, const struct link_frame *f)
{
	struct text a = h->service.len > 0 ? h->service : f->module;
	struct text b = h->service.len > 0 ? h->request_type : f->function;
	uint32_t used = a.len < ERRAND_LABEL / 2 ? a.len : ERRAND_LABEL / 2;

	memcpy(e->label, a.at != NULL ? a.at : "", used);
	e->label[used++] = '.';
	if (b.len > ERRAND_LABEL - 1 - used)
		b.len = ERRAND_LABEL - 1 - used;
	memcpy(e->label + used, b.at != NULL ? b.at : "", b.len);
	e->label[used + b.len] = '\0';
}

static void
fill(struct errand *e, const struct hints *h, const struct link_frame *f)
{
	struct worker_pool *wp = e->crew->wp;
	uint64_t pause_ms;
	uint64_t wait_ms = f->number;

	if (wait_ms == 0)
		wait_ms = f->credit > 0 ? STREAM_MS : CALL_MS;
	e->request = (struct link_request){.module = f->module,
	    .function = f->function,
	    .args = f->args,
	    .facts = f->facts,
	    .credit_bytes =
		(uint32_t)(f->credit < INT32_MAX ? f->credit : INT32_MAX)};
	e->is_stream = f->credit > 0;
	e->work.deadline_ms = loop_now_ms(wp->loop) + wait_ms;
	e->work.session = h->session.len > 0
	    ? hash_short(wp->seed, h->session.at, h->session.len) | 1
	    : 0;
	e->work.is_once = h->once;
	e->work.fingerprint =
	    quarantine_fingerprint(f->module, f->function, f->args);
	e->may_repeat =
	    crash_retries(&e->crew->spec->crash_barrier, h->once, 1, &pause_ms);
	write_label(e, h, f);
}

static void
refuse_pool(struct link_session *session, const struct link_frame *f,
    const struct hints *h)
{
	char text[64];

	event_note(EVENT_pool_not_found, "command=%.*s.%.*s pool=%.*s",
	    TEXT_ARG(h->service), TEXT_ARG(h->request_type), TEXT_ARG(h->pool));
	snprintf(text, sizeof(text), "pool_not_found: %.*s",
	    (int)(h->pool.len < POOL_NAME_BYTES ? h->pool.len
						: POOL_NAME_BYTES),
	    h->pool.at);
	link_session_error(session, f->id, TEXT("not_found"), text_of(text));
}

static void
on_call(void *owner, struct link_session *session, const struct link_frame *f)
{
	struct worker_pool *wp = owner;
	struct hints hints;
	struct crew *crew;

	stats_add(wp->slot, COUNTER_worker_pool_calls, 1);
	read_hints(f->hints, &hints);
	crew = choose_crew(wp, &hints);
	if (crew == NULL) {
		refuse_pool(session, f, &hints);
		return;
	}
	struct errand *e = errand_take(crew, session, f->id);
	fill(e, &hints, f);
	if (hints.traceparent.len > 0)
		errand_trace_begin(e, hints.traceparent, f->hints);
	errand_trace_listen(e);
	if (wp->quarantine.count > 0 &&
	    quarantine_refuses(
		&wp->quarantine, e->work.fingerprint, loop_now_ms(wp->loop))) {
		stats_add(wp->slot, COUNTER_worker_pool_quarantined, 1);
		errand_refuse(e, TEXT("quarantined"), TEXT(QUARANTINED));
		errand_settle(e);
	} else {
		errand_submit(e);
	}
	errand_trace_listen(NULL);
}

static void
on_cancel(void *owner, struct link_session *session, uint64_t id)
{
	struct errand *e = link_session_kept(session, id);

	(void)owner;
	if (e != NULL)
		errand_cancel(e);
}

static void
on_credit(
    void *owner, struct link_session *session, uint64_t id, uint64_t bytes)
{
	struct errand *e = link_session_kept(session, id);

	(void)owner;
	if (e == NULL)
		return;
	if (e->runner_id != 0)
		runner_credit(
		    &e->crew->runners[e->work.runner], e->runner_id, bytes);
	else if (e->request.credit_bytes < INT32_MAX - bytes)
		e->request.credit_bytes += (uint32_t)bytes; /* it waits */
	errand_flush(e);
}

static void
on_room(void *owner, struct link_session *session)
{
	struct worker_pool *wp = owner;
	struct errand *next;

	for (struct errand *e = wp->errands; e != NULL; e = next) {
		next = e->next;
		if (e->session == session && buffer_used(&e->held) > 0)
			errand_flush(e);
	}
}

static void
on_gone(void *owner, struct link_session *session, enum link_fault why)
{
	struct worker_pool *wp = owner;
	struct errand *next;

	(void)why;
	for (struct errand *e = wp->errands; e != NULL; e = next) {
		next = e->next;
		if (e->session == session)
			errand_forget(e);
	}
}

static const struct link_server_calls calls = {.call = on_call,
    .cancel = on_cancel,
    .credit = on_credit,
    .room = on_room,
    .gone = on_gone};

void
front_open(struct worker_pool *wp)
{
	char url[ENDPOINT_URL];
	struct link_server_options options = {.hub = &wp->hub,
	    .calls = &calls,
	    .owner = wp,
	    .name = TEXT("worker_pool"),
	    .calls_at_once = CALLS_AT_ONCE};

	if (getrandom(&options.boot, sizeof(options.boot), 0) !=
	    sizeof(options.boot))
		worker_fail(wp->worker, EXIT_SYSTEM, "no random numbers: %s",
		    strerror(errno));
	options.boot = options.boot >> 1 | 1;
	if (getrandom(&wp->seed, sizeof(wp->seed), 0) != sizeof(wp->seed))
		wp->seed.k0 = options.boot; /* of sessions: no secret */
	link_server_create(&wp->server, &options);
	enum err e = endpoint_link_url(
	    worker_runtime_dir(wp->worker), "worker_pool", url);
	if (e == OK)
		e = link_server_listen(wp->server, text_of(url), NULL, 0);
	if (e != OK)
		worker_fail(wp->worker, EXIT_SYSTEM, "cannot listen at %s: %s",
		    url, e == ERR_SYSTEM ? strerror(errno) : err_name(e));
}
