// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_HOOK_SET_H
#define WORKERS_GATEWAY_HOOK_SET_H

/*
 * hook_set - the hooks of one compiled function: what each stands for, what
 * it is given beside the call, and how long it may take.
 *
 * Pure: from what the function names and what the operator has registered.
 *
 * Trust:  names are a service's, what they stand for is the operator's. A
 *         hook nobody registered (any more) makes its function uncallable.
 * Owner:  the set and its texts are the arena's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/text.h"
#include "protocol/function.h"
#include "protocol/hook_list.h"

/* Where in a call's life a hook runs. */
enum hook_kind {
	HOOK_BEFORE, /* after lookup, before permission */
	HOOK_ENCODE, /* a result, before the after hook sees it */
	HOOK_AFTER,  /* the response, before its client does */
	HOOK_KINDS
};

struct hook {
	struct text name; /* len 0: the function has no such hook */
	struct text module;
	struct text function;
	struct text pool;              /* len 0: worker_pool chooses */
	struct function_target extras; /* `args` and `arg_count` count */
};

struct hook_set {
	struct hook hooks[HOOK_KINDS];
	uint32_t timeout_ms;     /* of each of them */
	struct text config;      /* the FunConfig, msgpack: hooks are told it */
	struct text missing;     /* the first that is not registered; len 0:
				    all are */
	const char *missing_key; /* … and the function's key that names it */
};

/* hook_set_compile gives NULL for a function without hooks. */
struct hook_set *hook_set_compile(
    const struct function *, const struct hook_list *, struct arena *);

/* hook_set_has: NULL has none. */
bool hook_set_has(const struct hook_set *, enum hook_kind);

/* hook_kind_name: "before", "encode", "after". */
const char *hook_kind_name(enum hook_kind);

#endif /* WORKERS_GATEWAY_HOOK_SET_H */
