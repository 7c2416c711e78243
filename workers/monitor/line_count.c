// SPDX-License-Identifier: MIT
#include "workers/monitor/line_count.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/fd.h"

enum {
	CHUNK = 64 << 10,
	LOOK_MOST = 64 << 20 /* bytes; the next look goes on */
};

static void
count(struct line_count *c, int fd)
{
	char chunk[CHUNK];
	uint64_t until = c->bytes + LOOK_MOST;
	ssize_t got;

	while (c->bytes < until &&
	    (got = pread(fd, chunk, sizeof(chunk), (off_t)c->bytes)) > 0) {
		for (ssize_t i = 0; i < got; i++)
			c->lines += chunk[i] == '\n';
		c->bytes += (uint64_t)got;
	}
}

uint64_t
line_count_look(struct line_count *c, const char *path)
{
	struct stat now;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &now) != 0 || !S_ISREG(now.st_mode)) {
		*c = (struct line_count){0};
		fd_close(&fd);
		return 0;
	}
	if (c->device != now.st_dev || c->inode != now.st_ino ||
	    (uint64_t)now.st_size < c->bytes)
		*c = (struct line_count){
		    .device = now.st_dev, .inode = now.st_ino};
	count(c, fd);
	fd_close(&fd);
	return c->lines;
}
