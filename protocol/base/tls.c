// SPDX-License-Identifier: MIT
#include "protocol/base/tls.h"

#include "protocol/base/tls_ops.h"

void
tls_context_destroy(struct tls_context **t)
{
	if (*t == NULL)
		return;
	(*t)->ops->context_destroy(*t);
	*t = NULL;
}

enum err
tls_session_create(struct tls_session **out, struct tls_context *t, int fd,
    const char *peer_name)
{
	return t->ops->session_create(out, t, fd, peer_name);
}

void
tls_session_destroy(struct tls_session **s)
{
	if (*s == NULL)
		return;
	(*s)->ops->session_destroy(*s);
	*s = NULL;
}

enum err
tls_handshake(struct tls_session *s, enum tls_wants *wants)
{
	return s->ops->handshake(s, wants);
}

enum err
tls_read(struct tls_session *s, void *to, size_t size, size_t *bytes,
    enum tls_wants *wants)
{
	return s->ops->read(s, to, size, bytes, wants);
}

enum err
tls_write(struct tls_session *s, const void *from, size_t size, size_t *bytes,
    enum tls_wants *wants)
{
	return s->ops->write(s, from, size, bytes, wants);
}

void
tls_say_goodbye(struct tls_session *s)
{
	s->ops->say_goodbye(s);
}
