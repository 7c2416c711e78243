// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_FORESEE_H
#define WORKERS_GATEWAY_FORESEE_H

/*
 * foresee - the dry run of one request: the same functions in the same order
 * as a call's, up to the node; nothing is said, counted, kept or consumed.
 * What only somebody else can decide (a before hook, a permission callback) is
 * noted and not asked: from there on it tells what becomes of the request if
 * they let it pass as it is. A resolver or a chooser ends it.
 *
 * Trust:  the payload is an operator's and read as a stranger's is.
 * Owner:  texts live until the gateway's arena is reset; the rest is the
 *         caller's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "workers/gateway/foreseen.h"
#include "workers/gateway/request.h"

struct channel_rule;
struct client;
struct compiled;
struct gateway;
struct node;

struct foresight {
	/* asked */
	struct client *client; /* on no list; who would ask */
	const struct channel_rule *rule;
	struct text payload; /* JSON, as a client would send it */
	/* found */
	struct request request;
	struct compiled *function; /* NULL: none was found */
	struct foreseen foreseen;  /* how it would be refused */
	struct foreseen then;      /* … behind those who would be asked */
	bool has_hooks;    /* hooks would see it, whatever becomes of it */
	bool is_hooked;    /* a before hook would be asked */
	bool is_asked;     /* a permission callback would be asked */
	struct node *node; /* that would get it; NULL: none, or unknown */
	uint8_t order_count;
	uint8_t order[8]; /* places in the function's nodes, best first */
};
void foresee(struct gateway *, struct foresight *);

/* One check alone, after foresee has found the function. */
bool foresee_permission(struct foresight *, struct foreseen *);
bool foresee_arguments(struct foresight *, struct foreseen *);

#endif /* WORKERS_GATEWAY_FORESEE_H */
