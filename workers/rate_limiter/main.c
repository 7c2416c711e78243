// SPDX-License-Identifier: MIT
/* rate_limiter - owns the limit table: settings, sweeping, status. Nobody
 * asks it about a call: see README.md. */

#include "protocol/tables/commands.h"
#include "workers/kit/worker.h"
#include "workers/rate_limiter/rate_limiter.h"

static const struct command_route commands[] = {
    RATE_LIMITER_COMMANDS(AS_COMMAND)};

static const struct worker_spec spec = {
    .role = ROLE_rate_limiter,
    .state_size = sizeof(struct rate_limiter),
    .start = rate_limiter_start,
    .stop = rate_limiter_stop,
    .on_settings = rate_limiter_on_settings,
    .commands = commands,
    .command_count = COUNT_OF(commands),
};

int
main(int argc, char **argv)
{
	return worker_run(&spec, argc, argv);
}
