// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_GRAPH_H
#define WORKERS_MONITOR_GRAPH_H

/*
 * graph - nodes and the links between them, and what their shape says: how
 * far apart, how well meshed, how much could be lost.
 *
 * Pure. Nodes are numbers below `nodes`.
 *
 * Trust:  numbers of nodes come from our own links; more than there is room
 *         for are left out by the caller.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	GRAPH_NODES = 256,
	GRAPH_EDGES = 1024,
	GRAPH_STARTS = 30 /* paths are averaged from so many nodes at most */
};

struct graph {
	uint32_t nodes, edges;
	struct graph_edge {
		uint16_t from, to;
	} edge[GRAPH_EDGES];
};

struct graph_shape {
	uint32_t diameter;      /* longest of all shortest paths */
	uint32_t components;    /* parts with no way between them */
	uint32_t paths;         /* pairs with a way between them */
	double clustering;      /* mean share of neighbours that are linked */
	double average_path;    /* hops */
	double path_efficiency; /* 0 … 100 */
	uint32_t redundant;     /* edges beyond what holds it together */
	double score;           /* 0 … 100 */
};

void graph_shape(const struct graph *, struct graph_shape *);

#endif /* WORKERS_MONITOR_GRAPH_H */
