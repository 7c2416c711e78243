// SPDX-License-Identifier: MIT
/* banyan - what an operator types. `banyan help` lists the commands. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/cli/again.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/monitoring.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/output.h"

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

/* A page of ours under --watch: titled, drawn over the last one. */
struct page {
	enum cli_exit (*answer)(struct cli *);
};

static enum cli_exit
draw_page(struct cli *cli, const void *ctx)
{
	const struct page *page = ctx;

	again_draw(cli, cli->watch_ms);
	return page->answer(cli);
}

static enum cli_exit
again(struct cli *cli, enum cli_exit (*answer)(struct cli *))
{
	return again_run(
	    cli, cli->watch_ms, draw_page, &(struct page){.answer = answer});
}

static enum cli_exit
run(struct cli *cli)
{
	static const struct {
		const char *op;
		enum cli_exit (*answer)(struct cli *);
		bool is_page; /* --watch shows it again; others watch alone */
	} own[] = {{"help", local_help, false}, {"check", local_check, true},
	    {"call", local_call, false},
	    {"completion", local_completion, false},
	    {"settings.diff", local_diff, true},
	    {"pools.inspect", local_inspect, true},
	    {"diagnose.scaling", local_scaling, false},
	    {"doctor", local_doctor, true}, {"overview", local_overview, false},
	    {"processes", local_processes, false}, {"top", local_top, false},
	    {"config.show", local_config, true},
	    {"telemetry.tail", local_tail, false},
	    {"observe.bench", local_bench, false},
	    {"bus.tail", local_bus_tail, false},
	    {"log.tail", local_log_tail, false}};

	static const struct {
		const char *noun;
		enum cli_exit (*answer)(struct cli *);
	} nouns[] = {{"monitor", monitoring_run}, {"report", report_run},
	    {"discovery", discovery_run}, {"client", discovery_run},
	    {"peers", discovery_run}};

	if (cli->command == NULL || cli->wants_help)
		return local_help(cli);
	for (size_t i = 0; i < COUNT_OF(nouns); i++)
		if (cli->command->role == ROLE_cli &&
		    strcmp(cli->command->noun, nouns[i].noun) == 0)
			return cli->watch_ms > 0 && !monitoring_is_watch(cli)
			    ? again(cli, nouns[i].answer)
			    : nouns[i].answer(cli);
	for (size_t i = 0; i < COUNT_OF(own); i++)
		if (strcmp(cli->command->op, own[i].op) == 0)
			return cli->watch_ms > 0 && own[i].is_page
			    ? again(cli, own[i].answer)
			    : own[i].answer(cli);
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
	code = output_end(code);
	arena_finish(&cli.arena);
	return (int)code;
}
