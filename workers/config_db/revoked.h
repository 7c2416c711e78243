// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONFIG_DB_REVOKED_H
#define WORKERS_CONFIG_DB_REVOKED_H

/*
 * revoked - what an operator took back: all tokens of a user that were issued
 * until now, or one token by its jti. Kept until it is forgotten: nobody here
 * knows how long a token would have lived.
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

/* revoked_list packs an array of {user | jti, at_ms}. */
enum err revoked_list(struct store *, struct packer *) MUST_USE;

#endif /* WORKERS_CONFIG_DB_REVOKED_H */
