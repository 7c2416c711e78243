// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_POOL_TAKE_H
#define PROTOCOL_POOL_TAKE_H

/*
 * pool_take - one key of a pool's item: its type, its range, its default.
 *
 * Only pool_spec.c includes this.
 *
 * Trust:  values come from the operator's file as settings_yaml packed them.
 * Owner:  texts borrow the item; lists and messages are the arena's.
 */

#include "protocol/pool_spec.h"
#include "protocol/tables/pools.h"

/* What a number has whose default depends on other things. */
#define POOL_UNSAID UINT64_MAX

enum pool_key_type {
	POOL_KEY_U64,
	POOL_KEY_BOOL,
	POOL_KEY_TEXT,
	POOL_KEY_WORD,
	POOL_KEY_TEXTS,
	POOL_KEY_NUMBERS,
	POOL_KEY_SPAN,
	POOL_KEY_FINITE,
};

/* A row of the table. */
struct pool_key {
	const char *of;
	const char *key;
	enum pool_key_type type;
	const char *fallback;
	uint64_t min;
	uint64_t max;
	const char *error;
	const char *unit;
	size_t offset; /* of the member in struct pool_spec */
};

struct pool_taking {
	struct pool_spec *spec;
	struct arena *arena;
	struct pool_problems *problems;
	const char *of; /* the map that is read now */
};

void pool_take(struct pool_taking *, const struct pool_key *, struct text span);
void pool_take_default(struct pool_taking *, const struct pool_key *);

void pool_problem(struct pool_taking *, struct text key, const char *error,
    const char *fmt, ...) PRINTF(4, 5);
void pool_problem_unknown(struct pool_taking *, struct text key,
    const char *const *known, size_t count);

/* pool_quote cuts at 48 bytes, cleans and puts marks around. */
const char *pool_quote(struct pool_taking *, struct text);

#endif /* PROTOCOL_POOL_TAKE_H */
