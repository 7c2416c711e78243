// SPDX-License-Identifier: MIT
/* gateway - the clients' door: the only process strangers talk to. See
 * README.md. */

#include "protocol/tables/commands.h"
#include "protocol/tables/messages.h"
#include "workers/gateway/gateway.h"
#include "workers/kit/worker.h"

static const struct worker_route routes[] = {GATEWAY_MESSAGES(AS_MESSAGE)};

static const struct command_route commands[] = {GATEWAY_COMMANDS(AS_COMMAND)};

static const struct worker_spec spec = {
    .role = ROLE_gateway,
    .state_size = sizeof(struct gateway),
    .start = gateway_start,
    .drain = gateway_drain,
    .stop = gateway_stop,
    .on_settings = gateway_on_settings,
    .routes = routes,
    .route_count = COUNT_OF(routes),
    .commands = commands,
    .command_count = COUNT_OF(commands),
};

int
main(int argc, char **argv)
{
	return worker_run(&spec, argc, argv);
}
