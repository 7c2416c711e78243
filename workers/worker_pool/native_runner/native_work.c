// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The keeper looks every TICK_MS while there is work, and sleeps while a
 * worker waits in the socket with nothing to do. It knows who gets on by two
 * counters: if no read has ended since it last looked, whoever should read is
 * in a handler, or has no end of streams to send; if no step has ended,
 * whatever waits wants another thread. With no worker left for it the keeper
 * reads itself.
 *
 * Idle workers are a stack: the one that worked last is warm.
 */

#include "workers/worker_pool/native_runner/native.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/handover.h"

enum {
	TICK_MS = 2,
	QUIET_TICKS = 8,       /* then the keeper sleeps */
	FLUSH_US = 200,        /* answers wait no longer for their batch */
	STACK_BYTES = 1 << 20, /* a thread's; the pool may limit our memory */
};

static _Thread_local bool is_worker_thread;

bool
native_in_worker(void)
{
	return is_worker_thread;
}

void
native_die(int code, const char *fmt, ...)
{
	va_list args;

	fputs("native_runner: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(code);
}

void
native_flush(struct native *n)
{
	if (!outbox_flush(&n->out))
		_exit(EXIT_ASKED); /* the pool is gone */
	if (atomic_load(&n->has_blocked) && !outbox_is_full(&n->out))
		native_unblock(n);
}

/* ---- waking; under the lock -----------------------------------------------
 */

bool
native_wake_one(struct native *n)
{
	struct native_worker *w = n->idle;

	if (w == NULL)
		return false;
	n->idle = w->next_idle;
	n->idle_count--;
	w->is_woken = true;
	pthread_cond_signal(&w->wake);
	return true;
}

static void
knock(struct native *n)
{
	uint64_t one = 1;

	(void)!write(n->knock, &one, sizeof(one));
}

void
native_rouse(struct native *n)
{
	if (!native_wake_one(n) && n->has_reader)
		knock(n);
}

static void
go_idle(struct native_worker *w)
{
	struct native *n = w->native;

	if (n->keeper_reads)
		knock(n); /* it may go back to keeping */
	w->is_woken = false;
	w->next_idle = n->idle;
	n->idle = w;
	n->idle_count++;
	while (!w->is_woken)
		pthread_cond_wait(&w->wake, &n->lock);
}

/* ---- one step of one call -------------------------------------------------
 */

static void
refuse(struct service_call *call, const char *why)
{
	service_fail(call, "expired", why);
}

static void
begin_call(struct native_call *c)
{
	struct service_call *call = &c->call;

	if (atomic_load_explicit(&call->is_cancelled, memory_order_relaxed))
		refuse(call, "it was cancelled before it began");
	else if (service_deadline_ms(call) == 0)
		refuse(call, "its deadline passed before it began");
	else if (service_call_refuse(call))
		call->ops->release(call);
	else
		call->function->run(call, call->function->ctx);
}

struct effort {
	uint64_t wall_us, cpu_us;
	long waits;
};

static void
take_effort(struct effort *e, bool wants_both)
{
	struct rusage usage;
	struct timespec cpu;

	e->wall_us = clock_mono_us();
	if (!wants_both)
		return;
	(void)getrusage(RUSAGE_THREAD, &usage);
	e->waits = usage.ru_nvcsw;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	e->cpu_us =
	    (uint64_t)cpu.tv_sec * 1000000 + (uint64_t)cpu.tv_nsec / 1000;
}

/* begin_and_learn runs a call that is new and learns how long it takes. */
static uint64_t
begin_and_learn(struct native_call *c, struct estimate *e)
{
	bool wants_both = estimate_wants_both(e);
	struct effort before, after;

	take_effort(&before, wants_both);
	begin_call(c);
	take_effort(&after, wants_both);
	if (wants_both)
		estimate_add_both(e, after.wall_us - before.wall_us,
		    after.cpu_us - before.cpu_us, after.waits != before.waits);
	else
		estimate_add(e, after.wall_us - before.wall_us);
	return after.wall_us;
}

/* take_step gives the time when it was done. */
static uint64_t
take_step(struct native_call *c, enum native_step step)
{
	const struct service_function *f = c->call.function;
	void (*handler)(struct service_call *, void *) = NULL;

	switch (step) {
	case NATIVE_RUN:
		return begin_and_learn(c, &c->target->estimate);
	case NATIVE_CANCEL:
		handler = f->on_cancel;
		break;
	case NATIVE_LATER:
		handler = c->later;
		break;
	case NATIVE_ROOM:
		handler = f->on_room;
		break;
	}
	if (handler != NULL)
		handler(&c->call, f->ctx);
	return clock_mono_us();
}

static struct native_call *
pop_ready(struct native *n)
{
	struct native_call *c = n->ready_first;

	if (c == NULL)
		return NULL;
	n->ready_first = c->next;
	if (n->ready_first == NULL)
		n->ready_last = NULL;
	n->ready_count--;
	c->is_queued = false;
	return c;
}

/* put_down: the worker is through with it for now. Under the lock. */
static void
put_down(struct native_call *c)
{
	c->is_running = false;
	if (c->is_released) {
		native_call_recycle(c);
		return;
	}
	if (!c->is_told && service_is_cancelled(&c->call))
		native_call_cancel(c); /* settled, or past its deadline */
	if (c->steps != 0)
		(void)native_call_step(c, 0);
}

/*
 * run_step does the call's next step, without the lock. Others are shown the
 * way first if it may take long: somebody must read, and answers must leave.
 */
static void
run_step(struct native *n, struct native_call *c, uint64_t *flushed_us)
{
	uint32_t step = c->steps & -c->steps;
	bool is_long = step == NATIVE_RUN &&
	    estimate_us(&c->target->estimate) >= ESTIMATE_SHARE_US;

	if (c->is_released) { /* ended by another thread while it waited */
		native_call_recycle(c);
		return;
	}
	c->steps &= ~step;
	c->is_running = true;
	c->turn_bytes = 0;
	if (is_long && !n->has_reader)
		(void)native_wake_one(n);
	pthread_mutex_unlock(&n->lock);
	if (is_long)
		native_flush(n);
	if (is_long || *flushed_us == 0)
		*flushed_us = clock_mono_us();
	uint64_t ended_us = take_step(c, step);
	if (ended_us - *flushed_us > FLUSH_US) {
		native_flush(n);
		*flushed_us = ended_us;
	}
	pthread_mutex_lock(&n->lock);
	n->steps++;
	put_down(c);
}

static void
read_for_all(struct native *n)
{
	n->has_reader = true;
	pthread_mutex_unlock(&n->lock);
	native_read(n, -1, true);
	pthread_mutex_lock(&n->lock);
	n->has_reader = false;
	n->reads++;
	if (n->keeper_sleeps)
		pthread_cond_signal(&n->keeper);
}

static void *
work(void *ctx)
{
	struct native_worker *w = ctx;
	struct native *n = w->native;
	uint64_t flushed_us = 0; /* 0: nothing said since */
	bool has_spoken = true;  /* HELLO */

	is_worker_thread = true;
	pthread_mutex_lock(&n->lock);
	for (;;) {
		struct native_call *c = pop_ready(n);

		if (c != NULL) {
			run_step(n, c, &flushed_us);
			has_spoken = true;
		} else if (has_spoken) {
			pthread_mutex_unlock(&n->lock);
			native_flush(n);
			pthread_mutex_lock(&n->lock);
			has_spoken = false;
			flushed_us = 0;
		} else if (!n->has_reader) {
			read_for_all(n);
			has_spoken = true;
		} else {
			go_idle(w);
		}
	}
	return NULL;
}

/* ---- the keeper -----------------------------------------------------------
 */

static void
end_in_order(struct native *n)
{
	pthread_mutex_unlock(&n->lock);
	native_flush(n);
	plugins_stop(&n->plugins);
	exit(EXIT_ASKED);
}

/* keep_waits: till the next tick, the next timer, or (0) somebody's signal. */
static void
keeper_wait(struct native *n, uint64_t until_ms)
{
	struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
	    .tv_nsec = (long)(until_ms % 1000) * 1000000};

	if (until_ms == 0)
		pthread_cond_wait(&n->keeper, &n->lock);
	else
		pthread_cond_timedwait(&n->keeper, &n->lock, &until);
}

