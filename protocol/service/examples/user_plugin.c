// SPDX-License-Identifier: MIT
/* user_plugin - the functions of users.c for a pool inside Banyan. */

#include "protocol/service/plugin.h"
#include "users.h"

const struct service_plugin banyan_plugin = {
    .abi = SERVICE_PLUGIN_ABI,
    .name = "users",
    .functions = users_functions,
};
