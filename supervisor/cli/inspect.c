// SPDX-License-Identifier: MIT
/* inspect - `banyan pools inspect`: a page, or what programs read. */

#include <string.h>

#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"

/* ask_for_page: the page shows more than the nine figures of the JSON. */
static void
ask_for_page(struct cli *cli)
{
	char **argv = ARENA_ARRAY(&cli->arena, char *, (size_t)cli->argc + 2);

	for (int i = 0; i < cli->argc; i++)
		argv[i] = cli->argv[i];
	argv[cli->argc++] = arena_string(&cli->arena, TEXT("--full"));
	cli->argv = argv;
}

enum cli_exit
local_inspect(struct cli *cli)
{
	const char *format = options_value(cli, "--format");

	if (format != NULL && strcmp(format, "json") == 0) {
		cli->wants_json = true;
	} else if (format != NULL && strcmp(format, "text") != 0) {
		cli_complain("usage: banyan pools inspect --format text|json",
		    "--format is text or json, not \"%s\"", format);
		return CLI_USAGE;
	}
	if (!cli->wants_json)
		ask_for_page(cli);
	return remote_run(cli);
}
