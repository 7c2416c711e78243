// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_NATIVE_RUNNER_OUTBOX_H
#define WORKERS_WORKER_POOL_NATIVE_RUNNER_OUTBOX_H

/*
 * outbox - the frames on their way to the pool, from any thread.
 *
 * Frames are queued whole; whoever has no more work sends all there are in
 * one write. While one thread writes others only queue: it takes theirs along.
 *
 * Trust:  values were checked by the call they belong to; a frame above the
 *         pool's limit is refused here.
 * Owner:  init/finish; the descriptor is the caller's.
 */

#include <pthread.h>
#include <stdbool.h>

#include "protocol/base/buffer.h"
#include "protocol/runner.h"

enum {
	OUTBOX_CHUNKS_ENOUGH = 256 * 1024, /* queued before chunks wait */
};

struct outbox {
	pthread_mutex_t lock;
	struct buffer queued;
	struct buffer leaving; /* whoever writes has it */
	uint64_t since_us;     /* the oldest frame queued; 0: none */
	uint32_t max_bytes;    /* of a frame */
	int fd;
	bool is_writing;
	bool is_broken; /* the pool is gone */
};

void outbox_init(struct outbox *, int fd);

/* Each queues one frame. ERR_TOO_BIG: above max_bytes, nothing was queued. */
enum err outbox_hello(struct outbox *, const struct runner_hello *) MUST_USE;
enum err outbox_result(struct outbox *, uint64_t id, struct text) MUST_USE;
enum err outbox_error(
    struct outbox *, uint64_t id, struct text code, struct text) MUST_USE;
enum err outbox_chunk(
    struct outbox *, uint64_t id, uint64_t index, struct text) MUST_USE;
enum err outbox_plain(struct outbox *, enum link_kind, uint64_t id) MUST_USE;

/* outbox_is_full: streams wait until a flush has made room. */
bool outbox_is_full(struct outbox *);

/* outbox_waits_us: how long the oldest frame has been queued. */
uint64_t outbox_waits_us(struct outbox *, uint64_t now_us);

/*
 * outbox_flush sends all that is queued, unless another thread is at it (then
 * that one does). It blocks while the pool does not read. false: the pool is
 * gone.
 */
bool outbox_flush(struct outbox *);

#endif /* WORKERS_WORKER_POOL_NATIVE_RUNNER_OUTBOX_H */
