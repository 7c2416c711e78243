// SPDX-License-Identifier: MIT
/*
 * slow_sync - a disk that hangs: preloaded into a process, it makes fsync and
 * fdatasync wait while the file $SLOW_SYNC_FILE exists, and fail with EIO
 * while $SLOW_SYNC_FILE.refuses does.
 */

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int fsync(int fd);
int fdatasync(int fd);

static void
hang(void)
{
	const char *file = getenv("SLOW_SYNC_FILE");

	while (file != NULL && access(file, F_OK) == 0)
		usleep(10000);
}

static bool
refuses(void)
{
	const char *file = getenv("SLOW_SYNC_FILE");
	char path[4096];

	if (file == NULL)
		return false;
	snprintf(path, sizeof(path), "%s.refuses", file);
	return access(path, F_OK) == 0;
}

static int
real(const char *name, int fd)
{
	int (*call)(int);

	/* the form POSIX gives for a function out of dlsym */
	*(void **)&call = dlsym(RTLD_NEXT, name);
	hang();
	if (refuses()) {
		errno = EIO;
		return -1;
	}
	return call(fd);
}

int
fsync(int fd)
{
	return real("fsync", fd);
}

int
fdatasync(int fd)
{
	return real("fdatasync", fd);
}
