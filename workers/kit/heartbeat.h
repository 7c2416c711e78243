// SPDX-License-Identifier: MIT
#ifndef WORKERS_KIT_HEARTBEAT_H
#define WORKERS_KIT_HEARTBEAT_H

/*
 * heartbeat - the end of each turn of the loop, written where the supervisor
 * looks. It proves progress, not existence: a loop that stands still writes
 * nothing and is replaced.
 *
 * Also once a second: memory, descriptors, and whether the segments are still
 * what they were.
 *
 * Trust:  no input but the kernel's figures about ourselves.
 * Owner:  the hooks and timers are the worker's.
 */

struct worker;

enum {
	HEARTBEAT_IDLE_MS = 500 /* an idle loop wakes this often for it */
};

void heartbeat_start(struct worker *);

#endif /* WORKERS_KIT_HEARTBEAT_H */
