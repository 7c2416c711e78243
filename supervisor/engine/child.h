// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_ENGINE_CHILD_H
#define SUPERVISOR_ENGINE_CHILD_H

/*
 * child - one child process over all its lives: a table of state × event.
 *
 * It knows neither strategies (group.h) nor how a process is made (the ops of
 * tree.h do it), nor the time (it comes with each event): the same code runs
 * under a virtual clock with scripted children.
 *
 * Trust:  READY and PROGRESS come from the child itself; PROGRESS is cut at
 *         start_most_ms.
 * Owner:  the tree's arena; a child lives as long as its tree.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "protocol/child_state.h"
#include "supervisor/engine/hang.h"
#include "supervisor/engine/intensity.h"
#include "supervisor/engine/policy.h"

struct tree;
struct group;

enum child_event {
	CHILD_WANT_UP,   /* start it; from rest or hold: now */
	CHILD_WANT_DOWN, /* end it in order; value = ms allowed to drain */
	CHILD_TURN,      /* it may start now */
	CHILD_READY,
	CHILD_PROGRESS, /* value = ms wanted */
	CHILD_DIED,     /* end = how */
	CHILD_TIMEOUT,  /* the deadline of its state came */
	CHILD_HUNG,
	CHILD_FROZEN,   /* stopped: deaf to all but KILL */
	CHILD_DOOM,     /* no time left: KILL */
	CHILD_SETTINGS, /* the settings changed */
	CHILD_EVENTS
};

struct child_spec {
	char name[48];     /* "gateway/1" */
	uint32_t role;     /* whatever numbers the owner of the tree uses; */
	uint32_t instance; /* siblings of one role stop together */
	uint32_t slot;     /* of the stats segment */
	enum restart restart;
	enum exhausted on_exhausted;
	bool is_significant;
	uint32_t priority; /* in a storm: lower starts first */
	uint64_t needs;    /* bit i: sibling i must be ready before the start */
	int32_t oom_adjust; /* oom_score_adj, where privilege allows */
	uint32_t flags;     /* the owner's: which descriptors, … */
};

/* How a life ended. */
struct child_end {
	enum child_reason reason;
	enum child_state state; /* in which it ended */
	int code;               /* exit code, or -1 */
	int signal;             /* or 0 */
	bool has_core;
	bool is_oom;
	struct rusage usage;
	uint64_t at_ms;
};

struct child {
	struct child_spec spec;
	struct policy policy; /* the tree's, unless the owner says otherwise */
	struct tree *tree;
	struct group *group;
	uint32_t index; /* among its siblings */

	enum child_state state;
	bool wants_up;   /* what operator and tree ask of it */
	bool is_paused;  /* supervision rests, for a debugger */
	bool is_leaving; /* this life ends on our demand */
	bool was_up;     /* ready at least once since its group started */
	bool has_fallen; /* its group has not dealt with its death yet */
	enum child_reason cause; /* why we are ending this life */
	uint64_t deadline_ms;    /* of the state; 0: none */
	uint64_t hold_ms;        /* its group says: no start before */
	uint64_t allowed_ms;     /* while starting: PROGRESS goes no further */

	int pid;       /* 0: none */
	uint64_t life; /* 1, 2, 3 … */
	uint64_t queued_ms, started_ms, ready_ms, ended_ms;
	uint64_t rest_ms; /* the present or last rest */
	struct intensity intensity;
	struct hang hang;
	struct child_end last; /* reason NONE: never ended */
	void *body;            /* of whoever makes the processes */
	uint64_t ignored;      /* events that could not matter */
};

struct child_news {
	enum child_event event;
	uint64_t now_ms;
	uint64_t value;
	enum child_reason cause;     /* of WANT_DOWN */
	const struct child_end *end; /* of DIED */
};

/* child_tell moves the child along its table. */
void child_tell(struct child *, const struct child_news *);

/* child_lives: there is a process. */
bool child_lives(const struct child *);
bool child_is_ready(const struct child *);

/* child_is_settled: no process, and none of its own accord. */
bool child_is_settled(const struct child *);

/* child_is_degraded: meant to run, and not well: the tree says so. */
bool child_is_degraded(const struct child *);

#endif /* SUPERVISOR_ENGINE_CHILD_H */
