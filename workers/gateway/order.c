// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A value that sticks to a node which is down is given to another at once: a
 * process that went took along what made its node worth coming back to.
 */

#include "workers/gateway/order.h"

#include "protocol/sticky.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/request.h"

enum {
	SWEEP_SHARE = 1800 /* seconds for one round over all entries */
};

/* key_of gives the bytes a choice goes by: argument, else a field. */
static struct text
key_of(const struct compiled *f, const struct request *r)
{
	struct text value, key = f->choose_key;

	if (key.len == 0)
		return r->request_id;
	if (r->args.len > 0 && unpack_map_find(r->args, key, &value) == OK &&
	    *value.at != (char)0xc0)
		return value;
	if (text_is(key, "request_id"))
		return r->request_id;
	if (text_is(key, "device_id"))
		return r->device_id;
	return text_is(key, "user_id") ? r->user_id : TEXT("");
}

static uint32_t
now_s(const struct gateway *g)
{
	return (uint32_t)(loop_now_ms(g->loop) / 1000) + 1;
}

/* find_node gives the live candidate that is kept as `node`, or `count`. */
static uint32_t
find_node(const struct choose *how, const bool *is_live, uint32_t node)
{
	for (uint32_t i = 0; node != 0 && i < how->count; i++)
		if (sticky_node(how->nodes[i]) == node)
			return is_live[i] ? i : how->count;
	return how->count;
}

/* stick finds the node of a value, or gives it one of the live ones. */
static void
stick(struct gateway *g, const struct compiled *f, const struct request *r,
    const bool *is_live, bool is_dry, struct choose *how)
{
	struct text value = key_of(f, r);
	struct sticky found;
	uint32_t order[FUNCTION_NODES];

	how->mode = CHOOSE_RANDOM;
	if (value.len == 0 || !g->has_routes)
		return;
	sticky_find(&g->routes,
	    sticky_name(&g->routes, f->route, f->choose_key_hash, value),
	    now_s(g), &found);
	uint32_t first = find_node(how, is_live, found.node);
	if (first == how->count) {
		choose_order(how, order);
		choose_live_first(order, how->count, is_live);
		first = order[0];
		if (!is_live[first])
			return; /* nobody is there to stick to */
		uint32_t kept = is_dry
		    ? 0
		    : sticky_keep(&g->routes, &found,
			  sticky_node(how->nodes[first]), now_s(g));
		uint32_t theirs = find_node(how, is_live, kept);
		if (theirs < how->count)
			first = theirs;
	}
	how->mode = CHOOSE_FIRST;
	how->first = first;
}

/* decide fills in what the mode goes by, and orders. */
static void
decide(struct gateway *g, const struct compiled *f, const struct request *r,
    const bool *is_live, bool is_dry, struct choose *how, uint32_t *order)
{
	how->chance = is_dry ? gateway_chance_look(g) : gateway_chance(g);
	if (how->mode == CHOOSE_ROUND_ROBIN && g->has_routes)
		how->counter = is_dry ? routes_look(&g->routes, f->route)
				      : routes_turn(&g->routes, f->route);
	else if (how->mode == CHOOSE_HASH)
		how->key = key_of(f, r);
	else if (how->mode == CHOOSE_STICKY)
		stick(g, f, r, is_live, is_dry, how);
	choose_order(how, order);
	choose_live_first(order, how->count, is_live);
}

static void
take(struct call *call, const uint32_t *order, uint32_t count)
{
	call->order_count = 0;
	while (call->order_count < COUNT_OF(call->order) &&
	    call->order_count < count) {
		call->order[call->order_count] =
		    (uint8_t)order[call->order_count];
		call->order_count++;
	}
}

static void
choose(
    struct gateway *g, struct call *call, const struct request *r, bool is_dry)
{
	const struct compiled *f = call->function;
	struct choose how = {
	    .mode = f->choose,
	    .nodes = f->node_hashes,
	    .count = f->node_count,
	};
	uint32_t order[FUNCTION_NODES];
	bool is_live[FUNCTION_NODES];

	if (f->node_count <= 1) {
		call->order_count = (uint8_t)f->node_count; /* place 0 */
		return;
	}
	for (uint32_t i = 0; i < how.count; i++)
		is_live[i] = nodes_is_live(f->nodes[i]);
	decide(g, f, r, is_live, is_dry, &how, order);
	take(call, order, how.count);
}

void
order_choose(struct gateway *g, struct call *call, const struct request *r)
{
	choose(g, call, r, false);
}

void
order_foresee(struct gateway *g, struct call *call, const struct request *r)
{
	choose(g, call, r, true);
}

void
order_among(struct gateway *g, struct call *call, const struct request *r,
    const uint8_t *places, uint32_t count)
{
	const struct compiled *f = call->function;
	uint64_t hashes[FUNCTION_NODES];
	uint32_t order[FUNCTION_NODES];
	bool is_live[FUNCTION_NODES] = {false};
	struct choose how = {
	    .mode = f->choose, .nodes = hashes, .count = count};

	for (uint32_t i = 0; i < count; i++) {
		hashes[i] = f->node_hashes[places[i]];
		is_live[i] = nodes_is_live(f->nodes[places[i]]);
	}
	decide(g, f, r, is_live, false, &how, order);
	for (uint32_t i = 0; i < count; i++)
		order[i] = places[order[i]];
	take(call, order, count);
}

void
order_first(struct call *call, uint8_t place)
{
	const struct compiled *f = call->function;
	const struct choose how = {.mode = CHOOSE_FIRST,
	    .nodes = f->node_hashes,
	    .count = f->node_count,
	    .first = place};
	uint32_t order[FUNCTION_NODES];
	bool is_live[FUNCTION_NODES] = {false};

	for (uint32_t i = 0; i < f->node_count; i++)
		is_live[i] = nodes_is_live(f->nodes[i]);
	choose_order(&how, order);
	choose_live_first(order, f->node_count, is_live);
	take(call, order, f->node_count);
}

void
order_anew(struct call *call)
{
	const struct compiled *f = call->function;
	uint32_t order[FUNCTION_NODES];
	bool is_live[FUNCTION_NODES] = {false};
	uint32_t count = f->node_count;
	uint32_t failed = call->tried > 0 ? call->order[call->tried - 1] : 0;

	for (uint32_t i = 0; i < count; i++) {
		order[i] = (failed + 1 + i) % count;
		is_live[i] = nodes_is_live(f->nodes[i]);
	}
	choose_live_first(order, count, is_live);
	take(call, order, count);
}

void
order_on_second(struct gateway *g)
{
	if (g->has_routes)
		sticky_sweep(&g->routes, &g->sticky_from,
		    g->routes.sticky_capacity / SWEEP_SHARE + 1, now_s(g));
}
