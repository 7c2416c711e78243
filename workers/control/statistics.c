// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * What the ledger is held against, the processes' counters, comes from shared
 * memory in one look and asks nobody. Beside it stands what the owners of
 * pools, limits, services and groups say of them: they are asked, all at once
 * and not for long, and one that is down is shown as down.
 */

#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "workers/control/control.h"
#include "workers/control/figures.h"
#include "workers/control/gather.h"
#include "workers/kit/worker.h"

static uint64_t
gauge(const struct census *census, enum role role, enum counter id)
{
	for (uint32_t i = 0; i < census->count; i++)
		if (census->process[i].child.role == (uint32_t)role)
			return stats_get(census->process[i].stats, id);
	return 0;
}

static void
pack_config_db(
    struct packer *p, const struct gather *g, const struct census *census)
{
	const struct gather_part *part =
	    gather_find(g, ROLE_config_db, "services");

	pack_string(p, "config_db");
	if (part->answer.len == 0) {
		gather_pack(p, part);
		return;
	}
	pack_map(p, 3);
	pack_field_string(p, "status", "ok");
	pack_field_u64(p, "count",
	    gauge(census, ROLE_config_db, COUNTER_config_db_functions));
	pack_string(p, "services");
	pack_raw(p, part->answer);
}

static void
pack_relay(
    struct packer *p, const struct gather *g, const struct census *census)
{
	const struct gather_part *part =
	    gather_find(g, ROLE_relay, "groups.list");

	pack_string(p, "relay");
	if (part->answer.len == 0) {
		gather_pack(p, part);
		return;
	}
	pack_map(p, 2);
	pack_field_string(p, "status", "ok");
	pack_string(p, "data");
	pack_map(p, 3);
	pack_field_u64(
	    p, "groups", gauge(census, ROLE_relay, COUNTER_relay_groups));
	pack_field_u64(p, "monitored_memberships",
	    gauge(census, ROLE_relay, COUNTER_relay_members));
	pack_field_u64(
	    p, "gateways", gauge(census, ROLE_relay, COUNTER_relay_gateways));
}

/* pack_pools: as gather_pack, with what rose in each. */
static void
pack_pools(struct packer *p, const struct gather *g)
{
	const struct gather_part *part =
	    gather_find(g, ROLE_worker_pool, "pools");
	const struct control *control = worker_state(g->worker);

	pack_string(p, "worker_pool");
	if (part->answer.len == 0) {
		gather_pack(p, part);
		return;
	}
	pack_map(p, 3);
	pack_field_string(p, "status", "ok");
	pack_string(p, "data");
	pack_raw(p, part->answer);
	figures_pack_pools(p, part->answer, control->pools_before);
}

static void
pack_parts(
    struct packer *p, const struct gather *g, const struct census *census)
{
	pack_map(p, 7);
	pack_field_bool(p, "client_mode", false);
	pack_field_u64(p, "telemetry_events", EVENT_IDS);
	pack_config_db(p, g, census);
	pack_string(p, "puller");
	gather_pack(p, gather_find(g, ROLE_puller, "services.list"));
	pack_string(p, "rate_limiter");
	gather_pack(p, gather_find(g, ROLE_rate_limiter, "limits.config"));
	pack_pools(p, g);
	pack_relay(p, g, census);
}

static void
tell(struct gather *g)
{
	const struct census *census =
	    census_take(g->command->arena, worker_stats(g->worker));
	struct control *control = worker_state(g->worker);
	struct figures_seen *now =
	    ARENA_NEW(g->command->arena, struct figures_seen);
	struct packer *p = g->command->result;
	struct function_totals totals;
	struct function_look look;
	bool is_peek = false;

	(void)!command_bool(
	    g->command, "peek", &is_peek); /* has been checked */
	function_look_take(
	    &look, g->command->arena, worker_stats(g->worker), census);
	figures_take(now, census); /* behind it: the totals are later */
	figures_totals(&totals, census, now);
	function_look_close(&look, &totals);
	if (control->before == NULL) {
		control->before = MEMORY_NEW(struct figures_seen);
		control->pools_before = MEMORY_NEW(struct figures_pools);
	}
	pack_map(p, 6);
	pack_string(p, "node");
	pack_text(p, settings_text(worker_settings(g->worker), SETTING_node));
	pack_field_u64(p, "collected_at_ms", census->wall_ms);
	pack_string(p, "vm");
	figures_pack_vm(p, census, now, control->before, g->worker);
	pack_string(p, "banyan");
	pack_parts(p, g, census);
	pack_string(p, "processes");
	figures_pack_processes(p, census, now, control->before);
	pack_string(p, "functions");
	function_look_pack(p, &look);
	if (is_peek)
		return;
	*control->before = *now;
	figures_keep_pools(control->pools_before,
	    gather_find(g, ROLE_worker_pool, "pools")->answer);
}

void
control_cmd_stats(struct worker *w, struct command *command)
{
	struct gather *g;
	bool is_peek;

	(void)w;
	if (command_bool(command, "peek", &is_peek) == ERR_TYPE) {
		command_fail(command, CLASS_INVALID, "banyan stats --peek",
		    "`peek` is true or false");
		return;
	}
	g = gather_begin(command, tell, NULL);
	gather_ask(g, ROLE_config_db, "services");
	gather_ask(g, ROLE_puller, "services.list");
	gather_ask(g, ROLE_rate_limiter, "limits.config");
	gather_ask(g, ROLE_worker_pool, "pools");
	gather_ask(g, ROLE_relay, "groups.list");
	gather_go(g);
}
