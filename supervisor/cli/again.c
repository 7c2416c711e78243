// SPDX-License-Identifier: MIT
#include "supervisor/cli/again.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "supervisor/cli/output.h"
#include "supervisor/cli/view.h"

static volatile sig_atomic_t is_interrupted;

static void
interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

void
again_listen(void)
{
	/* no SA_RESTART: it ends the nap */
	struct sigaction act = {
	    .sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &act, NULL);
}

bool
again_goes_on(void)
{
	return !is_interrupted;
}

bool
again_nap(uint32_t ms)
{
	struct timespec rest = {.tv_sec = (time_t)(ms / 1000),
	    .tv_nsec = (long)(ms % 1000) * 1000000};

	while (
	    !is_interrupted && nanosleep(&rest, &rest) != 0 && errno == EINTR)
		;
	return !is_interrupted;
}

enum cli_exit
again_stopped(void)
{
	fprintf(stderr, "stopped\n");
	return CLI_OK;
}

void
again_draw(const struct cli *cli, uint32_t every_ms)
{
	struct arena a;

	if (cli->wants_json || isatty(STDOUT_FILENO) != 1)
		return;
	arena_init(&a);
	printf("\x1b[H\x1b[2J%s %s  %.*s, every %g s\n\n", cli->command->noun,
	    cli->command->verb, TEXT_ARG(view_when(&a, clock_wall_ms())),
	    (double)every_ms / 1000);
	fflush(stdout);
	arena_finish(&a);
}

enum cli_exit
again_run(
    struct cli *cli, uint32_t every_ms, again_round *round, const void *ctx)
{
	again_listen();
	do {
		struct arena kept = cli->arena; /* it may last for weeks */

		arena_init(&cli->arena);
		enum cli_exit code = round(cli, ctx);
		arena_finish(&cli->arena);
		cli->arena = kept;
		if (code == CLI_USAGE || code == CLI_DENIED ||
		    !output_is_open())
			return code;
	} while (again_nap(every_ms));
	return again_stopped();
}
