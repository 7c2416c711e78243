// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_FILE_CHECK_H
#define WORKERS_MONITOR_FILE_CHECK_H

/*
 * file_check - what the settings file says now: a run of the settings program
 * (the code of `banyan check`), because YAML is never read by a process that
 * must live. One run at a time, at most one a second; it has five seconds.
 *
 * Trust:  what the program prints is bounded; its memfd passes settings_open.
 * Owner:  created and destroyed by monitor.c; a finding is valid until the
 *         next one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"

struct file_check;
struct monitor;
struct settings;

struct file_finding {
	bool is_read; /* false: the program could not run; `lines` say why */
	bool is_valid;
	struct text lines;           /* what is wrong, one a line */
	const struct settings *next; /* is_valid: what a reload would apply */
};

struct file_check *file_check_create(struct monitor *);
void file_check_destroy(struct file_check **);

/*
 * file_check_ask calls `done` later with a finding not older than a second;
 * false when there are too many who wait.
 */
bool file_check_ask(struct file_check *,
    void (*done)(void *ctx, const struct file_finding *), void *ctx);

#endif /* WORKERS_MONITOR_FILE_CHECK_H */
