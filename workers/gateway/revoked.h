// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_REVOKED_H
#define WORKERS_GATEWAY_REVOKED_H

/*
 * revoked - the users and tokens an operator took back, as a list in memory
 * that each token and each session is held against.
 *
 * Pure: the caller reads the store. A token that does not say when it was
 * issued counts as older than any revocation; one issued in the second of
 * the revocation too, for `iat` has whole seconds.
 *
 * Trust:  names come from operators, in the store's order, which is checked.
 * Owner:  init/finish; the names are ours.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct identity;

struct revocation {
	struct text name;
	bool is_token;
	uint64_t at_ms;
};

struct revoked {
	struct arena arena;
	struct revocation *all; /* tokens, then users, each in byte order */
	uint32_t count;
	uint32_t room;
};

void revoked_init(struct revoked *);
void revoked_finish(struct revoked *);

/* revoked_add takes the next in order; ERR_RANGE when it is not. */
enum err revoked_add(struct revoked *, const struct revocation *) MUST_USE;

bool revoked_has(const struct revoked *, const struct identity *);

#endif /* WORKERS_GATEWAY_REVOKED_H */
