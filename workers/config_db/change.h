// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONFIG_DB_CHANGE_H
#define WORKERS_CONFIG_DB_CHANGE_H

/*
 * change - one request that writes: what is asked, and what it is answered.
 *
 * Changes of a turn are applied one after the other in one transaction; each
 * sees what the ones before it did, and all are durable before any is
 * answered. No process, no socket: a test applies changes to a folder.
 *
 * Trust:  `args` has passed pack_check; all else about it is checked here.
 * Owner:  init/finish; `args` borrows the request, which outlives the change.
 */

#include "protocol/base/buffer.h"
#include "workers/config_db/gate.h"

enum change_op {
	CHANGE_ADD,          /* {source, service?, node?, nodes?, function} */
	CHANGE_BATCH_ADD,    /* {source, service, node?, nodes?, functions} */
	CHANGE_FAILED,       /* {source, service, node?, reasons} */
	CHANGE_OPERATOR_ADD, /* {function}: refused if it exists */
	CHANGE_OPERATOR_UPDATE, /* {function} */
	CHANGE_DISABLE,         /* {service, function, version?} */
	CHANGE_ENABLE,
	CHANGE_DELETE,
	CHANGE_CLEAR,
	CHANGE_FAILED_CLEANUP,
	CHANGE_FAILED_CLEAR,
	CHANGE_REVOKE, /* {user} or {jti} */
	CHANGE_REVOKE_FORGET,
	CHANGE_REVOKE_CLEANUP,
	CHANGE_LOG,     /* {kind, name, until_ms, level, is_drop} */
	CHANGE_PERSIST, /* nothing but the disk's word that it writes */
	CHANGES
};

/* Why a change was refused, as an operator's script reads it. */
enum change_class {
	CHANGE_DONE,
	CHANGE_INVALID,
	CHANGE_NOT_FOUND,
	CHANGE_EXISTS,
};

struct change {
	enum change_op op;
	struct text args;     /* span of a map */
	struct buffer result; /* one packed value; CHANGE_DONE */
	enum change_class class;
	char message[1024];  /* else why not */
	struct change *next; /* the caller's list */
	void *ctx;           /* the caller's */
};

void change_init(struct change *, enum change_op, struct text args);
void change_finish(struct change *);

/* change_apply does it; an error is the disk's and ends the transaction. */
enum err change_apply(struct change *, struct table *, struct arena *,
    const struct gate_rules *) MUST_USE;

#endif /* WORKERS_CONFIG_DB_CHANGE_H */
