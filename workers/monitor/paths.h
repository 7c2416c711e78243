// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_PATHS_H
#define WORKERS_MONITOR_PATHS_H

/*
 * paths - from a method and a path to its row of protocol/tables/paths.h.
 *
 * Pure: knows no HTTP but the words GET and POST.
 *
 * Trust:  the path is a stranger's, of any bytes.
 * Owner:  rows are static; the id borrows the path.
 */

#include <stddef.h>

#include "protocol/base/text.h"
#include "workers/monitor/page.h"

struct path {
	const char *method;
	const char *pattern; /* "/health/clusters/{id}" */
	page_handler *handler;
	const char *params;
	const char *description;
};

/* path_matches: `id` is the segment that stands for {id}; else untouched. */
bool path_matches(struct text path, const char *pattern, struct text *id);

/*
 * paths_find gives the first row that answers, or NULL; then `allowed` holds
 * the methods the path does know, "" when it is no path of ours.
 */
enum {
	PATHS_ALLOWED = 32
};
const struct path *paths_find(const struct path *rows, size_t count,
    struct text method, struct text path, struct text *id,
    char allowed[PATHS_ALLOWED]);

/* paths_closest gives the pattern most likely meant, or NULL. */
const char *paths_closest(
    const struct path *rows, size_t count, struct text path);

#endif /* WORKERS_MONITOR_PATHS_H */
