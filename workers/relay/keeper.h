// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_KEEPER_H
#define WORKERS_RELAY_KEEPER_H

/*
 * keeper - the one thread that commits: a disk that takes ten seconds to sync
 * delays answers, never the loop.
 *
 * Trust:  jobs come from our own loop.
 * Owner:  the struct is the caller's; a job and all it points to belong to
 *         the thread from keeper_give to `done`, which runs on the loop.
 * Threads: LMDB wants begin and commit of a write in one thread.
 */

#include <pthread.h>

#include "protocol/base/loop.h"
#include "workers/relay/shelf.h"

struct keeper_job {
	struct shelf *shelf;
	struct buffer batch;
	bool is_anew;
	/* what came of it */
	enum err err;
	int reason; /* errno */
	uint64_t took_us;
};

struct keeper {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t given;
	struct keeper_job *job; /* NULL: idle */
	struct loop *loop;
	struct loop_post done;
	bool is_leaving;
};

/* keeper_start: `done` runs on the loop after each job. ERR_SYSTEM. */
enum err keeper_start(struct keeper *, struct loop *, void (*done)(void *ctx),
    void *ctx) MUST_USE;

/* keeper_give hands a job over; the one before is done. */
void keeper_give(struct keeper *, struct keeper_job *);

/* keeper_finish waits for the job at work and ends the thread. */
void keeper_finish(struct keeper *);

#endif /* WORKERS_RELAY_KEEPER_H */
