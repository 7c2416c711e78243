// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A window is the difference of two sums, now and at a kept moment: twelve
 * moments, five seconds apart, of counters and histograms (16 KB each) for
 * the minute, sixty of counters alone for the hour. So a rate is exact over
 * the time it names and costs nothing between two looks. A monitor that was
 * stopped for a while has no moment of the right age: it takes the newest
 * and divides by the time that really went by.
 */

#include "workers/monitor/world.h"

#include <string.h>

#include "protocol/base/memory.h"

enum {
	MOMENTS = WORLD_MINUTE_MS / WORLD_STEP_MS + 1,
	HOUR_STEP_MS = 60000,
	HOUR_MOMENTS = WORLD_HOUR_MS / HOUR_STEP_MS + 1,
	SLACK_MS = 500 /* a look is never quite on time */
};

static const uint64_t step_most = (uint64_t)1 << 40;

struct tally {
	uint64_t counters[COUNTERS];
	uint64_t buckets[HISTOGRAMS][STATS_BUCKETS];
	uint64_t sums[HISTOGRAMS];
};

struct moment {
	uint64_t at_ms; /* monotonic */
	struct tally tally;
};

struct hour_moment {
	uint64_t at_ms;
	uint64_t counters[COUNTERS];
};

struct world {
	struct tally total;
	struct tally *seen[STATS_SLOTS]; /* NULL: never used */
	uint64_t gauges[COUNTERS];
	bool is_up[ROLES];
	uint64_t now_ms;
	struct moment moments[MOMENTS]; /* a ring */
	uint32_t moment_count, moment_newest;
	struct hour_moment hours[HOUR_MOMENTS]; /* a ring */
	uint32_t hour_count, hour_newest;
};

void
world_create(struct world **world)
{
	*world = MEMORY_NEW(struct world);
}

void
world_destroy(struct world **world)
{
	if (*world == NULL)
		return;
	for (int i = 0; i < STATS_SLOTS; i++)
		memory_free((*world)->seen[i]);
	memory_free(*world);
	*world = NULL;
}

/* --- adding up --- */

/* grow adds what came since the last look. */
static void
grow(uint64_t *total, uint64_t *seen, const _Atomic uint64_t *at)
{
	uint64_t now = atomic_load_explicit(at, memory_order_relaxed);
	uint64_t step = now >= *seen ? now - *seen : now;

	if (step <= step_most)
		*total += step;
	*seen = now;
}

/* add_tally adds what one slot has to a sum: all words alike. */
static void
add_tally(struct tally *to, const struct tally *from)
{
	uint64_t *sum = (uint64_t *)to;
	const uint64_t *one = (const uint64_t *)from;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*sum); i++)
		sum[i] += one[i];
}

/*
 * meet takes a slot in that was not there before. What it has done already
 * belongs to no window of ours, so every kept moment gets it, too.
 */
static void
meet(struct world *w, const struct tally *tally)
{
	add_tally(&w->total, tally);
	for (uint32_t i = 0; i < MOMENTS; i++)
		add_tally(&w->moments[i].tally, tally);
	for (uint32_t i = 0; i < HOUR_MOMENTS; i++)
		for (int k = 0; k < COUNTERS; k++)
			w->hours[i].counters[k] += tally->counters[k];
}

/* add_growth: what the slot has done since `seen`, which it brings up. */
static void
add_growth(struct tally *to, struct tally *seen, const struct stats_slot *slot)
{
	for (int i = 0; i < COUNTERS; i++)
		if (!counter_info((enum counter)i)->is_gauge)
			grow(&to->counters[i], &seen->counters[i],
			    &slot->counters[i]);
	for (int h = 0; h < HISTOGRAMS; h++) {
		for (int b = 0; b < STATS_BUCKETS; b++)
			grow(&to->buckets[h][b], &seen->buckets[h][b],
			    &slot->histograms[h][b]);
		grow(&to->sums[h], &seen->sums[h], &slot->sums[h]);
	}
}

static void
add_slot(struct world *w, uint32_t index, const struct stats_slot *slot)
{
	struct tally *first;

	if (w->seen[index] != NULL) {
		add_growth(&w->total, w->seen[index], slot);
		return;
	}
	w->seen[index] = MEMORY_NEW(struct tally);
	first = MEMORY_NEW(struct tally);
	add_growth(first, w->seen[index], slot);
	meet(w, first);
	memory_free(first);
}

static void
add_gauges(struct world *w, const struct census_process *p)
{
	if (p->child.state != CHILD_UP && p->child.state != CHILD_DRAINING)
		return;
	w->is_up[p->child.role] = true;
	for (int i = 0; i < COUNTERS; i++)
		if (counter_info((enum counter)i)->is_gauge)
			w->gauges[i] += stats_get(p->stats, (enum counter)i);
}

static void
keep_moment(struct world *w)
{
	if (w->moment_count > 0 &&
	    w->now_ms - w->moments[w->moment_newest].at_ms + SLACK_MS <
		WORLD_STEP_MS)
		return;
	w->moment_newest = (w->moment_newest + 1) % MOMENTS;
	w->moment_count += w->moment_count < MOMENTS;
	w->moments[w->moment_newest].at_ms = w->now_ms;
	w->moments[w->moment_newest].tally = w->total;
}

