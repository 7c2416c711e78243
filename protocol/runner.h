// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_RUNNER_H
#define PROTOCOL_RUNNER_H

/*
 * runner - the words and bytes between a pool and one of its runners: frames
 * of the service link, each behind its length, on a stream socket. See
 * protocol/RUNNER.md. Who may say what when is protocol/runner_peer.h.
 *
 * Knows no sockets: it writes into a buffer and reads from bytes that arrived.
 *
 * Trust:  runners run other people's code, so every byte of theirs is
 *         suspect: a length is compared with the limit before anything waits
 *         for it, a frame is checked whole before any of it is looked at.
 * Owner:  what is read borrows the bytes.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/link/frame.h"

enum {
	RUNNER_VERSION = 1,
	RUNNER_FD = 3,                     /* where a runner finds its socket */
	RUNNER_HEAD_BYTES = 4,             /* the length in front of a frame */
	RUNNER_MAX_BYTES = LINK_MAX_BYTES, /* of one frame */
	RUNNER_LEAST_BYTES = 4096,         /* max_bytes is never below */
	RUNNER_CAPACITY = 1024,            /* calls at once, at most */
	/* a frame's value goes on in a message of a link */
	RUNNER_NODES = LINK_VALUE_NODES,     /* msgpack values in one frame */
	RUNNER_DEPTH = LINK_VALUE_DEPTH + 1, /* with the frame itself */
};

/* The frames are enum link_kind's, and one more. */
enum {
	FRAME_RECYCLE = 11 /* runner: replace me when it suits you */
};

/* What the pool says first. */
struct runner_welcome {
	struct text pool;   /* "async_pool" */
	struct text runner; /* "async_pool/3" */
	uint32_t threads;   /* how many calls it should run at once */
	uint32_t max_bytes; /* of a frame, either way */
};

/* What the runner answers when it is ready for calls. */
struct runner_hello {
	uint32_t capacity;   /* calls it takes at once, 1 … RUNNER_CAPACITY */
	bool answers_always; /* pings too while it works */
};

/*
 * A frame is begun, written with link_write_* or the writers below, and
 * ended. On an error of runner_end (ERR_FULL, ERR_TOO_BIG: above `max_bytes`)
 * nothing of the frame is left in the buffer and the packer is good again.
 */
size_t runner_begin(struct packer *);
enum err runner_end(struct packer *, size_t place, uint32_t max_bytes) MUST_USE;

void runner_write_welcome(struct packer *, const struct runner_welcome *);
void runner_write_hello(struct packer *, const struct runner_hello *);

/*
 * runner_read takes the first frame of what arrived; `whole_bytes` are to be
 * consumed. ERR_AGAIN: not all there yet, `whole_bytes` says how many bytes
 * it takes to go on. ERR_TOO_BIG, ERR_MALFORMED: end the runner. A value
 * nested too deep, or of too many parts, is its function's doing and not the
 * runner's: it comes as OK with an empty `value`, and the call has failed.
 */
enum err runner_read(const uint8_t *, size_t count, uint32_t max_bytes,
    struct link_frame *, size_t *whole_bytes) MUST_USE;

/* Of a HELLO's value. ERR_MALFORMED, ERR_RANGE, ERR_VERSION. */
enum err runner_read_welcome(struct text, struct runner_welcome *) MUST_USE;
enum err runner_read_hello(struct text, struct runner_hello *) MUST_USE;

#endif /* PROTOCOL_RUNNER_H */
