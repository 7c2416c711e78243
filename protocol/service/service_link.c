// SPDX-License-Identifier: MIT
/*
 * service_link - the host of calls that come over the link.
 *
 * Design notes
 *
 * No handler runs inside another: cancels wait in a queue for the end of the
 * turn, because a gateway may be found gone while an answer to it is written.
 *
 * A stream that found no credit waits for the CREDIT that names it. One that
 * had credit and found the session's queue full waits in line, and so does one
 * that has sent TURN_BYTES while others wait. When there is room again the
 * first in line go on until it is used up; the others keep their places, so
 * none starves.
 */

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/service/service_private.h"

enum {
	TURN_BYTES = 16 * 1024,
};

static struct linked_call *
linked(struct service_call *call)
{
	return (struct linked_call *)call; /* its first member */
}

static const struct linked_call *
linked_const(const struct service_call *call)
{
	return (const struct linked_call *)call;
}

/* ---- queues ---------------------------------------------------------------
 */

static void
queue_leave(struct linked_call *c)
{
	struct link_queue *q = c->queue;

	if (q == NULL)
		return;
	if (c->queue_before != NULL)
		c->queue_before->queue_next = c->queue_next;
	else
		q->first = c->queue_next;
	if (c->queue_next != NULL)
		c->queue_next->queue_before = c->queue_before;
	else
		q->last = c->queue_before;
	q->count--;
	c->queue = NULL;
}

static void
queue_join(struct link_queue *q, struct linked_call *c)
{
	if (c->queue == q)
		return;
	queue_leave(c);
	c->queue = q;
	c->queue_next = NULL;
	c->queue_before = q->last;
	if (q->last != NULL)
		q->last->queue_next = c;
	else
		q->first = c;
	q->last = c;
	q->count++;
}

/* ---- calls ----------------------------------------------------------------
 */

static const struct service_ops linked_ops;
static void on_timer(void *ctx);

static struct linked_call *
take_call(struct service *s)
{
	struct linked_call *c = s->free_calls;

	if (c != NULL) {
		s->free_calls = c->next;
	} else {
		c = MEMORY_NEW(struct linked_call);
		service_call_init(&c->call, &linked_ops);
		c->service = s;
		c->timer = (struct loop_timer){.due = on_timer, .ctx = c};
	}
	c->chunks = 0;
	c->is_released = c->is_told = c->is_dry = false;
	c->next = s->open_calls;
	c->before = NULL;
	if (s->open_calls != NULL)
		s->open_calls->before = c;
	s->open_calls = c;
	return c;
}

static void
give_back(struct linked_call *c)
{
	struct service *s = c->service;

	queue_leave(c);
	loop_timer_stop(s->loop, &c->timer);
	if (c->before != NULL)
		c->before->next = c->next;
	else
		s->open_calls = c->next;
	if (c->next != NULL)
		c->next->before = c->before;
	service_call_end(&c->call);
	c->next = s->free_calls;
	s->free_calls = c;
}

/* cancel: nobody waits any more. It is told once, at the end of the turn. */
static void
cancel(struct linked_call *c)
{
	struct service *s = c->service;

	if (c->is_told)
		return;
	c->is_told = true;
	atomic_store_explicit(
	    &c->call.is_cancelled, true, memory_order_relaxed);
	queue_join(&s->cancelled, c);
	loop_post(s->loop, &s->hub.again);
}

/* run gives the call to a handler; false: the call has ended. */
static bool
run(struct linked_call *c, void (*handler)(struct service_call *, void *))
{
	if (handler == NULL)
		return true;
	c->is_running = true;
	c->turn_bytes = 0;
	handler(&c->call, c->call.function->ctx);
	c->is_running = false;
	if (c->is_released) {
		give_back(c);
		return false;
	}
	/* it looked in vain for credit when its deadline had passed */
	if (service_is_cancelled(&c->call))
		cancel(c);
	return true;
}

