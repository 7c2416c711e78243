// SPDX-License-Identifier: MIT
#include "protocol/child_state.h"

#define NAME_OF_STATE(state, name, meaning)   [CHILD_##state] = name,
#define NAME_OF_REASON(reason, name, meaning) [REASON_##reason] = name,

static const char *const state_names[CHILD_STATES] = {
    CHILD_STATES_TABLE(NAME_OF_STATE)};
static const char *const reason_names[CHILD_REASONS] = {
    CHILD_REASONS_TABLE(NAME_OF_REASON)};

const char *
child_state_name(enum child_state state)
{
	/* it may come from shared memory: not trusted to be in range */
	return (unsigned)state < CHILD_STATES ? state_names[state] : "unknown";
}

const char *
child_reason_name(enum child_reason reason)
{
	return (unsigned)reason < CHILD_REASONS ? reason_names[reason]
						: "unknown";
}
