// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LOG_RULES_H
#define PROTOCOL_LOG_RULES_H

/*
 * log_rules - which lines this process writes now: the level, the scopes, the
 * muted events, and what its component's switches silence.
 *
 * Warnings and errors are written whatever is switched off. A scope writes its
 * debug lines whatever the level; at level debug all debug lines are written.
 *
 * Trust:  settings are validated, shared words are read by log_watch.
 * Owner:  one set of rules per process. Threads: the loop's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/log.h"
#include "protocol/events.h"
#include "protocol/log_scopes.h"
#include "protocol/log_watch.h"

/* What the settings say of this process. */
struct log_choice {
	enum log_level level;
	uint64_t scopes; /* log.debug_scopes and BANYAN_DEBUG_… */
	bool is_boxed;   /* log.components.<name>.terminal */
	bool tells_actions;
	bool tells_health;
};

void log_rules_set(const struct log_choice *);

/* log_rules_look takes over what operators asked for; twice a second. */
void log_rules_look(const struct log_watch *, uint64_t now_ms);

/* log_rules_environment: the switches that the environment turns on. */
uint64_t log_rules_environment(void);

/* The events whose lines are written now; use the function. */
extern bool log_rules_events[EVENT_IDS];

static inline bool
log_rules_wants(enum event id)
{
	return log_rules_events[id];
}

/* log_rules_write writes the line of an event, and its box. */
void log_rules_write(enum event, char *fields);

/* The scopes that are on; use the functions. */
extern uint64_t log_rules_scopes;

static inline bool
scope_is_on(enum log_scope scope)
{
	return (log_rules_scopes >> scope & 1) != 0;
}

/*
 * scope_note(scope, "key=%d …", …) writes a debug line of a scope that is on;
 * off, it costs one look. diag_note(switch, tag, "key=%d …", …) writes
 * `[DIAG_<tag>] fields` at WARN; the switch's suffix is the tag when it is
 * NULL.
 */
#define scope_note(scope, ...) \
	do { \
		if (scope_is_on(scope)) \
			log_rules_scope(scope, __VA_ARGS__); \
	} while (0)
#define diag_note(which, tag, ...) \
	do { \
		if (scope_is_on(which)) \
			log_rules_diag(which, tag, __VA_ARGS__); \
	} while (0)

void log_rules_scope(enum log_scope, const char *fields, ...) PRINTF(2, 3);
void log_rules_diag(enum log_scope, const char *tag, const char *fields, ...)
    PRINTF(3, 4);

#endif /* PROTOCOL_LOG_RULES_H */
