// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_DOOR_H
#define WORKERS_MONITOR_DOOR_H

/*
 * door - where HTTP connections wait until the head of their request is there.
 *
 * A connection costs a descriptor and nothing else here: its bytes stay in the
 * kernel, looked at and not taken. When the door is full, the one who waited
 * longest makes room (of an address that holds more than half of all places,
 * if there is one), so sockets that never say anything cannot keep out one
 * that says what it wants. Whoever has a whole head is handed on.
 *
 * Trust:  strangers; see head.h.
 * Owner:  the door owns the descriptors it holds; listeners are the guard's.
 *         A descriptor handed to `enter` is the taker's.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "protocol/base/err.h"
#include "protocol/base/loop.h"

struct stats_slot;

enum {
	DOOR_LISTENERS = 2
};

/* Who stands before the door with a whole head. */
struct door_guest {
	int fd;
	struct sockaddr_storage address;
	socklen_t address_bytes;
	uint64_t came_us;  /* monotonic: when its head was there */
	uint32_t listener; /* index of door_listen */
	bool is_probe;
};

struct door_spec {
	struct loop *loop;
	struct stats_slot *slot;
	uint32_t places; /* most that may wait */
	/* answers or refuses (door_refuse); the descriptor is its own now */
	void (*enter)(void *ctx, const struct door_guest *);
	void *ctx;
};

struct door;

struct door *door_create(const struct door_spec *);
void door_destroy(struct door **);

/* door_listen takes from one more listening socket; ERR_SYSTEM. */
enum err door_listen(struct door *, int fd) MUST_USE;

void door_set_timeout(struct door *, uint32_t head_ms);

/*
 * door_refuse answers with a JSON error and closes. `message` holds no quotes.
 */
void door_refuse(int fd, uint32_t status, const char *message);

/* door_same_address compares addresses without their ports. */
bool door_same_address(
    const struct sockaddr_storage *, const struct sockaddr_storage *);

#endif /* WORKERS_MONITOR_DOOR_H */
