// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The limits of a trace are kept here, in each gateway for itself: a request
 * is taken whole, if its filter's records of this second have room for what a
 * request usually leaves, or not at all. So no ring is flooded. Each record
 * is counted where it is left (trace_counts.h), and no request is taken for a
 * trace that has its count or whose time is over: nothing waits for the
 * monitor, which only says so and ends it.
 */

#include "workers/gateway/tracing.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "protocol/mask.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/http.h"
#include "workers/gateway/refusal.h"
#include "workers/gateway/request.h"

enum {
	REQUEST_RECORDS = 16, /* what one usually leaves */
	FACT_BYTES = 200,     /* of one name in the facts */
	ARGS_BYTES = 640,     /* of the arguments */
	ARGS_MOST = 64 << 10  /* larger ones are not even looked at */
};

struct budget {
	uint32_t id; /* of the filter */
	uint32_t used;
	uint64_t second;
};

struct tracing {
	struct gateway *gateway;
	struct trace_view view;
	struct trace_process self;
	struct budget budgets[TRACE_FILTERS];
	struct mask mask;
	struct buffer facts;
	struct buffer args;
};

void
tracing_create(struct tracing **to, struct gateway *g)
{
	struct tracing *t = MEMORY_NEW(struct tracing);
	char *area = events_watch_area(worker_events(g->worker));

	t->gateway = g;
	trace_watch_at(&g->watch, area + TRACE_WATCH_AT);
	t->self = (struct trace_process){.role = ROLE_gateway,
	    .instance = worker_instance(g->worker),
	    .pid = (uint32_t)getpid(),
	    .born_ms = clock_mono_ms()};
	buffer_init(&t->facts, TRACE_FACTS_BYTES);
	buffer_init(&t->args, ARGS_MOST);
	tracing_on_settings(t, worker_settings(g->worker));
	*to = t;
}

void
tracing_destroy(struct tracing **t)
{
	if (*t == NULL)
		return;
	buffer_finish(&(*t)->facts);
	buffer_finish(&(*t)->args);
	memory_free(*t);
	*t = NULL;
}

void
tracing_on_settings(struct tracing *t, const struct settings *s)
{
	mask_read(&t->mask, settings_list(s, SETTING_security_masked_keys));
}

void
tracing_upgrade(struct client *c, const struct http_upgrade *u)
{
	struct text headers = u->headers, name, value;
	uint32_t count = 0;

	while (http_header_next(&headers, &name, &value)) {
		if (!http_is_same_name(name, TEXT("traceparent")))
			continue;
		if (++count > 1 || traceparent_read(value, &c->trace) != OK)
			c->trace.span = 0; /* twice is as bad as broken */
	}
}

/* --- who is traced --- */

/* take_budget: has this filter room for one more request this second? */
static bool
take_budget(struct tracing *t, uint32_t place, const struct trace_filter *f)
{
	struct budget *b = &t->budgets[place];
	uint64_t second = loop_now_ms(t->gateway->loop) / 1000;

	if (b->id != f->id || b->second != second)
		*b = (struct budget){.id = f->id, .second = second};
	/* a limit below one request's records still lets one through */
	if (b->used > 0 && b->used + REQUEST_RECORDS > f->per_second)
		return false;
	b->used += REQUEST_RECORDS;
	return true;
}

struct match {
	uint32_t flags;
	uint32_t places; /* of all its traces */
	uint32_t loud;   /* of those that want records */
	bool is_silent;  /* no filter wants records */
	char ids[96];
	int used;
};

static void
add(struct match *m, const struct trace_filter *f)
{
	uint32_t place = f->place < TRACE_PLACES ? 1u << f->place : 0;

	m->places |= place;
	if ((f->flags & TRACE_FLAG_silent) == 0) {
		m->loud |= place;
		m->flags |= f->flags;
		m->is_silent = false;
	}
	if (m->used < (int)sizeof(m->ids) - 12)
		m->used +=
		    snprintf(m->ids + m->used, sizeof(m->ids) - (size_t)m->used,
			"%s%u", m->used > 0 ? "," : "", f->id);
}

