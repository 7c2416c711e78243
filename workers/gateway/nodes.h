// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_NODES_H
#define WORKERS_GATEWAY_NODES_H

/*
 * nodes - the service nodes this gateway knows, one link to each.
 *
 * A node is a name with a URL: from `nodes:` of the settings, or the name is
 * a URL itself. Its link exists while a compiled function names it and the
 * URL may be dialled.
 *
 * Two nodes are processes of our own tree: `local` (worker_pool) and `relay`.
 * They may always be dialled, hear hints, and speak to clients in our name.
 *
 * Trust:  names come from services; what is dialled is bounded by
 *         security.node_urls.
 * Owner:  nodes are counted by who holds them; the link is the node's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/base/err.h"
#include "workers/gateway/calls.h"

struct gateway;
struct nodes;
struct packer;

struct node;

void nodes_create(struct nodes **, struct gateway *);
void nodes_destroy(struct nodes **);

/* nodes_hold finds or makes the node of a name; nodes_release lets it go. */
struct node *nodes_hold(struct nodes *, struct text name);
void nodes_release(struct node *);

/* nodes_is_live: its link is up and it is not draining. */
bool nodes_is_live(const struct node *);

/* nodes_are_met: the first dial of each node has ended, well or not. */
bool nodes_are_met(const struct nodes *);

/* nodes_is_own: a process of our own tree. */
bool nodes_is_own(const struct node *);

/* nodes_is_relay: the one of them that keeps groups. */
bool nodes_is_relay(const struct node *);

struct text nodes_name(const struct node *);

/*
 * nodes_send puts a call on the node's link, to leave with this turn. OK: it
 * counts as dispatched from now on. Else it was not: ERR_CLOSED (no link),
 * ERR_FULL (the node's budget), ERR_TOO_BIG.
 */
enum err nodes_send(struct node *, struct call *, uint32_t left_ms) MUST_USE;

/* nodes_ask does the same with the question of the call's ask (ask.h). */
enum err nodes_ask(struct node *, struct call *, uint32_t left_ms) MUST_USE;

/* nodes_pick does the same with the question of the call's pick (pick.h). */
enum err nodes_pick(struct node *, struct call *, uint32_t left_ms) MUST_USE;

/* nodes_hook puts a question to the hook that the call's hooked names. */
enum err nodes_hook(struct call *, struct text args) MUST_USE;

/* nodes_cancel tells the node, if one has the call, that nobody waits. */
void nodes_cancel(struct call *);

/* nodes_credit lets the node of a stream send so many bytes of chunks more. */
void nodes_credit(const struct call *, uint32_t bytes);

/* nodes_on_settings takes new addresses and limits over. */
void nodes_on_settings(struct nodes *);

/* nodes_pack writes the answer of `banyan nodes`. */
void nodes_pack(const struct nodes *, struct packer *);

/* nodes_on_second counts what links saw, and ends links left behind. */
void nodes_on_second(struct nodes *);

#endif /* WORKERS_GATEWAY_NODES_H */
