// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_EXPOSITION_H
#define WORKERS_MONITOR_EXPOSITION_H

/*
 * exposition - metrics as Prometheus reads them: text 0.0.4, or OpenMetrics
 * 1.0. Written in one pass; knows no metric by name.
 *
 * A ceiling bounds the series of one answer. What comes behind it is not lost
 * but summed: one more series a family whose labels all say `__other__`.
 *
 * Trust:  label values may be anything somebody named a thing: they are made
 *         UTF-8, cut and escaped here. Names and help are ours.
 * Owner:  the struct is the caller's and borrows the buffer; an overflow makes
 *         no memory.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

enum {
	EXPOSITION_LABELS = 6,
	EXPOSITION_VALUE = 128, /* bytes of a label's value that are shown */
	EXPOSITION_NAME = 160,
	EXPOSITION_BOUNDS = 40, /* most of one histogram */
	EXPOSITION_HELP = 256,
};

#define EXPOSITION_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define EXPOSITION_OPEN \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"

enum exposition_type {
	EXPOSITION_COUNTER,
	EXPOSITION_GAUGE,
	EXPOSITION_HISTOGRAM
};

struct exposition_label {
	const char *name;
	struct text value;
};

struct exposition_labels {
	const struct exposition_label *of;
	uint32_t count; /* at most EXPOSITION_LABELS */
};

/* A histogram: how many were at most each bound, in the unit of the name. */
struct exposition_times {
	const double *bounds; /* rising */
	const uint64_t *at_most;
	uint32_t count; /* of bounds, at most EXPOSITION_BOUNDS */
	uint64_t total;
	double sum;
};

struct exposition {
	struct buffer *out;
	const char *prefix;
	bool is_open; /* OpenMetrics */
	uint64_t most_series;
	uint64_t series; /* written so far */
	uint64_t over;   /* that were summed into __other__ instead */
	enum err err;    /* the first: ERR_FULL */

	/* the family being written */
	char name[EXPOSITION_NAME];
	enum exposition_type type;
	struct {
		bool is_any;
		const char *labels[EXPOSITION_LABELS];
		uint32_t label_count;
		double value;
		uint64_t at_most[EXPOSITION_BOUNDS];
		double bounds[EXPOSITION_BOUNDS];
		uint32_t bound_count;
		uint64_t total;
	} other;
};

void exposition_init(struct exposition *, struct buffer *out,
    const char *prefix, bool is_open, uint64_t most_series);

/*
 * exposition_family begins one; `name` without prefix and without _total.
 * All its values follow before the next family.
 */
void exposition_family(struct exposition *, const char *name,
    enum exposition_type, const char *help);

void exposition_value(
    struct exposition *, struct exposition_labels, double value);
void exposition_times(struct exposition *, struct exposition_labels,
    const struct exposition_times *);

/* exposition_rest and exposition_rest_times add to the family's __other__
 * what its teller itself does not tell apart; no ceiling was met. */
void exposition_rest(
    struct exposition *, struct exposition_labels, double value);
void exposition_rest_times(struct exposition *, struct exposition_labels,
    const struct exposition_times *);

/* exposition_finish ends the text. */
enum err exposition_finish(struct exposition *) MUST_USE;

/*
 * exposition_name makes a metric's name from a counter's: base units, so that
 * `lag_worst_ms` is lag_worst_seconds. `scale` is what values are divided by.
 */
void exposition_name(const char *role, const char *name, const char *unit,
    char to[EXPOSITION_NAME], double *scale);

#endif /* WORKERS_MONITOR_EXPOSITION_H */
