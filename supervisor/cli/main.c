// SPDX-License-Identifier: MIT
/* banyan - what an operator types. `banyan help` lists the commands. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/cli/cli.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/monitoring.h"
#include "supervisor/cli/options.h"

void
cli_complain(const char *hint, const char *fmt, ...)
{
	va_list args;

	fputs("banyan: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	if (hint != NULL && hint[0] != '\0')
		fprintf(stderr, "\n        %s", hint);
	fputc('\n', stderr);
}

static bool
wants_colour(void)
{
	const char *no = getenv("NO_COLOR"); /* no-color.org */
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) == 1 && (no == NULL || no[0] == '\0') &&
	    (term == NULL || strcmp(term, "dumb") != 0);
}

static enum cli_exit
run(struct cli *cli)
{
	static const struct {
		const char *op;
		enum cli_exit (*answer)(struct cli *);
	} own[] = {{"help", local_help}, {"check", local_check},
	    {"call", local_call}, {"completion", local_completion},
	    {"settings.diff", local_diff}, {"pools.inspect", local_inspect},
	    {"diagnose.scaling", local_scaling}, {"doctor", local_doctor},
	    {"overview", local_overview}, {"processes", local_processes},
	    {"top", local_top}, {"config.show", local_config},
	    {"telemetry.tail", local_tail}, {"bus.tail", local_bus_tail},
	    {"log.tail", local_log_tail}};

	static const struct {
		const char *noun;
		enum cli_exit (*answer)(struct cli *);
	} nouns[] = {{"monitor", monitoring_run}, {"report", report_run},
	    {"discovery", discovery_run}};

	if (cli->command == NULL || cli->wants_help)
		return local_help(cli);
	for (size_t i = 0; i < COUNT_OF(nouns); i++)
		if (cli->command->role == ROLE_cli &&
		    strcmp(cli->command->noun, nouns[i].noun) == 0)
			return nouns[i].answer(cli);
	for (size_t i = 0; i < COUNT_OF(own); i++)
		if (strcmp(cli->command->op, own[i].op) == 0)
			return own[i].answer(cli);
	return remote_run(cli);
}

int
main(int argc, char **argv)
{
	struct cli cli = {.wants_colour = wants_colour()};

	arena_init(&cli.arena);
	enum cli_exit code = options_parse(&cli, argc, argv);
	if (code == CLI_OK)
		code = run(&cli);
	arena_finish(&cli.arena);
	return (int)code;
}
