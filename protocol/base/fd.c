// SPDX-License-Identifier: MIT
#include "protocol/base/fd.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

enum err
fd_set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return ERR_SYSTEM;
	return OK;
}

enum err
fd_set_cloexec(int fd, bool on)
{
	if (fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0)
		return ERR_SYSTEM;
	return OK;
}

enum err
fd_write_whole(int fd, const void *data, size_t bytes)
{
	const char *at = data;

	while (bytes > 0) {
		ssize_t n = write(fd, at, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_SYSTEM;
		at += n;
		bytes -= (size_t)n;
	}
	return OK;
}

/* socket_error sorts errno into what a caller does about it. */
static enum err
socket_error(void)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return ERR_AGAIN;
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		return ERR_CLOSED;
	return ERR_SYSTEM;
}

enum err
fd_send_with(int socket, const void *data, size_t bytes, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {.space = {0}};
	struct iovec iov = {
	    .iov_base = (void *)(uintptr_t)data, .iov_len = bytes};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = control.space;
		message.msg_controllen = sizeof(control.space);
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(int));
	}
	if (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
		return socket_error();
	return OK;
}

enum err
fd_receive_with(int socket, void *data, size_t size, size_t *bytes, int *fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = data, .iov_len = size};
	struct msghdr message = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof(control.space)};

	*fd = -1;
	ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return socket_error();
	for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head != NULL;
	     head = CMSG_NXTHDR(&message, head))
		if (head->cmsg_level == SOL_SOCKET &&
		    head->cmsg_type == SCM_RIGHTS)
			memcpy(fd, CMSG_DATA(head), sizeof(int));
	if (n == 0)
		return ERR_CLOSED;
	if ((message.msg_flags & MSG_TRUNC) != 0) {
		fd_close(fd);
		return ERR_TOO_BIG;
	}
	*bytes = (size_t)n;
	return OK;
}

enum err
fd_replace_file(const char *path, const void *data, size_t bytes, mode_t mode)
{
	char beside[4096];

	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", path) >=
	    sizeof(beside))
		return ERR_TOO_BIG;
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return ERR_SYSTEM;
	enum err e = fd_write_whole(fd, data, bytes);
	if (e == OK && fsync(fd) < 0)
		e = ERR_SYSTEM;
	int saved_errno = errno;
	fd_close(&fd);
	if (e == OK && rename(beside, path) == 0)
		return OK;
	if (e == OK)
		saved_errno = errno;
	unlink(beside);
	errno = saved_errno;
	return ERR_SYSTEM;
}

enum err
fd_read_file(const char *path, char *to, size_t size, size_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;

	if (fd < 0)
		return ERR_SYSTEM;
	while (used < size - 1) {
		ssize_t n = read(fd, to + used, size - 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	char probe;
	bool more = used == size - 1 && read(fd, &probe, 1) == 1;
	fd_close(&fd);
	to[used] = '\0';
	*bytes = used;
	return more ? ERR_TOO_BIG : OK;
}

int
fd_count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = -1; /* the directory itself */

	if (dir == NULL)
		return -1;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (entry->d_name[0] != '.')
			count++;
	closedir(dir);
	return count;
}

enum err
fd_url(int socket, const char *scheme, char to[FD_URL])
{
	struct sockaddr_storage at = {0};
	socklen_t length = sizeof(at);
	char host[INET6_ADDRSTRLEN];
	bool is_v6;
	const void *address;

	if (getsockname(socket, (struct sockaddr *)&at, &length) < 0)
		return ERR_SYSTEM;
	is_v6 = at.ss_family == AF_INET6;
	if (!is_v6 && at.ss_family != AF_INET)
		return ERR_TYPE;
	address = is_v6
	    ? (const void *)&((const struct sockaddr_in6 *)(const void *)&at)
		  ->sin6_addr
	    : &((const struct sockaddr_in *)(const void *)&at)->sin_addr;
	inet_ntop(at.ss_family, address, host, sizeof(host));
	/* the port has the same place in both */
	snprintf(to, FD_URL, is_v6 ? "%s://[%s]:%u" : "%s://%s:%u", scheme,
	    host,
	    ntohs(((const struct sockaddr_in *)(const void *)&at)->sin_port));
	return OK;
}

enum err
fd_read_tail(const char *path, char *to, size_t most, size_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat facts;
	enum err e = ERR_SYSTEM;

	*bytes = 0;
	if (fd < 0)
		return ERR_SYSTEM;
	if (fstat(fd, &facts) == 0) {
		off_t from = facts.st_size > (off_t)most
		    ? facts.st_size - (off_t)most
		    : 0;
		ssize_t n = pread(fd, to, most, from);

		if (n >= 0) {
			*bytes = (size_t)n;
			e = OK;
		}
	}
	fd_close(&fd);
	return e;
}
