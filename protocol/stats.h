// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_STATS_H
#define PROTOCOL_STATS_H

/*
 * stats - the segment of numbers: a slot per process with its heartbeat, its
 * counters and its histograms, and a few words all processes share.
 *
 * A slot belongs to a child of the tree, not to a life: counters go on where
 * the last life left them, so rates never jump back. Its process alone writes
 * it (plain relaxed stores, 1 ns); everybody may read it.
 * What the supervisor says about its children is in stats_tree.h, what a
 * gateway counts for each function in function_stats.h.
 *
 * Trust:  a slot may hold anything: readers bound what they take from it.
 * Owner:  struct stats is the caller's (map/unmap); slots are the segment's.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/role.h"
#include "protocol/segment.h"
#include "protocol/tables/counters.h"
#include "protocol/two_copy.h"

enum counter {
#define K(role, name, ...) COUNTER_##role##_##name,
	ALL_COUNTERS(K)
#undef K
	COUNTERS
};

enum histogram {
#define H(role, name, ...) HISTOGRAM_##role##_##name,
	ALL_HISTOGRAMS(H)
#undef H
	HISTOGRAMS
};

enum {
	STATS_SLOTS = 64,       /* guard, supervisor, then the children */
	STATS_CHILD_WORDS = 40, /* one child in the tree part */
	STATS_SLOT_GUARD = 0,
	STATS_SLOT_SUPERVISOR = 1,
	STATS_SLOT_FIRST_CHILD = 2,
	STATS_BUCKETS = 256,    /* 8 per doubling, 0 … 2^34 */
	STATS_WORDS_TEXT = 256, /* bytes of last words */
};

enum stats_phase {
	STATS_NOBODY, /* never used, or the life ended as asked */
	STATS_STARTING,
	STATS_WORKING,
	STATS_DRAINING,
};

/* One process. The layout is drawn in stats.c. */
struct stats_slot {
	_Atomic uint32_t role;     /* enum role */
	_Atomic uint32_t instance; /* 1-based; 0 for a single one */
	_Atomic uint32_t pid;
	_Atomic uint32_t phase; /* enum stats_phase */
	_Atomic uint64_t life;
	_Atomic uint64_t started_ms;   /* monotonic, of this life */
	_Atomic uint64_t heartbeat_ms; /* monotonic: end of the last turn */
	_Atomic uint64_t
	    busy_until_ms; /* monotonic: a blocking call may last */
	_Atomic uint64_t settings_generation; /* in force in this process */
	_Atomic uint64_t spare[7];
	_Atomic uint64_t last_words[TWO_COPY_WORDS(STATS_WORDS_TEXT / 8 + 1)];
	_Atomic uint64_t counters[COUNTERS];
	_Atomic uint64_t histograms[HISTOGRAMS][STATS_BUCKETS];
	_Atomic uint64_t sums[HISTOGRAMS]; /* of all values */
};

enum stats_flags {
	STATS_TREE_READY = 1 << 0,
	STATS_TREE_STOPPING = 1 << 1,
	STATS_TREE_STORM = 1 << 2,
	STATS_TREE_RELOADING = 1 << 3,
	STATS_TREE_DEGRADED = 1 << 4,
	STATS_TREE_WATCHED = 1 << 5, /* the death of each child will be seen */
};

/* What came of the last proof that supervision works (supervisor/canary.h). */
enum stats_proof {
	STATS_PROOF_NONE,
	STATS_PROOF_GOOD,
	STATS_PROOF_BAD,
};

/* Words all processes share. */
struct stats_shared {
	_Atomic uint64_t config_generation; /* config_db: after each commit */
	_Atomic uint64_t
	    settings_generation;          /* supervisor: after each reload */
	_Atomic uint64_t flags;           /* enum stats_flags */
	_Atomic uint64_t limits_swept_ms; /* rate_limiter: its last sweep */
	_Atomic uint64_t proof;           /* enum stats_proof: supervisor */
	_Atomic uint64_t proof_ms;        /* monotonic: when it ended */
	_Atomic uint64_t proof_took_us;
	_Atomic uint64_t spare[9];
};

