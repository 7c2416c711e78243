// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_CHECKUP_H
#define WORKERS_MONITOR_CHECKUP_H

/*
 * checkup - the five named checks of the whole tree, and what they mean
 * together: any error is unhealthy, else any warning is degraded.
 *
 * Pure: the facts are brought along.
 *
 * Trust:  facts come from shared memory and /proc, texts are cut.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stdint.h>

enum checkup_level {
	CHECKUP_OK,
	CHECKUP_WARNING,
	CHECKUP_ERROR
};

enum {
	CHECKUP_CHECKS = 5,
	CHECKUP_TEXT = 160
};

struct checkup_facts {
	bool supervisor_is_alive;
	uint64_t supervisor_silent_ms;
	bool config_is_read; /* the settings file could be looked at */
	bool config_is_valid;
	const char *config_problem; /* the first; "" */
	double memory_percent;
	double process_percent; /* of those the system allows */
	uint32_t warning_percent, error_percent;
	uint32_t children, children_alive;
	uint32_t gateways_alive;
	bool relay_is_alive;
	uint32_t subscriptions, subscriptions_degraded, subscriptions_failed;
};

struct checkup_result {
	const char *name; /* "System Processes" */
	enum checkup_level level;
	char text[CHECKUP_TEXT]; /* what is so, in a few words */
};

struct checkup {
	struct checkup_result results[CHECKUP_CHECKS];
	uint32_t errors, warnings;
};

void checkup_run(const struct checkup_facts *, struct checkup *);

const char *checkup_level_name(enum checkup_level); /* "ok" */
const char *checkup_status(const struct checkup *); /* "degraded" */

#endif /* WORKERS_MONITOR_CHECKUP_H */
