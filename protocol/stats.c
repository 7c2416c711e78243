// SPDX-License-Identifier: MIT
/*
 * body of the segment `stats`, in this order:
 *
 *   struct stats_shared   128 bytes: generations, flags
 *   tree                  STATS_SLOTS × TWO_COPY_WORDS(STATS_CHILD_WORDS)
 *                         words: stats_tree.c
 *   struct stats_slot     × STATS_SLOTS; one slot:
 *       0  role, instance, pid, phase              4 × u32
 *      16  life, started, heartbeat, busy_until    4 × u64
 *      48  settings_generation, spare              8 × u64
 *     112  last words                              two-copy
 *       …  counters[COUNTERS]                      u64 each
 *       …  histograms[HISTOGRAMS][STATS_BUCKETS]   u64 each
 *       …  sums[HISTOGRAMS]                        u64 each
 *   the functions' figures, for up to FUNCTION_ROWS gateways:
 *                         function_stats.c
 *
 * Design notes
 *
 * Every slot has room for every role's counters: 64 slots of some 11 KB, of
 * which only touched pages exist. In exchange a counter is at one fixed place
 * in any slot, and no offset has to be trusted.
 * One process writes a slot, on one thread, so a counter is a load and a
 * store; a `lock add` would be ten times as dear and buy nothing. A process
 * killed between the two loses at most that one step.
 */

#include "protocol/stats.h"

#include <string.h>
#include <unistd.h>

#include "protocol/base/log.h"
#include "protocol/function_stats.h"

#define NAMES_K(role, name, kind, ...) #role "." #name " " #kind,
#define NAMES_H(role, name, ...)       #role "." #name,
#define NAMES_F(name, ...)             #name,

static const char *const layout_names[] = {ALL_COUNTERS(NAMES_K) "|",
    ALL_HISTOGRAMS(NAMES_H) "|", FUNCTION_COUNTERS(NAMES_F)};

