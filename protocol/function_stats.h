// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_FUNCTION_STATS_H
#define PROTOCOL_FUNCTION_STATS_H

/*
 * function_stats - what a gateway counts for each function: calls, errors by
 * class, how long answers took. They lie behind the slots of the segment
 * `stats` and outlive the gateway as those do.
 *
 * A gateway owns a row of places, a place a function; it alone writes them.
 * The first place is shared by functions that have none of their own. A place
 * whose function has gone can be handed over: nothing in it is ever counted
 * down, what was counted before is kept as its base and told as __other__. So
 * over all places a count always adds up to what was counted.
 * function_look.h reads them.
 *
 * Trust:  shared words may be garbage: who reads them bounds each.
 * Owner:  no memory; rows are the segment's.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/stats.h"
#include "protocol/tables/counters.h"
#include "protocol/two_copy.h"

enum function_count {
#define F(name, ...) FUNCTION_COUNT_##name,
	FUNCTION_COUNTERS(F)
#undef F
	FUNCTION_COUNTS
};

enum {
	FUNCTION_ROWS = 16, /* gateways; as workers.gateway.instances */
	FUNCTION_PLACES_MOST = 4097,          /* of a row */
	FUNCTION_BUCKETS = STATS_BUCKETS / 2, /* 4 per doubling */
	FUNCTION_WORDS = FUNCTION_COUNTS + 1 + FUNCTION_BUCKETS,
	FUNCTION_NAME_SHOWN = 96,    /* bytes kept of service and type … */
	FUNCTION_VERSION_SHOWN = 32, /* … and of the version */
	FUNCTION_WHO_WORDS =
	    2 + (2 * FUNCTION_NAME_SHOWN + FUNCTION_VERSION_SHOWN) / 8
};

/* Figures of one place: only ever rising. */
struct function_counts {
	_Atomic uint64_t counts[FUNCTION_COUNTS];
	_Atomic uint64_t sum_us; /* of all answers */
	_Atomic uint64_t buckets[FUNCTION_BUCKETS];
};

/* The same, read; as words they have the same order. */
struct function_sums {
	uint64_t counts[FUNCTION_COUNTS];
	uint64_t sum_us;
	uint64_t buckets[FUNCTION_BUCKETS];
};

struct function_place {
	struct function_counts now;
	_Atomic uint64_t who[TWO_COPY_WORDS(FUNCTION_WHO_WORDS)];
	_Atomic uint64_t base[TWO_COPY_WORDS(FUNCTION_WORDS)];
};

/* Whose row it is and how far it is in use. */
struct function_row {
	_Atomic uint64_t owner; /* slot of the gateway + 1; 0: nobody's */
	_Atomic uint64_t used;  /* places given out, the shared one too */
	_Atomic uint64_t spare[6];
	struct function_place places[]; /* stats->function_places */
};

/* Which function; texts are cut where they are shown. */
struct function_who {
	uint64_t route; /* hash_name of service/type/version, uncut */
	struct text service;
	struct text request_type;
	struct text version;
	bool has_base; /* another one had the place before */
};

/* function_stats_bytes: all rows, with so many places each. */
size_t function_stats_bytes(uint32_t places);

/* function_stats_at gives a row, whoever owns it. */
struct function_row *function_stats_at(const struct stats *, uint32_t row);

/* --- what a gateway does to its own row --- */

/*
 * function_stats_claim gives the row of a stats slot, its own from the first
 * time on; NULL when all rows are others'.
 */
struct function_row *function_stats_claim(const struct stats *, uint32_t slot);

/* function_stats_used: bounded by the places there are, at least 1. */
uint32_t function_stats_used(const struct stats *, const struct function_row *);

/* function_stats_add gives the next place to a function; there must be one. */
uint32_t function_stats_add(
    const struct stats *, struct function_row *, const struct function_who *);

/* function_stats_hand_over gives a place in use to another function. */
void function_stats_hand_over(
    struct function_row *, uint32_t place, const struct function_who *);

/* function_stats_count and _time publish what the gateway counted before: who
 * sees a function's figure sees the gateway's. */
static inline void
function_stats_count(struct function_counts *c, enum function_count id)
{
	uint64_t old =
	    atomic_load_explicit(&c->counts[id], memory_order_relaxed);

	atomic_store_explicit(&c->counts[id], old + 1, memory_order_release);
}

/* function_stats_time counts an answer and how long it took. */
void function_stats_time(struct function_counts *, uint64_t took_us);

/* --- what a reader asks --- */

/* function_stats_who copies names into `to`; errors as two_copy_read. */
enum err function_stats_who(const struct function_place *,
    struct function_who *, char to[FUNCTION_WHO_WORDS * 8]) MUST_USE;

/* function_stats_read: all that was counted in a place, and what of it before
 * the place was handed over; base ≤ all, word by word. */
void function_stats_read(const struct function_place *, bool has_base,
    struct function_sums *all, struct function_sums *base);

/* function_bucket_top: the largest value in a bucket, in µs. */
uint64_t function_bucket_top(uint32_t bucket);

#endif /* PROTOCOL_FUNCTION_STATS_H */
