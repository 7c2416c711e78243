// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_DIAL_H
#define SUPERVISOR_CLI_DIAL_H

/*
 * dial - a TCP connection with a deadline: every wait ends at `until_ms`.
 *
 * Trust:  what comes in is bounded by the limit of `in`.
 * Owner:  the caller's struct, `in` initialised; dial_close ends both.
 * Errors: ERR_TIMEOUT, ERR_CLOSED, ERR_NOT_FOUND (no such host), ERR_SYSTEM
 *         (refused); `why` says it for people.
 */

#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"

enum {
	DIAL_HEAD_BYTES = 16 << 10
};

struct dial {
	int fd;
	uint64_t until_ms; /* monotonic */
	struct buffer in;  /* bytes not yet used */
	char why[160];
};

enum err dial_open(struct dial *, const char *host, const char *port) MUST_USE;
enum err dial_send(struct dial *, const void *, size_t bytes) MUST_USE;

/* dial_receive reads at least one byte more into `in`. */
enum err dial_receive(struct dial *) MUST_USE;

/* dial_take_head waits for the blank line of HTTP and takes the head, with a
 * NUL, out of `in`. ERR_MALFORMED: it is longer. */
enum err dial_take_head(struct dial *, char head[DIAL_HEAD_BYTES]) MUST_USE;

void dial_close(struct dial *);

#endif /* SUPERVISOR_CLI_DIAL_H */
