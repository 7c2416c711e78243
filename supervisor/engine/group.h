// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_ENGINE_GROUP_H
#define SUPERVISOR_ENGINE_GROUP_H

/*
 * group - children (and groups) under one strategy: who falls with whom, in
 * which order they stop, who waits for whom.
 *
 * Knows no process and no clock. What is to happen is kept as sets of members
 * and carried out turn by turn, so nothing ever waits inside.
 *
 * Trust:  no input from outside; indexes are checked by tree.h's makers.
 * Owner:  the tree's arena.
 */

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/engine/child.h"

enum {
	GROUP_MOST = 64 /* members: sets are words of 64 bits */
};

struct group_spec {
	char name[48];
	enum strategy strategy;
	enum exhausted on_exhausted;
	enum auto_shutdown auto_shutdown;
	uint64_t needs; /* as of a child: siblings of the group */
	uint32_t kin;   /* siblings of the same (but 0) leave together */
};

/* One of the two is NULL. */
struct member {
	struct child *child;
	struct group *group;
};

struct group {
	struct group_spec spec;
	struct tree *tree;
	struct group *parent; /* NULL: the root */
	uint32_t index;       /* among its siblings */
	struct member members[GROUP_MOST];
	uint32_t count;

	bool wants_up;
	uint64_t falling;        /* members being taken down */
	enum child_reason cause; /* why */
	uint64_t hold_ms;        /* nobody starts before */
	uint64_t ready_ms;       /* all are ready since; 0: not all are */
	struct intensity intensity;
	uint64_t falls; /* times the whole group was taken down to start anew */
};

/*
 * group_take_down puts members into `falling`; they come down in reverse, and
 * do not start again before `hold_ms`.
 */
void group_take_down(
    struct group *, uint64_t set, enum child_reason, uint64_t hold_ms);

/* group_turn carries on what is under way, here and below. */
void group_turn(struct group *, uint64_t now_ms);

/* group_child_fell applies the strategy to a child that has just died. */
void group_child_fell(struct group *, struct child *, uint64_t now_ms);

/* group_may_start: neither order nor needs nor a fall keeps it waiting. */
bool group_may_start(const struct child *, uint64_t now_ms);

bool group_is_settled(const struct group *);
bool group_is_ready(const struct group *);

/* group_shift moves every deadline: we were absent for `gap_ms`. */
void group_shift(struct group *, uint64_t gap_ms, uint64_t now_ms);

static inline uint64_t
group_everyone(const struct group *g)
{
	return g->count == 64 ? UINT64_MAX : (UINT64_C(1) << g->count) - 1;
}

#endif /* SUPERVISOR_ENGINE_GROUP_H */
