// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_ENGINE_INTENSITY_H
#define SUPERVISOR_ENGINE_INTENSITY_H

/*
 * intensity - how often one child has died, and how long it rests now.
 *
 * Pure arithmetic: time and chance come as arguments.
 *
 * Trust:  numbers come from settings already validated.
 * Owner:  whoever holds the struct; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/engine/policy.h"

enum {
	INTENSITY_MOST = 1000 /* the largest `intensity` a policy may ask for */
};

struct intensity {
	uint64_t died_ms[INTENSITY_MOST + 1]; /* ring of the last deaths */
	uint32_t deaths;                      /* ever put into the ring */
	uint32_t failures;  /* deaths since it was last healthy */
	uint32_t unstarted; /* failed forks in a row */
	bool is_exhausted;  /* on probation: until it has been healthy */
};

/*
 * intensity_died counts a death at `now_ms` after `ready_ms` of readiness (0:
 * never ready) and gives the rest before the next life: none after the first
 * death, then rest_first_ms doubling up to the cap; the cap at once when
 * exhausted. `chance` is any random number.
 */
uint64_t intensity_died(struct intensity *, const struct policy *,
    uint64_t now_ms, uint64_t ready_ms, uint32_t chance);

/* intensity_unstarted: fork or exec failed; not a death of the child. */
uint64_t intensity_unstarted(
    struct intensity *, const struct policy *, uint32_t chance);

/* intensity_started: fork and exec worked. */
void intensity_started(struct intensity *);

/* intensity_healthy forgives: ready for healthy_after_ms. */
void intensity_healthy(struct intensity *);

/* intensity_forget starts anew: an operator or new settings said so. */
void intensity_forget(struct intensity *);

#endif /* SUPERVISOR_ENGINE_INTENSITY_H */
