// SPDX-License-Identifier: MIT
/* config_db - owns the function table. See protocol/FUNCTION.md. */

#include "workers/config_db/config_db.h"

static const struct worker_route routes[] = {CONFIG_DB_MESSAGES(AS_MESSAGE)};

static const struct command_route commands[] = {
    /* a row without its function does not link */
    CONFIG_DB_COMMANDS(AS_COMMAND)};

static const struct worker_spec spec = {
    .role = ROLE_config_db,
    .state_size = sizeof(struct config_db),
    .start = config_db_start,
    .stop = config_db_stop,
    .on_settings = config_db_on_settings,
    .on_sibling_died = config_db_on_sibling_died,
    .routes = routes,
    .route_count = COUNT_OF(routes),
    .commands = commands,
    .command_count = COUNT_OF(commands),
    .contexts = 64,
};

int
main(int argc, char **argv)
{
	return worker_run(&spec, argc, argv);
}
