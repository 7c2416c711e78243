// SPDX-License-Identifier: MIT
#include "workers/monitor/graph.h"

#include <string.h>

/* A row a node: who its neighbours are, as bits. */
struct links {
	uint64_t of[GRAPH_NODES][GRAPH_NODES / 64];
};

static bool
is_linked(const struct links *l, uint32_t a, uint32_t b)
{
	return (l->of[a][b / 64] >> (b % 64) & 1) != 0;
}

static void
link_both(struct links *l, uint32_t a, uint32_t b)
{
	l->of[a][b / 64] |= (uint64_t)1 << (b % 64);
	l->of[b][a / 64] |= (uint64_t)1 << (a % 64);
}

/* walk gives the distance of every node from `start`; -1: no way. */
static void
walk(const struct graph *g, const struct links *l, uint32_t start,
    int distance[GRAPH_NODES])
{
	uint32_t queue[GRAPH_NODES];
	uint32_t head = 0, tail = 0;

	for (uint32_t i = 0; i < g->nodes; i++)
		distance[i] = -1;
	distance[start] = 0;
	queue[tail++] = start;
	while (head < tail) {
		uint32_t at = queue[head++];

		for (uint32_t i = 0; i < g->nodes; i++) {
			if (distance[i] >= 0 || !is_linked(l, at, i))
				continue;
			distance[i] = distance[at] + 1;
			queue[tail++] = i;
		}
	}
}

/* cluster_of: how many of a node's pairs of neighbours are linked. */
static double
cluster_of(const struct graph *g, const struct links *l, uint32_t node)
{
	uint32_t neighbours[GRAPH_NODES];
	uint32_t count = 0, linked = 0;

	for (uint32_t i = 0; i < g->nodes; i++)
		if (i != node && is_linked(l, node, i))
			neighbours[count++] = i;
	if (count < 2)
		return 0;
	for (uint32_t a = 0; a < count; a++)
		for (uint32_t b = a + 1; b < count; b++)
			linked += is_linked(l, neighbours[a], neighbours[b]);
	return (double)linked / ((double)count * (count - 1) / 2);
}

static void
measure_paths(
    const struct graph *g, const struct links *l, struct graph_shape *to)
{
	int distance[GRAPH_NODES];
	bool is_seen[GRAPH_NODES] = {false};
	uint64_t hops = 0, counted = 0;

	for (uint32_t a = 0; a < g->nodes; a++) {
		walk(g, l, a, distance);
		to->components += !is_seen[a];
		for (uint32_t b = 0; b < g->nodes; b++) {
			if (distance[b] < 0)
				continue;
			is_seen[b] = true;
			if (b == a)
				continue;
			if ((uint32_t)distance[b] > to->diameter)
				to->diameter = (uint32_t)distance[b];
			to->paths += b > a;
			if (a < GRAPH_STARTS) {
				hops += (uint64_t)distance[b];
				counted++;
			}
		}
	}
	if (counted > 0)
		to->average_path = (double)hops / (double)counted;
}

static double
not_below_0(double value)
{
	return value > 0 ? value : 0;
}

void
graph_shape(const struct graph *g, struct graph_shape *to)
{
	static struct links links; /* 8 KB; the loop's thread alone */
	double sum = 0;

	memset(to, 0, sizeof(*to));
	memset(&links, 0, sizeof(links));
	for (uint32_t i = 0; i < g->edges; i++)
		link_both(&links, g->edge[i].from, g->edge[i].to);
	measure_paths(g, &links, to);
	for (uint32_t i = 0; i < g->nodes; i++)
		sum += cluster_of(g, &links, i);
	if (g->nodes > 0)
		to->clustering = sum / g->nodes;
	to->path_efficiency = not_below_0(100 - 15 * to->average_path);
	if (g->edges > g->nodes - to->components)
		to->redundant = g->edges - (g->nodes - to->components);
	to->score = not_below_0(
	    100 - 10 * to->diameter - 20 * not_below_0(1 - to->clustering));
}
