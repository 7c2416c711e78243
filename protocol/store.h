// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_STORE_H
#define PROTOCOL_STORE_H

/*
 * store - the function table on disk: where it is, how it is opened, and how
 * gateways read it. Only config_db writes (workers/config_db).
 *
 * The store's generation says "look again", a record's revision says "compile
 * again": a record whose revision is known has not changed a byte.
 *
 * Trust:  written by config_db only, in a 0700 folder; what it holds passed
 *         function_check, but a reader still bounds what it reads.
 * Owner:  open/close. Spans given to a visitor live until it returns.
 * Errors: ERR_NOT_FOUND (no store yet), ERR_SYSTEM, ERR_VERSION.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct store;

enum store_mode {
	STORE_READ,
	STORE_WRITE, /* config_db; creates what is missing */
};

/* Who said so. Of one function, the first source that has it counts. */
enum store_source {
	STORE_OPERATOR,
	STORE_SETTINGS, /* `functions:` of the YAML file */
	STORE_PUSH,
	STORE_PULL,
	STORE_SOURCES
};

const char *store_source_name(enum store_source);
enum err store_source_by_name(struct text, enum store_source *) MUST_USE;

/* store_open opens <state_dir>/config_db. */
enum err store_open(
    const char *state_dir, enum store_mode, struct store **) MUST_USE;
void store_close(struct store **);

struct store_record {
	struct text service;
	struct text request_type;
	struct text version; /* len 0: none */
	enum store_source source;
	uint64_t revision;
	bool is_disabled;   /* in force: the operator's word, else as sent */
	bool is_overridden; /* an operator enabled or disabled it */
	struct text span;   /* msgpack map for function_read */
};

/* A visitor that returns anything but OK ends the walk with that error. */
typedef enum err store_visit(void *ctx, const struct store_record *);

/*
 * store_read_functions visits every function in force once, by service,
 * request type and version in byte order, from one moment of the store, and
 * gives that moment's generation. No transaction outlives the call.
 */
enum err store_read_functions(
    struct store *, store_visit *, void *ctx, uint64_t *generation) MUST_USE;

/* What an operator took back: tokens of a user, or one token. */
struct store_revocation {
	struct text name; /* a user, or a token's jti */
	bool is_token;
	uint64_t at_ms; /* wall clock: tokens issued until then */
};

typedef enum err store_visit_revoked(
    void *ctx, const struct store_revocation *);

/*
 * store_read_revoked visits them all, tokens before users, each in byte order
 * of the name, unless `mark` is still the one of the last reading: then it is
 * ERR_EXISTS and nothing was visited.
 */
enum err store_read_revoked(
    struct store *, store_visit_revoked *, void *ctx, uint64_t *mark) MUST_USE;

/* store_generation alone, e.g. to compare after start. */
enum err store_generation(struct store *, uint64_t *) MUST_USE;

#endif /* PROTOCOL_STORE_H */