/* read_instead: every worker is in a handler. */
static void
read_instead(struct native *n)
{
	n->has_reader = n->keeper_reads = true;
	while (n->idle_count == 0 && !(n->is_draining && n->in_use == 0)) {
		uint64_t due_ms = native_next_timer(n);
		uint64_t now_ms = clock_mono_ms();
		int wait_ms = due_ms == 0 ? -1
		    : due_ms > now_ms     ? (int)(due_ms - now_ms)
					  : 0;

		pthread_mutex_unlock(&n->lock);
		native_read(n, wait_ms, false);
		native_flush(n);
		pthread_mutex_lock(&n->lock);
		native_fire_timers(n, clock_mono_ms());
	}
	n->has_reader = n->keeper_reads = false;
	(void)native_wake_one(n); /* reads from here on */
}

/* push_on: what has not moved since the last tick gets a thread. */
static void
push_on(struct native *n, uint64_t reads, uint64_t steps)
{
	uint32_t waiting = n->steps == steps ? n->ready_count : 0;

	while (waiting-- > 0 && native_wake_one(n))
		;
	if (!n->has_reader && n->reads == reads && !native_wake_one(n))
		read_instead(n);
}

static bool
is_quiet(const struct native *n, uint64_t reads, uint64_t steps)
{
	return n->reads == reads && n->steps == steps && n->has_reader &&
	    n->ready_count == 0;
}

void
native_keep(struct native *n)
{
	uint32_t quiet = 0;

	pthread_mutex_lock(&n->lock);
	for (;;) {
		uint64_t reads = n->reads, steps = n->steps;
		uint64_t due_ms = native_next_timer(n);

		if (n->is_draining && n->in_use == 0)
			end_in_order(n);
		n->keeper_sleeps = quiet >= QUIET_TICKS;
		keeper_wait(
		    n, n->keeper_sleeps ? due_ms : clock_mono_ms() + TICK_MS);
		n->keeper_sleeps = false;
		native_fire_timers(n, clock_mono_ms());
		quiet = is_quiet(n, reads, steps) ? quiet + 1 : 0;
		push_on(n, reads, steps);
		if (outbox_waits_us(&n->out, clock_mono_us()) >
		    TICK_MS * 1000) {
			pthread_mutex_unlock(&n->lock);
			native_flush(n);
			pthread_mutex_lock(&n->lock);
		}
	}
}

bool
native_start(struct native *n, uint32_t threads)
{
	pthread_condattr_t monotonic;
	pthread_attr_t small;

	pthread_mutex_init(&n->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&n->keeper, &monotonic);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK_BYTES);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	n->workers = memory_new(threads * sizeof(*n->workers));
	n->worker_count = threads;
	for (uint32_t i = 0; i < threads; i++) {
		struct native_worker *w = &n->workers[i];

		w->native = n;
		pthread_cond_init(&w->wake, NULL);
		if (pthread_create(&w->thread, &small, work, w) != 0)
			return false;
	}
	return true;
}
