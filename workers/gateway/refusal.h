// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_REFUSAL_H
#define WORKERS_GATEWAY_REFUSAL_H

/*
 * refusal - saying no to a call: the texts of spec 1.6, the counters, and
 * what of an inner reason a client may hear.
 *
 * Trust:  texts quote strangers and services: cut, escaped, and the inner
 *         ones only with request.detail_error.
 * Owner:  no memory.
 */

#include <stdbool.h>

#include "protocol/arguments.h"
#include "protocol/base/text.h"
#include "workers/gateway/answer.h"
#include "workers/gateway/request.h"

struct call;
struct client;
struct compiled;
struct foreseen;
struct gateway;
struct traced;

/*
 * Whom to say it. `request` is there once the payload was read. With `call`
 * it is a call of the table that ends so (settle.h), whoever hears of it; the
 * address is looked up then.
 */
struct refusal {
	struct gateway *gateway;
	struct client *client;
	struct call *call;         /* NULL: none has been entered yet */
	struct compiled *function; /* NULL: none has been found */
	struct answer_to to;
	uint64_t arrived_us;           /* 0: in this turn */
	const struct request *request; /* for the reply's request_type */
	struct traced *traced;         /* its trace, or NULL */
	struct foreseen *foreseen;     /* a dry run (foreseen.h), or NULL */
};

/* Each ends the call: counted, pushed, replied. `text` may be in the
 * gateway's arena. */
void refuse_text(struct refusal *, enum answer_code, const char *text);
void refuse_after(
    struct refusal *, enum answer_code, struct text, uint32_t retry_after_ms);
void refuse_reply(
    struct refusal *, enum answer_code, struct text, struct text reply);
void refuse_request(struct refusal *, const struct request_error *);
void refuse_argument(struct refusal *, const struct argument_error *);
/* refuse_function: `why` is functions_missed. */
void refuse_function(struct refusal *, const struct request *, const char *why);

/* "Internal Server Error", and the detail behind it if clients may know. */
void refuse_internal(struct refusal *, enum answer_code, const char *detail);
/* refuse_failed chooses the words for a call that went wrong on our side. */
void refuse_failed(struct refusal *, enum answer_code, const char *detail);
/* The same with what a service said, shown as `inspect` would. */
void refuse_service(struct refusal *, struct text message);

/* refusal_count counts an error, for its function too unless that is NULL,
 * and how long it took since `arrived_us`; 0: it came in this turn. */
void refusal_count(struct gateway *, struct compiled *,
    const struct answer_error *, uint64_t arrived_us);

/* refusal_write writes an error that was counted for an open client. */
void refusal_write(
    struct client *, const struct answer_to *, const struct answer_error *);

#endif /* WORKERS_GATEWAY_REFUSAL_H */
