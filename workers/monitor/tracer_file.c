// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A disk that is full degrades the tracer and nothing else: lines wait up to
 * TRACER_WAITING, then they are counted as lost. A line is never cut in two
 * by the end of a file: it begins the next one.
 */

#include "workers/monitor/tracer_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/fd.h"

static bool
is_forbidden(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f ||
	    strchr("/\\:*?\"<>|", c) != NULL;
}

void
tracer_file_name(const char *kind, struct text key, char *to, size_t size)
{
	int used = snprintf(to, size, "%s-", kind);
	size_t at = (size_t)used;

	if (key.len == 0)
		key = TEXT("empty");
	for (uint32_t i = 0; i < key.len && at + 5 < size; i++)
		to[at++] = is_forbidden(key.at[i]) ? '_' : key.at[i];
	snprintf(to + at, size - at, ".log");
}

enum err
tracer_file_init(
    struct tracer_file *f, const struct tracer_rules *rules, const char *name)
{
	*f = (struct tracer_file){.fd = -1,
	    .max_bytes = rules->max_bytes,
	    .max_backups = rules->max_backups};
	int n =
	    snprintf(f->path, sizeof(f->path), "%s/%s", rules->folder, name);
	if (n < 0 || (size_t)n + 8 > sizeof(f->path))
		return ERR_TOO_BIG;
	buffer_init(&f->waiting, TRACER_WAITING);
	return OK;
}

static bool
fail(struct tracer_file *f)
{
	f->error = errno;
	return false;
}

/* make_folder: its parents are there (state_dir), or an operator's to make. */
static bool
make_folder(struct tracer_file *f)
{
	char folder[TRACER_PATH];
	const char *slash = strrchr(f->path, '/');

	snprintf(
	    folder, sizeof(folder), "%.*s", (int)(slash - f->path), f->path);
	return mkdir(folder, 0700) == 0 || errno == EEXIST;
}

/* is_open opens the file if need be, and learns its true size. */
static bool
is_open(struct tracer_file *f)
{
	struct stat st;

	if (f->fd >= 0)
		return true;
	if (!make_folder(f))
		return fail(f);
	f->fd = open(f->path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0 || fstat(f->fd, &st) != 0) {
		fail(f);
		fd_close(&f->fd);
		return false;
	}
	f->bytes = (uint64_t)st.st_size;
	return true;
}

static void
backup_name(const struct tracer_file *f, uint32_t number, char *to)
{
	if (number == 0)
		snprintf(to, TRACER_PATH + 12, "%s", f->path);
	else
		snprintf(to, TRACER_PATH + 12, "%s.%u", f->path, number);
}

/* rotate moves file → .1 → .2 …; what would be beyond the last is gone. */
static bool
rotate(struct tracer_file *f)
{
	char from[TRACER_PATH + 12], to[TRACER_PATH + 12];

	fd_close(&f->fd);
	backup_name(f, f->max_backups, to);
	if (unlink(to) != 0 && errno != ENOENT)
		return fail(f);
	for (uint32_t i = f->max_backups; i > 0; i--) {
		backup_name(f, i - 1, from);
		backup_name(f, i, to);
		if (rename(from, to) != 0 && errno != ENOENT)
			return fail(f);
	}
	return true;
}

/* first_lines gives how much of the waiting lines fits, whole lines only. */
static size_t
first_lines(const struct tracer_file *f, struct text waiting)
{
	uint64_t room = f->bytes < f->max_bytes ? f->max_bytes - f->bytes : 0;
	size_t whole = 0;

	for (uint32_t i = 0; i < waiting.len; i++) {
		if (i >= room && whole > 0)
			break;
		if (waiting.at[i] == '\n' && (i < room || f->bytes == 0)) {
			whole = i + 1;
			if (i >= room)
				break; /* alone bigger than a file may be */
		}
	}
	return whole;
}

bool
tracer_file_flush(struct tracer_file *f)
{
	while (buffer_used(&f->waiting) > 0) {
		if (!is_open(f))
			return false;
		size_t bytes = first_lines(f, buffer_text(&f->waiting));
		if (bytes == 0) {
			if (!rotate(f))
				return false;
			continue;
		}
		ssize_t n = write(f->fd, buffer_at(&f->waiting), bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(f);
		f->bytes += (uint64_t)n;
		buffer_consume(&f->waiting, (size_t)n);
	}
	f->error = 0;
	return true;
}

void
tracer_file_add(struct tracer_file *f, struct text line)
{
	if (buffer_append_text(&f->waiting, line) != OK)
		f->lost++;
}

void
tracer_file_close(struct tracer_file *f)
{
	if (!tracer_file_flush(f))
		f->lost++;
	fd_close(&f->fd);
	buffer_finish(&f->waiting);
}
