// SPDX-License-Identifier: MIT
/* relay - groups, their members, and what these say to each other. */

#include "workers/kit/worker.h"
#include "workers/relay/relay.h"

static const struct command_route commands[] = {
    /* a row without its function does not link */
    RELAY_COMMANDS(AS_COMMAND)};

static const struct worker_spec spec = {
    .role = ROLE_relay,
    .state_size = sizeof(struct relay),
    .start = relay_start,
    .drain = relay_drain,
    .stop = relay_stop,
    .on_settings = relay_on_settings,
    .on_sibling_died = relay_on_sibling_died,
    .commands = commands,
    .command_count = COUNT_OF(commands),
};

int
main(int argc, char **argv)
{
	return worker_run(&spec, argc, argv);
}
