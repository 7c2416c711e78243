// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONFIG_DB_GATE_H
#define WORKERS_CONFIG_DB_GATE_H

/*
 * gate - the only way into the function table: every function of every source
 * is read, judged and then kept, or recorded as failed.
 *
 * Trust:  the maps are what services, operators and the YAML sent; they have
 *         passed pack_check.
 * Owner:  works inside the table's transaction; texts are the arena's.
 */

#include "workers/config_db/failed.h"

struct gate_rules {
	struct function_rules targets;
	const struct text *node_urls; /* patterns of what may be dialled */
	uint32_t node_url_count;
	uint64_t revoked_ms; /* revocations end after that; 0: never */
};

/* Who sends, and what holds for all it sends. */
struct gate_sender {
	enum store_source source;
	struct text service; /* every function's, whatever it says; len 0: as
				it says */
	struct text node;    /* for the record of a refusal */
	struct text nodes;   /* span: `nodes` of functions that name none */
};

/* A gate in use: one per change. */
struct gate {
	struct table *table;
	struct arena *arena;
	const struct gate_rules *rules;
	const struct gate_sender *sender;
};

/* What became of one function. */
struct gate_verdict {
	bool is_kept;
	bool is_renamed; /* it said another service than its sender's */
	struct function function; /* as far as it could be read */
	struct problems problems; /* why it is not kept */
};

/* gate_pass keeps or records one function. An error is the disk's. */
enum err gate_pass(
    const struct gate *, struct text span, struct gate_verdict *) MUST_USE;

/* gate_names: what the store calls a function. */
struct store_names gate_names(const struct function *);

#endif /* WORKERS_CONFIG_DB_GATE_H */
