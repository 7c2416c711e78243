// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_PAGES_H
#define WORKERS_MONITOR_PAGES_H

/*
 * pages - every handler of protocol/tables/paths.h, and the rows themselves.
 *
 * Trust:  see page.h.
 * Owner:  rows are static.
 */

#include "protocol/tables/paths.h"
#include "workers/monitor/page.h"
#include "workers/monitor/paths.h"

#define DECLARE_PAGE(method, path, handler, ...) \
	enum page_status page_##handler(struct page *);
ALL_PATHS(DECLARE_PAGE)

/* page_transport_url gives an address of endpoints.json, empty for none;
 * page_transport_port its real port, 0 for none. */
struct text page_transport_url(struct page *, const char *name);
uint64_t page_transport_port(struct page *, const char *name);

/* pages_rows gives all rows, in the order of the table. */
const struct path *pages_rows(size_t *count);

#endif /* WORKERS_MONITOR_PAGES_H */
