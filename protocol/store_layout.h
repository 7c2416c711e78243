// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_STORE_LAYOUT_H
#define PROTOCOL_STORE_LAYOUT_H

/*
 * store_layout - the inside of the store: for store.c and its one writer,
 * workers/config_db. Nobody else includes it.
 *
 *   functions    service 0 request_type 0 version 0 source → head, msgpack map
 *   overrides    service 0 request_type 0 version          → one byte
 *   failed       id, big-endian                            → msgpack map
 *   failed_seen  service 0 request_type 0 version 0 source 0 node → id
 *   revoked      "j" jti, or "u" user                      → 64-bit time
 *   log          kind, name (workers/config_db/log_marks.h) → until, level
 *   meta         "generation", "revision", "failed_id",
 *                "revoked"                                 → 64-bit number
 *
 * The source is one letter in the order of enum store_source, so the first
 * record of a function is the one in force.
 *
 * Trust:  written by config_db alone; lengths are checked all the same.
 * Owner:  struct store is store_open's.
 */

#include <lmdb.h>

#include "protocol/store.h"

enum {
	STORE_KEY_BYTES = 511, /* LMDB's limit */
	STORE_MAP_BYTES = 1 << 30,
};

struct store {
	MDB_env *env;
	MDB_dbi functions;
	MDB_dbi overrides;
	MDB_dbi failed;
	MDB_dbi failed_seen;
	MDB_dbi revoked;
	MDB_dbi log;
	MDB_dbi meta;
};

/* In front of a function's map. */
struct store_head {
	uint64_t revision;
	uint64_t is_disabled; /* as sent */
};

/* What a function is called; borrowed. */
struct store_names {
	struct text service;
	struct text request_type;
	struct text version; /* len 0: none */
};

struct store_key {
	MDB_val val; /* into `bytes` */
	char bytes[STORE_KEY_BYTES];
};

/*
 * store_key_of builds service 0 request_type 0 version; _with_source adds the
 * source. ERR_TOO_BIG when the names do not fit (they do after function_check).
 */
enum err store_key_of(struct store_key *, const struct store_names *) MUST_USE;
enum err store_key_with_source(
    struct store_key *, const struct store_names *, enum store_source) MUST_USE;

/* store_key_read is the way back; false for what cannot be a key. */
bool store_key_read(MDB_val, struct store_names *, enum store_source *);

/* store_begin opens a transaction; the map's growth is followed. */
enum err store_begin(struct store *, bool is_write, MDB_txn **) MUST_USE;

/* store_number reads a number of `meta`; 0 when it is not there. */
uint64_t store_number(struct store *, MDB_txn *, const char *name);
int store_number_put(
    struct store *, MDB_txn *, const char *name, uint64_t value);

/* store_walk is store_read_functions inside a transaction that is open. */
enum err store_walk(
    struct store *, MDB_txn *, store_visit *, void *ctx) MUST_USE;

/* store_walk_revoked is store_read_revoked inside a transaction. */
enum err store_walk_revoked(
    struct store *, MDB_txn *, store_visit_revoked *, void *ctx) MUST_USE;

/*
 * store_err turns LMDB's codes into ours; errno keeps a system's reason.
 * ERR_FULL: no room on the disk or in the map. ERR_CLOSED: an earlier write
 * failed so that LMDB wants the store opened anew.
 */
enum err store_err(int code);

#endif /* PROTOCOL_STORE_LAYOUT_H */
