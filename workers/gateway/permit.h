// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_PERMIT_H
#define WORKERS_GATEWAY_PERMIT_H

/*
 * permit - asks a function's permission for one call and says no: the answer,
 * the counter, and the record of who was denied what.
 *
 * Denials cost a stranger nothing, so they are noted within a budget of lines;
 * the counter `denied` has them all.
 *
 * Trust:  who calls is the session's identity; what the payload claims is
 *         not looked at.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"

struct compiled;
struct gateway;
struct refusal;
struct request;

/* permit_allows decides by the function's mode; it answers when it denies. */
bool permit_allows(
    struct refusal *, const struct compiled *, const struct request *);

/* A denial for the record, whoever decided: all in words. */
struct permit_denial {
	struct text user_id;    /* len 0: nobody */
	struct text request_id; /* as JSON or as text */
	const struct compiled *function;
	struct text mode;
	const char *reason;
};
void permit_note(struct gateway *, const struct permit_denial *);

#endif /* WORKERS_GATEWAY_PERMIT_H */
