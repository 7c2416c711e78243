// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_AGAIN_H
#define WORKERS_GATEWAY_AGAIN_H

/*
 * again - a call that failed rests in the table of calls until its next
 * attempt: `retry` of its function, decided by retry.h.
 *
 * While it rests no node has it and nothing waits for it: its client may
 * leave, its deadline holds.
 *
 * Trust:  as dispatch.h.
 * Owner:  calls are the table's (calls.h).
 */

#include <stdbool.h>

#include "workers/gateway/answer.h"
#include "workers/gateway/retry.h"

struct call;
struct gateway;

/*
 * again_later lays a failed call to rest if it may be tried again. False: the
 * failure is its last word, and its caller says it.
 */
bool again_later(struct gateway *, struct call *, enum retry_failure);

/* again_now makes the next attempt of a call that has rested. */
void again_now(struct gateway *, struct call *);

/* again_helps: an error with this code of a node of our own may pass. */
bool again_helps(enum answer_code);

#endif /* WORKERS_GATEWAY_AGAIN_H */
