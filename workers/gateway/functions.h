// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_FUNCTIONS_H
#define WORKERS_GATEWAY_FUNCTIONS_H

/*
 * functions - what can be called, compiled from the store and kept in memory.
 *
 * The store's generation says when to look again, a record's revision what to
 * compile again. A compiled function that was replaced lives on until its
 * last call has ended.
 *
 * Trust:  the store is config_db's, and every record passed function_check; a
 *         record that cannot be compiled is left out and counted.
 * Owner:  compiled functions are counted: functions_hold / functions_release.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/arguments.h"
#include "protocol/base/arena.h"
#include "protocol/base/text.h"
#include "protocol/function.h"
#include "workers/gateway/choose.h"
#include "workers/gateway/hook_set.h"
#include "workers/gateway/permission.h"

struct function_counts;
struct function_places;
struct node;
struct nodes;
struct store;
struct store_record;

struct compiled {
	struct arena arena; /* of everything below */
	struct text service;
	struct text request_type;
	struct text version;
	struct text type_json; /* request_type as JSON */
	struct text module;
	struct text function;
	struct arguments *arguments;
	struct node **nodes;
	uint64_t *node_hashes;
	uint32_t node_count;
	uint32_t timeout_ms; /* or FUNCTION_NO_TIMEOUT, _DEFAULT_TIMEOUT */
	struct text pool;    /* of `local`; empty: worker_pool chooses */
	enum function_response response;
	struct function_target chooser; /* picks the nodes, if is_valid */
	struct node *chooser_node;      /* where it is asked */
	bool is_resolved; /* its nodes are those the chooser has named */
	enum choose_mode choose;
	struct text choose_key; /* HASH, STICKY by an argument; empty: by id */
	uint64_t choose_key_hash;
	uint64_t route; /* whose round-robin counter */
	struct permission permission;
	struct function_target callback; /* decides instead, if is_valid */
	struct text callback_shown;      /* the same in words */
	struct hook_set *hooks;          /* NULL: none */
	struct node *hook_node;          /* where they run */
	enum function_retry retry_mode;
	uint32_t retry_count; /* attempts after the first */
	uint64_t revision;
	uint64_t settings_mark; /* compiled under these settings */
	uint32_t holds;
	bool is_disabled;
	bool is_denied;    /* security.allowed_targets does not let it run */
	bool is_operators; /* an operator, or the YAML, says so */
	bool is_idempotent;
	bool wants_info;
	struct function_counts *counts; /* NULL: not called yet */
	struct function_places *places; /* where its place is */
	uint32_t place;
};

struct functions {
	struct compiled **all; /* by service, request type, version */
	uint32_t count;
	uint32_t *table; /* hash of service and type → first of `all` + 1 */
	uint32_t table_size;
	uint64_t generation;
	uint64_t settings_mark;
	bool is_read; /* the store was read at least once */
};

void functions_init(struct functions *);
void functions_finish(struct functions *);

/* What compiling needs beside the record. */
struct functions_context {
	struct nodes *nodes;
	const struct argument_limits *limits;
	const struct hook_list *hooks;
	const struct function_rules *targets; /* NULL: our own, all may run */
	uint64_t settings_mark;               /* changes when those above do */
};

/*
 * functions_read looks at the whole store and compiles what changed;
 * `compiled` counts how many were. On an error the old table stays.
 */
enum err functions_read(struct functions *, struct store *,
    const struct functions_context *, uint32_t *compiled) MUST_USE;

/*
 * functions_find follows spec 2.7: with a version exactly that one, without
 * the highest enabled version, else the unversioned one. ERR_NOT_FOUND; or
 * ERR_DENIED when all there is is disabled, or, and then `to` is that one,
 * may not run; else `to` is NULL.
 */
enum err functions_find(const struct functions *, struct text service,
    struct text request_type, struct text version, struct compiled **) MUST_USE;

/* functions_missed says why functions_find gave no function that may be
 * called: not_found, disabled or denied. */
const char *functions_missed(enum err, const struct compiled *found);

/* functions_is_operators: is any version of the name an operator's? */
bool functions_is_operators(
    const struct functions *, struct text service, struct text request_type);

/*
 * functions_add compiles one more function into a table that is not read from
 * a store; functions_index ends it.
 */
void functions_add(struct functions *, const struct functions_context *,
    const struct store_record *);
void functions_index(struct functions *);

/* functions_count_in gives a function the place it counts in. */
struct function_counts *functions_count_in(
    struct compiled *, struct function_places *);

void functions_hold(struct compiled *);
void functions_release(struct compiled *);

#endif /* WORKERS_GATEWAY_FUNCTIONS_H */
