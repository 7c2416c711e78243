// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONFIG_DB_FAILED_H
#define WORKERS_CONFIG_DB_FAILED_H

/*
 * failed - configs that were refused: who sent what, and why not.
 *
 * A record expires after 24 hours; there are never more than FAILED_MAX, the
 * oldest go first. The same refusal again renews its record (with a new id)
 * instead of adding one, so a service that is asked every 30 seconds cannot
 * push the others out.
 *
 * Trust:  everything in a record is what a service sent, bounded here.
 * Owner:  works inside the table's transaction.
 */

#include "protocol/function_rules.h"
#include "workers/config_db/table.h"

struct packer;

enum {
	FAILED_MAX = 10000,
	FAILED_LIMIT = 100,          /* listed unless asked otherwise */
	FAILED_CONFIG_BYTES = 65536, /* a larger config is not kept */
	FAILED_KEEP_MS = 24 * 3600 * 1000
};

struct failed {
	struct store_names names;
	struct text source; /* "pull", "settings", … */
	struct text node;   /* len 0: none */
	const struct problems *reasons;
	struct text config; /* span of a map; len 0: none */
};

enum err failed_record(
    struct table *, struct arena *, const struct failed *) MUST_USE;

/* failed_cleanup removes what has expired, failed_clear everything. */
enum err failed_cleanup(struct table *, uint64_t *removed) MUST_USE;
enum err failed_clear(struct table *, uint64_t *removed) MUST_USE;

/* --- reading, in any transaction --- */

struct failed_filter {
	struct text source;  /* len 0: any */
	struct text service; /* len 0: any */
	uint32_t limit;      /* records at most */
	bool is_oldest_first;
	uint64_t now_ms;
};

/* failed_list packs an array of records that have not expired. */
enum err failed_list(struct store *, MDB_txn *, const struct failed_filter *,
    struct packer *) MUST_USE;
enum err failed_count(
    struct store *, MDB_txn *, uint64_t now_ms, uint64_t *) MUST_USE;

/* failed_summary packs {total, by_source, pull, push, by_service, oldest,
 * newest}. */
enum err failed_summary(
    struct store *, MDB_txn *, uint64_t now_ms, struct packer *) MUST_USE;

#endif /* WORKERS_CONFIG_DB_FAILED_H */
