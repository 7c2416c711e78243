// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_BUS_H
#define WORKERS_MONITOR_BUS_H

/*
 * bus - what the monitor tells everybody who listens: its PUB socket.
 *
 * A message is "channel/topic", a zero byte, and one msgpack map. With a
 * secret the map carries `hmac`: HMAC-SHA256 over the bytes of the whole
 * message as it would be without that pair. Who listens subscribes by prefix:
 * "lifecycle/", "telemetry/executor.".
 *
 * Publishing never waits and never fails its caller: a slow, dead or absent
 * listener loses messages, and they are counted.
 *
 * Trust:  what is packed may quote strangers; listeners check the signature.
 * Owner:  the socket is the monitor's; what is packed is copied.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/pack.h"

struct monitor;

enum bus_result {
	BUS_PUBLISHED,
	BUS_DISABLED, /* by the settings, or `banyan bus disable` */
	BUS_FAILED    /* too big, or no memory for it: counted, logged */
};

/* bus_pack packs exactly `pairs` pairs of the message's map, as told. */
typedef void bus_pack(struct packer *, void *ctx);

/*
 * bus_publish sends a map of `pairs` pairs on a topic ("health/cluster").
 * Two pairs are the bus's own and are added: `node` and `timestamp` (float
 * seconds).
 */
enum bus_result bus_publish(
    struct monitor *, const char *topic, uint32_t pairs, bus_pack *, void *ctx);

/* bus_has_listeners: is anybody connected? Spares the packing of much. */
bool bus_has_listeners(const struct monitor *);

#endif /* WORKERS_MONITOR_BUS_H */
