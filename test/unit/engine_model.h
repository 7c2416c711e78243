// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_ENGINE_MODEL_H
#define TEST_UNIT_ENGINE_MODEL_H

/*
 * engine_model - a second opinion on what a flat tree does: the rules R2 to
 * R10 and R18 written down once more, the plain way, with lists and loops in
 * place of tables and sets. It shares no code with supervisor/engine.
 *
 * Owner:  the struct is the caller's; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/child_state.h"
#include "supervisor/engine/policy.h"

enum {
	MODEL_MOST = 8,
	MODEL_HISTORY = 4096
};

struct model_child {
	enum child_state state;
	enum restart restart;
	uint32_t role;
	bool wants, paused, leaving, sick, was_up, fell, probation;
	bool held_for_settings;
	uint64_t life, until, not_before, started, ready, rest;
	uint64_t deaths[MODEL_HISTORY];
	int death_count;
	int bad_in_a_row, unstarted_in_a_row;
	int told_to_leave; /* times it was asked, ever */
	int buried;        /* ends mourned, ever */
};

struct model {
	struct policy policy;
	enum strategy strategy;
	struct model_child child[MODEL_MOST];
	int count;
	bool falling[MODEL_MOST];
	bool any_falling;
	uint64_t starts[MODEL_HISTORY]; /* of the whole tree, newest last */
	bool fork_fails;
	double second, minute; /* tokens */
	uint64_t refilled;
};

void model_init(struct model *, const struct policy *, enum strategy, int count,
    uint64_t now);
void model_settle(struct model *, uint64_t now);
void model_ready(struct model *, int who, uint64_t now);
void model_progress(struct model *, int who, uint64_t more, uint64_t now);
void model_died(struct model *, int who, int code, int signal, uint64_t now);
void model_start(struct model *, int who, uint64_t now);
void model_stop(struct model *, int who, uint64_t now);
void model_restart(struct model *, int who, uint64_t now);
void model_pause(struct model *, int who);
void model_resume(struct model *, int who, uint64_t now);
void model_settings(struct model *, uint64_t now);

#endif /* TEST_UNIT_ENGINE_MODEL_H */
