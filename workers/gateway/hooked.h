// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_HOOKED_H
#define WORKERS_GATEWAY_HOOKED_H

/*
 * hooked - a call whose function has hooks: they run in the tree's own pools,
 * and the call waits for each in the table of calls, not on the loop.
 *
 *   before   ahead of permission; may change or reject the call
 *   encode   behind a result, if it is no stream's
 *   after    behind every response, of whatever kind; may replace it
 *
 * Each call still ends exactly once: a hook that fails, is lost or takes too
 * long rejects its call (before), fails it (encode) or changes nothing (after).
 *
 * Trust:  what runs is the operator's (hook_list.h); its answers are checked
 *         nevertheless (hook_answer.h).
 * Owner:  a hooked and its two blocks are its call's, freed with it (calls.c).
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "workers/gateway/hook_answer.h"
#include "workers/gateway/hook_set.h"
#include "workers/gateway/request.h"

struct answer_error;
struct call;
struct client;
struct compiled;
struct gateway;

struct hooked {
	struct request request; /* as the before hook left it */
	struct text shown;      /* the same for hooks: a msgpack map */
	char *request_bytes;    /* of the two above */
	uint32_t timeout_ms;    /* the call's, as a before hook said; 0: no */
	enum hook_kind kind;    /* that is open, or was last */
	bool is_open;           /* the question is on its way */
	bool has_response;      /* the call has run, or was refused */
	bool is_encoded;
	bool is_settled; /* no hook is to see the response any more */
	uint64_t asked_us;
	struct hook_response response;
	char *response_bytes; /* of the response */
};

/* hooked_create keeps what hooks and the call need of a request that will be
 * gone. */
struct hooked *hooked_create(struct gateway *, const struct compiled *,
    const struct client *, const struct request *);

/* hooked_is_open: what its node says next is a hook's answer. */
bool hooked_is_open(const struct call *);

/* hooked_has_not_run: all that has run of the call is its before hook. */
bool hooked_has_not_run(const struct call *);

/* hooked_begin asks the before hook, or goes on at once. */
void hooked_begin(struct gateway *, struct call *);

/*
 * hooked_takes_value and hooked_takes_error: a response the call would end
 * with. True: a hook sees it first, and the call ends later. Asked by settle.c
 * alone.
 */
bool hooked_takes_value(
    struct gateway *, struct call *, enum answer_shape, struct text value);
bool hooked_takes_error(
    struct gateway *, struct call *, const struct answer_error *);

/* What became of the question. */
void hooked_on_answer(struct gateway *, struct call *, struct text value);
void hooked_on_error(
    struct gateway *, struct call *, struct text code, struct text message);
void hooked_on_lost(struct gateway *, struct call *, bool was_dispatched);
void hooked_on_stream(struct gateway *, struct call *);
void hooked_on_time(struct gateway *, struct call *); /* its time is over */

/*
 * hooked_leave: this gateway goes, no hook is asked any more. True: the
 * response was there already and has ended the call.
 */
bool hooked_leave(struct gateway *, struct call *);

/* hooked_unregistered counts and notes a call refused because its function
 * names a hook that nobody registered. */
void hooked_unregistered(struct gateway *, const struct compiled *);

#endif /* WORKERS_GATEWAY_HOOKED_H */
