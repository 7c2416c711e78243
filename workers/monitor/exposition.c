// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A line is composed in one reserved piece of the buffer, of a size that no
 * line exceeds: labels are cut before they are escaped. So there is one check
 * a line, and 10 000 lines take about a millisecond.
 *
 * A ceiling for all families together would let the first one with many
 * labels silence the rest. It does not: a family behind the ceiling still has
 * its one series of __other__, and those are few, as families are ours.
 */

#include "workers/monitor/exposition.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "protocol/json_out.h"

enum {
	LINE_BYTES = EXPOSITION_NAME + 64 +
	    EXPOSITION_LABELS * (64 + 3 * EXPOSITION_VALUE),
	OTHER_BYTES = 9,
};

void
exposition_init(struct exposition *e, struct buffer *out, const char *prefix,
    bool is_open, uint64_t most_series)
{
	*e = (struct exposition){.out = out,
	    .prefix = prefix,
	    .is_open = is_open,
	    .most_series = most_series};
}

/* --- pieces of a line --- */

static char *
put(char *at, const char *s)
{
	size_t len = strlen(s);

	memcpy(at, s, len);
	return at + len;
}

/* shown_bytes cuts in front of a character, not through it. */
static uint32_t
shown_bytes(struct text t)
{
	uint32_t len = EXPOSITION_VALUE;

	if (t.len <= len)
		return t.len;
	while (len > EXPOSITION_VALUE - 4 && (t.at[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static char *
put_byte(char *at, char c)
{
	if (c == '\\' || c == '"') {
		*at++ = '\\';
		*at++ = c;
	} else if (c == '\n') {
		*at++ = '\\';
		*at++ = 'n';
	} else {
		*at++ = c;
	}
	return at;
}

/* put_label_value: what is not UTF-8, or controls, becomes `?`. */
static char *
put_label_value(char *at, struct text t)
{
	uint32_t len = shown_bytes(t);
	bool is_utf8 = text_is_utf8((struct text){t.at, len});

	for (uint32_t i = 0; i < len; i++)
		at = put_byte(at,
		    (!is_utf8 && (t.at[i] & 0x80) != 0) ||
			    ((unsigned char)t.at[i] < 0x20 && t.at[i] != '\n')
			? '?'
			: t.at[i]);
	return at;
}

static char *
put_u64(char *at, uint64_t value)
{
	char digits[20];
	int n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

static char *
put_number(char *at, double value)
{
	struct buffer digits;

	if (isnan(value))
		return put(at, "NaN");
	if (isinf(value))
		return put(at, value > 0 ? "+Inf" : "-Inf");
	if (value >= 0 && value < 9007199254740992.0 && value == floor(value))
		return put_u64(at, (uint64_t)value);
	buffer_init(&digits, 64);
	if (json_put_f64(&digits, value) == OK) {
		memcpy(at, buffer_at(&digits), buffer_used(&digits));
		at += buffer_used(&digits);
	}
	buffer_finish(&digits);
	return at;
}

static char *
put_labels(char *at, struct exposition_labels labels, const char *bound)
{
	bool is_first = true;

	if (labels.count == 0 && bound == NULL)
		return at;
	*at++ = '{';
	for (uint32_t i = 0; i < labels.count; i++) {
		if (!is_first)
			*at++ = ',';
		is_first = false;
		at = put(at, labels.of[i].name);
		*at++ = '=';
		*at++ = '"';
		at = put_label_value(at, labels.of[i].value);
		*at++ = '"';
	}
	if (bound != NULL) {
		if (!is_first)
			*at++ = ',';
		at = put(at, "le=\"");
		at = put(at, bound);
		*at++ = '"';
	}
	*at++ = '}';
	return at;
}

static void
line(struct exposition *e, const char *suffix, struct exposition_labels labels,
    const char *bound, double value)
{
	uint8_t *room;

	if (e->err != OK)
		return;
	e->err = buffer_reserve(e->out, LINE_BYTES, &room);
	if (e->err != OK)
		return;
	char *at = put((char *)room, e->name);
	at = put(at, suffix);
	at = put_labels(at, labels, bound);
	*at++ = ' ';
	at = put_number(at, value);
	*at++ = '\n';
	buffer_commit(e->out, (size_t)(at - (char *)room));
}

/* --- what does not fit --- */

static bool
is_over(struct exposition *e, struct exposition_labels labels, uint64_t cost)
{
	if (e->series + cost <= e->most_series || labels.count == 0) {
		e->series += cost;
		return false;
	}
	e->over += cost;
	return true;
}

/* begin_other: the family has one, under these labels' names. */
static void
begin_other(struct exposition *e, struct exposition_labels labels)
{
	e->other.is_any = true;
	e->other.label_count = labels.count;
	for (uint32_t i = 0; i < labels.count; i++)
		e->other.labels[i] = labels.of[i].name;
}

void
exposition_rest(
    struct exposition *e, struct exposition_labels labels, double value)
{
	begin_other(e, labels);
	e->other.value += value;
}

void
exposition_rest_times(struct exposition *e, struct exposition_labels labels,
    const struct exposition_times *times)
{
	INVARIANT(times->count <= EXPOSITION_BOUNDS);
	begin_other(e, labels);
	e->other.bound_count = times->count;
	for (uint32_t i = 0; i < times->count; i++) {
		e->other.bounds[i] = times->bounds[i];
		e->other.at_most[i] += times->at_most[i];
	}
	e->other.total += times->total;
	e->other.value += times->sum;
}

static void put_times(struct exposition *, struct exposition_labels,
    const struct exposition_times *);

/* tell_other writes what the family has beyond the ceiling, as one. */
static void
tell_other(struct exposition *e)
{
	struct exposition_label of[EXPOSITION_LABELS];
	struct exposition_labels labels = {of, e->other.label_count};

	if (!e->other.is_any)
		return;
	for (uint32_t i = 0; i < labels.count; i++)
		of[i] = (struct exposition_label){
		    e->other.labels[i], {"__other__", OTHER_BYTES}};
	if (e->type == EXPOSITION_HISTOGRAM)
		put_times(e, labels,
		    &(struct exposition_times){.bounds = e->other.bounds,
			.at_most = e->other.at_most,
			.count = e->other.bound_count,
			.total = e->other.total,
			.sum = e->other.value});
	else
		line(e, e->type == EXPOSITION_COUNTER ? "_total" : "", labels,
		    NULL, e->other.value);
}

/* --- families --- */

void
exposition_family(struct exposition *e, const char *name,
    enum exposition_type type, const char *help)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};
	uint8_t *room;
	char *at;

	tell_other(e);
	memset(&e->other, 0, sizeof(e->other));
	e->type = type;
	snprintf(e->name, sizeof(e->name), "%s_%s", e->prefix, name);
	if (e->err == OK)
		e->err = buffer_reserve(e->out,
		    2 * (EXPOSITION_NAME + EXPOSITION_HELP) + 64, &room);
	if (e->err != OK)
		return;
	/* text 0.0.4 names a counter with its _total, OpenMetrics without */
	const char *total =
	    type == EXPOSITION_COUNTER && !e->is_open ? "_total" : "";
	at = put(put(put((char *)room, "# HELP "), e->name), total);
	*at++ = ' ';
	for (size_t i = 0; help[i] != '\0' && i < EXPOSITION_HELP; i++)
		at = help[i] == '"' && !e->is_open ? put(at, "\"")
						   : put_byte(at, help[i]);
	at = put(put(put(at, "\n# TYPE "), e->name), total);
	*at++ = ' ';
	at = put(put(at, types[type]), "\n");
	buffer_commit(e->out, (size_t)(at - (char *)room));
}

void
exposition_value(
    struct exposition *e, struct exposition_labels labels, double value)
{
	if (is_over(e, labels, 1))
		exposition_rest(e, labels, value);
	else
		line(e, e->type == EXPOSITION_COUNTER ? "_total" : "", labels,
		    NULL, value);
}

static void
put_times(struct exposition *e, struct exposition_labels labels,
    const struct exposition_times *times)
{
	char bound[64];

	for (uint32_t i = 0; i < times->count; i++) {
		*put_number(bound, times->bounds[i]) = '\0';
		line(e, "_bucket", labels, bound, (double)times->at_most[i]);
	}
	line(e, "_bucket", labels, "+Inf", (double)times->total);
	line(e, "_sum", labels, NULL, times->sum);
	line(e, "_count", labels, NULL, (double)times->total);
}

void
exposition_times(struct exposition *e, struct exposition_labels labels,
    const struct exposition_times *times)
{
	INVARIANT(times->count <= EXPOSITION_BOUNDS);
	if (is_over(e, labels, times->count + 3))
		exposition_rest_times(e, labels, times);
	else
		put_times(e, labels, times);
}

enum err
exposition_finish(struct exposition *e)
{
	tell_other(e);
	memset(&e->other, 0, sizeof(e->other));
	if (e->err == OK && e->is_open)
		e->err = buffer_append_text(e->out, TEXT("# EOF\n"));
	return e->err;
}

/* --- names --- */

static bool
ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name), k = strlen(ending);

	return n > k && strcmp(name + n - k, ending) == 0;
}

void
exposition_name(const char *role, const char *name, const char *unit,
    char to[EXPOSITION_NAME], double *scale)
{
	static const struct {
		const char *unit, *base;
		double scale;
	} units[] = {{"ms", "seconds", 1e3}, {"us", "seconds", 1e6},
	    {"ns", "seconds", 1e9}, {"bytes", "bytes", 1}};
	char ending[16];
	int n = (int)strlen(name);

	*scale = 1;
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (strcmp(unit, units[i].unit) != 0)
			continue;
		snprintf(ending, sizeof(ending), "_%s", unit);
		if (ends_with(name, ending))
			n -= (int)strlen(ending);
		*scale = units[i].scale;
		snprintf(to, EXPOSITION_NAME, "%s_%.*s_%s", role, n, name,
		    units[i].base);
		return;
	}
	snprintf(to, EXPOSITION_NAME, "%s_%s", role, name);
}