static void
keep_hour(struct world *w)
{
	struct hour_moment *h = &w->hours[w->hour_newest];

	if (w->hour_count > 0 && w->now_ms - h->at_ms + SLACK_MS < HOUR_STEP_MS)
		return;
	w->hour_newest = (w->hour_newest + 1) % HOUR_MOMENTS;
	w->hour_count += w->hour_count < HOUR_MOMENTS;
	h = &w->hours[w->hour_newest];
	h->at_ms = w->now_ms;
	memcpy(h->counters, w->total.counters, sizeof(h->counters));
}

void
world_look(struct world *w, const struct census *census)
{
	memset(w->gauges, 0, sizeof(w->gauges));
	memset(w->is_up, 0, sizeof(w->is_up));
	w->now_ms = census->now_ms;
	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *p = &census->process[i];

		add_slot(w, p->slot, p->stats);
		add_gauges(w, p);
	}
	keep_moment(w);
	keep_hour(w);
}

/* --- looking back --- */

/*
 * base is the oldest moment of the window, or the newest there is when all
 * are older; NULL before a second has gone by.
 */
static const struct moment *
base(const struct world *w)
{
	const struct moment *found = NULL;

	for (uint32_t back = 0; back < w->moment_count; back++) {
		const struct moment *m =
		    &w->moments[(w->moment_newest + MOMENTS - back) % MOMENTS];
		uint64_t age_ms = w->now_ms - m->at_ms;

		if (age_ms == 0)
			continue;
		if (found != NULL && age_ms > WORLD_MINUTE_MS + SLACK_MS)
			break;
		found = m;
	}
	return found;
}

uint64_t
world_total(const struct world *w, enum counter id)
{
	return w->total.counters[id];
}

uint64_t
world_gauge(const struct world *w, enum counter id)
{
	return w->gauges[id];
}

bool
world_is_up(const struct world *w, enum role role)
{
	return w->is_up[role];
}

uint64_t
world_window_ms(const struct world *w)
{
	const struct moment *from = base(w);

	return from != NULL ? w->now_ms - from->at_ms : 0;
}

uint64_t
world_recent(const struct world *w, enum counter id)
{
	const struct moment *from = base(w);

	return from != NULL ? w->total.counters[id] - from->tally.counters[id]
			    : 0;
}

double
world_rate(const struct world *w, enum counter id)
{
	uint64_t ms = world_window_ms(w);

	return ms > 0 ? (double)world_recent(w, id) * 1000 / (double)ms : 0;
}

uint64_t
world_hour(const struct world *w, enum counter id)
{
	const struct hour_moment *oldest;

	if (w->hour_count == 0)
		return 0;
	oldest = &w->hours[(w->hour_newest + HOUR_MOMENTS + 1 - w->hour_count) %
	    HOUR_MOMENTS];
	return w->total.counters[id] - oldest->counters[id];
}

uint64_t
world_samples(const struct world *w, enum histogram id)
{
	uint64_t all = 0;

	for (int b = 0; b < STATS_BUCKETS; b++)
		all += w->total.buckets[id][b];
	return all;
}

uint64_t
world_sum(const struct world *w, enum histogram id)
{
	return w->total.sums[id];
}

/* --- latencies --- */

/* edge keeps the last bucket, which has none, at what it begins with. */
static uint64_t
edge(uint32_t bucket)
{
	return stats_bucket_top(
	    bucket < STATS_BUCKETS - 1 ? bucket : STATS_BUCKETS - 2);
}

/* value_at: the value with that index (0 is the least) of all in order. */
static uint64_t
value_at(const uint64_t buckets[STATS_BUCKETS], uint64_t index)
{
	uint64_t seen = 0;

	for (uint32_t b = 0; b < STATS_BUCKETS; b++) {
		seen += buckets[b];
		if (seen > index)
			return edge(b);
	}
	return edge(STATS_BUCKETS - 1);
}

/* index_of rounds p · (n - 1), p in percent. */
static uint64_t
index_of(uint64_t percent, uint64_t n)
{
	return (percent * (n - 1) + 50) / 100;
}

void
world_times_of_all(const struct world *w, const enum histogram *ids,
    size_t count, struct world_times *times)
{
	const struct moment *from = base(w);
	uint64_t buckets[STATS_BUCKETS] = {0};
	uint64_t n = 0, sum = 0;

	memset(times, 0, sizeof(*times));
	if (from == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		for (int b = 0; b < STATS_BUCKETS; b++) {
			uint64_t step = w->total.buckets[ids[i]][b] -
			    from->tally.buckets[ids[i]][b];

			buckets[b] += step;
			n += step;
		}
		sum += w->total.sums[ids[i]] - from->tally.sums[ids[i]];
	}
	if (n == 0)
		return;
	times->count = n;
	times->average = (double)sum / (double)n;
	times->least = value_at(buckets, 0);
	times->most = value_at(buckets, n - 1);
	times->p50 = value_at(buckets, index_of(50, n));
	times->p95 = value_at(buckets, index_of(95, n));
	times->p99 = value_at(buckets, index_of(99, n));
}

void
world_times_of(
    const struct world *w, enum histogram id, struct world_times *times)
{
	world_times_of_all(w, &id, 1, times);
}
