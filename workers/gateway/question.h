// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_QUESTION_H
#define WORKERS_GATEWAY_QUESTION_H

/*
 * question - what a function that decides about a call is told of it: the
 * request as one map, then the target's own arguments. And what the call
 * keeps of its request while it waits for the answer.
 *
 * Trust:  user and roles are the session's; the rest is what the client sent,
 *         each in its own field.
 * Owner:  the caller's buffers and memory.
 */

#include <stddef.h>

#include "protocol/pack.h"
#include "workers/gateway/request.h"

struct client;
struct compiled;
struct function_target;

/* question_put_request packs {request_id, service, …, args}. A client that
 * has left has no roles. */
void question_put_request(struct packer *, const struct compiled *,
    const struct client *, const struct request *);

/* question_put_args appends the items of the target's arguments. */
void question_put_args(struct packer *, const struct function_target *);

/* question_keep copies a text to `*at` and moves it on. */
struct text question_keep(char **at, struct text);

/*
 * question_keep_request copies what is not in the question itself, or in the
 * request's map alone; it needs question_request_bytes. The arguments are found
 * where they stand in it.
 */
size_t question_request_bytes(const struct request *);
void question_keep_request(char **at, struct text question,
    const struct compiled *, const struct request *from, struct request *to);

#endif /* WORKERS_GATEWAY_QUESTION_H */
