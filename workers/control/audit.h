// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONTROL_AUDIT_H
#define WORKERS_CONTROL_AUDIT_H

/*
 * audit - who asked for what, one line each in state_dir/audit.log, written
 * before it is done: every change, every look that reveals, every denial.
 *
 *   2026-11-21T10:00:00Z uid=0 pid=812 op=restart args={"role":"gateway"}
 *
 * A disk that takes no line does not stop the operator who may be about to
 * repair it: health is degraded until a line can be written again.
 *
 * Trust:  arguments are an operator's: they are told as JSON (no control
 *         bytes) with secrets masked, up to 2 KiB.
 * Owner:  the descriptor is in struct control.
 */

#include <stdbool.h>

struct command;
struct worker;

void audit_note(struct worker *, const struct command *);

/* audit_denied: the same for a change that was not allowed; `action` is what
 * the caller lacked. */
void audit_denied(struct worker *, const struct command *, const char *action);

/* audit_is_well tries again when a line was lost: once it can, it writes how
 * many there were (op=audit.resumed). */
bool audit_is_well(struct worker *);

#endif /* WORKERS_CONTROL_AUDIT_H */
