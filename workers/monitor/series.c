// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Both rings are in memory whole, a float a value: some 1 MB for twenty
 * columns. The disk keeps them for the next life and is never asked while
 * somebody waits.
 */

#include "workers/monitor/series.h"

#include <math.h>
#include <string.h>

#include "protocol/base/memory.h"

struct ring {
	uint32_t size, count, newest;
	uint64_t sequence; /* of the newest */
	int64_t *at_ms;
	int64_t *wall_ms;
	float *values[SERIES_COLUMNS]; /* NULL: nobody has written it yet */
};

struct series {
	struct ring rings[SERIES_RINGS];
	char names[SERIES_COLUMNS][SERIES_NAME];
	uint32_t columns;
	/* what the next coarse point is made of */
	uint32_t gathered;
	double sums[SERIES_COLUMNS];
	uint32_t counts[SERIES_COLUMNS];
};

static const struct {
	const char *name, *unit, *meaning;
} metrics[SERIES_FIXED] = {
#define M(name, unit, meaning) {#name, unit, meaning},
    SERIES_METRICS(M)
#undef M
};

static void
ring_create(struct ring *r, uint32_t size)
{
	r->size = size;
	r->newest = size - 1;
	r->at_ms = memory_new((size_t)size * sizeof(int64_t));
	r->wall_ms = memory_new((size_t)size * sizeof(int64_t));
}

void
series_create(struct series **series, const uint32_t sizes[SERIES_RINGS])
{
	struct series *s = MEMORY_NEW(struct series);

	for (int i = 0; i < SERIES_RINGS; i++)
		ring_create(&s->rings[i], sizes[i]);
	for (int i = 0; i < SERIES_FIXED; i++)
		(void)series_column(s, text_of(metrics[i].name));
	*series = s;
}

void
series_destroy(struct series **series)
{
	if (*series == NULL)
		return;
	for (int i = 0; i < SERIES_RINGS; i++) {
		struct ring *r = &(*series)->rings[i];

		for (int c = 0; c < SERIES_COLUMNS; c++)
			memory_free(r->values[c]);
		memory_free(r->at_ms);
		memory_free(r->wall_ms);
	}
	memory_free(*series);
	*series = NULL;
}

/* --- columns --- */

uint32_t
series_find(const struct series *s, struct text name)
{
	for (uint32_t c = 0; c < s->columns; c++)
		if (text_is(name, s->names[c]))
			return c;
	return SERIES_NONE;
}

uint32_t
series_column(struct series *s, struct text name)
{
	uint32_t c = series_find(s, name);

	if (c != SERIES_NONE)
		return c;
	if (s->columns == SERIES_COLUMNS || name.len == 0 ||
	    text_copy(name, s->names[s->columns], SERIES_NAME) != OK)
		return SERIES_NONE;
	return s->columns++;
}

uint32_t
series_columns(const struct series *s)
{
	return s->columns;
}

const char *
series_name(const struct series *s, uint32_t column)
{
	return s->names[column];
}

const char *
series_unit(const struct series *s, uint32_t column)
{
	(void)s;
	return column < SERIES_FIXED ? metrics[column].unit : "%";
}

const char *
series_meaning(const struct series *s, uint32_t column)
{
	(void)s;
	return column < SERIES_FIXED ? metrics[column].meaning
				     : "of that pool's workers are busy";
}

/* --- points --- */

void
series_blank(struct series_point *p)
{
	for (int c = 0; c < SERIES_COLUMNS; c++)
		p->values[c] = NAN;
}

static float *
values_of(struct ring *r, uint32_t column)
{
	if (r->values[column] == NULL) {
		r->values[column] = memory_new((size_t)r->size * sizeof(float));
		for (uint32_t i = 0; i < r->size; i++)
			r->values[column][i] = NAN;
	}
	return r->values[column];
}

static void
ring_put(struct series *s, struct ring *r, const struct series_point *p)
{
	r->newest = (r->newest + 1) % r->size;
	r->count += r->count < r->size;
	r->sequence = p->sequence;
	r->at_ms[r->newest] = p->at_ms;
	r->wall_ms[r->newest] = p->wall_ms;
	for (uint32_t c = 0; c < s->columns; c++)
		if (r->values[c] != NULL || !isnan(p->values[c]))
			values_of(r, c)[r->newest] = p->values[c];
}

/* gather adds a fine point to the coarse one to be; true: that is full. */
static bool
gather(struct series *s, const struct series_point *p)
{
	for (uint32_t c = 0; c < s->columns; c++) {
		if (isnan(p->values[c]))
			continue;
		s->sums[c] += (double)p->values[c];
		s->counts[c]++;
	}
	s->gathered++;
	return s->gathered == SERIES_COARSE_EVERY;
}

static void
put_gathered(struct series *s, const struct series_point *last)
{
	struct ring *r = &s->rings[SERIES_COARSE];
	struct series_point p = {.sequence = r->sequence + 1,
	    .at_ms = last->at_ms,
	    .wall_ms = last->wall_ms};

	series_blank(&p);
	for (uint32_t c = 0; c < s->columns; c++)
		if (s->counts[c] > 0)
			p.values[c] = (float)(s->sums[c] / s->counts[c]);
	memset(s->sums, 0, sizeof(s->sums));
	memset(s->counts, 0, sizeof(s->counts));
	s->gathered = 0;
	ring_put(s, r, &p);
}

