// SPDX-License-Identifier: MIT
#include "workers/monitor/pages.h"

#include <string.h>

#include "protocol/settings.h"
#include "workers/monitor/monitor.h"

static const struct path rows[] = {
#define P(method, path, handler, params, description) \
	{#method, path, page_##handler, params, description},
    ALL_PATHS(P)
#undef P
};

const struct path *
pages_rows(size_t *count)
{
	*count = COUNT_OF(rows);
	return rows;
}

static void
pack_rows(struct packer *out, bool is_long)
{
	pack_array(out, COUNT_OF(rows));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct path *row = &rows[i];
		bool has_params = row->params[0] != '\0';

		if (!is_long) {
			pack_string(out, row->pattern);
			continue;
		}
		pack_map(out, has_params ? 4 : 3);
		pack_field_string(out, "path", row->pattern);
		pack_field_string(out, "method", row->method);
		pack_field_string(out, "description", row->description);
		if (has_params)
			pack_field_string(out, "params", row->params);
	}
}

enum page_status
page_endpoints(struct page *page)
{
	pack_map(page->out, 2);
	pack_string(page->out, "endpoints");
	pack_rows(page->out, true);
	pack_field_u64(page->out, "total_endpoints", COUNT_OF(rows));
	return PAGE_OK;
}

enum page_status
page_index(struct page *page)
{
	const struct settings *settings =
	    worker_settings(page->monitor->worker);

	pack_map(page->out, 6);
	pack_field_string(page->out, "service", "banyan");
	pack_field_string(page->out, "version", BANYAN_VERSION);
	pack_field_string(page->out, "federation_mode", "disabled");
	pack_field_string(
	    page->out, "cluster_id", settings_string(settings, SETTING_node));
	pack_field_u64(page->out, "monitoring_port", page->monitor->http_port);
	pack_string(page->out, "endpoints");
	pack_rows(page->out, false);
	return PAGE_OK;
}
