// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_HINTS_H
#define WORKERS_GATEWAY_HINTS_H

/*
 * hints - what the tree's own nodes are told about a call beside its
 * arguments (protocol/LINK.md, section 7). No node of a service gets any.
 *
 * Trust:  who calls is what the session vouches for, never a payload's claim.
 * Owner:  the span is the gateway's buffer's, until the next call of this.
 */

#include "protocol/base/text.h"

struct call;
struct gateway;

struct text hints_for_local(struct gateway *, const struct call *);
struct text hints_for_service(struct gateway *, const struct call *);
struct text hints_for_relay(struct gateway *, const struct call *);

#endif /* WORKERS_GATEWAY_HINTS_H */