bool
series_add(struct series *s, struct series_point *p)
{
	struct ring *r = &s->rings[SERIES_FINE];

	p->sequence = r->sequence + 1;
	ring_put(s, r, p);
	if (!gather(s, p))
		return false;
	put_gathered(s, p);
	return true;
}

void
series_restore(
    struct series *s, enum series_ring ring, const struct series_point *p)
{
	ring_put(s, &s->rings[ring], p);
}

uint32_t
series_count(const struct series *s, enum series_ring ring)
{
	return s->rings[ring].count;
}

uint64_t
series_newest(const struct series *s, enum series_ring ring)
{
	return s->rings[ring].sequence;
}

/* place_of: 0 is the oldest. */
static uint32_t
place_of(const struct ring *r, uint32_t index)
{
	return (
	    uint32_t)(((uint64_t)r->newest + 1 + r->size - r->count + index) %
	    r->size);
}

void
series_at(const struct series *s, enum series_ring ring, uint32_t index,
    struct series_point *to)
{
	const struct ring *r = &s->rings[ring];
	uint32_t place = place_of(r, index);

	INVARIANT(index < r->count);
	series_blank(to);
	to->sequence = r->sequence - (r->count - 1 - index);
	to->at_ms = r->at_ms[place];
	to->wall_ms = r->wall_ms[place];
	for (uint32_t c = 0; c < s->columns; c++)
		if (r->values[c] != NULL)
			to->values[c] = r->values[c][place];
}

/* --- looking back --- */

/* reaches: does the ring hold all of the span that there is? */
static bool
reaches(const struct series *s, const struct series_question *q)
{
	const struct ring *fine = &s->rings[SERIES_FINE];
	const struct ring *coarse = &s->rings[SERIES_COARSE];
	int64_t from_ms = q->now_ms - q->span_ms;

	if (coarse->count == 0)
		return true;
	if (fine->count == 0)
		return false;
	return fine->at_ms[place_of(fine, 0)] <= from_ms ||
	    coarse->at_ms[place_of(coarse, 0)] >=
	    fine->at_ms[place_of(fine, 0)];
}

struct bucket {
	int64_t number;
	int64_t wall_ms; /* of its first point */
	double sum;
	uint32_t count;
};

static void
give(struct bucket *b, series_visit *visit, void *ctx)
{
	if (b->count > 0)
		visit(ctx, b->wall_ms, b->sum / b->count);
	b->sum = 0;
	b->count = 0;
}

/* number_of counts buckets backwards from now, so the newest is whole. */
static int64_t
number_of(const struct series_question *q, int64_t at_ms, uint32_t index)
{
	if (q->resolution_ms <= 0)
		return index;
	return -((q->now_ms - at_ms) / q->resolution_ms);
}

void
series_buckets(const struct series *s, const struct series_question *q,
    series_visit *visit, void *ctx)
{
	const struct ring *r =
	    &s->rings[reaches(s, q) ? SERIES_FINE : SERIES_COARSE];
	const float *values = r->values[q->column];
	struct bucket b = {.number = INT64_MIN};

	for (uint32_t i = 0; values != NULL && i < r->count; i++) {
		uint32_t place = place_of(r, i);
		int64_t at_ms = r->at_ms[place];
		int64_t number = number_of(q, at_ms, i);

		if (at_ms < q->now_ms - q->span_ms || at_ms > q->now_ms ||
		    isnan(values[place]))
			continue;
		if (number != b.number)
			give(&b, visit, ctx);
		if (b.count == 0)
			b.wall_ms = r->wall_ms[place];
		b.number = number;
		b.sum += (double)values[place];
		b.count++;
	}
	give(&b, visit, ctx);
}

const char *
trend_name(enum trend trend)
{
	switch (trend) {
	case TREND_IMPROVING:
		return "improving";
	case TREND_STABLE:
		return "stable";
	case TREND_DEGRADING:
		return "degrading";
	case TREND_INSUFFICIENT:
		break;
	}
	return "insufficient_data";
}

/* thirds adds up the first and the last third; ctx of series_buckets. */
struct thirds {
	uint32_t seen, all;
	double first, last;
};

static void
count_one(void *ctx, int64_t wall_ms, double value)
{
	struct thirds *t = ctx;

	(void)wall_ms;
	(void)value;
	t->all++;
}

static void
add_one(void *ctx, int64_t wall_ms, double value)
{
	struct thirds *t = ctx;

	(void)wall_ms;
	if (t->seen < t->all / 3)
		t->first += value;
	else if (t->seen >= t->all - t->all / 3)
		t->last += value;
	t->seen++;
}

enum trend
series_trend(const struct series *s, uint32_t column, int64_t now_ms,
    int64_t span_ms, bool more_is_better)
{
	const struct series_question q = {
	    .column = column, .now_ms = now_ms, .span_ms = span_ms};
	struct thirds t = {.seen = 0};

	series_buckets(s, &q, count_one, &t);
	if (t.all < 6)
		return TREND_INSUFFICIENT;
	series_buckets(s, &q, add_one, &t);
	if (t.last < t.first * 0.9)
		return more_is_better ? TREND_DEGRADING : TREND_IMPROVING;
	if (t.last > t.first * 1.1)
		return more_is_better ? TREND_IMPROVING : TREND_DEGRADING;
	return TREND_STABLE;
}
