// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * worker_pool ends a batch at its deadline (and the runner that does not come
 * back). PATIENCE_MS later the desk gives up by itself, so that a worker_pool
 * that stands still costs no more than a slow handler does.
 *
 * What never reached the function says nothing about it: a pool that is full,
 * is being replaced or is not up costs events, and no handler its place.
 */

#include "workers/monitor/handler_desk.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/buffer.h"
#include "protocol/base/conn.h"
#include "protocol/base/loop.h"
#include "protocol/base/memory.h"
#include "protocol/endpoint.h"
#include "protocol/link/link_client.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "workers/kit/worker.h"
#include "workers/monitor/handlers.h"

enum {
	DEADLINE_MS = 2000,
	PATIENCE_MS = 1000,
	EVENT_BYTES = 16 * 1024,
	HINT_BYTES = 1024
};

/* The batch of a handler that is out. */
struct handler_call {
	uint64_t id;
	uint64_t until_ms;
};

struct handler_desk {
	struct worker *worker;
	void (*changed)(void *ctx);
	void *ctx;
	struct link_client *link; /* NULL: there are no handlers */
	struct handlers handlers;
	struct handler_call calls[HANDLERS];
	struct buffer event;
	struct buffer args;
	struct buffer hints;
};

static uint64_t
now_of(const struct handler_desk *d)
{
	return loop_now_ms(worker_loop(d->worker));
}

/* --- answers; `call` is the handler --- */

static void
result_came(void *owner, void *call, struct text value)
{
	(void)owner;
	(void)value;
	handler_answered(call);
}

static void
failed(struct handler_desk *d, struct handler *h, const char *why)
{
	if (!handler_failed(h, text_of(why)))
		return;
	event_note(EVENT_handler_detached,
	    "handler=\"%s\" failures=%u reason=\"%s\"", h->name, h->failures,
	    h->reason);
	d->changed(d->ctx);
}

static void
error_came(void *owner, void *call, struct text code, struct text text)
{
	char why[HANDLER_REASON];

	snprintf(
	    why, sizeof(why), "%.*s: %.*s", TEXT_ARG(code), TEXT_ARG(text));
	if (text_is(code, "unavailable"))
		handler_unserved(call, text_of(why));
	else
		failed(owner, call, why);
}

static void
call_lost(void *owner, void *call, enum link_lost lost)
{
	(void)owner;
	(void)lost;
	handler_unserved(call, TEXT("the connection to worker_pool was lost"));
}

/* A batch asks for no parts: a handler that yields has only its end told. */
static void
end_came(void *owner, void *call)
{
	(void)owner;
	handler_answered(call);
}

static void
chunk_came(void *owner, void *call, struct text value)
{
	(void)owner;
	(void)call;
	(void)value;
}

static void
state_changed(void *owner, enum link_state state, enum link_fault fault)
{
	(void)owner;
	(void)state;
	(void)fault; /* the turn looks; the client dials again by itself */
}

static const struct link_client_calls calls = {
    .result = result_came,
    .error = error_came,
    .chunk = chunk_came,
    .end = end_came,
    .lost = call_lost,
    .state = state_changed,
};

/* --- the link --- */

static void
dial(struct handler_desk *d)
{
	char url[ENDPOINT_URL];

	if (d->link != NULL || d->handlers.count == 0 ||
	    endpoint_link_url(
		worker_runtime_dir(d->worker), "worker_pool", url) != OK)
		return;
	const struct link_client_options options = {
	    .hub = worker_hub(d->worker),
	    .calls = &calls,
	    .owner = d,
	    .url = text_of(url),
	    .life = worker_life(d->worker),
	    .seed = worker_life(d->worker),
	};
	enum err e = link_client_create(&d->link, &options);

	if (e != OK)
		log_line(LOG_WARN, "telemetry",
		    "what=\"handlers are not called\" url=%s error=%s", url,
		    err_name(e));
}

/* forget_calls: no answer of before comes any more. */
static void
forget_calls(struct handler_desk *d)
{
	for (uint32_t i = 0; i < d->handlers.count; i++)
		if (d->handlers.items[i].out > 0)
			link_cancel(d->link, d->calls[i].id);
}

void
handler_desk_settings(struct handler_desk *d, const struct settings *settings)
{
	forget_calls(d);
	handlers_read(
	    &d->handlers, settings_list(settings, SETTING_telemetry_handlers));
	for (uint32_t i = 0; i < d->handlers.count; i++)
		if (d->handlers.items[i].is_detached)
			event_note(EVENT_handler_detached,
			    "handler=\"%s\" failures=0 reason=\"%s\"",
			    d->handlers.items[i].name,
			    d->handlers.items[i].reason);
	if (d->handlers.count == 0)
		link_client_destroy(&d->link);
	dial(d);
}

