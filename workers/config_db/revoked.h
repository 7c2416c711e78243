// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONFIG_DB_REVOKED_H
#define WORKERS_CONFIG_DB_REVOKED_H

/*
 * revoked - what an operator took back: all tokens of a user that were issued
 * until now, or one token by its jti. Kept until it is forgotten, or until
 * auth.revoked_ms is over: by then no token it was about may live any more.
 * Nobody here knows how long tokens live, so the setting has to say it.
 *
 * Trust:  names come from operators; they are bounded here.
 * Owner:  works inside the table's transaction.
 */

#include "workers/config_db/table.h"

struct packer;

enum {
	REVOKED_MAX = 100000,
	REVOKED_NAME_BYTES = 255
};

/* ERR_TOO_BIG: the name; ERR_RANGE: REVOKED_MAX are kept already. */
enum err revoked_put(struct table *, struct text name, bool is_token) MUST_USE;

/* ERR_NOT_FOUND. */
enum err revoked_forget(
    struct table *, struct text name, bool is_token) MUST_USE;

/* revoked_cleanup removes those made `keep_ms` ago or before; 0: none. */
enum err revoked_cleanup(
    struct table *, uint64_t keep_ms, uint64_t *removed) MUST_USE;

/* revoked_list packs an array of {user | jti, at_ms, until_ms (nil: ever)}. */
enum err revoked_list(
    struct store *, uint64_t keep_ms, struct packer *) MUST_USE;

#endif /* WORKERS_CONFIG_DB_REVOKED_H */
