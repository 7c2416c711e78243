// SPDX-License-Identifier: MIT
/* wrong_abi - a plug-in of a Banyan that is not this one. */

#include "protocol/service/plugin.h"

static const struct service_function functions[] = {{NULL}};

const struct service_plugin banyan_plugin = {
    .abi = SERVICE_PLUGIN_ABI + (1u << 16),
    .name = "wrong",
    .functions = functions,
};