static void
on_timer(void *ctx)
{
	struct linked_call *c = ctx;

	(void)run(c, c->later);
}

void
service_tell_cancels(void *ctx)
{
	struct service *s = ctx;
	struct linked_call *c;

	while ((c = s->cancelled.first) != NULL) {
		queue_leave(c);
		(void)run(c, c->call.function->on_cancel);
	}
}

void
service_free_calls(struct service *s)
{
	while (s->open_calls != NULL)
		give_back(s->open_calls);
	while (s->free_calls != NULL) {
		struct linked_call *c = s->free_calls;

		s->free_calls = c->next;
		service_call_finish(&c->call);
		memory_free(c);
	}
}

/* ---- ops: what a handler does with its call -------------------------------
 */

/* send_traced tells the gateway, as it asked, how long all this has taken. */
static void
send_traced(struct linked_call *c, struct text value)
{
	struct buffer hops;
	struct packer p;

	buffer_init(&hops, 64);
	pack_init(&p, &hops);
	pack_map(&p, 2);
	pack_field_u64(&p, "queue_us", c->began_us - c->came_us);
	pack_field_u64(&p, "run_us", clock_mono_us() - c->began_us);
	link_session_result_hops(
	    c->session, c->call.id, value, buffer_text(&hops));
	buffer_finish(&hops);
}

static void
send_result(struct service_call *call, struct text value)
{
	struct linked_call *c = linked(call);

	if (c->session == NULL)
		return;
	if (c->began_us != 0)
		send_traced(c, value);
	else
		link_session_result(c->session, call->id, value);
}

static void
send_error(struct service_call *call, struct text code, struct text text)
{
	struct linked_call *c = linked(call);

	if (c->session != NULL)
		link_session_error(c->session, call->id, code, text);
}

static void
send_end(struct service_call *call)
{
	struct linked_call *c = linked(call);

	if (c->session != NULL)
		link_session_end(c->session, call->id);
}

/* stand_in_line: it goes on when others of this gateway have had their turn. */
static void
stand_in_line(struct linked_call *c)
{
	c->is_dry = true;
	queue_join(&c->service->waiting, c);
	link_session_want_room(c->session);
}

static uint32_t
credit(struct service_call *call)
{
	struct linked_call *c = linked(call);

	if (c->session == NULL)
		return 0;
	uint32_t bytes = link_session_credit(c->session, call->id);
	bool has_had_its_turn =
	    c->turn_bytes >= TURN_BYTES && c->service->waiting.count > 0;
	if (bytes > 0 && !has_had_its_turn)
		return bytes;
	if (bytes > 0 || link_session_is_full(c->session))
		stand_in_line(c);
	c->is_dry = true;
	return 0;
}

static enum err
send_chunk(struct service_call *call, struct text value)
{
	struct linked_call *c = linked(call);

	if (c->session == NULL)
		return ERR_CLOSED;
	enum err e = link_session_chunk(c->session, call->id, c->chunks, value);
	if (e == OK) {
		c->chunks++;
		c->turn_bytes += value.len;
	} else if (e == ERR_FULL) {
		(void)credit(call); /* takes its place in line */
	}
	return e;
}

static void
release(struct service_call *call)
{
	struct linked_call *c = linked(call);

	c->is_released = true;
	if (!c->is_running)
		give_back(c);
}

static void
later(struct service_call *call, uint32_t ms,
    void (*handler)(struct service_call *, void *))
{
	struct linked_call *c = linked(call);
	struct loop *loop = c->service->loop;

	c->later = handler;
	loop_timer_start(loop, &c->timer, loop_now_ms(loop) + ms);
}

static uint64_t
now_ms(const struct service_call *call)
{
	return loop_now_ms(linked_const(call)->service->loop);
}

static const struct service_ops linked_ops = {
    .result = send_result,
    .error = send_error,
    .end = send_end,
    .chunk = send_chunk,
    .credit = credit,
    .release = release,
    .later = later,
    .now_ms = now_ms,
};

