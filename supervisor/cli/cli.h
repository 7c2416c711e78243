// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_CLI_H
#define SUPERVISOR_CLI_CLI_H

/*
 * cli - what all of `banyan` shares: the options before us, the exit codes
 * behind us, and how to complain.
 *
 * Answers go to standard output, everything else to standard error. A
 * complaint says what, where, and what next.
 *
 * Trust:  arguments are the operator's own; control judges them.
 * Owner:  main.c holds the one struct cli.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/command.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_DEGRADED = 1, /* or not found, or the call failed */
	CLI_UNHEALTHY = 2,
	CLI_UNREACHABLE = 3,
	CLI_USAGE = 64,
	CLI_DENIED = 77,
	CLI_SETTINGS = 78
};

struct cli {
	struct arena arena;
	bool wants_json;
	bool wants_colour;
	bool wants_help;
	uint32_t watch_ms;       /* 0: once */
	uint32_t timeout_ms;     /* for one answer; 0: the command's own */
	const char *runtime_dir; /* --runtime-dir, or NULL */
	const struct command_info *command;
	int argc; /* what follows noun and verb */
	char **argv;
};

/* cli_complain writes "banyan: …" and, on a line of its own, the hint. */
void cli_complain(const char *hint, const char *fmt, ...) PRINTF(2, 3);

#endif /* SUPERVISOR_CLI_CLI_H */
