// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_NODES_PRIVATE_H
#define WORKERS_GATEWAY_NODES_PRIVATE_H

/*
 * nodes_private - what nodes.c keeps of a node, for nodes_show.c to show.
 *
 * Trust:  as nodes.h.
 * Owner:  nodes.c.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/link/link_client.h"

struct gateway;
struct link_client;
struct nodes;

/* Whose node it is. */
enum node_kind {
	NODE_SERVICE,
	NODE_LOCAL, /* worker_pool */
	NODE_RELAY
};

struct node {
	struct nodes *all;
	enum node_kind kind;
	struct node *next;
	struct text name;         /* the bytes follow the struct */
	char *url;                /* of `link`; NULL: none */
	struct link_client *link; /* NULL: no URL, or it may not be dialled */
	uint64_t late_seen;       /* late results already counted */
	uint32_t holds;
	bool is_live; /* as the link said last */
	bool is_met;  /* its first dial has ended, well or not */
};

/* A link that only finishes what it has. */
struct retired {
	struct retired *next;
	struct link_client *link;
};

struct nodes {
	struct gateway *gateway;
	struct node *first;
	struct retired *retired;
	uint32_t live;
};

/* nodes_tell writes the debug lines of a link's move, where wanted. */
void nodes_tell(const struct node *, enum link_state, enum link_fault);

#endif /* WORKERS_GATEWAY_NODES_PRIVATE_H */
