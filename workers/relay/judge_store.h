// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_JUDGE_STORE_H
#define WORKERS_RELAY_JUDGE_STORE_H

/*
 * judge_store - the groups and memberships we have, held against those that
 * are stored. What changes on its way to the disk would do is not judged:
 * it is in neither place yet, or in both.
 *
 * Trust:  stored bytes have a right checksum and are still bounded; one that
 *         makes no sense ends the look: ERR_MALFORMED.
 * Owner:  no memory beyond the call.
 */

#include "protocol/shelf.h"
#include "workers/relay/judge.h"

/* Batches that are not durable yet; either may be empty. */
struct judge_pending {
	struct text writing;
	struct text waiting;
};

enum err judge_store(const struct groups *, struct shelf *,
    const struct judge_pending *, struct findings *) MUST_USE;

#endif /* WORKERS_RELAY_JUDGE_STORE_H */
