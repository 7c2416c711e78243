// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_PROBE_H
#define WORKERS_MONITOR_PROBE_H

/*
 * probe - what an orchestrator asks: does it live, may it have traffic, has
 * it started? Judged from shared memory alone, nobody is asked.
 *
 *   live     fails when only a new start of the whole tree can help
 *   ready    fails when no gateway takes clients; other roles only degrade
 *   startup  fails until every child was up once
 *
 * Trust:  facts are of our own tree; names and reasons are bounded texts.
 * Owner:  no memory; the caller's struct.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	PROBE_CHECKS = 80,
	PROBE_NAME = 32,
	PROBE_MESSAGE = 160,
	PROBE_STALE_MS = 3000 /* no heartbeat for so long: it does not turn */
};

enum probe_kind {
	PROBE_LIVE,
	PROBE_READY,
	PROBE_STARTUP
};

enum probe_status {
	PROBE_OK,
	PROBE_DEGRADED, /* somebody should look; the probe passes */
	PROBE_FAILED
};

/* What is known of one child. */
struct probe_child {
	char name[PROBE_NAME]; /* "gateway/1" */
	char reason[PROBE_MESSAGE];
	const char *state; /* "up", "resting" */
	bool is_gateway, is_up, wants_up;
	uint64_t silent_ms; /* since its last heartbeat */
};

struct probe_facts {
	uint64_t supervisor_silent_ms;
	bool has_started; /* every child was up once */
	bool is_stopping;
	const struct probe_child *children;
	uint32_t count;
};

struct probe_check {
	char name[PROBE_NAME];
	enum probe_status status;
	char message[PROBE_MESSAGE]; /* "" when ok */
};

struct probe {
	struct probe_check checks[PROBE_CHECKS];
	uint32_t count;
	bool has_failed;
};

void probe_judge(struct probe *, enum probe_kind, const struct probe_facts *);

const char *probe_status_name(enum probe_status); /* "ok", "degraded" … */

#endif /* WORKERS_MONITOR_PROBE_H */
