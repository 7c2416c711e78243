// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Partial writes and moving write buffers are on: conn's queue may grow and
 * slide between two tries of the same bytes, which OpenSSL otherwise takes
 * for a mistake. Tickets are off: they cost two writes per accept and links
 * live for hours. A truncated stream (EOF without close_notify) reads as
 * closed: both protocols above have lengths of their own.
 *
 * Nothing outside calls into this file but by tls_context_create, and that is
 * what keeps OpenSSL out of programs that never make a context: the linker
 * leaves the file out, and the program starts a millisecond sooner, for its
 * loader has a hundred pages of libcrypto less to write to.
 */

#include "protocol/base/tls_ops.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct own_context {
	struct tls_context shared; /* first: ops cast back */
	SSL_CTX *ctx;
	bool is_server;
	bool checks_peer;
};

struct own_session {
	struct tls_session shared; /* first: ops cast back */
	SSL *ssl;
};

static struct own_context *
own_context(struct tls_context *t)
{
	return (struct own_context *)t;
}

static struct own_session *
own_session(struct tls_session *s)
{
	return (struct own_session *)s;
}

static enum err
refuse(const char *what, const char *path, char *why, size_t size)
{
	char reason[160];

	ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
	snprintf(why, size, "%s %s: %s", what, path, reason);
	ERR_clear_error();
	return ERR_MALFORMED;
}

static enum err
load_files(SSL_CTX *ctx, const struct tls_files *files, char *why, size_t size)
{
	if (files->cert != NULL &&
	    SSL_CTX_use_certificate_chain_file(ctx, files->cert) != 1)
		return refuse("certificate", files->cert, why, size);
	if (files->key != NULL &&
	    SSL_CTX_use_PrivateKey_file(ctx, files->key, SSL_FILETYPE_PEM) != 1)
		return refuse("key", files->key, why, size);
	if (files->ca != NULL &&
	    SSL_CTX_load_verify_locations(ctx, files->ca, NULL) != 1)
		return refuse("ca", files->ca, why, size);
	return OK;
}

static void
context_destroy(struct tls_context *t)
{
	SSL_CTX_free(own_context(t)->ctx);
	free(t);
}

/* expect_name accepts an address or a host name, as the URL had it. */
static bool
expect_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return true;
	ERR_clear_error();
	return SSL_set1_host(ssl, name) == 1 &&
	    SSL_set_tlsext_host_name(ssl, name) == 1;
}

static void
session_destroy(struct tls_session *s)
{
	SSL_free(own_session(s)->ssl);
	free(s);
}

static enum err
session_create(struct tls_session **out, struct tls_context *shared, int fd,
    const char *peer_name)
{
	struct own_context *t = own_context(shared);
	struct own_session *s = calloc(1, sizeof(*s));

	INVARIANT(s != NULL);
	s->shared.ops = shared->ops;
	s->ssl = SSL_new(t->ctx);
	INVARIANT(s->ssl != NULL);
	if (SSL_set_fd(s->ssl, fd) != 1 ||
	    (peer_name != NULL && !expect_name(s->ssl, peer_name))) {
		ERR_clear_error();
		session_destroy(&s->shared);
		return ERR_MALFORMED;
	}
	if (t->is_server)
		SSL_set_accept_state(s->ssl);
	else
		SSL_set_connect_state(s->ssl);
	*out = &s->shared;
	return OK;
}

static enum err
sort_out(SSL *ssl, int rc, enum tls_wants *wants)
{
	int error = SSL_get_error(ssl, rc);

	ERR_clear_error(); /* one session's error must not be read by another */
	*wants =
	    error == SSL_ERROR_WANT_WRITE ? TLS_WANTS_WRITE : TLS_WANTS_READ;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return ERR_AGAIN;
	if (error == SSL_ERROR_ZERO_RETURN)
		return ERR_CLOSED;
	return ERR_MALFORMED;
}

static enum err
handshake(struct tls_session *s, enum tls_wants *wants)
{
	SSL *ssl = own_session(s)->ssl;
	int rc = SSL_do_handshake(ssl);

	return rc == 1 ? OK : sort_out(ssl, rc, wants);
}

static enum err
read_some(struct tls_session *s, void *to, size_t size, size_t *bytes,
    enum tls_wants *wants)
{
	SSL *ssl = own_session(s)->ssl;
	int rc = SSL_read_ex(ssl, to, size, bytes);

	return rc == 1 ? OK : sort_out(ssl, rc, wants);
}

static enum err
write_some(struct tls_session *s, const void *from, size_t size, size_t *bytes,
    enum tls_wants *wants)
{
	SSL *ssl = own_session(s)->ssl;
	int rc = SSL_write_ex(ssl, from, size, bytes);

	return rc == 1 ? OK : sort_out(ssl, rc, wants);
}

static void
say_goodbye(struct tls_session *s)
{
	SSL_shutdown(own_session(s)->ssl);
	ERR_clear_error();
}

static const struct tls_ops ops = {
    .context_destroy = context_destroy,
    .session_create = session_create,
    .session_destroy = session_destroy,
    .handshake = handshake,
    .read = read_some,
    .write = write_some,
    .say_goodbye = say_goodbye,
};

enum err
tls_context_create(struct tls_context **out, bool is_server,
    const struct tls_files *files, char *why, size_t why_size)
{
	struct own_context *t = calloc(1, sizeof(*t));

	INVARIANT(t != NULL);
	t->shared.ops = &ops;
	/* OpenSSL writes without MSG_NOSIGNAL: a peer that has gone would end
	 * the process */
	signal(SIGPIPE, SIG_IGN);
	t->is_server = is_server;
	t->checks_peer = !is_server || files->ca != NULL;
	t->ctx =
	    SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
	INVARIANT(t->ctx != NULL);
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(t->ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(t->ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
		SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_num_tickets(t->ctx, 0);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	if (t->checks_peer)
		SSL_CTX_set_verify(t->ctx,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	if (!is_server && files->ca == NULL)
		SSL_CTX_set_default_verify_paths(t->ctx);
	enum err e = load_files(t->ctx, files, why, why_size);
	if (e != OK) {
		context_destroy(&t->shared);
		return e;
	}
	*out = &t->shared;
	return OK;
}
