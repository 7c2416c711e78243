// SPDX-License-Identifier: MIT
#ifndef WORKERS_PULLER_PULL_H
#define WORKERS_PULLER_PULL_H

/*
 * pull - one fetch of one service's functions: which node is asked what next.
 *
 * Pure: the caller asks, waits (each node has a budget of its own, so a slow
 * first one never starves the others) and tells what came; the pull says what
 * is next.
 *
 * Trust:  a version is a service's value; its bytes are compared, never read.
 * Owner:  the struct is the caller's; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"

enum pull_step {
	PULL_IDLE,
	PULL_ASK_VERSION, /* of nodes[pull.node] */
	PULL_ASK_CONFIG,  /* of nodes[pull.node] */
	PULL_STORE,       /* give what came to config_db */
	PULL_SKIPPED,     /* done: the version is the one we have */
	PULL_DONE,
	PULL_FAILED,
};

enum {
	PULL_VERSION_BYTES = 256 /* a longer version is never equal */
};

struct pull_version {
	uint32_t len; /* 0: none */
	uint8_t bytes[PULL_VERSION_BYTES];
};

struct pull {
	enum pull_step step;
	uint32_t node; /* index of the one being asked */
	uint32_t node_count;
	uint32_t tried;      /* nodes asked in this step, this one included */
	bool checks_version; /* the service has a version to ask for */
	struct pull_version stored;  /* of the last fetch that was kept */
	struct pull_version offered; /* asked for in this fetch */
};

/* pull_forget makes the next fetch a full one. */
void pull_forget(struct pull *);

/* Each gives the next step, which is also pull.step. */
enum pull_step pull_begin(struct pull *);
enum pull_step pull_version_came(struct pull *, struct text span);
enum pull_step pull_config_came(struct pull *);
enum pull_step pull_node_failed(struct pull *);
enum pull_step pull_stored(struct pull *, bool is_kept);

/* pull_is_waiting: is some node, or config_db, to answer? */
bool pull_is_waiting(const struct pull *);

#endif /* WORKERS_PULLER_PULL_H */