/* is_after: this call, or every call of this gateway. */
static bool
is_after(const struct tracing *t, const struct trace_filter *f,
    const struct trace_call *call)
{
	if (f->kind != TRACE_PROCESS)
		return trace_filter_has_call(f, call);
	return f->who.what != TRACE_PORTS &&
	    trace_filter_has_process(f, &t->self);
}

/* is_any_after is all that most calls cost while another is traced. */
static bool
is_any_after(struct tracing *t, const struct trace_call *call)
{
	trace_watch_read(&t->gateway->watch, &t->view);
	for (uint32_t i = 0; i < t->view.count; i++)
		if (is_after(t, &t->view.filters[i], call))
			return true;
	return false;
}

/* is_over: its time is, or it has its count; the monitor may be dead. */
static bool
is_over(const struct gateway *g, const struct trace_filter *f)
{
	return (f->until_ms != 0 && loop_now_ms(g->loop) >= f->until_ms) ||
	    (f->most != 0 &&
		trace_counts_records(trace_watch_counts(&g->watch), f->place) >=
		    f->most);
}

/* match_all finds the filters that are after this call. */
static bool
match_all(struct tracing *t, const struct trace_call *call, uint32_t kinds,
    struct match *m)
{
	struct gateway *g = t->gateway;

	*m = (struct match){.is_silent = true};
	trace_watch_read(&g->watch, &t->view);
	for (uint32_t i = 0; i < t->view.count; i++) {
		const struct trace_filter *f = &t->view.filters[i];

		if ((kinds & 1u << f->kind) == 0 || is_over(g, f) ||
		    !is_after(t, f, call))
			continue;
		if (take_budget(t, i, f))
			add(m, f);
		else
			COUNT(g, traces_skipped);
	}
	return m->used > 0;
}

static void
put_fact(struct buffer *b, const char *key, struct text value)
{
	if (value.len > FACT_BYTES)
		value.len = FACT_BYTES;
	facts_put(b, key, value);
}

/* put_args writes them as JSON, masked and cut; or only how many. */
static void
put_args(struct tracing *t, const struct request *r, uint32_t flags)
{
	struct unpacker u;
	uint32_t count = 0;

	unpack_init(&u, r->args);
	if (r->args.len > 0 && unpack_map(&u, &count) != OK)
		count = 0;
	if ((flags & TRACE_FLAG_arity) != 0) {
		char number[16];

		snprintf(number, sizeof(number), "%u", count);
		facts_put(&t->facts, "arity", text_of(number));
		return;
	}
	buffer_truncate(&t->args, 0);
	if (r->args.len == 0 || mask_json(&t->mask, r->args, &t->args) != OK) {
		facts_put(&t->facts, "args",
		    r->args.len == 0 ? TEXT("{}") : TEXT("(too long)"));
		return;
	}
	struct text args = buffer_text(&t->args);
	if (args.len > ARGS_BYTES)
		args.len = ARGS_BYTES;
	facts_put(&t->facts, "args", args);
}

static void
tell_start(struct tracing *t, const struct traced *traced,
    const struct match *m, const struct trace_call *call,
    const struct request *r)
{
	char parent[SPAN_ID_HEX + 1] = "";

	buffer_truncate(&t->facts, 0);
	put_fact(&t->facts, "request_id", call->request_id);
	if (r->correlation_id.len > 0)
		put_fact(&t->facts, "correlation_id", r->correlation_id);
	put_fact(&t->facts, "user_id", call->user);
	put_fact(&t->facts, "device_id", r->device_id);
	put_fact(&t->facts, "request_type", call->request_type);
	put_fact(&t->facts, "service", call->service);
	put_fact(&t->facts, "version", r->version);
	put_args(t, r, traced->span.flags);
	trace_facts(&traced->span, buffer_text(&t->facts));
	if (traced->span.parent != 0)
		span_id_write(traced->span.parent, parent);
	trace_hop(&traced->span, STAGE_start, "ids=%s%s%s", m->ids,
	    parent[0] != '\0' ? " parent=" : "", parent);
}

/* parent_of reads the traceparent of the payload, else of the connection. */
static bool
parent_of(
    const struct client *c, const struct request *r, struct traceparent *parent)
{
	if (r->traceparent.len > 0)
		return traceparent_read(r->traceparent, parent) == OK;
	*parent = c->trace;
	return c->trace.span != 0;
}

