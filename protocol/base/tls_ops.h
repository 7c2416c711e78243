// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_TLS_OPS_H
#define PROTOCOL_BASE_TLS_OPS_H

/*
 * tls_ops - what a TLS context and its sessions can do, between tls.c, which
 * knows no library, and tls_openssl.c, which is linked only where somebody
 * makes a context.
 *
 * Trust:  as in tls.h.
 * Owner:  tables are constant; contexts and sessions begin with these structs
 *         and are freed by their own operations.
 */

#include "protocol/base/tls.h"

struct tls_ops {
	void (*context_destroy)(struct tls_context *);
	enum err (*session_create)(struct tls_session **, struct tls_context *,
	    int fd, const char *peer_name);
	void (*session_destroy)(struct tls_session *);
	enum err (*handshake)(struct tls_session *, enum tls_wants *);
	enum err (*read)(struct tls_session *, void *, size_t, size_t *bytes,
	    enum tls_wants *);
	enum err (*write)(struct tls_session *, const void *, size_t,
	    size_t *bytes, enum tls_wants *);
	void (*say_goodbye)(struct tls_session *);
};

struct tls_context {
	const struct tls_ops *ops;
};

struct tls_session {
	const struct tls_ops *ops;
};

#endif /* PROTOCOL_BASE_TLS_OPS_H */
