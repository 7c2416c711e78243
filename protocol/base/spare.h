// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_SPARE_H
#define PROTOCOL_BASE_SPARE_H

/*
 * spare - one descriptor kept back, so that a process that has no other left
 * can still take a connection, answer it and close it.
 *
 * Without it a connection that cannot be accepted stays in the kernel's
 * queue: its peer hangs, and a level-triggered loop spins over it.
 *
 * Trust:  knows nothing of who connects.
 * Owner:  the spare is its holder's; an accepted descriptor is the caller's.
 */

#include <stdbool.h>
#include <sys/socket.h>

struct spare {
	int fd; /* -1: lent to a connection, or none was to be had */
};

#define SPARE_NONE ((struct spare){.fd = -1})

/* spare_keep makes sure there is one; false: there is none to be had now. It
 * is a copy of `any`, which must be open. */
bool spare_keep(struct spare *, int any);
void spare_drop(struct spare *);

/* spare_is_short: an errno of accept that waiting heals, not the peer. */
bool spare_is_short(int error);

/*
 * spare_accept is accept4, non-blocking and close-on-exec, that gives the
 * spare away when there is no other descriptor; then spare_keep has to be
 * asked again, after a while.
 */
int spare_accept(
    struct spare *, int listener, struct sockaddr *from, socklen_t *size);

#endif /* PROTOCOL_BASE_SPARE_H */
