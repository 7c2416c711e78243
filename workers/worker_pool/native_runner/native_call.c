// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Every call is answered, a cancelled one too: the pool counts our places by
 * answers. A handler of another thread than ours may go on with a call (one at
 * a time); it has no end of batch, so what it says is sent at once.
 */

#include "workers/worker_pool/native_runner/native.h"

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"

enum {
	MESSAGE_KEEP = 16 * 1024, /* of a free call */
	TURN_BYTES = 16 * 1024,
};

static struct native_call *
native_call(struct service_call *call)
{
	return (struct native_call *)call; /* its first member */
}

/* ---- the queue ------------------------------------------------------------
 */

static void
push_ready(struct native *n, struct native_call *c)
{
	c->is_queued = true;
	c->next = NULL;
	if (n->ready_last != NULL)
		n->ready_last->next = c;
	else
		n->ready_first = c;
	n->ready_last = c;
	n->ready_count++;
}

bool
native_call_step(struct native_call *c, enum native_step step)
{
	c->steps |= step;
	if (c->is_queued || c->is_running)
		return false;
	push_ready(c->native, c);
	return true;
}

void
native_call_cancel(struct native_call *c)
{
	atomic_store_explicit(
	    &c->call.is_cancelled, true, memory_order_relaxed);
	if (c->is_told || (c->steps & NATIVE_RUN) != 0)
		return; /* one that has not begun never will */
	c->is_told = true;
	(void)native_call_step(c, NATIVE_CANCEL);
}

static void
stop_timer(struct native_call *c)
{
	if (c->later_ms == 0)
		return;
	if (c->timer_before != NULL)
		c->timer_before->timer_next = c->timer_next;
	else
		c->native->timers = c->timer_next;
	if (c->timer_next != NULL)
		c->timer_next->timer_before = c->timer_before;
	c->later_ms = 0;
}

void
native_fire_timers(struct native *n, uint64_t now_ms)
{
	struct native_call *c = n->timers, *next;

	for (; c != NULL; c = next) {
		next = c->timer_next;
		if (c->later_ms > now_ms)
			continue;
		stop_timer(c);
		if (native_call_step(c, NATIVE_LATER))
			native_rouse(n);
	}
}

uint64_t
native_next_timer(const struct native *n)
{
	uint64_t first_ms = 0;

	for (const struct native_call *c = n->timers; c != NULL;
	     c = c->timer_next)
		if (first_ms == 0 || c->later_ms < first_ms)
			first_ms = c->later_ms;
	return first_ms;
}

static void
join_blocked(struct native_call *c)
{
	struct native *n = c->native;

	if (c->is_blocked)
		return;
	c->is_blocked = true;
	c->blocked_next = NULL;
	c->blocked_before = n->blocked_last;
	if (n->blocked_last != NULL)
		n->blocked_last->blocked_next = c;
	else
		n->blocked_first = c;
	n->blocked_last = c;
	atomic_store(&n->has_blocked, true);
}

static void
leave_blocked(struct native_call *c)
{
	struct native *n = c->native;

	if (!c->is_blocked)
		return;
	c->is_blocked = false;
	if (c->blocked_before != NULL)
		c->blocked_before->blocked_next = c->blocked_next;
	else
		n->blocked_first = c->blocked_next;
	if (c->blocked_next != NULL)
		c->blocked_next->blocked_before = c->blocked_before;
	else
		n->blocked_last = c->blocked_before;
	atomic_store(&n->has_blocked, n->blocked_first != NULL);
}

void
native_call_recycle(struct native_call *c)
{
	struct native *n = c->native;

	stop_timer(c);
	leave_blocked(c);
	service_call_end(&c->call);
	buffer_truncate(&c->message, 0);
	if (c->message.size > MESSAGE_KEEP)
		buffer_release(&c->message);
	c->steps = 0;
	c->next = n->free_calls;
	n->free_calls = c;
	n->in_use--;
	if (n->is_draining && n->in_use == 0)
		pthread_cond_signal(&n->keeper);
}

void
native_unblock(struct native *n)
{
	struct native_call *c;
	bool is_queued = false;

	pthread_mutex_lock(&n->lock);
	while ((c = n->blocked_first) != NULL) {
		leave_blocked(c);
		if (!c->is_told)
			is_queued |= native_call_step(c, NATIVE_ROOM);
	}
	if (is_queued && !native_in_worker())
		native_rouse(n);
	pthread_mutex_unlock(&n->lock);
}

/* ---- ops: what a handler does with its call -------------------------------
 */

