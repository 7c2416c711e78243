// SPDX-License-Identifier: MIT
/* show_log - `banyan log summary`. */

#include "protocol/unpack.h"
#include "supervisor/cli/show.h"

static enum colour
colour_of(struct text level, uint64_t count)
{
	if (count == 0)
		return DIM;
	if (text_is(level, "error") || text_is(level, "fatal"))
		return RED;
	return text_is(level, "warn") ? YELLOW : PLAIN;
}

static void
show_levels(struct view *v, struct text counts)
{
	struct unpacker u;
	struct text level;
	uint32_t count = 0;
	uint64_t lines;

	unpack_init(&u, counts);
	if (unpack_map(&u, &count) != OK)
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &level) != OK ||
		    unpack_u64(&u, &lines) != OK)
			return;
		view_paint(v, colour_of(level, lines), "%-7.*s %llu\n",
		    TEXT_ARG(level), (unsigned long long)lines);
	}
}

enum cli_exit
show_log_summary(struct view *v, struct text result)
{
	struct text summary = show_map(result, "summary");
	struct unpacker u;
	struct text error;
	struct table table;
	uint32_t count = show_array(summary, "top_errors", &u);

	view_print(v, "%llu lines in %.*s, %.2f warnings and errors a minute\n",
	    (unsigned long long)show_u64(summary, "total_logs"),
	    TEXT_ARG(view_span(
		v->arena, (uint64_t)(show_f64(summary, "time_period") * 1000))),
	    show_f64(summary, "error_rate"));
	show_levels(v, show_map(summary, "log_counts"));
	if (count == 0)
		return CLI_OK;
	view_print(v, "\n");
	table_begin(&table, v, "COUNT|LEVEL|EVENT|LAST OF|MEANING", "rllll");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &error) == OK; i++) {
		struct text level = show_text(error, "level");

		table_u64(&table, show_u64(error, "count"));
		table_text(&table, colour_of(level, 1), level);
		table_text(&table, BOLD, show_text(error, "error_type"));
		table_text(&table, PLAIN, show_text(error, "process"));
		table_text(&table, DIM, show_text(error, "meaning"));
	}
	table_end(&table);
	view_print(v, "next: banyan diag errors\n");
	return CLI_OK;
}
