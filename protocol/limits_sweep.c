// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The sweep only gives memory back: no admission depends on it, so the owner
 * may be dead for as long as it likes. It may also run in several processes
 * at once; table_tend decides every race by CAS.
 */

#include "protocol/limits_row.h"
#include "protocol/limits_table.h"

static uint32_t
all_places(const struct limits *limits)
{
	uint32_t places = 0;

	for (uint32_t class = 0; class < LIMITS_CLASSES; class ++)
		places += limits->capacity[class];
	return places;
}

static void
sweep_one(struct limits *limits, uint32_t position, uint64_t now_us,
    uint64_t keep_us, struct limits_sweep *sweep)
{
	uint32_t class = 0;

	while (position >= limits->capacity[class])
		position -= limits->capacity[class ++];
	if (!table_is_used(limits, class, position))
		return;
	sweep->looked++;
	sweep->repaired +=
	    row_repair(table_row(limits, class, position), class, now_us);
	if (table_tend(limits, class, position, now_us, keep_us) ==
	    TENDED_FREED)
		sweep->freed++;
}

void
limits_sweep(struct limits *limits, uint64_t now_us, uint64_t keep_ms,
    uint32_t budget, struct limits_sweep *sweep)
{
	uint32_t places = all_places(limits);

	sweep->is_done = false;
	if (sweep->position >= places)
		sweep->position = 0;
	table_repair(limits, now_us);
	for (uint32_t i = 0; i < budget && !sweep->is_done; i++) {
		sweep_one(
		    limits, sweep->position, now_us, keep_ms * 1000, sweep);
		if (++sweep->position == places) {
			sweep->position = 0;
			sweep->is_done = true;
		}
	}
}

uint32_t
limits_clear(struct limits *limits, uint64_t now_us)
{
	uint32_t dropped = 0;
	struct place place;

	for (uint32_t class = 0; class < LIMITS_CLASSES; class ++)
		for (uint32_t i = 0; i < limits->capacity[class]; i++)
			dropped += table_at(limits, class, i, &place) &&
			    table_drop(limits, &place, now_us);
	return dropped;
}

void
limits_usage(const struct limits *limits, struct limits_usage *usage)
{
	for (uint32_t class = 0; class < LIMITS_CLASSES; class ++) {
		usage->capacity[class] = limits->capacity[class];
		usage->used[class] = 0;
		for (uint32_t i = 0; i < limits->capacity[class]; i++)
			usage->used[class] += table_is_used(limits, class, i);
	}
}
