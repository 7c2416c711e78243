// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_BUILTINS_H
#define WORKERS_GATEWAY_BUILTINS_H

/*
 * builtins - functions that every gateway has without being told: those of
 * the service `relay`.
 *
 * An operator's function of the same name counts instead; one that a service
 * sends does not, or any service could stand between members and relay.
 *
 * Trust:  constants, compiled as any function is.
 * Owner:  the table is the caller's (functions_init/finish).
 */

#include "workers/gateway/functions.h"
#include "workers/gateway/request.h"

/* builtins_compile fills the table anew; `needs_user`: only verified callers
 * may call them. */
void builtins_compile(
    struct functions *, const struct functions_context *, bool needs_user);

/* builtins_find is functions_find over both tables. */
enum err builtins_find(const struct functions *told,
    const struct functions *builtin, const struct request *,
    struct compiled **) MUST_USE;

#endif /* WORKERS_GATEWAY_BUILTINS_H */
