// SPDX-License-Identifier: MIT
/* show_history - `banyan history`: a line of blocks for eyes, points for
 * programs. */

#include "protocol/pack.h"
#include "supervisor/cli/show.h"

enum {
	BLOCKS = 8,
	LINE_MOST = 72 /* columns of the line of blocks */
};

struct points {
	uint32_t count;
	double *at, *value;
	double least, most, sum;
};

static double
number_at(struct unpacker *u)
{
	double value = 0;
	uint64_t whole;

	if (unpack_f64(u, &value) == OK)
		return value;
	if (unpack_u64(u, &whole) == OK)
		return (double)whole;
	(void)!unpack_skip(u);
	return 0;
}

static struct points
points_of(struct view *v, struct text result)
{
	struct points p = {.count = 0};
	struct unpacker u;
	uint32_t count = show_array(result, "data", &u);
	uint32_t pair;

	p.at = ARENA_ARRAY(v->arena, double, count + 1);
	p.value = ARENA_ARRAY(v->arena, double, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_array(&u, &pair) != OK || pair != 2)
			break;
		p.at[i] = number_at(&u);
		p.value[i] = number_at(&u);
		p.sum += p.value[i];
		if (i == 0 || p.value[i] < p.least)
			p.least = p.value[i];
		if (i == 0 || p.value[i] > p.most)
			p.most = p.value[i];
		p.count++;
	}
	return p;
}

/* mean_of the points that share a column. */
static double
mean_of(const struct points *p, uint32_t column, uint32_t columns)
{
	uint64_t from = (uint64_t)column * p->count / columns;
	uint64_t to = (uint64_t)(column + 1) * p->count / columns;
	double sum = 0;

	for (uint64_t i = from; i < to; i++)
		sum += p->value[i];
	return sum / (double)(to - from);
}

static void
show_line(struct view *v, const struct points *p)
{
	static const char *const blocks[BLOCKS] = {
	    "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	uint32_t columns = p->count < LINE_MOST ? p->count : LINE_MOST;
	double span = p->most - p->least;

	for (uint32_t i = 0; i < columns; i++) {
		double part =
		    span > 0 ? (mean_of(p, i, columns) - p->least) / span : 0;
		int height = (int)(part * BLOCKS);

		view_print(
		    v, "%s", blocks[height < BLOCKS ? height : BLOCKS - 1]);
	}
	view_print(v, "\n");
}

static void
show_metrics(struct view *v, struct text result)
{
	struct table t;
	struct unpacker u;
	struct text row;
	uint32_t count = show_array(result, "metrics", &u);

	if (count == 0) {
		view_print(v,
		    "No metrics are kept yet.\n"
		    "next: banyan monitor show\n");
		return;
	}
	table_begin(&t, v, "metric|now|unit|what it is", "lrll");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &row) == OK; i++) {
		struct text last = TEXT("");

		(void)!unpack_map_find(row, TEXT("last"), &last);
		table_text(&t, PLAIN, show_text(row, "metric"));
		if (last.len > 0 && (uint8_t)last.at[0] == 0xc0)
			table_text(&t, DIM, TEXT("-"));
		else
			table_cell(&t, PLAIN, "%.10g", show_f64(row, "last"));
		table_text(&t, DIM, show_text(row, "unit"));
		table_text(&t, DIM, show_text(row, "meaning"));
	}
	table_end(&t);
	view_print(v, "next: banyan history --metric latency_ms\n");
}

enum cli_exit
show_history(struct view *v, struct text result)
{
	struct points p;
	struct text metrics;

	if (unpack_map_find(result, TEXT("metrics"), &metrics) == OK) {
		show_metrics(v, result);
		return CLI_OK;
	}
	p = points_of(v, result);
	view_paint(v, BOLD, "%.*s", TEXT_ARG(show_text(result, "metric")));
	view_paint(v, DIM, " %.*s, %llu h", TEXT_ARG(show_text(result, "unit")),
	    (unsigned long long)show_u64(result, "duration_hours"));
	if (p.count == 0) {
		view_print(v, "\nno points yet\n");
		return CLI_OK;
	}
	view_print(v, "  least %.6g  mean %.6g  most %.6g  now %.6g\n", p.least,
	    p.sum / p.count, p.most, p.value[p.count - 1]);
	if (v->has_colour) {
		show_line(v, &p);
		return CLI_OK;
	}
	for (uint32_t i = 0; i < p.count; i++)
		view_print(v, "%.*s  %.6g\n",
		    TEXT_ARG(view_when(v->arena, (uint64_t)(p.at[i] * 1000))),
		    p.value[i]);
	return CLI_OK;
}
