// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONFIG_DB_WRITER_H
#define WORKERS_CONFIG_DB_WRITER_H

/*
 * writer - the one thread that commits: a whole transaction, from its begin
 * to the disk's word that it is safe, happens there, one at a time.
 *
 * So a disk that takes ten seconds to sync delays answers, never the loop:
 * the heartbeat goes on and reading commands are answered meanwhile.
 *
 * Trust:  jobs come from our own loop, already checked by gate.h.
 * Owner:  the struct is the caller's; a job and all it points to belong to
 *         the thread from writer_give to `done`, which runs on the loop.
 * Threads: LMDB wants begin and commit of a write in one thread.
 */

#include <pthread.h>

#include "protocol/base/loop.h"
#include "workers/config_db/change.h"

struct writer_job {
	struct store *store;
	const struct gate_rules *rules;
	struct change *changes; /* list; may be empty: a probe of the disk */
	uint64_t now_ms;        /* wall time */

	/* what came of it */
	enum err err;
	int reason; /* errno */
	uint64_t generation;
	uint64_t functions;
	uint64_t failed_configs;
	uint64_t took_us;
	struct table_counts counts;
};

struct writer {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t given;
	struct writer_job *job; /* NULL: idle */
	struct loop *loop;
	struct loop_post done;
	bool is_leaving;
};

/* writer_start: `done` runs on the loop after each job. ERR_SYSTEM. */
enum err writer_start(struct writer *, struct loop *, void (*done)(void *ctx),
    void *ctx) MUST_USE;

/* writer_give hands a job over; the one before is done. */
void writer_give(struct writer *, struct writer_job *);

/* writer_finish waits for the job at work and ends the thread. */
void writer_finish(struct writer *);

/* writer_run does a job here and now: what the thread does, and tests. */
void writer_run(struct writer_job *);

#endif /* WORKERS_CONFIG_DB_WRITER_H */
