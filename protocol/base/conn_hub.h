// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_CONN_HUB_H
#define PROTOCOL_BASE_CONN_HUB_H

/*
 * conn_hub - what conn.c and conn_hub.c say to each other; for nobody else.
 *
 * Trust:  sees bytes of strangers pass and reads none of them.
 * Owner:  buffers lent here are given back by the connection that took them.
 */

#include "protocol/base/conn.h"

/* conn_hub_lend gives an empty buffer memory; a full one is left alone. */
void conn_hub_lend(struct conn_hub *, struct buffer *);
void conn_hub_give_back(struct conn_hub *, struct buffer *);

/* conn_mark_dirty has the connection looked at when the turn ends. */
void conn_mark_dirty(struct conn *);

/* conn_want_usual asks epoll for what the state of the connection needs. */
void conn_want_usual(struct conn *);

/* Each may end the connection. */
void conn_push(struct conn *);
void conn_fail(struct conn *);
void conn_reread(struct conn *);

#endif /* PROTOCOL_BASE_CONN_HUB_H */
