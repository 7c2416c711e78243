// SPDX-License-Identifier: MIT
#include "workers/gateway/choose.h"

#include "protocol/hash.h"

enum {
	NODES_MAX = 256 /* as FUNCTION_NODES: sorted on the stack */
};

/* mix is splitmix64's finaliser: every bit of `x` reaches every other. */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

uint64_t
choose_node_hash(struct text name)
{
	return hash_name(name);
}

static void
shuffle(uint64_t chance, uint32_t *order, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	for (uint32_t i = 0; i + 1 < count; i++) {
		/* the high bits times the range: even without a division */
		chance = mix(chance);
		uint64_t span = count - i;
		uint32_t j = i + (uint32_t)((chance >> 32) * span >> 32);
		uint32_t held = order[i];

		order[i] = order[j];
		order[j] = held;
	}
}

static void
rotate(uint64_t counter, uint32_t *order, uint32_t count)
{
	uint32_t first = (uint32_t)(counter % count);

	for (uint32_t i = 0; i < count; i++)
		order[i] = (first + i) % count;
}

/* rank sorts the nodes by their score for this key, best first. */
static void
rank(const struct choose *c, uint32_t *order)
{
	uint64_t scores[NODES_MAX];
	uint64_t key = mix(hash_name(c->key));

	for (uint32_t i = 0; i < c->count; i++) {
		uint64_t score = mix(c->nodes[i] ^ key);
		uint32_t place = i;

		while (place > 0 && scores[place - 1] < score) {
			scores[place] = scores[place - 1];
			order[place] = order[place - 1];
			place--;
		}
		scores[place] = score;
		order[place] = i;
	}
}

/* put_first moves one node to the front and leaves the rest as they stand. */
static void
put_first(uint32_t first, uint32_t *order, uint32_t count)
{
	uint32_t at = 0;

	order[at++] = first;
	for (uint32_t i = 0; i < count; i++)
		if (i != first)
			order[at++] = i;
}

void
choose_order(const struct choose *c, uint32_t *order)
{
	INVARIANT(c->count <= NODES_MAX);
	if (c->count == 0)
		return;
	if (c->mode == CHOOSE_HASH && c->key.len > 0)
		rank(c, order);
	else if (c->mode == CHOOSE_ROUND_ROBIN)
		rotate(c->counter, order, c->count);
	else if (c->mode == CHOOSE_FIRST && c->first < c->count)
		put_first(c->first, order, c->count);
	else
		shuffle(c->chance, order, c->count);
}

void
choose_live_first(uint32_t *order, uint32_t count, const bool *is_live)
{
	uint32_t dead[NODES_MAX], dead_count = 0, live_count = 0;

	INVARIANT(count <= NODES_MAX);
	for (uint32_t i = 0; i < count; i++) {
		if (is_live[order[i]])
			order[live_count++] = order[i];
		else
			dead[dead_count++] = order[i];
	}
	for (uint32_t i = 0; i < dead_count; i++)
		order[live_count + i] = dead[i];
}
