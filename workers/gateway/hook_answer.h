// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_HOOK_ANSWER_H
#define WORKERS_GATEWAY_HOOK_ANSWER_H

/*
 * hook_answer - what hooks are shown of a response, and what their answers
 * mean: may the call go on, with what changes, and what becomes of its
 * response.
 *
 * Pure. A before hook may change the arguments, the device and the time a
 * call has; who calls, what it calls and where that runs are not its to say.
 *
 * Trust:  answers come from runners of other people's code; they have passed
 *         the link's check and are read field by field.
 * Owner:  texts borrow the answer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "workers/gateway/answer.h"

struct packer;

/* The response of a call, before it is written for its client. */
struct hook_response {
	bool is_success;
	enum answer_shape shape; /* of a success */
	struct text result;      /* msgpack, of a success */
	enum answer_code code;   /* the rest is of an error */
	struct text error;
	uint32_t retry_after_ms; /* 0: the code's own */
};

/* hook_put_response packs it as clients get it: the 7 keys, and `code`. */
void hook_put_response(
    struct packer *, struct text request_id, const struct hook_response *);

/*
 * What a before hook answers:
 *   ["ok", request] or ["ok", request, config]   go on with what it changed
 *   ["error", reason]                            end the call
 *   anything else                                go on as if nothing was said
 */
enum hook_verdict {
	HOOK_CONTINUES,
	HOOK_CHANGES,
	HOOK_REJECTS,
	HOOK_ANSWERS_WRONG /* "ok", and then no request or no config */
};

struct hook_before {
	enum hook_verdict verdict;
	struct text reason; /* REJECTS: msgpack */
	struct text args;   /* CHANGES: a msgpack map; len 0: as they were */
	bool has_device_id;
	struct text device_id; /* at NULL: none */
	uint32_t timeout_ms;   /* or FUNCTION_NO_TIMEOUT; 0: as it was */
};

void hook_read_before(struct text answer, struct hook_before *);

/*
 * hook_read_encoded: an encoder's answer is the new result, but for
 * ["error", reason]. False: that is what it said.
 */
bool hook_read_encoded(struct text answer, struct text *reason);

/* What an after hook answers: null, or a map like the one it was shown. */
enum hook_after {
	HOOK_KEEPS, /* null, or the same response again */
	HOOK_REPLACES,
	HOOK_NO_RESPONSE /* anything else: the response stays */
};

enum hook_after hook_read_after(struct text answer,
    const struct hook_response *was, struct hook_response *now);

#endif /* WORKERS_GATEWAY_HOOK_ANSWER_H */
