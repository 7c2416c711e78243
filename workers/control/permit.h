// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONTROL_PERMIT_H
#define WORKERS_CONTROL_PERMIT_H

/*
 * permit - the one gate of all that operators ask for: what needs an action
 * of security.admin_actions is denied without it, and every change, every
 * denial and every look that reveals leaves its line in the audit.
 *
 * Trust:  an op was found in the table of commands.
 * Owner:  no memory; the settings in force are the kit's.
 */

#include <stdbool.h>
#include <stdint.h>

struct command;
struct worker;

enum {
	PERMIT_LEASES = 16
};

/* Leases are renewed, and looks repeated by --watch, every few seconds: only
 * the first of a process is written down. */
struct permit_leases {
	struct {
		uint32_t pid;
		uint64_t op; /* its hash */
		uint64_t seen_ms;
	} of[PERMIT_LEASES];
	uint32_t next;
};

/* permit_gate: false when the command has failed as denied. */
bool permit_gate(struct worker *, struct command *);

#endif /* WORKERS_CONTROL_PERMIT_H */
