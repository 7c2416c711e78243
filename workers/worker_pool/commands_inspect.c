// SPDX-License-Identifier: MIT
/* commands_inspect - the profile inspector's answers. */

#include "protocol/pack.h"
#include "workers/worker_pool/report.h"
#include "workers/worker_pool/snapshot.h"

static bool
asked(const struct command *command, const char *key)
{
	bool is_set = false;

	return command_bool(command, key, &is_set) == OK && is_set;
}

/* pack_absent is what is told of a pool without a worker: no figures. */
static void
pack_absent(struct packer *p, const struct crew *crew)
{
	pack_map(p, 2);
	pack_field_text(p, "pool_name", crew->spec->name);
	pack_field_string(p, "error", "pool_not_running");
}

static void
pack_one(struct command *command, const struct crew *crew,
    const struct report_extras *extras)
{
	struct inspect_pool pool;

	snapshot_take(crew, extras->is_full ? SNAPSHOT_PSS : SNAPSHOT_RSS,
	    command->arena, &pool);
	if (pool.is_running)
		report_page(command->result, &pool, extras);
	else
		pack_absent(command->result, crew);
}

static void
pack_all(struct worker_pool *wp, struct command *command,
    const struct report_extras *extras)
{
	struct packer *p = command->result;
	size_t place = pack_open(p);
	uint32_t count = 0;

	for (uint32_t i = 0; i < wp->crew_count; i++) {
		const struct crew *crew = &wp->crews[i];
		struct inspect_pool pool;

		snapshot_take(crew, SNAPSHOT_LOAD, command->arena, &pool);
		if (!pool.is_running && !extras->is_full)
			continue; /* the report leaves out what cannot say */
		pack_text(p, crew->spec->name);
		pack_one(command, crew, extras);
		count++;
	}
	pack_close_map(p, place, count);
}

/*
 * worker_pool_cmd_pools_inspect: all pools by their names, or one pool's own
 * map. `full` adds what the page shows beside the nine figures.
 */
void
worker_pool_cmd_pools_inspect(struct worker *w, struct command *command)
{
	struct worker_pool *wp = worker_state(w);
	struct report_extras extras = {.is_full = asked(command, "full"),
	    .is_detailed = asked(command, "detailed")};
	const struct crew *crew;
	struct text name;

	if (asked(command, "recommendations"))
		extras.limits = &wp->options.limits;
	if (command_text(command, "pool", &name) != OK) {
		pack_all(wp, command, &extras);
		return;
	}
	crew = crew_find(wp, name);
	if (crew == NULL)
		command_fail(command, CLASS_NOT_FOUND,
		    "`banyan pools` lists the pools",
		    "pool_not_found: no pool is called \"%.*s\"",
		    (int)(name.len < 64 ? name.len : 64), name.at);
	else
		pack_one(command, crew, &extras);
}
