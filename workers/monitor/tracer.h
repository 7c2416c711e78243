// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_TRACER_H
#define WORKERS_MONITOR_TRACER_H

/*
 * tracer - the request tracer: which request types and users are written to
 * files, and the lines of those files.
 *
 * A line is key=value pairs sorted by key; gateway.md's names, one line for
 * each event of TRACE_STAGES that has one.
 *
 * Trust:  facts and hops quote strangers: values are quoted where needed.
 * Owner:  init/finish; files are the tracer's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/log.h"
#include "workers/monitor/traces.h"
#include "workers/monitor/tracer_file.h"

enum {
	TRACER_KEYS = TRACE_FILTERS - TRACES_RUNNING,
	TRACER_LINE = 4096
};

struct tracer_key {
	bool is_user; /* else a request type */
	uint32_t id;  /* of its filter */
	uint32_t len;
	char name[TRACE_KEY_BYTES];
	struct tracer_file file;
};

struct tracer {
	bool is_enabled;
	const char *node;
	char folder[TRACER_PATH];
	uint64_t max_file_bytes;
	uint32_t max_backup_files;
	enum log_level log_level; /* lines below it are left out */
	uint64_t lost;            /* lines no disk has, of files closed too */
	uint32_t count;
	struct tracer_key *keys[TRACER_KEYS];
};

void tracer_init(struct tracer *, const char *node);
void tracer_finish(struct tracer *);

/*
 * tracer_add watches one more key, under the filter `id`; a known one is OK
 * and is found by tracer_find. ERR_FULL, ERR_TOO_BIG, ERR_MISSING (empty).
 */
enum err tracer_add(
    struct tracer *, bool is_user, struct text key, uint32_t id) MUST_USE;
const struct tracer_key *tracer_find(
    const struct tracer *, bool is_user, struct text key);

/* tracer_remove closes its file; false: not watched. */
bool tracer_remove(struct tracer *, bool is_user, struct text key);
void tracer_clear(struct tracer *);

/* tracer_take writes the line of a hop to every file its request goes to. */
void tracer_take(struct tracer *, const struct traced_request *,
    const struct hop *, const struct trace_place *);

/* tracer_line composes it, without an end of line; false: no line. */
bool tracer_line(const struct tracer *, const struct traced_request *,
    const struct hop *, const struct trace_place *, struct buffer *);

/* tracer_flush writes all that waits; false: some disk does not take it. */
bool tracer_flush(struct tracer *);

/* tracer_level reads spec's words for levels; LOG_DEBUG for any other. */
enum log_level tracer_level(struct text);

#endif /* WORKERS_MONITOR_TRACER_H */
