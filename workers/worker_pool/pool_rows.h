// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_POOL_ROWS_H
#define WORKERS_WORKER_POOL_POOL_ROWS_H

/*
 * pool_rows - what the parts of pool.c share: rings of calls, a heap of what
 * is due, and the struct they stand in.
 *
 * Trust:  only pool*.c include this.
 * Owner:  the rings and the heap hold the caller's pool_work and own none.
 */

#include "workers/worker_pool/affinity.h"
#include "workers/worker_pool/pool.h"

enum pool_line {
	LINE_NONE,
	LINE_WAITING,     /* for whoever has room, oldest first */
	LINE_BOUND,       /* for one runner */
	LINE_LATE,        /* its time was over when its turn came */
	LINE_CIRCUIT,     /* the breaker opened over it */
	LINE_UNAVAILABLE, /* its session's runner went away */
	LINE_DOOMED,      /* nobody will come for it */
	LINE_RUNNING,
	LINE_POOL_ENDS = LINE_RUNNING,
};

struct pool_heap {
	struct pool_work **at; /* from 1; the earliest first */
	uint32_t count;        /* waiting now */
	uint32_t size;         /* places at `at` */
};

struct pool {
	struct pool_rules rules;
	const struct pool_spec *spec;
	struct pool_runner *runners; /* spec->pool_size */
	enum breaker_turn *turns;    /* of each runner's breaker */
	struct pool_work
	    *lines[LINE_POOL_ENDS]; /* rings; BOUND is a runner's */
	struct pool_heap heap;
	struct affinity affinity;
	struct breaker breaker;
	enum breaker_turn turn;
	struct pool_counts counts;
	uint64_t number; /* of the next call */
	uint64_t now_ms; /* when anybody last said */
	uint32_t runner_count;
	uint32_t rover; /* where the next search begins */
	uint32_t waiting;
	uint32_t running;
	uint32_t ready;
	bool is_doomed;
};

/* Rings. A head may be NULL. */
void pool_ring_append(struct pool_work **head, struct pool_work *);
void pool_ring_remove(struct pool_work **head, struct pool_work *);

/* pool_line_of gives the ring a call stands in now. */
struct pool_work **pool_line_of(struct pool *, const struct pool_work *);

/* pool_line_move takes it out of its ring and appends it to another. */
void pool_line_move(struct pool *, struct pool_work *, enum pool_line);

/* The heap. pool_heap_set puts it in, or moves it to another time. */
void pool_heap_set(struct pool_heap *, struct pool_work *, uint64_t due_ms);
void pool_heap_remove(struct pool_heap *, struct pool_work *);

/* pool_leave takes a call out of everything: it has ended. */
void pool_leave(struct pool *, struct pool_work *);

/* pool_can_take: this runner may be given a call now. */
bool pool_can_take(const struct pool *, uint32_t runner, uint64_t now_ms);

/* pool_note keeps what a breaker did; an opened one of the pool ends all that
 * waits. */
void pool_note_pool(struct pool *, enum breaker_turn);
void pool_note_runner(struct pool *, uint32_t runner, enum breaker_turn);

#endif /* WORKERS_WORKER_POOL_POOL_ROWS_H */
