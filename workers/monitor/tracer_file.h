// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_TRACER_FILE_H
#define WORKERS_MONITOR_TRACER_FILE_H

/*
 * tracer_file - one file of the request tracer: lines behind lines, moved
 * away when it is full.
 *
 *   user_id-u7.log      at most max_bytes
 *   user_id-u7.log.1    the one before … up to .max_backups, exactly
 *
 * Trust:  a key is an operator's; it becomes a name without slashes. Lines are
 *         quoted already.
 * Owner:  open/close; the folder is made 0700, files 0600.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

enum {
	TRACER_PATH = 512,
	TRACER_WAITING = 256 << 10 /* bytes of lines not yet written */
};

struct tracer_rules {
	const char *folder;
	uint64_t max_bytes;
	uint32_t max_backups;
};

struct tracer_file {
	char path[TRACER_PATH];
	int fd;         /* -1: not open */
	uint64_t bytes; /* in the file, as the system says */
	uint64_t lost;  /* lines that could not be kept */
	uint64_t max_bytes;
	uint32_t max_backups;
	int error; /* errno of the last failure; 0: none since */
	struct buffer waiting;
};

/* tracer_file_name writes "request_type-get_user.log": what cannot stand in
 * a name becomes '_', nothing becomes "empty". */
void tracer_file_name(const char *kind, struct text key, char *to, size_t size);

/* tracer_file_init names the file; it is opened with its first line. */
enum err tracer_file_init(struct tracer_file *, const struct tracer_rules *,
    const char *name) MUST_USE;
void tracer_file_close(struct tracer_file *);

/* tracer_file_add takes a line, its end included, or counts it as lost. */
void tracer_file_add(struct tracer_file *, struct text line);

/* tracer_file_flush writes what waits; false: the disk does not take it. */
bool tracer_file_flush(struct tracer_file *);

#endif /* WORKERS_MONITOR_TRACER_FILE_H */
