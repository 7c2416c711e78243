// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_BUS_OPEN_H
#define WORKERS_MONITOR_BUS_OPEN_H

/*
 * bus_open - the life of the PUB socket: for monitor.c and the commands of
 * the bus. Who only publishes needs bus.h.
 *
 * Trust:  settings are validated; nothing is read from the socket.
 * Owner:  bus_open's is the monitor's; bus_close takes NULL and leaves NULL.
 */

#include <stdbool.h>
#include <stdint.h>

struct bus;
struct settings;
struct worker;

/* bus_open always gives a bus; one that cannot listen publishes nothing. */
struct bus *bus_open(struct worker *);
void bus_close(struct bus **);
void bus_settings(struct bus *, const struct settings *);

/* bus_stop is `banyan bus disable` and enable. */
void bus_stop(struct bus *, bool is_stopped);

enum {
	BUS_LISTENERS = 128 /* that are known one by one */
};

struct bus_state {
	bool is_on;
	bool is_open;
	bool is_enabled;
	bool is_stopped;
	bool is_signed;
	uint32_t listeners;           /* BUS_LISTENERS at most */
	uint32_t pids[BUS_LISTENERS]; /* of those on this machine; 0: free */
	uint64_t published;           /* by this life of the monitor */
	uint64_t failed;
};

void bus_state(const struct bus *, struct bus_state *);

#endif /* WORKERS_MONITOR_BUS_OPEN_H */
