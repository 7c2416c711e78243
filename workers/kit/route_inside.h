// SPDX-License-Identifier: MIT
#ifndef WORKERS_KIT_ROUTE_INSIDE_H
#define WORKERS_KIT_ROUTE_INSIDE_H

/*
 * route_inside - the desk's way into route.c.
 *
 * Trust:  `op` comes from operators or other roles and is only ever looked up.
 * Owner:  no memory.
 */

#include <stdbool.h>

struct command;
struct worker;

/*
 * route_run finds the handler of command->op and runs it; an op nobody knows
 * is failed here. True when it was an operator's command, false for a
 * message of another role.
 */
bool route_run(struct worker *, struct command *);

#endif /* WORKERS_KIT_ROUTE_INSIDE_H */
