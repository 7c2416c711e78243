// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_CONN_LISTEN_H
#define PROTOCOL_BASE_CONN_LISTEN_H

/*
 * conn_listen - how connections come in: listening sockets, and taking peers
 * off them a few at a time.
 *
 * Trust:  whoever can reach the socket gets a descriptor of ours; the owner
 *         decides at once what becomes of it.
 * Owner:  listening descriptors are the caller's, accepted ones the callee's.
 */

#include "protocol/base/conn.h"

/*
 * An acceptor takes connections off a listening socket, `per_wake` at most
 * each time the loop wakes. Out of descriptors it rests 100 ms, and says so.
 */
struct conn_acceptor {
	struct conn_hub *hub;
	struct loop_watch watch; /* .fd is the caller's listening socket */
	struct loop_timer rest;
	/* the socket is non-blocking, close-on-exec, and now the callee's */
	void (*accepted)(void *ctx, int fd, const struct sockaddr_storage *);
	/* accept failed for want of descriptors or memory; may be NULL */
	void (*starved)(void *ctx, int error);
	void *ctx;
	uint32_t per_wake;
	bool is_paused;
};

/* Fill in accepted, starved, ctx and per_wake first. */
enum err conn_acceptor_start(
    struct conn_acceptor *, struct conn_hub *, int listening_fd) MUST_USE;
void conn_acceptor_pause(struct conn_acceptor *, bool is_paused);
void conn_acceptor_stop(struct conn_acceptor *); /* does not close the fd */

/*
 * Listening sockets, non-blocking and close-on-exec. ipc: a stale socket file
 * is replaced, a live one is ERR_EXISTS and any other file ERR_DENIED; the
 * mode is in force before anyone can connect.
 */
enum err conn_listen_tcp(
    const struct sockaddr *, socklen_t, int backlog, int *fd) MUST_USE;
enum err conn_listen_ipc(
    const char *path, uint32_t mode, int backlog, int *fd) MUST_USE;

/* conn_peer_uid asks the kernel who is at the other end of an ipc socket. */
enum err conn_peer_uid(int fd, uint32_t *uid) MUST_USE;

#endif /* PROTOCOL_BASE_CONN_LISTEN_H */