static struct traced *
make(struct gateway *g, const struct traceparent *parent, bool has_parent)
{
	const uint64_t chance[3] = {
	    gateway_chance(g), gateway_chance(g), gateway_chance(g)};
	struct traced *traced = MEMORY_NEW(struct traced);

	traceparent_new(&traced->span.at, chance);
	traced->span.arrived_us = loop_now_us(g->loop);
	traced->span.flags = TRACE_FLAG_silent;
	if (has_parent) {
		traced->span.at.trace[0] = parent->trace[0];
		traced->span.at.trace[1] = parent->trace[1];
		traced->span.at.flags = parent->flags;
		traced->span.parent = parent->span;
	}
	return traced;
}

static void
begin_recording(struct gateway *g, struct traced *traced, const struct match *m,
    const struct trace_call *call, const struct request *r)
{
	traced->is_recorded = true;
	traced->span.at.flags |= TRACEPARENT_SAMPLED;
	traced->span.flags = m->is_silent ? TRACE_FLAG_silent : m->flags;
	COUNT(g, traced);
	traced->span.counts = trace_watch_counts(&g->watch);
	traced->span.places = m->places;
	trace_counts_add(traced->span.counts, m->places, 1, 0);
	tell_start(g->tracing, traced, m, call, r);
	if (m->loud != 0)
		traced->span.places = m->loud;
}

static struct trace_call
call_of(const struct client *c, const struct request *r)
{
	struct text user = {.at = NULL, .len = 0};

	if (c->identity != NULL)
		user = c->identity->user_id;
	return (struct trace_call){
	    .user = user,
	    .service = r->service,
	    .request_type = r->request_type,
	    .request_id = r->request_id,
	};
}

struct traced *
tracing_begin(struct client *c, const struct request *r)
{
	struct gateway *g = c->gateway;
	struct traceparent parent;
	struct match m;

	if (trace_watch_generation(&g->watch) == 0 && r->traceparent.len == 0 &&
	    c->trace.span == 0)
		return NULL;
	const struct trace_call call = call_of(c, r);
	bool is_wanted = trace_watch_generation(&g->watch) != 0 &&
	    is_any_after(g->tracing, &call) &&
	    match_all(g->tracing, &call, UINT32_MAX, &m);
	if (!is_wanted && r->traceparent.len == 0 && c->trace.span == 0)
		return NULL;
	bool has_parent = parent_of(c, r, &parent);
	if (!is_wanted && !has_parent)
		return NULL;
	struct traced *traced = make(g, &parent, has_parent);
	if (is_wanted)
		begin_recording(g, traced, &m, &call, r);
	return traced;
}

/* look_again: a filter may be after the module and function behind a name. */
static void
look_again(
    struct refusal *to, const struct compiled *f, const struct request *r)
{
	struct gateway *g = to->client->gateway;
	const struct traceparent none = {.span = 0};
	struct match m;

	/* filters of another kind have had their chance, and their budget */
	struct trace_call call = {
	    .module = f->module,
	    .function = f->function,
	    .arity = (int32_t)arguments_count(f->arguments),
	};
	if (!match_all(g->tracing, &call, 1u << TRACE_TARGET, &m))
		return;
	if (to->traced == NULL)
		to->traced = make(g, &none, false);
	call = call_of(to->client, r);
	begin_recording(g, to->traced, &m, &call, r);
}

void
tracing_found(
    struct refusal *to, const struct compiled *f, const struct request *r)
{
	const struct gateway *g = to->client->gateway;

	/* the view is of this call's begin */
	if (trace_watch_generation(&g->watch) != 0 &&
	    (g->tracing->view.kinds & 1u << TRACE_TARGET) != 0 &&
	    (to->traced == NULL || !to->traced->is_recorded))
		look_again(to, f, r);
	HOP(to->traced, config_lookup, "status=ok version=%.*s",
	    TEXT_ARG(f->version.len > 0 ? f->version : TEXT("nil")));
}

void
tracing_missed(const struct traced *traced, const char *why)
{
	HOP(traced, config_lookup, "status=%s", why);
}
