// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONFIG_DB_TABLE_H
#define WORKERS_CONFIG_DB_TABLE_H

/*
 * table - the function table inside one write transaction.
 *
 * What a service sends, what the YAML says and what an operator adds are kept
 * apart by source; an operator's disable or enable is kept apart from all of
 * them, so no refresh undoes it.
 *
 * Trust:  functions passed the gate (gate.h).
 * Owner:  the struct is the caller's, from table_begin to commit or abort.
 * Errors: ERR_FULL and ERR_SYSTEM are the disk's; the caller aborts, and the
 *         last good state stays.
 */

#include "protocol/function.h"
#include "protocol/store_layout.h"

enum {
	TABLE_FUNCTIONS_MAX = 10000
};

struct table_counts {
	uint64_t added;
	uint64_t unchanged;
	uint64_t removed;
	uint64_t refused;
};

struct table {
	struct store *store;
	MDB_txn *txn;
	uint64_t now_ms; /* wall time, for records people read */
	bool is_changed; /* readers have something to look at */
	struct table_counts counts;
};

enum err table_begin(struct table *, struct store *, uint64_t now_ms) MUST_USE;

/* table_commit makes it durable; `generation` is the one readers find. */
enum err table_commit(struct table *, uint64_t *generation) MUST_USE;
void table_abort(struct table *);

/* table_put adds or replaces; the same bytes again change nothing. ERR_TOO_BIG:
 * TABLE_FUNCTIONS_MAX are kept already. */
enum err table_put(struct table *, const struct function *, enum store_source,
    struct text span) MUST_USE;

/* table_has: ERR_NOT_FOUND, or OK when any source has the function. */
enum err table_has(struct table *, const struct store_names *) MUST_USE;

/* table_delete removes a function of every source, and its override. */
enum err table_delete(struct table *, const struct store_names *) MUST_USE;

/* table_override keeps the operator's word for a function that exists. */
enum err table_override(
    struct table *, const struct store_names *, bool is_disabled) MUST_USE;

/* table_clear removes every function and every override. */
enum err table_clear(struct table *) MUST_USE;

/* A set of names that a source still sends. */
struct table_keep {
	const struct store_names *names;
	uint32_t count;
};

/*
 * table_reconcile removes what `source` once said of `service` and no longer
 * does; with an empty service, of all services.
 */
enum err table_reconcile(struct table *, struct text service, enum store_source,
    const struct table_keep *) MUST_USE;

uint64_t table_size(struct table *);

#endif /* WORKERS_CONFIG_DB_TABLE_H */
