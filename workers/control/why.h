// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONTROL_WHY_H
#define WORKERS_CONTROL_WHY_H

/*
 * why - what happened to a child of the tree (why.c) or to a runner of a pool
 * (why_runner.c), with its obituaries from state_dir/supervisor.
 *
 * Trust:  a runner's name is an operator's word until worker_pool has said
 *         that it has one: only then does it become part of a path.
 * Owner:  no memory.
 */

#include <stdint.h>

#include "protocol/base/text.h"

struct command;
struct worker;

/* why_pack_obituaries packs an array, newest first; instance 0: none. */
void why_pack_obituaries(
    struct worker *, struct command *, struct text name, uint32_t instance);

/* why_runner answers for `async_pool/1`, or for all of `async_pool`. */
void why_runner(struct worker *, struct command *);

#endif /* WORKERS_CONTROL_WHY_H */
