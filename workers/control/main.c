// SPDX-License-Identifier: MIT
/* control - the operator's door: answers what shared memory and the disk
 * know, passes orders to the supervisor and other questions to their role. */

#include "protocol/tables/commands.h"
#include "workers/control/control.h"
#include "workers/control/forward.h"
#include "workers/control/permit.h"
#include "workers/kit/worker.h"

static const struct command_route commands[] = {CONTROL_COMMANDS(AS_COMMAND)};

static const struct worker_spec spec = {
    .role = ROLE_control,
    .state_size = sizeof(struct control),
    .start = control_start,
    .commands = commands,
    .command_count = COUNT_OF(commands),
    .unrouted = forward_command,
    .gate = permit_gate,
    .takes_json = true,
    .contexts = 64,
};

int
main(int argc, char **argv)
{
	return worker_run(&spec, argc, argv);
}
