// SPDX-License-Identifier: MIT
/* bus_commands - `banyan bus status|enable|disable`. */

#include "protocol/pack.h"
#include "workers/monitor/bus_open.h"
#include "workers/monitor/monitor.h"

/* Those behind tcp:// have no pid here: they are among the listeners only. */
static void
pack_pids(struct packer *p, const struct bus_state *state)
{
	uint32_t count = 0;
	size_t place;

	pack_string(p, "listener_pids");
	place = pack_open(p);
	for (int i = 0; i < BUS_LISTENERS; i++) {
		if (state->pids[i] == 0)
			continue;
		pack_u64(p, state->pids[i]);
		count++;
	}
	pack_close_array(p, place, count);
}

static void
pack_state(struct worker *w, struct command *command)
{
	const struct monitor *m = worker_state(w);
	struct packer *p = command->result;
	struct bus_state state;

	bus_state(m->bus, &state);
	pack_map(p, 9);
	pack_field_bool(p, "publishes", state.is_on);
	pack_field_bool(p, "is_open", state.is_open);
	pack_field_bool(p, "enabled", state.is_enabled);
	pack_field_bool(p, "stopped_by_operator", state.is_stopped);
	pack_field_bool(p, "signed", state.is_signed);
	pack_field_u64(p, "listeners", state.listeners);
	pack_pids(p, &state);
	pack_field_u64(p, "published", state.published);
	pack_field_u64(p, "failed", state.failed);
}

void
monitor_cmd_bus_status(struct worker *w, struct command *command)
{
	pack_state(w, command);
}

void
monitor_cmd_bus_enable(struct worker *w, struct command *command)
{
	struct monitor *m = worker_state(w);

	bus_stop(m->bus, false);
	pack_state(w, command);
}

void
monitor_cmd_bus_disable(struct worker *w, struct command *command)
{
	struct monitor *m = worker_state(w);

	bus_stop(m->bus, true);
	pack_state(w, command);
}
