// SPDX-License-Identifier: MIT
/* cluster - this node among those it works with: its own processes, and the
 * service nodes as its gateways reach them. */

#include "protocol/base/arena.h"
#include "protocol/census.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "workers/control/control.h"
#include "workers/control/gather.h"
#include "workers/control/target.h"
#include "workers/kit/worker.h"

enum {
	NODES_MOST = 1024
};

/* One service node, as all gateways together know it. */
struct member {
	struct text name;
	struct text services; /* packed array */
	uint32_t reached_by;  /* gateways */
};

struct members {
	struct member all[NODES_MOST];
	uint32_t count;
	uint32_t gateways; /* that have told */
};

static struct member *
member_of(struct members *m, struct text name)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (text_eq(m->all[i].name, name))
			return &m->all[i];
	if (m->count == NODES_MOST)
		return NULL;
	m->all[m->count] = (struct member){.name = name};
	return &m->all[m->count++];
}

static void
add_answer(struct members *m, struct text answer)
{
	struct unpacker u;
	struct text one, name, services;
	uint32_t count;
	bool is_live;

	unpack_init(&u, answer);
	if (unpack_array(&u, &count) != OK)
		return;
	m->gateways++;
	while (count-- > 0 && unpack_raw(&u, &one) == OK) {
		if (unpack_field_text(one, "node", &name) != OK ||
		    unpack_field_bool(one, "is_live", &is_live) != OK ||
		    unpack_map_find(one, TEXT("services"), &services) != OK)
			continue;
		struct member *member = member_of(m, name);

		if (member == NULL)
			return;
		member->services = services;
		member->reached_by += is_live;
	}
}

static void
pack_connected(struct packer *p, const struct members *m)
{
	uint32_t count = 0;

	pack_string(p, "connected");
	size_t place = pack_open(p);
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->all[i].reached_by == 0)
			continue;
		pack_text(p, m->all[i].name);
		count++;
	}
	pack_close_array(p, place, count);
	pack_field_u64(p, "connected_count", count);
}

static void
pack_names(struct packer *p, struct text self, const struct census *census)
{
	uint32_t count = 0;

	pack_string(p, "registered_processes");
	pack_map(p, 1);
	pack_text(p, self);
	size_t place = pack_open(p);
	for (uint32_t i = 0; i < census->count; i++) {
		const struct stats_child *c = &census->process[i].child;
		char name[64];

		if (c->pid == 0)
			continue;
		target_name(&(struct target){.role = (enum role)c->role,
				.instance = c->instance},
		    name, sizeof(name));
		pack_string(p, name);
		count++;
	}
	pack_close_array(p, place, count);
}

static void
pack_services(struct packer *p, const struct members *m)
{
	pack_string(p, "services");
	pack_array(p, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		pack_map(p, 4);
		pack_string(p, "node");
		pack_text(p, m->all[i].name);
		pack_field_u64(p, "reached_by", m->all[i].reached_by);
		pack_field_u64(p, "gateways", m->gateways);
		pack_string(p, "services");
		pack_raw(p, m->all[i].services);
	}
}

static void
tell(struct gather *g)
{
	static const char *const strategies[] = {
	    "random", "hash", "round_robin", "sticky"};
	struct packer *p = g->command->result;
	struct members *m = ARENA_NEW(g->command->arena, struct members);
	struct text self =
	    settings_text(worker_settings(g->worker), SETTING_node);

	for (uint32_t i = 0; i < g->count; i++)
		if (g->part[i].answer.len > 0)
			add_answer(m, g->part[i].answer);
	pack_map(p, 6);
	pack_string(p, "self");
	pack_text(p, self);
	pack_connected(p, m);
	pack_names(
	    p, self, census_take(g->command->arena, worker_stats(g->worker)));
	pack_services(p, m);
	pack_string(p, "node_selection");
	pack_map(p, 2);
	pack_string(p, "strategies");
	pack_array(p, COUNT_OF(strategies));
	for (size_t i = 0; i < COUNT_OF(strategies); i++)
		pack_string(p, strategies[i]);
	pack_field_string(
	    p, "description", "Configure via FunConfig.choose_node_mode");
}

void
control_cmd_cluster(struct worker *w, struct command *command)
{
	struct gather *g = gather_begin(command, tell, NULL);

	(void)w;
	gather_ask(g, ROLE_gateway, "provides");
	gather_go(g);
}
