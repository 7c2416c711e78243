// SPDX-License-Identifier: MIT
#ifndef WORKERS_KIT_ROUTE_H
#define WORKERS_KIT_ROUTE_H

/*
 * route - from the `op` of a request to the function that answers it.
 *
 * A request is a msgpack map {op, args, v}; a reply {ok: true, result} or
 * {ok: false, error: {class, message, hint}}. Commands come from operators
 * (protocol/tables/commands.h), messages from other roles
 * (protocol/tables/messages.h); both are answered by the same kind of handler:
 *
 *     void config_db_cmd_failed_list(struct worker *, struct command *);
 *     void config_db_on_batch_add(struct worker *, struct command *);
 *
 * Every worker answers the op `ping` with nil, by itself.
 *
 * A handler packs exactly one value into command->result, or calls
 * command_fail, or parks the command and finishes it on a later turn. Packing
 * nothing means nil. What it allocates comes from command->arena, which lives
 * until the reply is sent.
 *
 * Trust:  the whole request passed pack_check before a handler sees it: spans
 *         are well formed, but types and values are the sender's.
 * Owner:  a command is the kit's; it is gone after the handler returned
 *         without parking it, or after command_finish.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct worker;
struct packer;

#define ROUTE_PING "ping" /* does its loop take requests? */

struct command {
	struct worker *worker;
	struct arena *arena;   /* until the reply */
	struct text op;        /* "failed.list" */
	struct text args;      /* msgpack bytes of one map, maybe empty */
	struct packer *result; /* pack one value here */
	void *ctx;             /* the handler's own, across a park */
	uint32_t peer_uid;     /* who asked, as the kernel says */
	uint32_t peer_pid;
};

typedef void command_handler(struct worker *, struct command *);

struct command_route {
	const char *noun;
	const char *verb; /* "" for none */
	command_handler *run;
};

struct worker_route {
	const char *op;
	command_handler *run;
};

/* For `static const struct command_route commands[] = { X_COMMANDS(AS_COMMAND)
 * };` */
#define AS_COMMAND(role, name, noun, verb, ...) {noun, verb, role##_cmd_##name},
#define DECLARE_COMMAND(role, name, ...) \
	void role##_cmd_##name(struct worker *, struct command *);

/* The same for the rows of messages.h. */
#define AS_MESSAGE(role, name, ...) {#name, role##_on_##name},
#define DECLARE_MESSAGE(role, name, ...) \
	void role##_on_##name(struct worker *, struct command *);

/*
 * command_text, _u64, _bool read one argument by its key (the word of the
 * table's arguments column in lower case: SERVICE → "service", --max-memory →
 * "max_memory"). ERR_MISSING when absent or nil, ERR_TYPE when of another
 * type; a number may come as decimal text. `to` is untouched on an error.
 */
enum err command_text(
    const struct command *, const char *key, struct text *to) MUST_USE;
enum err command_u64(
    const struct command *, const char *key, uint64_t *to) MUST_USE;
enum err command_bool(
    const struct command *, const char *key, bool *to) MUST_USE;

/* command_value gives the msgpack bytes of an argument of any type. */
enum err command_value(
    const struct command *, const char *key, struct text *to) MUST_USE;

/*
 * command_fail answers with an error instead of a result. `class` is a word
 * people script against (see below), `hint` says what to do next or is NULL.
 */
#define CLASS_INVALID     "invalid" /* the request is wrong */
#define CLASS_NOT_FOUND   "not_found"
#define CLASS_EXISTS      "exists"
#define CLASS_DENIED      "denied"
#define CLASS_UNAVAILABLE "unavailable" /* a role is down, a disk is full */
#define CLASS_TIMEOUT     "timeout"
#define CLASS_REFUSED     "refused" /* understood; not now, not like this */
#define CLASS_INTERNAL    "internal"
void command_fail(struct command *, const char *class, const char *hint,
    const char *fmt, ...) PRINTF(4, 5);

/*
 * command_park keeps the command after the handler returns; command_finish
 * sends the reply. A parked command whose asker has gone is still finished.
 */
void command_park(struct command *);
void command_finish(struct command *);

/* command_raw_reply answers with a whole reply that another role made. */
void command_raw_reply(struct command *, struct text reply_map);

#endif /* WORKERS_KIT_ROUTE_H */
