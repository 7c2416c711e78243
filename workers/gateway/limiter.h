// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_LIMITER_H
#define WORKERS_GATEWAY_LIMITER_H

/*
 * limiter - which limits a call has, asked in the shared table on the way.
 *
 * Global limits first, then those of the function; the first that refuses
 * ends it, and those already passed keep their hit. The table and the limits
 * are shared with every other gateway; rate_limiter looks after both.
 *
 * Trust:  values that limits count by are strangers' and enter the table as
 *         keyed hashes only.
 * Owner:  create/destroy.
 */

#include <stdbool.h>

struct client;
struct compiled;
struct gateway;
struct limiter;
struct packer;
struct refusal;
struct request;
struct settings;

struct limiter *limiter_create(struct gateway *);
void limiter_destroy(struct limiter **);
void limiter_on_settings(struct limiter *, const struct settings *);

/* limiter_admits answers the client itself when it does not. */
bool limiter_admits(struct refusal *, const struct request *);

/*
 * limiter_pack packs the limits of a function, {global, api}; with a request
 * also how much of each it has used and what is left. Nothing is taken.
 */
void limiter_pack(struct limiter *, struct packer *, const struct compiled *,
    const struct client *, const struct request *);

#endif /* WORKERS_GATEWAY_LIMITER_H */
