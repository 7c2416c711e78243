// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_SHELF_WRITER_H
#define PROTOCOL_SHELF_WRITER_H

/*
 * shelf_writer - the one thread that commits: a disk that takes ten seconds to
 * sync delays answers, never the loop.
 *
 * Trust:  jobs come from our own loop.
 * Owner:  the struct is the caller's; a job and all it points to belong to
 *         the thread from shelf_writer_give to `done`, which runs on the loop.
 * Threads: LMDB wants begin and commit of a write in one thread.
 */

#include <pthread.h>

#include "protocol/base/loop.h"
#include "protocol/shelf.h"

struct shelf_job {
	struct shelf *shelf;
	struct buffer batch;
	bool is_anew;
	/* work (may be NULL) is done instead of a commit: opening, reading */
	enum err (*work)(struct shelf_job *);
	void *ctx; /* of `work` */
	/* what came of it */
	enum err err;
	int reason; /* errno */
	uint64_t took_us;
};

struct shelf_writer {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t given;
	struct shelf_job *job; /* NULL: idle */
	struct loop *loop;
	struct loop_post done;
	bool is_leaving;
};

/* shelf_writer_start: `done` runs on the loop after each job. ERR_SYSTEM. */
enum err shelf_writer_start(struct shelf_writer *, struct loop *,
    void (*done)(void *ctx), void *ctx) MUST_USE;

/* shelf_writer_give hands a job over; the one before is done. */
void shelf_writer_give(struct shelf_writer *, struct shelf_job *);

/* shelf_writer_finish waits for the job at work and ends the thread. */
void shelf_writer_finish(struct shelf_writer *);

#endif /* PROTOCOL_SHELF_WRITER_H */
