// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_COMMAND_H
#define PROTOCOL_COMMAND_H

/*
 * command - tables/commands.h as data: who answers an op, who may ask, what
 * its arguments are called.
 *
 * Trust:  an op may be any bytes; it is only compared.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stddef.h>

#include "protocol/base/text.h"
#include "protocol/role.h"

enum command_who {
	COMMAND_READER,
	COMMAND_ADMIN
};

struct command_info {
	enum role role; /* ROLE_cli: the banyan program itself */
	const char *noun;
	const char *verb; /* "" for none */
	const char *op;   /* "noun" or "noun.verb" */
	enum command_who who;
	const char *arguments; /* "SERVICE FUNCTION [--version V]" */
	const char *help;
};

extern const struct command_info command_infos[];
extern const size_t command_count;

/* command_find gives NULL for an op of no row. */
const struct command_info *command_find(struct text op);

/* command_is_of_any: one live instance of its role answers for all. */
bool command_is_of_any(const struct command_info *);

/* command_closest_op: what was probably meant, or NULL. */
const char *command_closest_op(struct text op);

#endif /* PROTOCOL_COMMAND_H */