static const struct counter_info counter_infos[COUNTERS] = {
#define COUNTER false
#define GAUGE   true
#define K(role, name, kind, unit, meaning) \
	[COUNTER_##role##_##name] = {#role, #name, #unit, meaning, kind},
    ALL_COUNTERS(K)
#undef K
#undef COUNTER
#undef GAUGE
};

static const struct counter_info histogram_infos[HISTOGRAMS] = {
#define H(role, name, unit, meaning) \
	[HISTOGRAM_##role##_##name] = {#role, #name, #unit, meaning, false},
    ALL_HISTOGRAMS(H)
#undef H
};

enum {
	TREE_WORDS = STATS_SLOTS * TWO_COPY_WORDS(STATS_CHILD_WORDS),
	BODY_BYTES = sizeof(struct stats_shared) + TREE_WORDS * 8 +
	    STATS_SLOTS * sizeof(struct stats_slot)
};

_Static_assert(sizeof(struct stats_shared) == 128, "drawn above");
_Static_assert(offsetof(struct stats_slot, last_words) == 112, "drawn above");

static size_t
body_of(const uint32_t params[SEGMENT_PARAMS])
{
	if (params[0] != STATS_SLOTS || params[1] < 2 ||
	    params[1] > FUNCTION_PLACES_MOST)
		return 0;
	return BODY_BYTES + function_stats_bytes(params[1]);
}

static struct segment_shape
shape_of(uint32_t places)
{
	return (struct segment_shape){.name = "stats",
	    .kind = SEGMENT_STATS,
	    .version = 2,
	    .layout = hash_names(layout_names, COUNT_OF(layout_names)),
	    .params = {STATS_SLOTS, places},
	    .body_of = body_of};
}

enum err
stats_create(uint32_t functions, int *fd)
{
	struct segment_shape shape = shape_of(functions + 1);

	if (functions == 0 || functions >= FUNCTION_PLACES_MOST)
		return ERR_RANGE;
	return segment_create(&shape, fd);
}

enum err
stats_map(int fd, struct stats *stats)
{
	struct segment_shape shape = shape_of(0);
	enum err e = segment_map(fd, &shape, &stats->segment);
	uint8_t *body = stats->segment.body;

	if (e != OK)
		return e;
	stats->shared = (struct stats_shared *)(void *)body;
	body += sizeof(struct stats_shared);
	stats->tree = (_Atomic uint64_t *)(void *)body;
	body += (size_t)TREE_WORDS * 8;
	stats->slots = (struct stats_slot *)(void *)body;
	body += STATS_SLOTS * sizeof(struct stats_slot);
	stats->functions = body;
	stats->function_places = stats->segment.params[1];
	return OK;
}

/* The slot this process's lines count in; NULL: none. */
static struct stats_slot *counted;

_Static_assert(
    (int)COUNTER_process_lines_fatal == COUNTER_process_lines_debug + LOG_FATAL,
    "a counter for each level, in their order");

void
stats_unmap(struct stats *stats)
{
	if (counted != NULL && counted >= stats->slots &&
	    counted < stats->slots + STATS_SLOTS) {
		log_count_in(NULL);
		counted = NULL;
	}
	segment_unmap(&stats->segment);
	memset(stats, 0, sizeof(*stats));
}

struct stats_slot *
stats_slot_at(const struct stats *stats, uint32_t index)
{
	return index < STATS_SLOTS ? &stats->slots[index] : NULL;
}

void
stats_begin(struct stats_slot *slot, enum role role, uint32_t instance,
    uint64_t life, uint64_t now_ms)
{
	atomic_store(&slot->role, (uint32_t)role);
	atomic_store(&slot->instance, instance);
	atomic_store(&slot->life, life);
	atomic_store(&slot->started_ms, now_ms);
	atomic_store(&slot->heartbeat_ms, now_ms);
	atomic_store(&slot->busy_until_ms, 0);
	for (int i = 0; i < COUNTERS; i++)
		if (counter_infos[i].is_gauge)
			stats_set(slot, (enum counter)i, 0);
	stats_last_words(slot, "");
	counted = slot;
	log_count_in(&slot->counters[COUNTER_process_lines_debug]);
	atomic_store(&slot->phase, STATS_STARTING);
	atomic_store(&slot->pid, (uint32_t)getpid());
}

void
stats_phase_set(struct stats_slot *slot, enum stats_phase phase)
{
	atomic_store(&slot->phase, (uint32_t)phase);
}

uint32_t
stats_bucket_of(uint64_t value)
{
	uint32_t bits;

	if (value < 8)
		return (uint32_t)value;
	bits = 63 - (uint32_t)__builtin_clzll(value);
	if (bits > 33)
		return STATS_BUCKETS - 1;
	return (bits - 2) * 8 + (uint32_t)((value >> (bits - 3)) & 7);
}

uint64_t
stats_bucket_top(uint32_t bucket)
{
	uint32_t bits = bucket / 8 + 2;

	if (bucket < 8)
		return bucket;
	if (bucket >= STATS_BUCKETS - 1)
		return UINT64_MAX;
	return ((uint64_t)(bucket % 8 + 9) << (bits - 3)) - 1;
}

void
stats_time(struct stats_slot *slot, enum histogram id, uint64_t value)
{
	_Atomic uint64_t *bucket =
	    &slot->histograms[id][stats_bucket_of(value)];

	atomic_store_explicit(bucket,
	    atomic_load_explicit(bucket, memory_order_relaxed) + 1,
	    memory_order_relaxed);
	atomic_store_explicit(&slot->sums[id],
	    atomic_load_explicit(&slot->sums[id], memory_order_relaxed) + value,
	    memory_order_relaxed);
}

void
stats_beat(struct stats_slot *slot, uint64_t now_ms)
{
	atomic_store_explicit(
	    &slot->heartbeat_ms, now_ms, memory_order_release);
	stats_add(slot, COUNTER_process_turns, 1);
}

void
stats_busy(struct stats_slot *slot, uint64_t until_ms)
{
	atomic_store_explicit(
	    &slot->busy_until_ms, until_ms, memory_order_release);
}

void
stats_last_words(struct stats_slot *slot, const char *line)
{
	uint64_t words[STATS_WORDS_TEXT / 8 + 1] = {0};
	char *text = (char *)(words + 1);
	size_t len = 0;

	/* no library call: a signal handler may be the caller */
	while (len < STATS_WORDS_TEXT - 1 && line[len] != '\0') {
		text[len] = line[len];
		len++;
	}
	words[0] = len;
	two_copy_write(slot->last_words, words, COUNT_OF(words));
}

void
stats_last_words_of(const struct stats_slot *slot, char to[STATS_WORDS_TEXT])
{
	uint64_t words[STATS_WORDS_TEXT / 8 + 1] = {0};

	if (two_copy_read(slot->last_words, words, COUNT_OF(words)) != OK)
		words[0] = 0;
	if (words[0] >= STATS_WORDS_TEXT)
		words[0] = 0;
	memcpy(to, words + 1, words[0]);
	to[words[0]] = '\0';
}

const struct counter_info *
counter_info(enum counter id)
{
	INVARIANT((unsigned)id < COUNTERS);
	return &counter_infos[id];
}

const struct counter_info *
histogram_info(enum histogram id)
{
	INVARIANT((unsigned)id < HISTOGRAMS);
	return &histogram_infos[id];
}

static bool
info_is_of(const struct counter_info *info, enum role role)
{
	return text_is(TEXT("process"), info->role) ||
	    text_is(text_of(info->role), role_name(role));
}

bool
counter_is_of(enum counter id, enum role role)
{
	return info_is_of(counter_info(id), role);
}

bool
histogram_is_of(enum histogram id, enum role role)
{
	return info_is_of(histogram_info(id), role);
}

/* value_at gives the top of the bucket in which the rank-th value lies. */
static uint64_t
value_at(const uint64_t buckets[STATS_BUCKETS], uint64_t rank)
{
	uint64_t seen = 0;

	for (uint32_t b = 0; b < STATS_BUCKETS; b++) {
		seen += buckets[b];
		if (seen >= rank)
			return stats_bucket_top(b);
	}
	return stats_bucket_top(STATS_BUCKETS - 1);
}

void
stats_summary(const struct stats_slot *slot, enum histogram id,
    struct stats_summary *summary)
{
	uint64_t buckets[STATS_BUCKETS];
	uint64_t n = 0;

	memset(summary, 0, sizeof(*summary));
	for (uint32_t b = 0; b < STATS_BUCKETS; b++) {
		buckets[b] = atomic_load_explicit(
		    &slot->histograms[id][b], memory_order_relaxed);
		n += buckets[b];
	}
	summary->count = n;
	summary->sum =
	    atomic_load_explicit(&slot->sums[id], memory_order_relaxed);
	if (n == 0)
		return;
	summary->p50 = value_at(buckets, n - n / 2);
	summary->p90 = value_at(buckets, n - n / 10);
	summary->p99 = value_at(buckets, n - n / 100);
	summary->p999 = value_at(buckets, n - n / 1000);
}
