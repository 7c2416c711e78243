// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_FANS_H
#define WORKERS_RELAY_FANS_H

/*
 * fans - for each group, whom a message is for, packed per gateway and kept
 * until somebody comes, goes or may no longer listen.
 *
 * Trust:  nothing from outside.
 * Owner:  a group's fan hangs on group->ctx; fans_forget frees it.
 */

#include <stdint.h>

#include "protocol/base/buffer.h"
#include "workers/relay/groups.h"

/* The receivers on one gateway: `count` pairs [client, channel], packed. */
struct fan_part {
	uint64_t gateway;
	uint32_t count;
	struct buffer pairs;
};

struct fan {
	uint64_t revision; /* of the group it was made from */
	struct fan_part *parts;
	uint32_t part_count;
};

/* fans_of gives the group's fan, made anew if the group has changed. */
const struct fan *fans_of(struct group *);

/* fans_forget takes a group without one. */
void fans_forget(struct group *);

#endif /* WORKERS_RELAY_FANS_H */
