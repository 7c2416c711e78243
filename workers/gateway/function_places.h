// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_FUNCTION_PLACES_H
#define WORKERS_GATEWAY_FUNCTION_PLACES_H

/*
 * function_places - which function counts where: each gets a place of
 * protocol/function_stats.h at its first call and keeps it, over this
 * gateway's lives too. When all are taken, one whose function is gone is
 * handed over; when none is, functions share the first.
 *
 * Pure, but for the shared memory: no clock, no log.
 *
 * Trust:  names are services', bounded by function_rules.
 * Owner:  init/finish; the row is the segment's.
 */

#include <stdint.h>

#include "protocol/function_stats.h"

struct function_places {
	const struct stats *stats;
	struct function_row *row; /* NULL: all rows are others' */
	uint32_t used;
	uint32_t next;     /* where to look for one to hand over */
	uint64_t *routes;  /* of each place; the first is nobody's */
	uint32_t *holders; /* how many compiled functions count there */
	struct function_counts unseen; /* without a row */
};

/* function_places_init claims the row of a stats slot and reads it. */
void function_places_init(
    struct function_places *, const struct stats *, uint32_t slot);
void function_places_finish(struct function_places *);

/*
 * function_places_bury ends the calls that an earlier life had in its hands
 * when it was killed: their clients went with it, and they count as
 * client_gone, in the slot and in the places. Before the first call of ours.
 */
void function_places_bury(struct function_places *, struct stats_slot *);

/*
 * function_places_take gives a function its place, the one it had before if
 * it is still there; 0 is shared. function_places_leave gives a hold back.
 */
uint32_t function_places_take(
    struct function_places *, const struct function_who *);
void function_places_leave(struct function_places *, uint32_t place);

struct function_counts *function_places_counts(
    struct function_places *, uint32_t place);

#endif /* WORKERS_GATEWAY_FUNCTION_PLACES_H */
