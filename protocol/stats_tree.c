// SPDX-License-Identifier: MIT
/*
 * one child, STATS_CHILD_WORDS words in a two-copy slot:
 *
 *   word  0  is in use (1) | role << 8 | instance << 32
 *         1  state | pid << 32
 *         2  life          3  restarts      4  started_ms   5  ready_ms
 *         6  rest_until_ms 7  died_ms
 *         8  parent | last_status << 32
 *         9  last_reason | flags << 32
 *        10  bytes of text
 *   11 … 35  text (200 bytes)
 *   36 … 39  zero
 */

#include "protocol/stats_tree.h"

#include <string.h>

enum {
	WORD_TEXT = 11,
	FLAG_WANTS_UP = 1,
	FLAG_PAUSED = 2,
	FLAG_PROBATION = 4,
	FLAG_DEGRADED = 8
};

_Static_assert(
    WORD_TEXT + STATS_REASON / 8 <= STATS_CHILD_WORDS, "the text fits");

static _Atomic uint64_t *
slot_of(const struct stats *stats, uint32_t index)
{
	return stats->tree + (size_t)index * TWO_COPY_WORDS(STATS_CHILD_WORDS);
}

static uint64_t
pair(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

static uint32_t
flags_of(const struct stats_child *child)
{
	return (child->wants_up ? FLAG_WANTS_UP : 0u) |
	    (child->is_paused ? FLAG_PAUSED : 0u) |
	    (child->is_in_probation ? FLAG_PROBATION : 0u) |
	    (child->is_degraded ? FLAG_DEGRADED : 0u);
}

void
stats_child_set(
    struct stats *stats, uint32_t index, const struct stats_child *child)
{
	uint64_t words[STATS_CHILD_WORDS] = {0};
	size_t len = strnlen(child->reason, STATS_REASON - 1);

	if (index >= STATS_SLOTS)
		return;
	words[0] = pair(1 | (child->role & 0xff) << 8, child->instance);
	words[1] = pair(child->state, child->pid);
	words[2] = child->life;
	words[3] = child->restarts;
	words[4] = child->started_ms;
	words[5] = child->ready_ms;
	words[6] = child->rest_until_ms;
	words[7] = child->died_ms;
	words[8] = pair(child->parent, child->last_status);
	words[9] = pair(child->last_reason, flags_of(child));
	words[10] = len;
	memcpy(words + WORD_TEXT, child->reason, len);
	two_copy_write(slot_of(stats, index), words, STATS_CHILD_WORDS);
}

void
stats_child_forget(struct stats *stats, uint32_t index)
{
	const uint64_t words[STATS_CHILD_WORDS] = {0};

	if (index < STATS_SLOTS)
		two_copy_write(slot_of(stats, index), words, STATS_CHILD_WORDS);
}

static void
unpack(const uint64_t *words, struct stats_child *child)
{
	uint32_t flags = (uint32_t)(words[9] >> 32);

	child->role = (uint32_t)words[0] >> 8 & 0xff;
	child->instance = (uint32_t)(words[0] >> 32);
	child->state = (uint32_t)words[1];
	child->pid = (uint32_t)(words[1] >> 32);
	child->life = words[2];
	child->restarts = words[3];
	child->started_ms = words[4];
	child->ready_ms = words[5];
	child->rest_until_ms = words[6];
	child->died_ms = words[7];
	child->parent = (uint32_t)words[8];
	child->last_status = (uint32_t)(words[8] >> 32);
	child->last_reason = (uint32_t)words[9];
	child->wants_up = (flags & FLAG_WANTS_UP) != 0;
	child->is_paused = (flags & FLAG_PAUSED) != 0;
	child->is_in_probation = (flags & FLAG_PROBATION) != 0;
	child->is_degraded = (flags & FLAG_DEGRADED) != 0;
	memcpy(child->reason, words + WORD_TEXT, words[10]);
}

enum err
stats_child_get(
    const struct stats *stats, uint32_t index, struct stats_child *child)
{
	uint64_t words[STATS_CHILD_WORDS];
	enum err e;

	memset(child, 0, sizeof(*child));
	if (index >= STATS_SLOTS)
		return ERR_RANGE;
	e = two_copy_read(slot_of(stats, index), words, STATS_CHILD_WORDS);
	if (e != OK)
		return e;
	if ((words[0] & 1) == 0)
		return ERR_MISSING;
	if (words[10] >= STATS_REASON)
		return ERR_MALFORMED;
	unpack(words, child);
	if (child->role >= ROLES || child->state >= CHILD_STATES)
		return ERR_MALFORMED;
	return OK;
}
