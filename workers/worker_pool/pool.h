// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_POOL_H
#define WORKERS_WORKER_POOL_POOL_H

/*
 * pool - which runner gets which call, and when: the queue, the room of each
 * runner, sessions, breakers, deadlines.
 *
 * Pure: no socket, no process, no clock; the time comes as an argument. A
 * call that was taken (POOL_DISPATCH, POOL_QUEUED) ends exactly once, by
 * whichever comes first of pool_end, pool_cancel (when it says ended),
 * pool_due (when it says ended) and pool_lost. Nothing is handed to a runner
 * after its deadline.
 *
 * Trust:  indices and endings come from the process, which checks what the
 *         runners say; numbers come from pool_spec.
 * Owner:  pool_create/pool_destroy. A struct pool_work is the caller's and
 *         must stay where it is until the call has ended here.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/pool_spec.h"
#include "workers/worker_pool/breaker.h"

#define POOL_NO_RUNNER UINT32_MAX

/* What became of a submitted call. All but the first two: nothing is kept. */
enum pool_verdict {
	POOL_DISPATCH, /* work->runner gets it now: send it */
	POOL_QUEUED,
	POOL_SATURATED,       /* the queue is full */
	POOL_NOT_INITIALIZED, /* no runner was ever ready, and none will be */
	POOL_CIRCUIT_OPEN,
	POOL_WORKER_BUSY,         /* strict_fail_fast: the session's is */
	POOL_SESSION_UNAVAILABLE, /* strict: the session's runner is gone */
	POOL_LATE,                /* its deadline had passed */
};

/* How a call ended on its runner. */
enum pool_end {
	POOL_OK,
	POOL_ANSWERED_ERROR, /* said no, or raised: counted, no failure */
	POOL_FAILED,         /* its result cannot be sent */
	POOL_NOTHING,        /* it never ran; says nothing about the runner */
};

/* What pool_due has found. */
enum pool_due {
	POOL_DUE_NONE,
	/* ended while it waited, answer it: */
	POOL_DUE_QUEUE_TIMEOUT,
	POOL_DUE_EXPIRED,     /* its own deadline */
	POOL_DUE_CIRCUIT,     /* the pool's breaker opened */
	POOL_DUE_UNAVAILABLE, /* strict: its session's runner is gone */
	POOL_DUE_DOOMED,      /* no runner will come, see pool_doom */
	/* on its runner past its deadline: answer it as expired and send
	   CANCEL. It keeps its room until pool_end or pool_lost; then its
	   answer is dropped. */
	POOL_DUE_OVERRUN,
	/* so long past its deadline that work->runner counts as hung: replace
	   the runner. Told once a call. */
	POOL_DUE_STUCK,
	/* the pause before another try is over: submit it again */
	POOL_DUE_RETRY,
};

enum pool_work_state {
	POOL_WORK_OUT, /* not here */
	POOL_WORK_WAITING,
	POOL_WORK_RUNNING,
	POOL_WORK_ABANDONED, /* running, and nobody waits for it */
	POOL_WORK_RETRYING,  /* pausing before another try */
};

struct pool_work {
	/* the caller's: zero all, set these, keep them while it is here */
	void *owner;
	uint64_t deadline_ms; /* of the call */
	uint64_t session;     /* hash of the session's name; 0: none */
	uint64_t fingerprint; /* of service, function, arguments; 0: none */
	bool is_once;         /* not idempotent */
	/* to be read */
	enum pool_work_state state;
	uint32_t runner;    /* while running; afterwards the last one */
	uint32_t tries;     /* times it was handed to a runner */
	uint64_t queued_ms; /* when it came */
	uint64_t sent_ms;   /* when its runner got it */
	/* the pool's */
	bool was_queued; /* pool.call.dispatched has it */
	bool is_stuck;   /* POOL_DUE_STUCK was said */
	bool is_overrun; /* POOL_DUE_OVERRUN was said */
	bool is_bound;   /* waits for one runner only */
	uint8_t line;    /* which of the pool's rows it stands in */
	uint32_t heap_at;
	uint64_t due_ms;
	uint64_t number; /* in order of arrival */
	struct pool_work *next, *before;
};

enum pool_runner_state {
	POOL_RUNNER_ABSENT, /* no process, or one that is not ready */
	POOL_RUNNER_READY,
	POOL_RUNNER_DRAINING, /* finishes what it has, gets no more */
};

struct pool_runner {
	enum pool_runner_state state;
	uint32_t capacity;  /* effective: the strategy's */
	uint32_t load;      /* calls it has, abandoned ones too */
	uint32_t abandoned; /* of these */
	uint64_t succeeded; /* in this life: what worker_max_requests counts */
	uint64_t executed;  /* in this life, failed ones too */
	uint64_t ready_ms;
	uint64_t tainted_until_ms; /* gets no calls before */
	uint64_t life;             /* counts ready, from 1 */
	struct breaker breaker;
	/* the pool's */
	struct pool_work *running; /* a ring */
	struct pool_work *bound;   /* waiting for this one only: a ring */
};

