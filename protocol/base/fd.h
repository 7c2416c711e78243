// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_FD_H
#define PROTOCOL_BASE_FD_H

/*
 * fd - what one does to descriptors: flags, closing, whole reads and writes,
 * passing one over a socket, files that are replaced whole or not at all.
 *
 * Trust:  what it reads may be anybody's: every read has the caller's bound.
 * Owner:  descriptors belong to the caller unless a comment says otherwise.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

/* fd_close closes once and leaves -1; takes -1. */
void fd_close(int *fd);

enum err fd_set_nonblocking(int fd) MUST_USE;
enum err fd_set_cloexec(int fd, bool on) MUST_USE;

/* fd_write_whole repeats over short counts and EINTR. */
enum err fd_write_whole(int fd, const void *, size_t bytes) MUST_USE;

/*
 * fd_send_with and fd_receive_with move one record of a SEQPACKET or stream
 * socket with at most one descriptor beside it (-1: none). A record that does
 * not fit is ERR_TOO_BIG; an orderly end is ERR_CLOSED; nothing is ERR_AGAIN.
 */
enum err fd_send_with(int socket, const void *, size_t bytes, int fd) MUST_USE;
enum err fd_receive_with(
    int socket, void *, size_t size, size_t *bytes, int *fd) MUST_USE;

/*
 * fd_replace_file writes `data` beside `path`, syncs and renames: readers see
 * the old file or the new one, never a mix, whoever dies when.
 */
enum err fd_replace_file(
    const char *path, const void *data, size_t bytes, mode_t mode) MUST_USE;

/* fd_read_tail reads the last `most` bytes of a file, or all of it. */
enum err fd_read_tail(
    const char *path, char *to, size_t most, size_t *bytes) MUST_USE;

/* fd_read_file reads a small file whole; at most size - 1 bytes, adds a NUL. */
enum err fd_read_file(
    const char *path, char *to, size_t size, size_t *bytes) MUST_USE;

/* fd_count_open counts the descriptors of this process (/proc/self/fd). */
int fd_count_open(void);

/* fd_url says where a bound TCP socket is: "http://127.0.0.1:4001". */
enum {
	FD_URL = 80
};
enum err fd_url(int socket, const char *scheme, char to[FD_URL]) MUST_USE;

#endif /* PROTOCOL_BASE_FD_H */
