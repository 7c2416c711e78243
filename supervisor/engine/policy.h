// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_ENGINE_POLICY_H
#define SUPERVISOR_ENGINE_POLICY_H

/*
 * policy - the numbers and choices by which a tree heals.
 *
 * Only data: who reads them from the settings is the caller's affair.
 *
 * Trust:  filled from validated settings; engine code relies on their ranges.
 * Owner:  the caller; a tree keeps a copy.
 */

#include <stdint.h>

/* Who else falls when a child dies. */
enum strategy {
	STRATEGY_ONE_FOR_ONE,  /* nobody */
	STRATEGY_ONE_FOR_ALL,  /* all its siblings */
	STRATEGY_REST_FOR_ONE, /* the siblings started after it */
};

/* Which deaths are followed by another life. */
enum restart {
	RESTART_PERMANENT, /* every one */
	RESTART_TRANSIENT, /* all but exit 0 */
	RESTART_TEMPORARY, /* none */
	RESTART_ONESHOT,   /* until it exits 0; later siblings wait for that */
};

/* What follows when a child dies more often than its intensity allows. */
enum exhausted {
	EXHAUSTED_PROBATION,          /* rest at the cap, go on for ever */
	EXHAUSTED_RESTART_GROUP,      /* its group falls and starts again */
	EXHAUSTED_RESTART_SUPERVISOR, /* the process running the tree ends */
	EXHAUSTED_SHUTDOWN,           /* the tree stops */
	EXHAUSTED_GIVE_UP,            /* it stays down until told otherwise */
};

/* When significant children end by themselves (R33). */
enum auto_shutdown {
	AUTO_SHUTDOWN_NEVER,
	AUTO_SHUTDOWN_ANY,
	AUTO_SHUTDOWN_ALL,
};

struct policy {
	uint32_t healthy_after_ms; /* ready this long: deaths are forgiven */
	uint32_t rest_first_ms;    /* rest before the second restart; doubles */
	uint32_t rest_cap_ms;      /* no rest is longer (but for jitter) */
	uint32_t jitter_percent;   /* every rest varies by this, up or down */
	uint32_t intensity;        /* deaths allowed … */
	uint32_t period_ms; /* … in this time; one more is exhaustion */
	uint32_t unstarted_rest_ms; /* first rest after a failed fork or exec */

	uint32_t start_ms;      /* from exec to READY */
	uint32_t start_most_ms; /* with all PROGRESS granted */
	uint32_t parallel_starts;
	uint32_t starts_per_second; /* of the whole tree; 0 is no guard */
	uint32_t starts_per_minute;

	uint32_t drain_ms; /* between DRAIN and TERM */
	uint32_t term_ms;  /* between TERM and KILL */
	uint32_t
	    stop_budget_ms; /* of a whole tree, then KILL for what is left */

	uint32_t beat_ms;  /* no turn of its loop for this long: hung;
			      0: it is not watched */
	uint32_t abort_ms; /* between ABRT and KILL */
	uint32_t gap_ms;   /* our own absence above this moves all deadlines */
};

#define POLICY_DEFAULT \
	{ \
		.healthy_after_ms = 10000, .rest_first_ms = 50, \
		.rest_cap_ms = 30000, .jitter_percent = 20, .intensity = 5, \
		.period_ms = 30000, .unstarted_rest_ms = 500, \
		.start_ms = 10000, .start_most_ms = 120000, \
		.parallel_starts = 4, .starts_per_second = 20, \
		.starts_per_minute = 200, .drain_ms = 10000, .term_ms = 2000, \
		.stop_budget_ms = 30000, .beat_ms = 1500, .abort_ms = 500, \
		.gap_ms = 1000, \
	}

#endif /* SUPERVISOR_ENGINE_POLICY_H */
