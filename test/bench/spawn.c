// SPDX-License-Identifier: MIT
/*
 * spawn - the yardstick for restarts: how long a bare fork + exec takes until
 * the child has said one byte over a pipe. Prints the microseconds of each of
 * N lives, a line each.
 *
 * usage: spawn N
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/base/clock.h"

/* live is one life: fork, exec, one byte, death. 0 when that failed. */
static uint64_t
live(char *self)
{
	char *const argv[] = {self, "child", NULL};
	int ends[2];
	char byte;

	if (pipe(ends) != 0)
		return 0;
	uint64_t from = clock_mono_us();
	pid_t pid = fork();

	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execv(self, argv);
		_exit(71);
	}
	close(ends[1]);
	ssize_t n = read(ends[0], &byte, 1);
	uint64_t took = clock_mono_us() - from;

	close(ends[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return n == 1 ? took : 0;
}

int
main(int argc, char **argv)
{
	static char self[] = "/proc/self/exe";

	if (argc == 2 && strcmp(argv[1], "child") == 0)
		return write(STDOUT_FILENO, "r", 1) == 1 ? 0 : 71;
	long lives = argc == 2 ? strtol(argv[1], NULL, 10) : 0;

	if (lives <= 0)
		return 64;
	while (lives-- > 0) {
		uint64_t took = live(self);

		if (took == 0)
			return 71;
		printf("%llu\n", (unsigned long long)took);
	}
	return 0;
}
