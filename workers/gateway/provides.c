// SPDX-License-Identifier: MIT
/* provides - which service nodes there are, and what each is there for. */

#include <stdlib.h>

#include "protocol/pack.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/reach.h"

struct pair {
	const struct node *node;
	struct text service;
};

static int
by_node(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int order = text_compare(nodes_name(x->node), nodes_name(y->node));

	return order != 0 ? order : text_compare(x->service, y->service);
}

static uint32_t
collect(struct gateway *g, struct pair *to)
{
	uint32_t count = 0;
	uint32_t first = 0; /* of this service */

	for (uint32_t i = 0; i < g->functions.count; i++) {
		const struct compiled *f = g->functions.all[i];

		if (count > 0 && !text_eq(to[count - 1].service, f->service))
			first = count;
		for (uint32_t n = 0; reach_is_remote(f) && n < f->node_count;
		     n++) {
			uint32_t at = first;

			while (at < count && to[at].node != f->nodes[n])
				at++;
			if (at == count)
				to[count++] =
				    (struct pair){f->nodes[n], f->service};
		}
	}
	return count;
}

static uint32_t
count_places(const struct gateway *g)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < g->functions.count; i++)
		count += g->functions.all[i]->node_count;
	return count;
}

void
gateway_on_provides(struct worker *w, struct command *command)
{
	struct gateway *g = worker_state(w);
	struct packer *p = command->result;

	gateway_look_at_store(g);
	struct pair *pairs =
	    ARENA_ARRAY(command->arena, struct pair, count_places(g) + 1);
	uint32_t count = collect(g, pairs), nodes = 0;

	qsort(pairs, count, sizeof(*pairs), by_node);
	size_t place = pack_open(p);
	for (uint32_t i = 0, end; i < count; i = end) {
		for (end = i; end < count && pairs[end].node == pairs[i].node;)
			end++;
		pack_map(p, 3);
		pack_string(p, "node");
		pack_text(p, nodes_name(pairs[i].node));
		pack_field_bool(p, "is_live", nodes_is_live(pairs[i].node));
		pack_string(p, "services");
		pack_array(p, end - i);
		for (uint32_t n = i; n < end; n++)
			pack_text(p, pairs[n].service);
		nodes++;
	}
	pack_close_array(p, place, nodes);
}
