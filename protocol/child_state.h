// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_CHILD_STATE_H
#define PROTOCOL_CHILD_STATE_H

/*
 * child_state - the words for where a child is in its life, and for why it
 * last left: written by a supervisor, read by everyone who shows a tree.
 * The transitions are in supervisor/engine/child.c and supervisor/README.md.
 *
 * Trust:  no input; constants only.
 * Owner:  no memory.
 */

// clang-format off
/* S(state, name, meaning) */
#define CHILD_STATES_TABLE(S) \
	S(DOWN,     "down",     "not running, and not meant to") \
	S(QUEUED,   "queued",   "meant to run; waits for its turn to start") \
	S(STARTING, "starting", "runs, has not said READY") \
	S(UP,       "up",       "runs and is ready") \
	S(DRAINING, "draining", "takes nothing new, finishes what it has") \
	S(STOPPING, "stopping", "was sent SIGTERM") \
	S(ABORTING, "aborting", "hangs; was sent SIGABRT for a backtrace") \
	S(KILLING,  "killing",  "was sent SIGKILL") \
	S(RESTING,  "resting",  "died; the pause before its next life") \
	S(HELD,     "held",     "will not start before settings or an operator change something") \
	S(DONE,     "done",     "ended, as it was meant to")

/* R(reason, name, meaning) */
#define CHILD_REASONS_TABLE(R) \
	R(NONE,          "none",          "never ended") \
	R(EXIT,          "exit",          "left with an exit code of its own") \
	R(SIGNAL,        "signal",        "was ended by a signal of unknown origin") \
	R(HANG,          "hang",          "made no turn of its loop") \
	R(START_TIMEOUT, "start_timeout", "did not say READY in time") \
	R(START_FAILED,  "start_failed",  "fork or exec failed") \
	R(OOM,           "oom",           "the kernel took its memory back") \
	R(DEPENDENCY,    "dependency",    "a sibling fell and took it along") \
	R(OPERATOR,      "operator",      "somebody asked for it") \
	R(SHUTDOWN,      "shutdown",      "the whole tree stops") \
	R(SETTINGS,      "settings",      "says its settings are wrong") \
	R(RECYCLE,       "recycle",       "asked to be restarted at once") \
	R(SEGMENT,       "segment",       "shared memory speaks another version") \
	R(FAULT,         "fault",         "broke the rules between it and its parent") \
	R(STUCK,         "stuck",         "did not come back from a call whose time was up")

// clang-format on
#define CHILD_STATE_ENUM(state, name, meaning)   CHILD_##state,
#define CHILD_REASON_ENUM(reason, name, meaning) REASON_##reason,

enum child_state {
	CHILD_STATES_TABLE(CHILD_STATE_ENUM) CHILD_STATES
};

enum child_reason {
	CHILD_REASONS_TABLE(CHILD_REASON_ENUM) CHILD_REASONS
};

/* child_state_name: "up"; "unknown" for what is not one of ours. */
const char *child_state_name(enum child_state);
const char *child_reason_name(enum child_reason);

#endif /* PROTOCOL_CHILD_STATE_H */
