// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONTROL_PERMIT_H
#define WORKERS_CONTROL_PERMIT_H

/*
 * permit - what operators may do: the actions of security.admin_actions, none
 * by default. What is not named there is denied, and the denial is audited.
 *
 * Trust:  an op was found in the table of commands.
 * Owner:  no memory; the settings in force are the kit's.
 */

#include <stdbool.h>

struct command;
struct worker;

/* permit_allows: else the command has failed as denied. */
bool permit_allows(struct worker *, struct command *);

#endif /* WORKERS_CONTROL_PERMIT_H */
