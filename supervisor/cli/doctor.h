// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_DOCTOR_H
#define SUPERVISOR_CLI_DOCTOR_H

/*
 * doctor - one line for each thing a tree needs, and what to do about those
 * that are wrong. Works when nothing runs: what the machine says is looked at
 * first, and what a running tree says of itself is added when there is one.
 *
 * Trust:  the settings file and the tree are the operator's own.
 * Owner:  findings and their texts are in the command's arena.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/text.h"

struct cli;
struct settings;

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_WARNING, /* it works; somebody should look */
	DOCTOR_ERROR
};

enum {
	DOCTOR_MOST = 128
};

struct doctor_line {
	const char *name;
	enum doctor_status status;
	struct text message;
	struct text advice; /* len 0: none needed */
};

struct doctor {
	struct cli *cli;
	struct arena *arena;
	struct settings *settings; /* ours; NULL: there are none to go by */
	const char *libexec_dir;
	const char *runtime_dir; /* NULL: unknown */
	const char *state_dir;   /* NULL: unknown */
	bool is_up;              /* a tree answers at runtime_dir */
	struct doctor_line line[DOCTOR_MOST];
	uint32_t count;
};

/* doctor_say adds a line; the advice of a good one is left out. */
void doctor_say(struct doctor *, const char *name, enum doctor_status,
    const char *advice, const char *fmt, ...) PRINTF(5, 6);

/* doctor_machine.c: programs, libraries, folders, ports, limits, clock. */
void doctor_machine(struct doctor *);

#endif /* SUPERVISOR_CLI_DOCTOR_H */