struct stats {
	struct segment segment;
	struct stats_shared *shared;
	_Atomic uint64_t *tree;   /* stats_tree.h */
	struct stats_slot *slots; /* STATS_SLOTS */
	uint8_t *functions;       /* function_stats.h */
	uint32_t function_places; /* of each gateway, the shared one too */
};

/* stats_create makes room for so many functions' own figures; 0 and too many
 * are ERR_RANGE. */
enum err stats_create(uint32_t functions, int *fd) MUST_USE;
enum err stats_map(int fd, struct stats *) MUST_USE;
void stats_unmap(struct stats *);

/* stats_slot_at gives NULL for an index out of range. */
struct stats_slot *stats_slot_at(const struct stats *, uint32_t index);

/* --- what a process writes into its own slot --- */

/* stats_begin names the new life; counters stay, gauges start at 0. From then
 * until stats_unmap the lines of this process's log count in the slot. */
void stats_begin(struct stats_slot *, enum role, uint32_t instance,
    uint64_t life, uint64_t now_ms);
void stats_phase_set(struct stats_slot *, enum stats_phase);

static inline void
stats_add(struct stats_slot *slot, enum counter id, uint64_t n)
{
	uint64_t old =
	    atomic_load_explicit(&slot->counters[id], memory_order_relaxed);

	atomic_store_explicit(
	    &slot->counters[id], old + n, memory_order_relaxed);
}

/* stats_set and stats_sub are for gauges. */
static inline void
stats_set(struct stats_slot *slot, enum counter id, uint64_t n)
{
	atomic_store_explicit(&slot->counters[id], n, memory_order_relaxed);
}

static inline void
stats_sub(struct stats_slot *slot, enum counter id, uint64_t n)
{
	stats_add(slot, id, (uint64_t)0 - n);
}

/* stats_time counts one value in its histogram. */
void stats_time(struct stats_slot *, enum histogram, uint64_t value);

/* stats_beat ends a turn; the supervisor kills who does not. */
void stats_beat(struct stats_slot *, uint64_t now_ms);

/* stats_busy announces a call that may block until then; 0 takes it back. */
void stats_busy(struct stats_slot *, uint64_t until_ms);

/* stats_last_words keeps a line for the obituary; safe in a signal handler. */
void stats_last_words(struct stats_slot *, const char *line);

/* --- what a reader asks --- */

static inline uint64_t
stats_get(const struct stats_slot *slot, enum counter id)
{
	return atomic_load_explicit(&slot->counters[id], memory_order_relaxed);
}

struct counter_info {
	const char *role; /* "gateway", "process" */
	const char *name; /* "calls" */
	const char *unit;
	const char *meaning;
	bool is_gauge;
};

const struct counter_info *counter_info(enum counter);
const struct counter_info *histogram_info(enum histogram);

/* counter_is_of: does a process of this role keep the counter? */
bool counter_is_of(enum counter, enum role);
bool histogram_is_of(enum histogram, enum role);

struct stats_summary {
	uint64_t count;
	uint64_t sum;
	uint64_t p50, p90, p99, p999; /* upper edge of the bucket, at most 12 %
					 above the value */
};

void stats_summary(
    const struct stats_slot *, enum histogram, struct stats_summary *);

/* The edges of the histograms, for exporters. */
uint32_t stats_bucket_of(uint64_t value);
uint64_t stats_bucket_top(uint32_t bucket); /* largest value in it */

/* stats_last_words_of copies the line, NUL-terminated; "" if there is none. */
void stats_last_words_of(const struct stats_slot *, char to[STATS_WORDS_TEXT]);

#endif /* PROTOCOL_STATS_H */
