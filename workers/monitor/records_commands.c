// SPDX-License-Identifier: MIT
/* records_commands - `banyan history`. */

#include "workers/kit/worker.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/page.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/records.h"
#include "workers/monitor/tell.h"

/* pack_list: every metric, with its newest value. */
static void
pack_list(struct packer *p, const struct series *s)
{
	uint32_t count = series_count(s, SERIES_FINE);
	struct series_point last;

	series_blank(&last);
	if (count > 0)
		series_at(s, SERIES_FINE, count - 1, &last);
	pack_map(p, 2);
	pack_field_u64(p, "points", count);
	pack_string(p, "metrics");
	pack_array(p, series_columns(s));
	for (uint32_t c = 0; c < series_columns(s); c++) {
		float value = last.values[c];

		pack_map(p, 4);
		pack_field_string(p, "metric", series_name(s, c));
		if (value == value) /* not NaN: it is known */
			tell_ms(p, "last", (double)value);
		else
			tell_nil(p, "last");
		pack_field_string(p, "unit", series_unit(s, c));
		pack_field_string(p, "meaning", series_meaning(s, c));
	}
}

static const char *
hint_for(struct command *command, const struct series *s, struct text name)
{
	const char *names[SERIES_COLUMNS];
	int closest;

	for (uint32_t c = 0; c < series_columns(s); c++)
		names[c] = series_name(s, c);
	closest = text_closest(name, names, series_columns(s));
	if (closest < 0)
		return "`banyan history` lists them";
	return arena_printf(
	    command->arena, "did you mean `%s`?", names[closest])
	    .at;
}

/* monitor_cmd_history answers `banyan history`. */
void
monitor_cmd_history(struct worker *w, struct command *command)
{
	const struct monitor *own = worker_state(w);
	const struct series *s = own->records->history.series;
	struct text metric;
	enum err e = command_text(command, "metric", &metric);

	if (e == ERR_MISSING)
		pack_list(command->result, s);
	else if (e == OK && series_find(s, metric) == SERIES_NONE)
		command_fail(command, CLASS_NOT_FOUND,
		    hint_for(command, s, metric), "there is no metric `%.*s`",
		    TEXT_ARG(metric));
	else
		page_answer_command(w, command, page_metrics_timeseries);
}
