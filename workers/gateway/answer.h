// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_ANSWER_H
#define WORKERS_GATEWAY_ANSWER_H

/*
 * answer - what goes back for a call: the response object with its 7 keys,
 * pushed, and behind the first push the phx_reply. Each kind of error has its
 * code, its text and its word on whether to try again, here and nowhere else.
 *
 * Trust:  results come from services and have passed pack_check; texts that
 *         quote anybody are escaped as JSON.
 * Owner:  no memory; frames are appended to the caller's buffer whole, or not
 *         at all.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/json.h"
#include "workers/gateway/phoenix.h"

/*
 * A(name, can_retry, retry_after_ms, counter)
 * retry_after_ms 0: the caller knows better, or there is nothing to say.
 */
#define ANSWER_CODES(A) \
	A(not_found, false, 0, not_found) \
	A(disabled, false, 0, not_found) \
	A(invalid_payload, false, 0, invalid) \
	A(missing_field, false, 0, invalid) \
	A(invalid_argument, false, 0, invalid) \
	A(denied, false, 0, denied) \
	A(rate_limited, true, 0, rate_limited) \
	A(unavailable, true, 100, unavailable) \
	A(not_dispatched, false, 0, unavailable) \
	A(dispatched_unknown, false, 0, unknown_outcome) \
	A(expired, false, 0, expired) \
	A(quarantined, false, 0, quarantined) \
	A(draining, true, 1000, drained) \
	A(bad_result, false, 0, bad_results) \
	A(internal, false, 0, service_errors)

enum answer_code {
#define A(name, ...) ANSWER_##name,
	ANSWER_CODES(A)
#undef A
	ANSWER_CODES_COUNT
};

/* The texts of spec 1.6 that have nothing to fill in. */
#define ANSWER_TEXT_AUTHENTICATION "Authentication required"
#define ANSWER_TEXT_DENIED         "Permission denied"
#define ANSWER_TEXT_UNAVAILABLE    "Service temporarily unavailable"
#define ANSWER_TEXT_LIMITER        "Rate limit service unavailable"
#define ANSWER_TEXT_INTERNAL       "Internal Server Error"
#define ANSWER_TEXT_FAILED         "Request processing failed"

/* Whose call it is and how he hears of it. */
struct answer_to {
	struct phoenix_address address;
	struct text event;        /* JSON */
	struct text request_id;   /* JSON */
	struct text request_type; /* JSON; what an `ok` reply says */
	bool is_replied; /* the phx_reply was given before: push only */
};

/* What a success is to its client: the keys `async` and `has_more`. */
enum answer_shape {
	ANSWER_FINAL, /* the one answer of a call, also of an async one */
	ANSWER_LAST,  /* the end of a stream; with a null an acknowledgement */
	ANSWER_PART   /* of a stream that goes on */
};

struct answer_error {
	enum answer_code code;
	struct text text;
	uint32_t retry_after_ms; /* 0: the code's own */
	bool is_refused;   /* the reply is `error` with `reply`, not `ok` */
	struct text reply; /* the bare message, for is_refused */
};

const char *answer_code_name(enum answer_code);
bool answer_can_retry(enum answer_code);

/* answer_code_of finds a code by its name: false for any other word. */
bool answer_code_of(struct text name, enum answer_code *);

/*
 * answer_put_result: ERR_TYPE, ERR_RANGE, ERR_MALFORMED, ERR_TOO_DEEP mean
 * that JSON has no words for the result; ERR_FULL is the buffer's.
 */
enum err answer_put_result(struct buffer *, const struct answer_to *,
    enum answer_shape, struct text result, struct json_stats *) MUST_USE;
enum err answer_put_error(struct buffer *, const struct answer_to *,
    const struct answer_error *) MUST_USE;

/* answer_put_reply says `ok` alone: a call was taken and is not spoken of. */
enum err answer_put_reply(struct buffer *, const struct answer_to *) MUST_USE;

/* answer_quote appends a stranger's text as `inspect` shows it: in quotes,
 * escaped, cut at 64 bytes. */
enum err answer_quote(struct buffer *, struct text) MUST_USE;

#endif /* WORKERS_GATEWAY_ANSWER_H */