/* ---- what the link says ---------------------------------------------------
 */

/* answer_itself serves what every service has; true: it was one of them. */
static bool
answer_itself(
    struct service *s, struct link_session *session, const struct link_frame *f)
{
	struct buffer small;
	struct packer p;

	if (text_is(f->function, "get_config")) {
		link_session_result(session, f->id, buffer_text(&s->config));
		return true;
	}
	if (!text_is(f->function, "get_config_version"))
		return false;
	buffer_init(&small, 64);
	pack_init(&p, &small);
	pack_string(&p, s->version);
	link_session_result(session, f->id, buffer_text(&small));
	buffer_finish(&small);
	return true;
}

/* note_trace: the gateway asks for `hops` of a call that is traced. */
static void
note_trace(struct linked_call *c, struct text hints)
{
	uint64_t flags;

	c->began_us = 0;
	if (hints.len == 0 || unpack_field_u64(hints, "hops", &flags) != OK)
		return;
	c->came_us = loop_now_us(c->service->loop);
	c->began_us = clock_mono_us();
}

static void
on_call(void *ctx, struct link_session *session, const struct link_frame *f)
{
	struct service *s = ctx;
	const struct service_function *function = service_find(s, f->function);

	if (function == NULL) {
		if (!answer_itself(s, session, f))
			link_session_error(session, f->id, TEXT("not_found"),
			    TEXT("the service has no such function"));
		return;
	}
	struct linked_call *c = take_call(s);
	c->session = session;
	c->call.id = f->id;
	c->call.function = function;
	c->call.facts = f->facts;
	c->call.is_stream = f->credit > 0;
	c->call.deadline_ms =
	    f->number > 0 ? loop_now_ms(s->loop) + f->number : 0;
	note_trace(c, f->hints);
	service_call_begin(&c->call, f->args);
	if (service_call_refuse(&c->call)) {
		give_back(c);
	} else if (run(c, function->run)) {
		service_call_forget(&c->call);
		if (c->session != NULL)
			link_session_keep(c->session, f->id, c);
	}
}

static void
on_cancel(void *ctx, struct link_session *session, uint64_t id)
{
	struct linked_call *c = link_session_kept(session, id);

	(void)ctx;
	if (c != NULL)
		cancel(c);
}

static void
on_credit(void *ctx, struct link_session *session, uint64_t id, uint64_t bytes)
{
	struct linked_call *c = link_session_kept(session, id);

	(void)ctx;
	(void)bytes;
	if (c == NULL || !c->is_dry || c->is_told)
		return;
	c->is_dry = false;
	queue_leave(c);
	(void)run(c, c->call.function->on_room);
}

static struct linked_call *
first_waiting(const struct service *s, const struct link_session *session)
{
	struct linked_call *c = s->waiting.first;

	while (c != NULL && c->session != session)
		c = c->queue_next;
	return c;
}

static void
on_room(void *ctx, struct link_session *session)
{
	struct service *s = ctx;
	struct linked_call *c = NULL;

	for (uint32_t left = s->waiting.count;
	     left > 0 && !link_session_is_full(session); left--) {
		c = first_waiting(s, session);
		if (c == NULL)
			return;
		queue_leave(c);
		c->is_dry = false;
		(void)run(c, c->call.function->on_room);
	}
	if (first_waiting(s, session) != NULL)
		link_session_want_room(session);
}

static void
on_gone(void *ctx, struct link_session *session, enum link_fault fault)
{
	struct service *s = ctx;

	(void)fault;
	for (struct linked_call *c = s->open_calls; c != NULL; c = c->next) {
		if (c->session != session)
			continue;
		c->session = NULL;
		cancel(c);
	}
}

const struct link_server_calls service_link_calls = {
    .call = on_call,
    .cancel = on_cancel,
    .credit = on_credit,
    .room = on_room,
    .gone = on_gone,
};
