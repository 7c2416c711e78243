// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_OUTPUT_H
#define SUPERVISOR_CLI_OUTPUT_H

/*
 * output - the way to stdout: what cannot be written is an error, and a
 * reader that went away (`banyan tree | head`) is none.
 *
 * Trust:  none: bytes of ours.
 * Owner:  remembers one failure of this process.
 */

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/cli/cli.h"

/* output_write: false when nobody reads any more, or it cannot be written. */
bool output_write(const void *, size_t bytes);

/* output_is_open flushes; false once something could not be written. */
bool output_is_open(void);

/* output_end flushes what printf kept, and gives the code to leave with. */
enum cli_exit output_end(enum cli_exit);

#endif /* SUPERVISOR_CLI_OUTPUT_H */
