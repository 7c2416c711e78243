// SPDX-License-Identifier: MIT
#include "protocol/lmdb_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "protocol/base/fd.h"

enum {
	PATH_BYTES = 640
};

enum err
lmdb_folder_prepare(const char *folder)
{
	char lock[PATH_BYTES];
	int fd, code;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return ERR_SYSTEM;
	snprintf(lock, sizeof(lock), "%s/lock.mdb", folder);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR_SYSTEM;
	code = posix_fallocate(fd, 0, LMDB_FOLDER_LOCK_BYTES);
	fd_close(&fd);
	errno = code;
	return code == 0 ? OK : ERR_SYSTEM;
}
