// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_TOKENS_H
#define WORKERS_GATEWAY_TOKENS_H

/*
 * tokens - tokens that were good a moment ago and whom they name, so that a
 * client that comes back costs a hash and not a signature.
 *
 * A token is known by its SHA-256, compared whole; the token itself is not
 * kept. Its place follows from a seeded hash, so nobody can crowd one place
 * out. Only what verified comes in; what is full gives up the entry not used
 * for the longest time among a few.
 *
 * Trust:  tokens come from strangers and are bounded by jwt.h.
 * Owner:  create/destroy; each entry holds its identity.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/hash.h"

struct identity;
struct tokens;

enum {
	TOKEN_DIGEST_BYTES = 32
};

struct token_digest {
	uint8_t bytes[TOKEN_DIGEST_BYTES];
};

/* tokens_create: room for `most` tokens, rounded up; 0: none is kept. */
struct tokens *tokens_create(uint32_t most, struct hash_seed);

/* tokens_destroy takes NULL and leaves NULL. */
void tokens_destroy(struct tokens **);

void tokens_digest(struct tokens *, struct text token, struct token_digest *);

/*
 * tokens_find gives the identity, without a hold, or NULL; one that has
 * expired by wall time `now_ms` is dropped.
 */
struct identity *tokens_find(
    struct tokens *, const struct token_digest *, uint64_t now_ms);

/* tokens_keep takes a hold of its own. */
void tokens_keep(
    struct tokens *, const struct token_digest *, struct identity *);

/* tokens_clear forgets all: the keys have changed. */
void tokens_clear(struct tokens *);

uint32_t tokens_count(const struct tokens *);

#endif /* WORKERS_GATEWAY_TOKENS_H */
