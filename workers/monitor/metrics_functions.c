// SPDX-License-Identifier: MIT
/* metrics_functions - calls, errors and times of each function, over all
 * gateways; for Prometheus and as a page. */

#include "protocol/function_look.h"
#include "workers/kit/worker.h"
#include "workers/monitor/exposition.h"
#include "workers/monitor/metrics.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/page.h"
#include "workers/monitor/pages.h"

enum {
	FIRST_BOUND = 6, /* 2^6 - 1 µs … */
	LAST_BOUND = 24,
	STEP = 2
};

static bool
is_other(const struct function_line *line)
{
	return text_is(line->service, FUNCTION_OTHER);
}

/* is_told: of __none__ all, so that every family has a series; of functions
 * what has happened. */
static bool
is_told(const struct function_line *line, uint64_t value)
{
	return value > 0 || text_is(line->service, FUNCTION_NONE_FOUND);
}

/* tell_value: the reader's others and the ceiling's are one series. */
static void
tell_value(struct exposition *e, const struct function_line *line,
    const char *class, uint64_t value)
{
	const struct exposition_label of[] = {{"service", line->service},
	    {"function", line->request_type}, {"version", line->version},
	    {"class", text_of(class != NULL ? class : "")}};
	struct exposition_labels labels = {of, class != NULL ? 4 : 3};

	if (!is_told(line, value))
		return;
	if (is_other(line))
		exposition_rest(e, labels, (double)value);
	else
		exposition_value(e, labels, (double)value);
}

static void
tell_counts(struct exposition *e, const struct function_look *look)
{
	exposition_family(e, "function_calls", EXPOSITION_COUNTER,
	    "calls of each function; __none__: that found no function");
	for (uint32_t i = 0; i < look->count; i++)
		tell_value(e, look->lines[i], NULL,
		    look->lines[i]->sums.counts[FUNCTION_COUNT_calls]);
	exposition_family(e, "function_errors", EXPOSITION_COUNTER,
	    "… answered with an error, by its class");
	for (uint32_t i = 0; i < look->count; i++)
		for (int k = 0; k < FUNCTION_COUNTS; k++) {
			enum function_count id = (enum function_count)k;

			if (function_count_is_error(id))
				tell_value(e, look->lines[i],
				    function_count_name(id),
				    look->lines[i]->sums.counts[k]);
		}
}

/* take_times adds the fine buckets up to bounds where both have an edge. */
static void
take_times(const struct function_line *line, double bounds[],
    uint64_t at_most[], struct exposition_times *times)
{
	uint64_t sum = 0;
	uint32_t bucket = 0, n = 0;

	for (uint32_t k = FIRST_BOUND; k <= LAST_BOUND; k += STEP, n++) {
		uint64_t top = ((uint64_t)1 << k) - 1;

		while (bucket < FUNCTION_BUCKETS &&
		    function_bucket_top(bucket) <= top)
			sum += line->sums.buckets[bucket++];
		bounds[n] = (double)top / 1e6;
		at_most[n] = sum;
	}
	*times = (struct exposition_times){.bounds = bounds,
	    .at_most = at_most,
	    .count = n,
	    .total = line->answered,
	    .sum = (double)line->sums.sum_us / 1e6};
}

static void
tell_times(struct exposition *e, const struct function_line *line)
{
	const struct exposition_label of[] = {{"service", line->service},
	    {"function", line->request_type}, {"version", line->version}};
	struct exposition_labels labels = {of, 3};
	double bounds[EXPOSITION_BOUNDS];
	uint64_t at_most[EXPOSITION_BOUNDS];
	struct exposition_times times;

	take_times(line, bounds, at_most, &times);
	if (is_other(line))
		exposition_rest_times(e, labels, &times);
	else
		exposition_times(e, labels, &times);
}

void
metrics_tell_functions(struct monitor *monitor, struct exposition *e,
    struct arena *arena, const struct census *census)
{
	struct function_look look;

	function_look_all(&look, arena, worker_stats(monitor->worker), census);
	tell_counts(e, &look);
	exposition_family(e, "function_duration_seconds", EXPOSITION_HISTOGRAM,
	    "from a call's arrival to its answer, of each function");
	for (uint32_t i = 0; i < look.count; i++)
		if (is_told(look.lines[i], look.lines[i]->answered))
			tell_times(e, look.lines[i]);
}

enum page_status
page_metrics_functions(struct page *page)
{
	const struct stats *stats = worker_stats(page->monitor->worker);
	struct function_look look;

	function_look_all(
	    &look, page->arena, stats, census_take(page->arena, stats));
	pack_map(page->out, 1);
	pack_string(page->out, "functions");
	function_look_pack(page->out, &look);
	return PAGE_OK;
}
