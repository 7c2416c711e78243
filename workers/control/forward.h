// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONTROL_FORWARD_H
#define WORKERS_CONTROL_FORWARD_H

/*
 * forward - a command of another role, passed on and its answer passed back.
 *
 * A role that is down is answered for at once, with its state; one that hangs
 * costs its own command a deadline and nobody else anything. A role with
 * several instances answers as {instances: [{instance, result | error}]}, but
 * for the commands that any one of them answers for all (COMMANDS_OF_ANY).
 *
 * Trust:  the command passed the table's permission; the answer of another role
 *         is bounded by the ask.
 * Owner:  what it keeps is in the parked command's arena.
 */

struct command;
struct worker;

void forward_command(struct worker *, struct command *);

#endif /* WORKERS_CONTROL_FORWARD_H */
