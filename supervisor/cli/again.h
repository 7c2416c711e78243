// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_AGAIN_H
#define SUPERVISOR_CLI_AGAIN_H

/*
 * again - the same once more, until Ctrl-C: every watch of `banyan`.
 *
 * Each round has an arena of its own, so that a watch may run for weeks. The
 * first Ctrl-C ends the watch after its round, with "stopped" and exit 0; a
 * second one ends the program.
 *
 * Trust:  nothing from outside.
 * Owner:  nothing.
 */

#include "supervisor/cli/cli.h"

typedef enum cli_exit again_round(struct cli *, const void *ctx);

/*
 * again_run repeats a round every so many milliseconds. What cannot get
 * better (CLI_USAGE, CLI_DENIED) ends it, and a reader that went away; a tree
 * that is away comes back. Each round has an arena of its own.
 */
enum cli_exit again_run(
    struct cli *, uint32_t every_ms, again_round *, const void *ctx);

/* again_draw clears a terminal and titles the page that follows. */
void again_draw(const struct cli *, uint32_t every_ms);

/* For loops of their own: listen once; nap, or only look, until false; then
 * say so. */
void again_listen(void);
bool again_goes_on(void);
bool again_nap(uint32_t ms);
enum cli_exit again_stopped(void);

#endif /* SUPERVISOR_CLI_AGAIN_H */
