// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_READER_H
#define SUPERVISOR_READER_H

/*
 * reader - one run of the settings program: it alone reads YAML, may take long
 * over a hostile file, and is killed after READER_MS.
 *
 * Trust:  what it hands back is checked by settings_open, not here.
 * Owner:  the struct is the caller's; settings_fd becomes the caller's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "supervisor/engine/spawn.h"

enum {
	READER_MS = 5000
};

struct reader {
	struct spawned process; /* pid 0: not running */
	uint64_t deadline_ms;
	int settings_fd;   /* -1 until it was handed over */
	char problem[448]; /* the first thing wrong, if it told us */
};

/* reader_start: `overrides` is "key=value", one a line. */
enum err reader_start(struct reader *, const char *libexec_dir,
    const char *file, const char *overrides, uint64_t generation,
    uint64_t now_ms) MUST_USE;

/*
 * reader_look is called when channel or pidfd are readable and at the
 * deadline. ERR_AGAIN: still running. OK: settings_fd is there. Otherwise it
 * is gone and `exit_code` says why: 78 the file is wrong, 71 anything else.
 */
enum err reader_look(struct reader *, uint64_t now_ms, int *exit_code) MUST_USE;

#endif /* SUPERVISOR_READER_H */
