// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_TLS_H
#define PROTOCOL_BASE_TLS_H

/*
 * tls - OpenSSL behind five functions, for conn. It is in a program only where
 * something calls tls_context_create.
 *
 * TLS 1.2 and later. A session gives its record buffers back between records
 * and asks for no renegotiation and no session cache, so an idle one is small.
 *
 * Trust:  the peer is a stranger until the handshake is done; with `ca` set
 *         its certificate has then been checked against it (and, dialling,
 *         against the name asked for).
 * Owner:  contexts are the caller's and outlive their sessions; conn owns the
 *         sessions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"

struct tls_context;
struct tls_session;

/* PEM files; NULL: not used. */
struct tls_files {
	const char *cert; /* chain, leaf first */
	const char *key;
	const char *ca; /* the peer must show a certificate signed by it */
};

/*
 * tls_context_create: on an error `why` holds one line for the operator. A
 * client without `ca` trusts what the system trusts.
 */
enum err tls_context_create(struct tls_context **, bool is_server,
    const struct tls_files *, char *why, size_t why_size) MUST_USE;
void tls_context_destroy(struct tls_context **);

/* What an operation waits for when it is ERR_AGAIN. */
enum tls_wants {
	TLS_WANTS_READ,
	TLS_WANTS_WRITE
};

enum err tls_session_create(struct tls_session **, struct tls_context *, int fd,
    const char *peer_name) MUST_USE;
void tls_session_destroy(struct tls_session **);

/*
 * All three: OK, ERR_AGAIN (see *wants), ERR_CLOSED (close_notify, only when
 * reading), ERR_MALFORMED (broken; only destroying is left).
 */
enum err tls_handshake(struct tls_session *, enum tls_wants *) MUST_USE;
enum err tls_read(struct tls_session *, void *, size_t, size_t *bytes,
    enum tls_wants *) MUST_USE;
enum err tls_write(struct tls_session *, const void *, size_t, size_t *bytes,
    enum tls_wants *) MUST_USE;

/* tls_say_goodbye sends close_notify if there is room for it. */
void tls_say_goodbye(struct tls_session *);

#endif /* PROTOCOL_BASE_TLS_H */
