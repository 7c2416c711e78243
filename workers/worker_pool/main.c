// SPDX-License-Identifier: MIT
/* worker_pool - pools of runner processes for local functions. */

#include "workers/worker_pool/worker_pool.h"

static const struct command_route commands[] = {
    /* a row without its function does not link */
    WORKER_POOL_COMMANDS(AS_COMMAND)};

static const struct worker_route routes[] = {WORKER_POOL_MESSAGES(AS_MESSAGE)};

static const struct worker_spec spec = {
    .role = ROLE_worker_pool,
    .state_size = sizeof(struct worker_pool),
    .start = worker_pool_start,
    .drain = worker_pool_drain,
    .stop = worker_pool_stop,
    .on_settings = worker_pool_on_settings,
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
