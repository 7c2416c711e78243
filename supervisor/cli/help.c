// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"

static const char everywhere[] =
    "Every command: --json, --timeout SECONDS, --runtime-dir DIR, "
    "--no-color, --help\n"
    "Those that only look: --watch [SECONDS], until Ctrl-C\n"
    "-x stands for the one option of a command that begins with x\n"
    "Exit: 0 ok, 1 degraded or not found, 2 unhealthy, 3 cannot connect,\n"
    "      64 usage, 77 not permitted, 78 settings wrong\n";

static void
print_row(const struct command_info *info, int width)
{
	char usage[160];

	snprintf(usage, sizeof(usage), "%s%s%s%s%s", info->noun,
	    info->verb[0] != '\0' ? " " : "", info->verb,
	    info->arguments[0] != '\0' ? " " : "", info->arguments);
	if ((int)strlen(usage) > width)
		printf("  %s\n  %-*s  %s\n", usage, width, "", info->help);
	else
		printf("  %-*s  %s\n", width, usage, info->help);
}

static enum cli_exit
help_all(void)
{
	puts("banyan - look at a running gateway, and tell it what to do\n"
	     "\n"
	     "usage: banyan NOUN [VERB] [ARGUMENTS]\n");
	for (size_t i = 0; i < command_count; i++)
		print_row(&command_infos[i], 34);
	printf("\n%s", everywhere);
	puts("\nTry: banyan tree\n"
	     "     banyan why gateway/1\n"
	     "     banyan call user_service get_user "
	     "'{\"user_id\":\"u42\"}'");
	return CLI_OK;
}

static enum cli_exit
help_noun(const char *noun)
{
	size_t shown = 0;

	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(command_infos[i].noun, noun) != 0)
			continue;
		if (shown++ == 0)
			puts("usage:");
		printf("  banyan %s%s%s %s\n      %s%s\n", noun,
		    command_infos[i].verb[0] != '\0' ? " " : "",
		    command_infos[i].verb, command_infos[i].arguments,
		    command_infos[i].help,
		    command_infos[i].who == COMMAND_ADMIN
			? " (changes something: noted in audit.log)"
			: "");
	}
	if (shown == 0) {
		options_unknown(noun, "");
		return CLI_USAGE;
	}
	printf("\n%s", everywhere);
	return CLI_OK;
}

enum cli_exit
local_help(struct cli *cli)
{
	if (cli->command == NULL)
		return help_all();
	if (strcmp(cli->command->noun, "help") != 0)
		return help_noun(cli->command->noun);
	return cli->argc > 0 ? help_noun(cli->argv[0]) : help_all();
}
