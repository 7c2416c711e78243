// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_LINE_COUNT_H
#define WORKERS_MONITOR_LINE_COUNT_H

/*
 * line_count - how many lines a growing log has: only what is new since the
 * last look is read. A file of another inode, or a shorter one, is counted
 * from its beginning.
 *
 * Trust:  the file's content is only looked through for ends of lines.
 * Owner:  the caller's struct, all zero at first; nothing stays open.
 */

#include <stdint.h>

struct line_count {
	uint64_t device, inode;
	uint64_t bytes; /* looked through */
	uint64_t lines; /* ends of lines among them */
};

/* line_count_look gives the lines; 0 for a file that cannot be read. */
uint64_t line_count_look(struct line_count *, const char *path);

#endif /* WORKERS_MONITOR_LINE_COUNT_H */
