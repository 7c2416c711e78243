// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_LISTEN_H
#define SUPERVISOR_CLI_LISTEN_H

/*
 * listen - the subscriber's end of the monitor's bus: nng's SP wire (SUB0
 * over a Unix socket), spoken here as request.c speaks REQ0.
 *
 * The publisher sends everything to everybody; what is not wanted is dropped
 * here. When the monitor dies the connection is made again.
 *
 * Trust:  messages come from our own tree; lengths are bounded, contents are
 *         judged by protocol/bus_message.h.
 * Owner:  listen_finish frees; a message is borrowed until the next call.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "supervisor/cli/dial.h"

struct listen {
	const char *path; /* of the socket */
	struct dial dial;
	bool is_greeted;
	uint64_t redial_ms; /* not before then */
	size_t given;       /* bytes at the front that the last message took */
};

void listen_init(struct listen *, const char *path);
void listen_finish(struct listen *);

/* listen_dial connects now; ERR_NOT_FOUND, ERR_DENIED, ERR_SYSTEM. */
enum err listen_dial(struct listen *) MUST_USE;

/*
 * listen_next gives the next message. ERR_TIMEOUT: none within `wait_ms`,
 * connected or not; it dials again by itself.
 */
enum err listen_next(
    struct listen *, uint32_t wait_ms, struct text *message) MUST_USE;

#endif /* SUPERVISOR_CLI_LISTEN_H */
