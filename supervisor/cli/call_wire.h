// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_CALL_WIRE_H
#define SUPERVISOR_CLI_CALL_WIRE_H

/*
 * call_wire - a WebSocket client in one file: dial, upgrade, masked text
 * frames out, whole messages in. Code of its own, so that `banyan call`
 * proves the front door from outside instead of sharing its mistakes.
 *
 * Trust:  the server's bytes are bounded (16 MiB a message) and checked; what
 *         is wrong is ERR_MALFORMED.
 * Owner:  the caller's struct; call_wire_close ends it.
 */

#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "supervisor/cli/dial.h"

enum {
	CALL_MESSAGE_BYTES = 16 << 20
};

struct call_wire {
	struct dial dial;
	int close_code; /* 0 until the server says goodbye */
};

struct call_url {
	char host[128];
	char port[8];
	char path[256];    /* "/socket" */
	const char *token; /* who we are; NULL or "": we do not say */
};

/* call_url_parse reads ws://host[:port]/path. */
enum err call_url_parse(struct text, struct call_url *) MUST_USE;

/* call_wire_open dials and upgrades; `dial.why` says what went wrong. */
enum err call_wire_open(
    struct call_wire *, const struct call_url *, uint64_t until_ms) MUST_USE;
enum err call_wire_send(struct call_wire *, struct text message) MUST_USE;

/*
 * call_wire_receive gives the next whole text message in `message`; pings are
 * answered on the way. ERR_CLOSED, ERR_TIMEOUT, ERR_MALFORMED.
 */
enum err call_wire_receive(struct call_wire *, struct buffer *message) MUST_USE;
void call_wire_close(struct call_wire *);

#endif /* SUPERVISOR_CLI_CALL_WIRE_H */
