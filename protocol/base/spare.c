// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The spare is a copy and not /dev/null: opening a file may be refused where
 * copying is not. fcntl gives the lowest number that is free, so one kept from
 * the start lies below a limit that is lowered later.
 */

#include "protocol/base/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "protocol/base/fd.h"

bool
spare_keep(struct spare *s, int any)
{
	if (s->fd < 0)
		s->fd = fcntl(any, F_DUPFD_CLOEXEC, 0);
	return s->fd >= 0;
}

void
spare_drop(struct spare *s)
{
	fd_close(&s->fd);
}

bool
spare_is_short(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
	    error == ENOBUFS;
}

int
spare_accept(
    struct spare *s, int listener, struct sockaddr *from, socklen_t *size)
{
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	socklen_t room = size != NULL ? *size : 0;
	int fd = accept4(listener, from, size, flags);

	if (fd >= 0 || s->fd < 0 || (errno != EMFILE && errno != ENFILE))
		return fd;
	spare_drop(s);
	if (size != NULL)
		*size = room;
	return accept4(listener, from, size, flags);
}
