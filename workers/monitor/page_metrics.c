// SPDX-License-Identifier: MIT
#include "protocol/settings.h"
#include "workers/kit/worker.h"
#include "workers/monitor/exposition.h"
#include "workers/monitor/metrics.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/pages.h"

static enum page_status
tell(struct page *page)
{
	bool is_open = page_wants(page, "application/openmetrics-text");
	struct text text = metrics_text(page->monitor->metrics, is_open);
	struct buffer *out;

	if (text.len == 0)
		return page_fail(page, PAGE_INTERNAL,
		    "the metrics are too big; lower prometheus.max_series");
	out = page_plain(page, is_open ? EXPOSITION_OPEN : EXPOSITION_TEXT);
	if (buffer_append_text(out, text) != OK)
		return page_fail(page, PAGE_INTERNAL,
		    "the metrics are too big; lower prometheus.max_series");
	return PAGE_OK;
}

static void
pools_are_known(void *ctx)
{
	struct page *page = ctx;

	page_finish(page, tell(page));
}

enum page_status
page_metrics_prometheus(struct page *page)
{
	if (!settings_bool(worker_settings(page->monitor->worker),
		SETTING_prometheus_enabled))
		return page_fail(
		    page, PAGE_UNAVAILABLE, "prometheus.enabled is false");
	if (metrics_ask(page->monitor->metrics, pools_are_known, page))
		return tell(page);
	return page_park(page);
}

/* page_metrics: the JSON is another page's, where there is one. */
enum page_status
page_metrics(struct page *page)
{
	size_t count;
	const struct path *rows = pages_rows(&count);
	char allowed[PATHS_ALLOWED];
	struct text id;
	const struct path *json = paths_find(rows, count, TEXT("GET"),
	    TEXT("/metrics/federation"), &id, allowed);

	if (json != NULL && page_wants(page, "application/json"))
		return json->handler(page);
	return page_metrics_prometheus(page);
}
