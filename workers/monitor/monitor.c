// SPDX-License-Identifier: MIT
#include "workers/monitor/monitor.h"

#include "protocol/base/loop.h"
#include "protocol/pack.h"

void
monitor_start(struct worker *w)
{
	struct monitor *own = worker_state(w);

	own->worker = w;
	own->started_ms = loop_now_ms(worker_loop(w));
}

/* monitor_cmd_monitor_show answers `banyan monitor show`. */
void
monitor_cmd_monitor_show(struct worker *w, struct command *command)
{
	const struct monitor *own = worker_state(w);

	pack_map(command->result, 1);
	pack_string(command->result, "up_ms");
	pack_u64(
	    command->result, loop_now_ms(worker_loop(w)) - own->started_ms);
}
