// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_MACHINE_H
#define WORKERS_MONITOR_MACHINE_H

/*
 * machine - what the computer has and how much of it is used: processors,
 * memory, the disk of state_dir, the network, as the kernel tells it.
 *
 * The parsers are pure; machine_look alone reads files. Shares of time are
 * differences of two looks over the monotonic clock.
 *
 * Trust:  /proc is the kernel's; a line that is not there leaves its figure
 *         as it was.
 * Owner:  the struct is the caller's; no memory.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct machine_ticks {
	uint64_t busy, all; /* of all processors, since boot */
};

struct machine {
	uint64_t at_ms; /* of the last look; 0: none yet */
	struct machine_ticks ticks;
	uint32_t cores;
	double cpu_percent; /* since the look before */
	double load[3];     /* 1, 5, 15 minutes */
	uint64_t memory_total, memory_used;
	uint64_t disk_total, disk_used;
	uint64_t network_bytes;    /* in and out since boot, without lo */
	double network_per_second; /* bytes, since the look before */
	uint64_t network_capacity; /* bytes a second */
	bool network_is_assumed;   /* no interface says its speed */
};

/* machine_look reads everything; `now_ms` is monotonic. */
void machine_look(struct machine *, const char *state_dir, uint64_t now_ms);

/* machine_percent is part of whole, 0 when there is no whole. */
double machine_percent(double part, double whole);

/* The parsers: the text of /proc/stat, /proc/meminfo, /proc/net/dev and
 * /proc/loadavg. ERR_MALFORMED leaves `to` untouched. */
enum err machine_parse_stat(struct text, struct machine_ticks *to) MUST_USE;
enum err machine_parse_memory(
    struct text, uint64_t *total, uint64_t *used) MUST_USE;
uint64_t machine_parse_network(struct text);
enum err machine_parse_load(struct text, double to[3]) MUST_USE;

#endif /* WORKERS_MONITOR_MACHINE_H */