/* Counted since the pool was made; only `waiting` goes down. */
struct pool_counts {
	uint64_t requests;       /* taken: dispatched or queued */
	uint64_t queued;         /* of these, had to wait */
	uint64_t executed;       /* ended on a runner, whatever the end */
	uint64_t errors;         /* of these, not POOL_OK */
	uint64_t queue_timeouts; /* waited too long */
	uint64_t expired;        /* reached their own deadline */
	uint64_t cancelled;      /* nobody wanted them any more */
	uint64_t lost;           /* went down with their runner */
	uint64_t retried;
	uint64_t saturated;     /* refused: the queue was full */
	uint64_t circuit_open;  /* refused or ended by the breaker */
	uint64_t worker_busy;   /* refused: strict_fail_fast */
	uint64_t unavailable;   /* refused or ended: session's runner gone */
	uint64_t uninitialized; /* refused: nobody will ever be ready */
	uint64_t late;          /* refused: came after its deadline */
};

struct pool_rules {
	const struct pool_spec *spec; /* must outlive the pool */
	uint64_t affinity_ttl_ms;     /* pools.affinity_ttl_ms */
	uint32_t affinity_most;       /* pools.max_sessions */
	uint64_t stuck_ms; /* pools.stuck_ms: past the deadline, then hung */
};

struct pool;

void pool_create(struct pool **, const struct pool_rules *);
void pool_destroy(struct pool **); /* nothing may be in it any more */

/* ---- calls --------------------------------------------------------------- */

enum pool_verdict pool_submit(
    struct pool *, struct pool_work *, uint64_t now_ms) MUST_USE;

/*
 * pool_next gives the next waiting call that this runner may have now, as
 * dispatched to it; NULL: none. Called again until NULL it fills the runner's
 * room, so that all go out in one write. Call it when a call has ended, and
 * when pool_wants names the runner.
 */
struct pool_work *pool_next(struct pool *, uint32_t runner, uint64_t now_ms);

/* pool_wants gives a runner with room while calls wait that it may have, or
 * POOL_NO_RUNNER. After ready, after a cool-down, after a taint. */
uint32_t pool_wants(struct pool *, uint64_t now_ms);

/*
 * pool_end: the runner has answered, or the call came back. True: answer the
 * caller. False: it was abandoned, drop the answer.
 */
bool pool_end(
    struct pool *, struct pool_work *, enum pool_end, uint64_t now_ms);

/*
 * pool_cancel: nobody waits any more. True: it waited and has ended. False:
 * it runs; send CANCEL, it keeps its room until pool_end or pool_lost.
 */
bool pool_cancel(struct pool *, struct pool_work *, uint64_t now_ms);

/*
 * pool_retry keeps a call that pool_lost gave back, to be submitted again
 * after a pause. False: its deadline comes first, it stays ended.
 */
bool pool_retry(struct pool *, struct pool_work *, uint64_t pause_ms,
    uint64_t now_ms) MUST_USE;

/* pool_due: one thing whose time has come; call again until NONE. */
enum pool_due pool_due(struct pool *, uint64_t now_ms, struct pool_work **work);

/* pool_next_ms: when to call pool_due and pool_wants again; 0: no need. */
uint64_t pool_next_ms(const struct pool *);

/* ---- runners, 0 … spec->pool_size - 1 ------------------------------------ */

/* pool_runner_ready: a life has said HELLO; `room` is what it can take. */
void pool_runner_ready(
    struct pool *, uint32_t runner, uint32_t room, uint64_t now_ms);

/* pool_runner_drain: no more calls; it is empty when load is 0. */
void pool_runner_drain(struct pool *, uint32_t runner);

void pool_runner_taint(struct pool *, uint32_t runner, uint64_t until_ms);

/*
 * pool_runner_gone: its process is dead or given up. Counts as one failure
 * when it had calls, whatever their number. Then pool_lost gives its calls
 * back one by one until NULL, before the next life is ready.
 */
void pool_runner_gone(struct pool *, uint32_t runner, uint64_t now_ms);

/*
 * pool_lost: `*is_wanted` false: it was abandoned, forget it. True: answer
 * it, or keep it with pool_retry. Either way it has ended here.
 */
struct pool_work *pool_lost(
    struct pool *, uint32_t runner, bool *is_wanted, uint64_t now_ms);

/* pool_doom: no runner will come; submit then says NOT_INITIALIZED while none
 * is ready, and pool_due ends what waits. Ends when one gets ready. */
void pool_doom(struct pool *, bool is_doomed);

/* ---- figures ------------------------------------------------------------- */

const struct pool_spec *pool_spec_of(const struct pool *);
const struct pool_runner *pool_runner(const struct pool *, uint32_t runner);
const struct pool_counts *pool_counts(const struct pool *);
const struct breaker *pool_breaker(const struct pool *);
uint32_t pool_waiting(const struct pool *);   /* calls in the queue */
uint32_t pool_running(const struct pool *);   /* calls on runners */
uint32_t pool_ready(const struct pool *);     /* runners that are ready */
uint32_t pool_available(const struct pool *); /* of these, with room */
uint32_t pool_busy(const struct pool *);      /* runners with calls */
uint32_t pool_sessions(const struct pool *);  /* remembered */

/*
 * pool_breaker_turn tells what the pool's breaker did since it was last
 * asked, and a runner's with pool_runner_breaker_turn: for the events.
 */
enum breaker_turn pool_breaker_turn(struct pool *);
uint64_t pool_breaker_failures(const struct pool *); /* in a row */
enum breaker_turn pool_runner_breaker_turn(struct pool *, uint32_t runner);

/* The words of A4 in events and answers: "pool_saturated", "queue_timeout". */
const char *pool_verdict_word(enum pool_verdict);
const char *pool_due_word(enum pool_due);

#endif /* WORKERS_WORKER_POOL_POOL_H */
