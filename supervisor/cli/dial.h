// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_DIAL_H
#define SUPERVISOR_CLI_DIAL_H

/*
 * dial - a stream socket with a deadline: every wait ends at `until_ms`.
 *
 * Trust:  what comes in is bounded by the limit of `in`.
 * Owner:  the caller's struct, `in` initialised; dial_close ends both.
 * Errors: ERR_TIMEOUT, ERR_CLOSED, ERR_NOT_FOUND (no such host, nobody
 *         listens at the path), ERR_DENIED, ERR_SYSTEM (refused); `why` says
 *         it for people.
 */

#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"

enum {
	DIAL_HEAD_BYTES = 16 << 10,
	DIAL_READ_BYTES = 64
	    << 10 /* room `in` needs above what is waited for */
};

struct dial {
	int fd;
	uint64_t until_ms; /* monotonic, like began_ms */
	uint64_t began_ms; /* when it was opened */
	struct buffer in;  /* bytes not yet used */
	/* waiting (may be NULL) is called now and then while nothing comes,
	 * with the time since it was opened */
	void (*waiting)(uint64_t waited_ms);
	char why[160];
};

/* dial_open goes to a host, over TCP; dial_open_path to a Unix socket. */
enum err dial_open(struct dial *, const char *host, const char *port) MUST_USE;
enum err dial_open_path(struct dial *, const char *path) MUST_USE;

enum err dial_send(struct dial *, const void *, size_t bytes) MUST_USE;

/* dial_receive reads at least one byte more into `in`. */
enum err dial_receive(struct dial *) MUST_USE;

/* dial_need reads until `in` has that many. */
enum err dial_need(struct dial *, size_t bytes) MUST_USE;

/* dial_take_head waits for the blank line of HTTP and takes the head, with a
 * NUL, out of `in`. ERR_MALFORMED: it is longer. */
enum err dial_take_head(struct dial *, char head[DIAL_HEAD_BYTES]) MUST_USE;

/* dial_hang_up closes and forgets what was read; it may be opened again. */
void dial_hang_up(struct dial *);
void dial_close(struct dial *);

#endif /* SUPERVISOR_CLI_DIAL_H */
