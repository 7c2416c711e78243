// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_REACH_H
#define WORKERS_GATEWAY_REACH_H

/*
 * reach - which functions this gateway could reach right now: of whose nodes
 * one at least is live.
 *
 * Trust:  compiled functions only.
 * Owner:  no memory.
 */

#include <stdbool.h>

struct compiled;
struct gateway;

/* reach_is_remote: it runs on service nodes that its config lists. */
bool reach_is_remote(const struct compiled *);

/* reach_has_node: one of its nodes is live. */
bool reach_has_node(const struct compiled *);

/* reach_on_second counts services, and those that are cut off, for health. */
void reach_on_second(struct gateway *);

#endif /* WORKERS_GATEWAY_REACH_H */
