// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_CHECKS_H
#define WORKERS_MONITOR_CHECKS_H

/*
 * checks - what health checks found: the last result of each, and a ring of
 * the last ones. Whoever checks adds; pages and commands read.
 *
 * Pure: times are brought along.
 *
 * Trust:  names and texts come from our own checker and are cut to fit.
 * Owner:  the struct is the caller's, zeroed; no memory.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	CHECKS_KEPT = 256,
	CHECK_NAME = 64,
	CHECK_TEXT = 160
};

enum check_outcome {
	CHECK_PASS,
	CHECK_FAIL,
	CHECK_TIMEOUT
};

struct check {
	char name[CHECK_NAME];      /* "ping", "System Processes" */
	char component[CHECK_NAME]; /* a role, or "" for the whole tree */
	enum check_outcome outcome;
	bool is_slow; /* passed, and took longer than it should */
	uint64_t duration_us;
	char details[CHECK_TEXT]; /* key=value …; may be empty */
	char error[CHECK_TEXT];   /* empty unless it failed */
	uint64_t wall_ms;         /* when it ended */
	uint64_t mono_ms;         /* the same, for ages */
};

struct checks {
	struct check ring[CHECKS_KEPT];
	uint64_t added; /* in all */
};

const char *check_outcome_name(enum check_outcome); /* "pass" */

/* checks_add keeps a copy. */
void checks_add(struct checks *, const struct check *);

/* checks_count; checks_at: 0 is the newest. */
uint32_t checks_count(const struct checks *);
const struct check *checks_at(const struct checks *, uint32_t index);

/* checks_last gives the newest of that name and component (NULL: any); NULL
 * when there is none. */
const struct check *checks_last(
    const struct checks *, const char *name, const char *component);

/* checks_is_last: is there no newer one of the same name and component? */
bool checks_is_last(const struct checks *, uint32_t index);

#endif /* WORKERS_MONITOR_CHECKS_H */