struct handler_desk *
handler_desk_open(struct worker *w, void (*changed)(void *ctx), void *ctx)
{
	struct handler_desk *d = MEMORY_NEW(struct handler_desk);

	d->worker = w;
	d->changed = changed;
	d->ctx = ctx;
	handlers_init(&d->handlers);
	buffer_init(&d->event, EVENT_BYTES);
	buffer_init(&d->args, HANDLER_BYTES + EVENT_BYTES);
	buffer_init(&d->hints, HINT_BYTES);
	handler_desk_settings(d, worker_settings(w));
	return d;
}

void
handler_desk_close(struct handler_desk **d)
{
	if (*d == NULL)
		return;
	link_client_destroy(&(*d)->link);
	handlers_finish(&(*d)->handlers);
	buffer_finish(&(*d)->event);
	buffer_finish(&(*d)->args);
	buffer_finish(&(*d)->hints);
	memory_free(*d);
	*d = NULL;
}

/* --- events --- */

void
handler_desk_choice(const struct handler_desk *d, struct telemetry_choice *to)
{
	handlers_choice(&d->handlers, to);
}

bool
handler_desk_is_idle(const struct handler_desk *d)
{
	for (uint32_t i = 0; i < d->handlers.count; i++)
		if (!d->handlers.items[i].is_detached)
			return false;
	return true;
}

void
handler_desk_take(struct handler_desk *d, const struct event_record *record,
    void (*pack)(struct packer *, void *ctx), void *ctx)
{
	struct telemetry_choice wanted;
	struct packer p;

	if (d->handlers.count == 0)
		return;
	handlers_choice(&d->handlers, &wanted);
	if (!telemetry_has(&wanted, record->id) ||
	    handlers_is_own(record->text))
		return;
	buffer_truncate(&d->event, 0);
	pack_init(&p, &d->event);
	pack(&p, ctx);
	if (pack_finish(&p) == OK)
		handlers_offer(&d->handlers, record->id, buffer_text(&d->event),
		    now_of(d));
}

/* --- calls --- */

static struct text
hints_of(struct handler_desk *d, const struct handler *h)
{
	struct packer p;

	buffer_truncate(&d->hints, 0);
	pack_init(&p, &d->hints);
	pack_map(&p, 3u + (h->pool[0] != '\0'));
	if (h->pool[0] != '\0')
		pack_field_string(&p, "pool", h->pool);
	pack_field_bool(&p, "once", true);
	pack_field_string(&p, "service", HANDLER_SERVICE);
	pack_field_string(&p, "request_type", h->name);
	return pack_finish(&p) == OK ? buffer_text(&d->hints) : TEXT("");
}

static void
call_handler(struct handler_desk *d, struct handler *h, struct handler_call *c)
{
	struct packer p;

	buffer_truncate(&d->args, 0);
	pack_init(&p, &d->args);
	handler_pack(h, &p);
	if (pack_finish(&p) != OK)
		return;
	const struct link_request request = {
	    .module = text_of(h->module),
	    .function = text_of(h->function),
	    .args = buffer_text(&d->args),
	    .hints = hints_of(d, h),
	    .deadline_ms = DEADLINE_MS,
	};

	/* not taken: it waits here, and the next turn tries again */
	if (link_call(d->link, &request, h, &c->id) != OK)
		return;
	c->until_ms = now_of(d) + DEADLINE_MS + PATIENCE_MS;
	handler_sent(h);
}

void
handler_desk_turn(struct handler_desk *d)
{
	uint64_t now_ms = now_of(d);

	for (uint32_t i = 0; i < d->handlers.count; i++) {
		struct handler *h = &d->handlers.items[i];

		if (h->out > 0 && now_ms >= d->calls[i].until_ms) {
			link_cancel(d->link, d->calls[i].id);
			failed(d, h, "no answer came in time");
		}
		if (d->link != NULL &&
		    link_client_state(d->link) == LINK_LIVE &&
		    handler_is_due(h, now_ms))
			call_handler(d, h, &d->calls[i]);
	}
}

void
handler_desk_pack(const struct handler_desk *d, struct packer *p)
{
	pack_array(p, d->handlers.count);
	for (uint32_t i = 0; i < d->handlers.count; i++) {
		const struct handler *h = &d->handlers.items[i];

		pack_map(p, 10);
		pack_field_string(p, "name", h->name);
		pack_field_string(p, "match", h->match);
		pack_field_string(p, "pool", h->pool);
		pack_field_bool(p, "attached", !h->is_detached);
		pack_field_u64(p, "sent", h->sent);
		pack_field_u64(p, "failed", h->failed);
		pack_field_u64(p, "dropped", h->dropped);
		pack_field_u64(p, "waiting", h->count + h->out);
		pack_field_u64(p, "failures", h->failures);
		pack_field_string(p, "reason", h->reason);
	}
}
