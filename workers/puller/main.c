// SPDX-License-Identifier: MIT
/* puller - fetches functions from services on a schedule. */

#include "workers/puller/puller.h"

static const struct command_route commands[] = {
    /* a row without its function does not link */
    PULLER_COMMANDS(AS_COMMAND)};

static const struct worker_spec spec = {
    .role = ROLE_puller,
    .state_size = sizeof(struct puller),
    .start = puller_start,
    .stop = puller_stop,
    .on_settings = puller_on_settings,
    .commands = commands,
    .command_count = COUNT_OF(commands),
};

int
main(int argc, char **argv)
{
	return worker_run(&spec, argc, argv);
}
