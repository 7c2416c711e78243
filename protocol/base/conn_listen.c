// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * An ipc path is bound under a umask that leaves only the wanted mode: between
 * bind and chmod anyone could connect. A stale socket file cannot be told from
 * a live one by looking, so it is dialled: refused means nobody is there. A
 * file of another kind is never removed (nng 1.5.2 deletes even a regular one).
 */

#include "protocol/base/conn_listen.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/base/spare.h"
#include "protocol/base/text.h"

enum {
	STARVED_REST_MS = 100
};

static void
on_rested(void *ctx)
{
	struct conn_acceptor *a = ctx;

	if (!a->is_paused)
		loop_watch_change(a->hub->loop, &a->watch, EPOLLIN);
}

static void
rest(struct conn_acceptor *a, int error)
{
	loop_watch_change(a->hub->loop, &a->watch, 0);
	loop_timer_start(a->hub->loop, &a->rest,
	    loop_now_ms(a->hub->loop) + STARVED_REST_MS);
	if (a->starved != NULL)
		a->starved(a->ctx, error);
}

static void
on_knock(void *ctx, uint32_t events)
{
	struct conn_acceptor *a = ctx;

	(void)events;
	for (uint32_t i = 0; i < a->per_wake && !a->is_paused; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t size = sizeof(peer);
		int fd = accept4(a->watch.fd, (struct sockaddr *)&peer, &size,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			a->accepted(a->ctx, fd, &peer);
			continue;
		}
		if (spare_is_short(errno))
			rest(a, errno);
		/* a client that has gone again (ECONNABORTED) is no reason
		 * to leave the others waiting; the next wake-up tries them */
		return;
	}
}

enum err
conn_acceptor_start(
    struct conn_acceptor *a, struct conn_hub *hub, int listening_fd)
{
	a->hub = hub;
	a->is_paused = false;
	a->rest = (struct loop_timer){.due = on_rested, .ctx = a};
	a->watch = (struct loop_watch){
	    .fd = listening_fd,
	    .ready = on_knock,
	    .ctx = a,
	};
	return loop_watch_add(hub->loop, &a->watch, EPOLLIN);
}

void
conn_acceptor_pause(struct conn_acceptor *a, bool is_paused)
{
	if (a->is_paused == is_paused || !a->watch.is_watched)
		return;
	a->is_paused = is_paused;
	if (!loop_timer_is_running(&a->rest))
		loop_watch_change(
		    a->hub->loop, &a->watch, is_paused ? 0 : EPOLLIN);
}

void
conn_acceptor_stop(struct conn_acceptor *a)
{
	if (a->hub == NULL)
		return;
	loop_watch_remove(a->hub->loop, &a->watch);
	loop_timer_stop(a->hub->loop, &a->rest);
}

enum err
conn_listen_tcp(
    const struct sockaddr *at, socklen_t size, int backlog, int *out)
{
	int one = 1;
	int fd = socket(
	    at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return ERR_SYSTEM;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, at, size) < 0 || listen(fd, backlog) < 0) {
		int error = errno;

		fd_close(&fd);
		errno = error;
		return error == EADDRINUSE ? ERR_EXISTS : ERR_SYSTEM;
	}
	*out = fd;
	return OK;
}

/* clear_stale makes way for a bind: OK, ERR_EXISTS, ERR_DENIED. */
static enum err
clear_stale(const struct sockaddr_un *at)
{
	struct stat st;

	if (lstat(at->sun_path, &st) < 0)
		return errno == ENOENT ? OK : ERR_SYSTEM;
	if (!S_ISSOCK(st.st_mode))
		return ERR_DENIED;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_SYSTEM;
	int rc = connect(fd, (const struct sockaddr *)at, sizeof(*at));
	bool is_stale = rc < 0 && errno == ECONNREFUSED;
	fd_close(&fd);
	if (!is_stale)
		return ERR_EXISTS;
	return unlink(at->sun_path) == 0 || errno == ENOENT ? OK : ERR_SYSTEM;
}

enum err
conn_listen_ipc(const char *path, uint32_t mode, int backlog, int *out)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (text_copy(text_of(path), at.sun_path, sizeof(at.sun_path)) != OK)
		return ERR_TOO_BIG;
	enum err e = clear_stale(&at);
	if (e != OK)
		return e;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_SYSTEM;
	mode_t before = umask((mode_t)(~mode & 0777));
	int rc = bind(fd, (const struct sockaddr *)&at, sizeof(at));
	int error = errno;
	umask(before);
	if (rc == 0 && listen(fd, backlog) == 0) {
		*out = fd;
		return OK;
	}
	if (rc == 0)
		error = errno;
	fd_close(&fd);
	errno = error;
	return error == EADDRINUSE ? ERR_EXISTS : ERR_SYSTEM;
}

enum err
conn_peer_uid(int fd, uint32_t *uid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return ERR_SYSTEM;
	*uid = peer.uid;
	return OK;
}
