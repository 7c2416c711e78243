// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_NATIVE_RUNNER_NATIVE_H
#define WORKERS_WORKER_POOL_NATIVE_RUNNER_NATIVE_H

/*
 * native - the inside of a native runner: calls, the threads that run them,
 * and the one of them that reads.
 *
 * `threads` workers share a queue of calls. One that finds the queue empty
 * reads the socket for all; what it has read it runs itself, and wakes others
 * only for work that is worth it (estimate.h). The keeper, which runs nothing
 * of other people's, sees to it that somebody reads while handlers block:
 * pings, cancels and credit never wait for a handler.
 *
 * A call is in the queue or with one worker, never both; what happens to it
 * meanwhile (a cancel, credit, a timer) is a bit that waits until it is free.
 *
 * Trust:  the pool is our parent; a frame of it that is wrong ends us. What
 *         handlers do with a call they have ended cannot be helped: they can
 *         only break this process.
 * Owner:  one struct native for the life of the process.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "protocol/link/calls.h"
#include "protocol/runner.h"
#include "protocol/service/service_call.h"
#include "workers/worker_pool/native_runner/outbox.h"
#include "workers/worker_pool/native_runner/plugins.h"

/* Why a call is in the queue; the lowest comes first. */
enum native_step {
	NATIVE_RUN = 1,
	NATIVE_CANCEL = 2,
	NATIVE_LATER = 4,
	NATIVE_ROOM = 8,
};

struct native_call {
	struct service_call call; /* first: ops cast back */
	struct native *native;
	struct plugin_function *target;
	struct buffer message; /* facts and arguments */
	bool has_leave;        /* service_credit said that a chunk may go */
	size_t turn_bytes;     /* of chunks since its step began */
	/* all below under the lock */
	struct native_call *next; /* ready, or free */
	uint32_t steps;           /* enum native_step; still to be done */
	int64_t credit;           /* bytes of chunks; below 0: owed */
	uint64_t chunks;          /* sent */
	uint64_t later_ms;        /* service_later; 0: none */
	void (*later)(struct service_call *, void *ctx);
	struct native_call *timer_next, *timer_before;
	struct native_call *blocked_next, *blocked_before;
	bool is_blocked; /* found the outbox full */
	bool is_queued;
	bool is_running;
	bool is_released; /* its handler has ended it */
	bool is_told;     /* that nobody waits any more */
	bool is_dry;      /* found no credit, and waits for on_room */
};

struct native_worker {
	struct native *native;
	pthread_t thread;
	pthread_cond_t wake;
	struct native_worker *next_idle;
	bool is_woken;
};

struct native {
	struct plugins plugins;
	struct outbox out;
	int fd;
	int knock; /* eventfd: whoever reads should look at the queue */
	uint32_t max_bytes;
	atomic_bool has_blocked; /* the list below is not empty */

	/* whoever reads has these */
	struct buffer in;
	bool has_more; /* the last read was full */
	struct native_call *spare;

	pthread_mutex_t lock; /* for all below, and parts of calls */
	struct native_call *ready_first, *ready_last;
	uint32_t ready_count;
	struct native_call *free_calls;
	uint32_t in_use;        /* calls given and not free again */
	struct link_calls open; /* those not ended, by id */
	struct native_call *timers;
	struct native_call *blocked_first, *blocked_last;
	struct native_worker *workers;
	uint32_t worker_count;
	struct native_worker *idle;
	uint32_t idle_count;
	uint64_t
	    reads; /* both only count, so that the keeper sees who gets on */
	uint64_t steps;
	pthread_cond_t keeper;
	bool has_reader;
	bool keeper_reads;
	bool keeper_sleeps;
	bool is_draining;
};

/* native_die says one sentence on stderr and ends the process. */
_Noreturn void native_die(int code, const char *fmt, ...) PRINTF(2, 3);

/* native_start makes the threads; the keeper is the caller of native_keep. */
bool native_start(struct native *, uint32_t threads);
_Noreturn void native_keep(struct native *);

/* native_flush sends what waits, and lets streams go on that waited for it. */
void native_flush(struct native *);

/* ---- calls (native_call.c) ---- */

extern const struct service_ops native_ops;

/* native_call_recycle: nobody has it any more. Under the lock. */
void native_call_recycle(struct native_call *);

/* native_step adds a reason; true: it joined the queue. Under the lock. */
bool native_call_step(struct native_call *, enum native_step);

/* native_call_cancel: nobody waits for it any more. Under the lock. */
void native_call_cancel(struct native_call *);

/* native_fire_timers queues the calls that are due. Under the lock. */
void native_fire_timers(struct native *, uint64_t now_ms);
/* native_next_timer: when; 0: never. */
uint64_t native_next_timer(const struct native *);

/* native_unblock queues the streams that the outbox had refused, in order. */
void native_unblock(struct native *);

/* ---- reading (native_read.c) ---- */

/*
 * native_read waits `wait_ms` (-1: for ever) for the socket or a knock and
 * takes what has come. Whoever calls it has the reader's part.
 */
void native_read(struct native *, int wait_ms, bool is_worker);

/* native_open takes the pool's socket, on which nothing was read yet. */
bool native_open(struct native *, int fd);

/* native_greet reads the pool's first frame and says that we are ready. */
void native_greet(struct native *, uint32_t *threads);

/* ---- waking (native_work.c); all under the lock ---- */

bool native_wake_one(struct native *);

/* native_rouse: there is something in the queue, and the caller will not do it.
 */
void native_rouse(struct native *);

/* native_in_worker: the calling thread is one of ours. */
bool native_in_worker(void);

#endif /* WORKERS_WORKER_POOL_NATIVE_RUNNER_NATIVE_H */
