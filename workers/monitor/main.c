// SPDX-License-Identifier: MIT
/* monitor - counts, remembers and tells. */

#include "protocol/tables/commands.h"
#include "workers/monitor/monitor.h"
#include "workers/kit/worker.h"

static const struct command_route commands[] = {MONITOR_COMMANDS(AS_COMMAND)};

static const struct worker_spec spec = {
    .role = ROLE_monitor,
    .state_size = sizeof(struct monitor),
    .start = monitor_start,
    .stop = monitor_stop,
    .on_settings = monitor_on_settings,
    .commands = commands,
    .command_count = COUNT_OF(commands),
};

int
main(int argc, char **argv)
{
	return worker_run(&spec, argc, argv);
}
