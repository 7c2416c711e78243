// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Taking a place walks over all routes, once in the life of a compiled
 * function; counting is an add through the pointer it keeps.
 *
 * After a restart no place is held, and those of functions that have not been
 * called again may be handed over while others are really free: their old
 * figures then are told as __other__. It takes more functions than places.
 */

#include "workers/gateway/function_places.h"

#include "protocol/base/memory.h"

void
function_places_init(
    struct function_places *p, const struct stats *stats, uint32_t slot)
{
	char names[FUNCTION_WHO_WORDS * 8];
	struct function_who who;

	*p = (struct function_places){.stats = stats, .used = 1, .next = 1};
	p->row = function_stats_claim(stats, slot);
	p->routes = memory_new(stats->function_places * sizeof(*p->routes));
	p->holders = memory_new(stats->function_places * sizeof(*p->holders));
	if (p->row == NULL)
		return;
	p->used = function_stats_used(stats, p->row);
	for (uint32_t i = 1; i < p->used; i++)
		if (function_stats_who(&p->row->places[i], &who, names) == OK)
			p->routes[i] = who.route;
}

static uint64_t
open_in_slot(const struct stats_slot *slot)
{
	uint64_t calls = stats_get(slot, COUNTER_gateway_calls);
	uint64_t ended = stats_get(slot, COUNTER_gateway_answered) +
	    stats_get(slot, COUNTER_gateway_failed) +
	    stats_get(slot, COUNTER_gateway_client_gone) +
	    stats_get(slot, COUNTER_gateway_discarded);

	return calls > ended ? calls - ended : 0;
}

static uint64_t
open_in_place(const struct function_place *place)
{
	struct function_sums all, base;
	uint64_t ended = 0;

	function_stats_read(place, false, &all, &base);
	for (uint32_t id = 0; id < FUNCTION_COUNTS; id++)
		ended += id == FUNCTION_COUNT_calls ? 0 : all.counts[id];
	for (uint32_t i = 0; i < FUNCTION_BUCKETS; i++)
		ended += all.buckets[i]; /* the answers */
	uint64_t calls = all.counts[FUNCTION_COUNT_calls];
	return calls > ended ? calls - ended : 0;
}

void
function_places_bury(struct function_places *p, struct stats_slot *slot)
{
	uint64_t left = open_in_slot(slot);

	stats_add(slot, COUNTER_gateway_client_gone, left);
	/* killed between two adds, the slot knew more: places never get more */
	for (uint32_t i = 0; p->row != NULL && i < p->used; i++) {
		uint64_t open = open_in_place(&p->row->places[i]);

		for (open = open < left ? open : left; open > 0; open--, left--)
			function_stats_count(
			    &p->row->places[i].now, FUNCTION_COUNT_client_gone);
	}
}

void
function_places_finish(struct function_places *p)
{
	memory_free(p->routes);
	memory_free(p->holders);
	*p = (struct function_places){.row = NULL};
}

/* find_free gives a place nobody holds, or 0. */
static uint32_t
find_free(struct function_places *p)
{
	for (uint32_t i = 1; i < p->used; i++) {
		uint32_t at = p->next;

		p->next = p->next + 1 < p->used ? p->next + 1 : 1;
		if (p->holders[at] == 0)
			return at;
	}
	return 0;
}

static uint32_t
place_for(struct function_places *p, const struct function_who *who)
{
	uint32_t place;

	for (place = 1; place < p->used; place++)
		if (p->routes[place] == who->route)
			return place;
	if (p->used < p->stats->function_places) {
		place = function_stats_add(p->stats, p->row, who);
		p->used = place + 1;
	} else {
		place = find_free(p);
		if (place == 0)
			return 0;
		function_stats_hand_over(p->row, place, who);
	}
	p->routes[place] = who->route;
	return place;
}

uint32_t
function_places_take(struct function_places *p, const struct function_who *who)
{
	uint32_t place = p->row != NULL ? place_for(p, who) : 0;

	p->holders[place]++;
	return place;
}

void
function_places_leave(struct function_places *p, uint32_t place)
{
	p->holders[place]--;
}

struct function_counts *
function_places_counts(struct function_places *p, uint32_t place)
{
	return p->row != NULL ? &p->row->places[place].now : &p->unseen;
}