static void
sent(struct native *n)
{
	if (!native_in_worker())
		native_flush(n);
}

static void
send_error(struct service_call *call, struct text code, struct text text)
{
	struct native *n = native_call(call)->native;
	enum err e = outbox_error(&n->out, call->id, code, text);

	INVARIANT(e == OK);
	sent(n);
}

static void
send_result(struct service_call *call, struct text value)
{
	struct native *n = native_call(call)->native;

	if (outbox_result(&n->out, call->id, value) == OK)
		sent(n);
	else
		send_error(call, TEXT("bad_result"),
		    TEXT("the result is larger than the pool takes"));
}

static void
send_end(struct service_call *call)
{
	struct native *n = native_call(call)->native;
	enum err e = outbox_plain(&n->out, FRAME_END, call->id);

	INVARIANT(e == OK);
	sent(n);
}

/* is_blocked: the outbox is full, and whoever empties it will tell us. */
static bool
is_blocked(struct native_call *c)
{
	struct native *n = c->native;

	if (!outbox_is_full(&n->out))
		return false;
	pthread_mutex_lock(&n->lock);
	join_blocked(c);
	pthread_mutex_unlock(&n->lock);
	if (outbox_is_full(&n->out))
		return true; /* emptied after this, we are seen */
	pthread_mutex_lock(&n->lock);
	leave_blocked(c);
	pthread_mutex_unlock(&n->lock);
	return false;
}

/* has_had_its_turn: then it goes on behind the others. Under the lock. */
static bool
has_had_its_turn(struct native_call *c)
{
	if (c->turn_bytes < TURN_BYTES || c->native->ready_count == 0)
		return false;
	(void)native_call_step(c, NATIVE_ROOM);
	return true;
}

static uint32_t
credit(struct service_call *call)
{
	struct native_call *c = native_call(call);
	struct native *n = c->native;

	pthread_mutex_lock(&n->lock);
	int64_t left = c->credit;
	c->is_dry = left <= 0;
	bool waits = left <= 0 || has_had_its_turn(c);
	pthread_mutex_unlock(&n->lock);
	c->has_leave = !waits && !is_blocked(c);
	if (!c->has_leave)
		return 0;
	return left < OUTBOX_CHUNKS_ENOUGH ? (uint32_t)left
					   : OUTBOX_CHUNKS_ENOUGH;
}

static enum err
send_chunk(struct service_call *call, struct text value)
{
	struct native_call *c = native_call(call);
	struct native *n = c->native;

	/* other threads may have filled the outbox since it was told that
	 * there is room; that promise is kept for one chunk */
	if (!c->has_leave && credit(call) == 0)
		return ERR_FULL;
	c->has_leave = false;
	enum err e = outbox_chunk(&n->out, call->id, c->chunks, value);
	if (e != OK)
		return ERR_TOO_BIG;
	c->chunks++;
	c->turn_bytes += value.len;
	pthread_mutex_lock(&n->lock);
	c->credit -= value.len;
	pthread_mutex_unlock(&n->lock);
	sent(n);
	return OK;
}

static void
release(struct service_call *call)
{
	struct native_call *c = native_call(call);
	struct native *n = c->native;

	pthread_mutex_lock(&n->lock);
	struct link_entry *entry = link_calls_find(&n->open, call->id);
	if (entry != NULL)
		link_calls_remove(&n->open, entry);
	c->is_released = true;
	if (!c->is_running && !c->is_queued)
		native_call_recycle(c);
	pthread_mutex_unlock(&n->lock);
}

static void
later(struct service_call *call, uint32_t ms,
    void (*handler)(struct service_call *, void *))
{
	struct native_call *c = native_call(call);
	struct native *n = c->native;

	pthread_mutex_lock(&n->lock);
	stop_timer(c);
	c->later = handler;
	c->later_ms = clock_mono_ms() + ms;
	c->timer_before = NULL;
	c->timer_next = n->timers;
	if (n->timers != NULL)
		n->timers->timer_before = c;
	n->timers = c;
	if (n->keeper_sleeps)
		pthread_cond_signal(&n->keeper);
	else if (n->keeper_reads)
		native_rouse(n);
	pthread_mutex_unlock(&n->lock);
}

static uint64_t
now_ms(const struct service_call *call)
{
	(void)call;
	return clock_mono_ms();
}

const struct service_ops native_ops = {
    .result = send_result,
    .error = send_error,
    .end = send_end,
    .chunk = send_chunk,
    .credit = credit,
    .release = release,
    .later = later,
    .now_ms = now_ms,
};
