// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_ENGINE_KEEPER_H
#define SUPERVISOR_ENGINE_KEEPER_H

/*
 * keeper - joins a tree to the real world: processes, pidfds, channels, the
 * loop's time. What a role needs (program, environment, descriptors) and what
 * its records mean, the owner says through ops.
 *
 * Trust:  records come from children: a wrong one is counted and ignored; a
 *         child that floods gets its turn like everybody else.
 * Owner:  the struct is the caller's (init/finish); the tree it makes is ours.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/loop.h"
#include "protocol/handover.h"
#include "supervisor/engine/spawn.h"
#include "supervisor/engine/tree.h"

enum {
	KEEPER_WORDS = 8192 /* bytes of last words kept of one life */
};

/* What the real world knows of a child; child.body points here. */
struct keeper_body {
	struct keeper *keeper;
	struct child *child;
	struct loop_watch pidfd;
	struct loop_watch channel;
	bool is_unstarted; /* exec failed, with this: */
	int start_errno;
	char farewell[HANDOVER_TEXT];
	char words[KEEPER_WORDS]; /* backtrace pieces, NUL-terminated */
	uint32_t words_used;
};

struct keeper_ops {
	/* plan fills in what the next life is made of; made (may be NULL)
	 * comes after it, whatever became of it: close what plan opened. */
	void (*plan)(void *ctx, struct child *, struct spawn_plan *);
	void (*made)(void *ctx, struct child *, bool is_made);
	/* drain (may be NULL: HANDOVER_DRAIN is sent) asks it to finish. */
	void (*drain)(void *ctx, struct child *, uint32_t allowed_ms);
	/* record: what the keeper does not know itself; fd is the callee's. */
	void (*record)(
	    void *ctx, struct child *, const struct handover_record *, int fd);
	bool (*beat)(void *ctx, const struct child *, struct hang_beat *);
	void (*moved)(void *ctx, struct child *, enum child_state was);
	void (*mourn)(void *ctx, struct child *);
	void (*starved)(void *ctx, struct child *);
	void (*escalate)(void *ctx, struct child *, enum exhausted);
	void *ctx;
};

struct keeper {
	struct loop *loop;
	struct tree *tree;
	struct keeper_ops ops;
	struct loop_timer timer;
	uint64_t refused;   /* records that made no sense */
	uint64_t oom_kills; /* of the machine, when last looked */
	uint32_t chance;
	/* another keeper of this process, or NULL: its children are no
	 * strangers either */
	const struct keeper *sibling;
};

void keeper_init(struct keeper *, struct loop *, const struct policy *,
    const struct group_spec *root, const struct keeper_ops *);
void keeper_finish(struct keeper *);

struct child *keeper_add(
    struct keeper *, struct group *, const struct child_spec *);

/* keeper_wake runs the tree and sets the timer; call it after each order. */
void keeper_wake(struct keeper *);

/* keeper_ready: it said so by other means than the channel. */
void keeper_ready(struct child *);

/* keeper_kill ends a life that cannot go on; `why` is for its obituary. */
void keeper_kill(struct child *, enum child_reason, const char *why);

/* keeper_send: false when there is nobody, or it does not read. */
bool keeper_send(struct child *, const struct handover_record *, int fd);

static inline struct keeper_body *
keeper_body(const struct child *c)
{
	return c->body;
}

/*
 * keeper_reap_strangers waits for zombies that are no children of the tree
 * (orphans of orphans, when we are a subreaper). Call on SIGCHLD.
 */
void keeper_reap_strangers(struct keeper *);

/*
 * keeper_kill_strangers kills our children that are none of the tree: what a
 * dead child left behind outside of its process group, come to us because we
 * are a subreaper. Gives their number.
 */
uint32_t keeper_kill_strangers(struct keeper *);

#endif /* SUPERVISOR_ENGINE_KEEPER_H */
