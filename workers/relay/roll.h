// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_ROLL_H
#define WORKERS_RELAY_ROLL_H

/*
 * roll - whom a gateway still has: the clients that ever asked the relay for
 * something, and the channels each of them is on.
 *
 *   [client | [client, [channel, …]], …]
 *
 * A client without a list is there with whatever channel somebody asks for.
 *
 * Trust:  gateways are our own processes; what is not a roll is ERR_….
 * Owner:  read/finish; a roll that was not read is empty.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/unpack.h"

struct roll_client {
	uint64_t client;
	uint32_t first; /* of its channels */
	uint32_t count;
	bool has_any; /* which channels was not said */
};

struct roll {
	struct roll_client *clients; /* sorted */
	uint32_t count;
	uint32_t *channels;
	uint32_t channel_count;
	uint32_t channel_room;
};

enum err roll_read(struct roll *, struct unpacker *) MUST_USE;
void roll_finish(struct roll *);

bool roll_has_client(const struct roll *, uint64_t client);
bool roll_has(const struct roll *, uint64_t client, uint32_t channel);

#endif /* WORKERS_RELAY_ROLL_H */
