// SPDX-License-Identifier: MIT
#include "supervisor/cli/tree_lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "protocol/endpoint.h"

int
tree_lock_open(const char *folder)
{
	static const char name[] = "/banyand.lock";
	char path[ENDPOINT_RUNTIME_DIR + sizeof(name)];

	if (snprintf(path, sizeof(path), "%s%s", folder, name) >=
	    (int)sizeof(path))
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool
tree_lock_is_held(int fd)
{
	if (fd < 0)
		return false;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return true;
	flock(fd, LOCK_UN);
	return false;
}
