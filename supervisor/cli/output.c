// SPDX-License-Identifier: MIT
#include "supervisor/cli/output.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/fd.h"

static int failure; /* errno of the first write that failed */
static bool is_closed;

static void
remember(int error)
{
	if (failure == 0 && error != EPIPE)
		failure = error;
}

bool
output_write(const void *bytes, size_t count)
{
	if (fd_write_whole(STDOUT_FILENO, bytes, count) == OK)
		return true;
	remember(errno);
	is_closed = true;
	return false;
}

bool
output_is_open(void)
{
	if (fflush(stdout) != 0)
		remember(errno);
	return !is_closed && !ferror(stdout);
}

/* has_reader: stdio forgets why a write failed; a pipe nobody reads tells. */
static bool
has_reader(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&out, 1, 0) < 0 || (out.revents & POLLERR) == 0;
}

enum cli_exit
output_end(enum cli_exit code)
{
	if (fflush(stdout) != 0)
		remember(errno);
	if (ferror(stdout) && has_reader())
		remember(EIO);
	if (failure == 0)
		return code;
	cli_complain("is the disk full? the command itself was carried out",
	    "the answer could not be written: %s", strerror(failure));
	return code == CLI_OK ? CLI_UNHEALTHY : code;
}
