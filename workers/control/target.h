// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONTROL_TARGET_H
#define WORKERS_CONTROL_TARGET_H

/*
 * target - which child an operator means by `gateway/1`, `gateway` or
 * `supervisor`.
 *
 * Trust:  the word is an operator's: compared, bounded, never a path.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/role.h"

struct command;
struct worker;

struct target {
	enum role role;
	uint32_t instance; /* 0: the only one, or all of them */
};

/*
 * target_read reads the argument `role`; when it names no child of this tree
 * it fails the command, with a suggestion, and is false.
 */
bool target_read(struct worker *, struct command *, struct target *);

/* target_fail says that `role` names nobody, and who was meant. */
void target_fail(struct command *);

/* target_is_role: the argument names a role, whether or not it is here. */
bool target_is_role(struct command *);

/* target_name writes "gateway/1"; for messages. */
void target_name(const struct target *, char *to, size_t size);

#endif /* WORKERS_CONTROL_TARGET_H */
