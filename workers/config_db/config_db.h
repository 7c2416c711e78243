// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONFIG_DB_CONFIG_DB_H
#define WORKERS_CONFIG_DB_CONFIG_DB_H

/*
 * config_db - the owner of the function table: takes requests of a turn,
 * commits them together, answers when they are durable.
 *
 * Trust:  requests come from our own processes (checked by the kit) and carry
 *         what services and operators sent.
 * Owner:  the state is the kit's, from start to stop.
 */

#include "protocol/arguments.h"
#include "protocol/tables/commands.h"
#include "protocol/tables/messages.h"
#include "workers/config_db/writer.h"
#include "workers/kit/worker.h"

/* One request that writes: a change and who waits for it. */
struct request {
	struct change change;
	struct command *command; /* NULL: our own (the YAML's functions) */
	struct buffer args;      /* the bytes change.args borrows */
};

/* The gate's rules with the memory they live in. */
struct rules {
	struct arena arena;
	struct gate_rules gate;
	struct argument_limits limits; /* gate.targets.limits points here */
};

struct config_db {
	struct worker *worker;
	struct store *store; /* NULL: could not be opened again; retried */
	struct writer writer;
	struct writer_job job;
	bool is_writing;
	bool is_ready;
	bool is_degraded;       /* the disk refused the last write */
	bool are_settings_kept; /* the YAML's functions are in the table */
	struct rules *rules;
	struct rules *next_rules;    /* to take over when the writer is idle */
	struct change *first, *last; /* waiting for the next commit */
	uint32_t waiting;
	struct loop_hook turn_end;
	struct loop_timer tick;
	uint32_t ticks;
};

void config_db_start(struct worker *);
void config_db_stop(struct worker *);
enum reload_result config_db_on_settings(
    struct worker *, struct worker_reload *);
void config_db_on_sibling_died(struct worker *, const struct worker_sibling *);

/* config_db_ask queues a change; the command is parked until it is durable.
 * `args` is copied. */
void config_db_ask(
    struct worker *, struct command *, enum change_op, struct text args);

/* config_db_look_at_log tells all processes what operators asked of the log;
 * at the start, and when it changed. */
void config_db_look_at_log(struct config_db *);

/* config_db_unavailable answers when the store cannot be read. */
void config_db_unavailable(struct command *, enum err);

CONFIG_DB_COMMANDS(DECLARE_COMMAND)
CONFIG_DB_MESSAGES(DECLARE_MESSAGE)

#endif /* WORKERS_CONFIG_DB_CONFIG_DB_H */
