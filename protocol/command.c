// SPDX-License-Identifier: MIT
#include "protocol/command.h"

#include <string.h>

#include "protocol/tables/commands.h"

/* "noun" "." "verb" would leave a dot behind a noun without a verb. */
#define OP(noun, verb) (sizeof(verb) > 1 ? noun "." verb : noun)
#define ROW(role_, name, noun_, verb_, who_, arguments_, help_) \
	{.role = ROLE_##role_, \
	    .noun = noun_, \
	    .verb = verb_, \
	    .op = OP(noun_, verb_), \
	    .who = COMMAND_##who_, \
	    .arguments = arguments_, \
	    .help = help_},

const struct command_info command_infos[] = {ALL_COMMANDS(ROW)};
const size_t command_count = COUNT_OF(command_infos);

const struct command_info *
command_find(struct text op)
{
	for (size_t i = 0; i < command_count; i++)
		if (text_is(op, command_infos[i].op))
			return &command_infos[i];
	return NULL;
}

const char *
command_closest_op(struct text op)
{
	const char *ops[COUNT_OF(command_infos)];

	for (size_t i = 0; i < command_count; i++)
		ops[i] = command_infos[i].op;
	int best = text_closest(op, ops, command_count);
	return best < 0 ? NULL : ops[best];
}

bool
command_is_of_any(const struct command_info *info)
{
#define O(op) op,
	static const char *const ops[] = {COMMANDS_OF_ANY(O)};
#undef O

	for (size_t i = 0; i < COUNT_OF(ops); i++)
		if (strcmp(info->op, ops[i]) == 0)
			return true;
	return false;
}
