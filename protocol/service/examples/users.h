// SPDX-License-Identifier: MIT
#ifndef EXAMPLES_USERS_H
#define EXAMPLES_USERS_H

/*
 * users - the demo's functions over a small table of users. user_service.c
 * serves them from a process of its own, user_plugin.c inside a pool: the same
 * handlers, not changed by a letter.
 *
 * Trust:  arguments were checked by the gateway, by the types declared here.
 * Owner:  constant tables; a call's own data is in its service_state.
 */

#include "protocol/service/service.h"

/* get_user, list_users, echo, count and report; the last has no name. */
extern const struct service_function users_functions[];

#endif /* EXAMPLES_USERS_H */
