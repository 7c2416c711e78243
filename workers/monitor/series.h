// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_SERIES_H
#define WORKERS_MONITOR_SERIES_H

/*
 * series - what was measured, over time: a fine ring (10 s for 6 h) and a
 * coarse one (the mean of six fine points: a minute for 7 days).
 *
 * A point has a value for each column, or none. Its place and its age go by
 * sequence and monotonic time; the wall time is a label and may jump. A point
 * that was kept on disk in an earlier boot is placed by its label.
 *
 * Pure: it knows no clock, no disk; encode and decode give the bytes that
 * history.h keeps.
 *
 * Trust:  encoded points come from a disk: their lengths are checked; a
 *         column they name and we do not know any more is left out.
 * Owner:  create/destroy.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

/* M(name, unit, meaning); more columns, one a pool, come at run time. */
#define SERIES_METRICS(M) \
	M(health_score, "share", "of the unified monitor; 1 is best") \
	M(requests_per_second, "1/s", "calls received by the gateways") \
	M(latency_ms, "ms", "average of all calls, arrival to answer") \
	M(p95_latency_ms, "ms", "of the same") \
	M(p99_latency_ms, "ms", "of the same") \
	M(error_rate_percent, "%", "calls answered with an error") \
	M(cross_cluster_latency_ms, "ms", "p95 of what service nodes take") \
	M(active_correlations, "calls", "in flight at the gateways") \
	M(connections, "clients", "connected") \
	M(pool_in_flight, "calls", "on runners") \
	M(pool_queued, "calls", "waiting for a runner") \
	M(pool_requests_per_second, "1/s", "local calls") \
	M(messages_per_second, "1/s", "messages relayed to groups") \
	M(cpu_percent, "%", "of the machine's processors") \
	M(memory_percent, "%", "of the machine's memory") \
	M(tree_memory_bytes, "bytes", "resident, of the tree's processes") \
	M(disk_percent, "%", "of the disk of state_dir") \
	M(network_bytes_per_second, "bytes/s", "in and out, without lo")

enum series_metric {
#define M(name, ...) SERIES_##name,
	SERIES_METRICS(M)
#undef M
	SERIES_FIXED
};

enum {
	SERIES_COLUMNS = 64,
	SERIES_NAME = 48, /* bytes of a column's name, NUL included */
	SERIES_COARSE_EVERY = 6,
	SERIES_NONE = SERIES_COLUMNS
};

enum series_ring {
	SERIES_FINE,
	SERIES_COARSE,
	SERIES_RINGS
};

struct series_point {
	uint64_t sequence; /* 1, 2, 3 … in its ring, over all lives */
	int64_t at_ms;     /* monotonic; below 0: before this boot */
	int64_t wall_ms;
	float values[SERIES_COLUMNS]; /* NaN: not known */
};

struct series;

void series_create(struct series **, const uint32_t sizes[SERIES_RINGS]);
void series_destroy(struct series **);

/* series_column finds or makes a column; SERIES_NONE: there is no room. */
uint32_t series_column(struct series *, struct text name);

/* series_find gives SERIES_NONE for a name nobody has recorded. */
uint32_t series_find(const struct series *, struct text name);
uint32_t series_columns(const struct series *);
const char *series_name(const struct series *, uint32_t column);
const char *series_unit(const struct series *, uint32_t column);
const char *series_meaning(const struct series *, uint32_t column);

/* series_blank makes all values unknown. */
void series_blank(struct series_point *);

/*
 * series_add gives the point its sequence and takes it into the fine ring;
 * true: a coarse point came of it, which is the newest of its ring now.
 */
bool series_add(struct series *, struct series_point *);

/* series_restore takes a point back; in the order of their sequences. */
void series_restore(
    struct series *, enum series_ring, const struct series_point *);

uint32_t series_count(const struct series *, enum series_ring);
uint64_t series_newest(const struct series *, enum series_ring); /* sequence */

/* series_at: 0 is the oldest; index < series_count. */
void series_at(const struct series *, enum series_ring, uint32_t index,
    struct series_point *to);

/* --- looking back --- */

struct series_question {
	uint32_t column;
	int64_t now_ms; /* monotonic */
	int64_t span_ms;
	int64_t resolution_ms; /* 0: each point by itself */
};

typedef void series_visit(void *ctx, int64_t wall_ms, double value);

/*
 * series_buckets visits the mean of each bucket of that length that has a
 * value, in order, with the label of its first point. The coarse ring answers
 * what the fine one does not reach back to.
 */
void series_buckets(const struct series *, const struct series_question *,
    series_visit *, void *ctx);

enum trend {
	TREND_INSUFFICIENT,
	TREND_IMPROVING,
	TREND_STABLE,
	TREND_DEGRADING
};

const char *trend_name(enum trend);

/* series_trend compares the last third of the fine points in the span with
 * the first; `more_is_better` for throughput and health. */
enum trend series_trend(const struct series *, uint32_t column, int64_t now_ms,
    int64_t span_ms, bool more_is_better);

/* --- bytes for the disk --- */

/* series_names packs the names of the columns; their hash is the layout. */
enum err series_names(
    const struct series *, struct buffer *to, uint64_t *layout) MUST_USE;

enum err series_encode(const struct series *, const struct series_point *,
    uint64_t boot, struct buffer *to) MUST_USE;

/* What a decoder must know of now and of the layouts on disk. */
struct series_decoder {
	struct series *series;
	uint64_t boot;
	int64_t now_ms, now_wall_ms;
	/* of one layout: its columns here; series_decode_names fills it */
	struct series_layout {
		uint64_t hash;
		uint32_t count;
		uint32_t columns[SERIES_COLUMNS];
	} layouts[16];
	uint32_t layout_count;
};

enum err series_decode_names(
    struct series_decoder *, uint64_t layout, struct text names) MUST_USE;

/* series_decode: ERR_MALFORMED; ERR_NOT_FOUND: its layout is not known. */
enum err series_decode(const struct series_decoder *, struct text,
    struct series_point *to) MUST_USE;

#endif /* WORKERS_MONITOR_SERIES_H */
