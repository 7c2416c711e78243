// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_ENGINE_TREE_H
#define SUPERVISOR_ENGINE_TREE_H

/*
 * tree - groups and children under one clock: who starts next, what is due,
 * what an operator asked.
 *
 * Knows no role and touches no process: the ops do (keeper.h has those of the
 * real world, tests have scripted ones). Call tree_turn when tree_next_ms says
 * and after telling news; it never blocks.
 *
 * Trust:  names in orders come from operators; one nobody has is refused.
 * Owner:  tree_create/tree_destroy; groups and children are the tree's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/err.h"
#include "supervisor/engine/group.h"
#include "supervisor/engine/storm.h"

enum {
	TREE_MOST = 4096,  /* children in all: 64 groups of 64 */
	TREE_WAKE_MS = 100 /* while anything lives: heartbeats are read */
};

struct tree_ops {
	/* spawn makes the process and sets pid; not OK: fork or exec failed */
	enum err (*spawn)(void *ctx, struct child *);
	void (*signal)(void *ctx, struct child *, int signal);
	void (*drain)(void *ctx, struct child *, uint32_t allowed_ms);
	bool (*beat)(void *ctx, const struct child *, struct hang_beat *);
	bool (*facts)(void *ctx, const struct child *, struct hang_facts *);
	void (*moved)(void *ctx, struct child *, enum child_state was);
	void (*mourn)(void *ctx, struct child *); /* child->last has the end */
	void (*starved)(void *ctx, struct child *);
	void (*escalate)(void *ctx, struct child *, enum exhausted);
	uint32_t (*chance)(void *ctx);
	void *ctx;
};

struct tree {
	struct arena arena;
	struct policy policy;
	struct tree_ops ops;
	struct group *root;
	struct child *children[TREE_MOST]; /* in start order */
	uint32_t count;
	struct storm storm;
	uint64_t storm_until_ms; /* no token before */
	uint64_t storm_waits;    /* starts the guard put off */
	uint64_t last_ms;        /* the last turn */
	uint64_t gaps;           /* times we were absent ourselves */
	uint64_t stop_by_ms;     /* shutting down: all must be gone; 0: not */
	bool is_fast;            /* shutting down without draining */
	bool is_doomed;          /* stop_by_ms has passed */
};

void tree_create(struct tree **, const struct policy *, const struct tree_ops *,
    const struct group_spec *root);
void tree_destroy(struct tree **);

/* Build before the first turn; parent NULL is the root. In start order. */
struct group *tree_add_group(
    struct tree *, struct group *parent, const struct group_spec *);
struct child *tree_add_child(
    struct tree *, struct group *parent, const struct child_spec *);

/* tree_start wants everything up. */
void tree_start(struct tree *, uint64_t now_ms);

/* tree_shutdown: reversed order; `fast` leaves out draining. May be repeated.
 */
void tree_shutdown(struct tree *, bool fast, uint64_t now_ms);

/* tree_turn does all that is due; tree_next_ms: when to come back at latest. */
void tree_turn(struct tree *, uint64_t now_ms);
uint64_t tree_next_ms(const struct tree *, uint64_t now_ms);

/* News of a child. */
void tree_child_ready(struct tree *, struct child *, uint64_t now_ms);
void tree_child_progress(
    struct tree *, struct child *, uint64_t wanted_ms, uint64_t now_ms);
/* tree_child_sick kills a child that cannot go on: its death is no order of
 * ours, so it counts and rests like any other. */
void tree_child_sick(
    struct tree *, struct child *, enum child_reason, uint64_t now_ms);
void tree_child_died(
    struct tree *, struct child *, const struct child_end *, uint64_t now_ms);

/* Orders. None waits; the state tells what became of it. */
void tree_order_start(struct tree *, struct child *, uint64_t now_ms);
void tree_order_stop(struct tree *, struct child *, uint64_t now_ms);
void tree_order_restart(struct tree *, struct child *, uint64_t now_ms);
/* tree_recycle is a restart nobody asked for: drained, then a fresh life. */
void tree_recycle(struct tree *, struct child *, uint64_t now_ms);
void tree_order_pause(struct tree *, struct child *);
void tree_order_resume(struct tree *, struct child *, uint64_t now_ms);

/* tree_settings_changed lets those held for their settings try again. */
void tree_settings_changed(struct tree *, uint64_t now_ms);

/*
 * tree_is_ready: everything is up that can be; who is held, on probation or
 * paused makes the tree degraded, not unready.
 */
bool tree_is_ready(const struct tree *);
bool tree_is_down(const struct tree *); /* no process left */
bool tree_is_degraded(const struct tree *);

struct child *tree_find(const struct tree *, uint32_t role, uint32_t instance);

#endif /* SUPERVISOR_ENGINE_TREE_H */
