// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_CHECKS_H
#define WORKERS_GATEWAY_CHECKS_H

/*
 * checks - what a request passes before a node is thought of: who says it,
 * which function, permission, limit, room, arguments. A call and its dry run
 * (foreseen.h) go through the same.
 *
 * Trust:  requests are strangers' and came through the codecs.
 * Owner:  the converted arguments are in the gateway's buffer `packed`.
 */

#include <stdbool.h>

#include "protocol/base/err.h"
#include "workers/gateway/refusal.h"

struct channel_rule;
struct compiled;

enum passed {
	PASSED_NOT,   /* refused, and told so */
	PASSED_HOOKS, /* as far as its hooks */
	PASSED_ASK,   /* as far as its permission callback */
	PASSED
};

/* checks_readable: it may be asked for at all, and was understood (`e`). */
bool checks_readable(struct refusal *, const struct channel_rule *, enum err e,
    const struct request_error *);

/* checks_pass takes a request through every check there is before a node. */
enum passed checks_pass(struct refusal *, const struct channel_rule *,
    struct request *, struct compiled **, struct text *info);

/* checks_prepare converts the arguments and packs the facts a function wants.
 */
bool checks_prepare(struct refusal *, struct compiled *, const struct request *,
    struct text *info);

#endif /* WORKERS_GATEWAY_CHECKS_H */
