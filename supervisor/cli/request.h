// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_REQUEST_H
#define SUPERVISOR_CLI_REQUEST_H

/*
 * request - one question to the control socket, one answer or an error that
 * says which of the three it is: nobody there, not allowed, no answer.
 *
 * It speaks nng's SP wire (REQ0 over a Unix socket) itself. A library with
 * fourteen threads is not worth one round trip, and the supervisor's side of
 * the house has no nng.
 *
 * Trust:  the answer comes from our own tree; its length is bounded and it
 *         passes pack_check before anybody reads it.
 * Owner:  the reply's texts borrow `bytes`, which request_finish frees.
 */

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct request {
	const char *path; /* of the socket */
	const char *op;
	struct text args; /* msgpack map */
	uint32_t timeout_ms;
	/* waiting (may be NULL) is called now and then while nothing comes */
	void (*waiting)(uint64_t waited_ms);
};

struct reply {
	struct buffer bytes;
	bool is_ok;
	struct text result; /* msgpack */
	struct text class;  /* of an error */
	struct text message;
	struct text hint;
};

/*
 * request_ask: OK (an answer came, maybe an error one), ERR_NOT_FOUND (nobody
 * listens), ERR_DENIED, ERR_TIMEOUT, ERR_CLOSED (it went away before it
 * answered), ERR_MALFORMED, ERR_SYSTEM.
 */
enum err request_ask(const struct request *, struct reply *) MUST_USE;
void request_finish(struct reply *);

#endif /* SUPERVISOR_CLI_REQUEST_H */
