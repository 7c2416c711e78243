// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A line is built on the stack and leaves in one write, so lines of several
 * processes on one pipe never mix (PIPE_BUF is 4096). The JSON form keeps the
 * fields as one text: fields are for people and grep; counters and the events
 * ring are for machines.
 */

#include "protocol/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"

enum {
	LINE_BYTES = 1024
};

static struct {
	char who[48];
	uint64_t life;
	enum log_level level;
	enum log_format format;
	bool is_terminal;
} state = {.who = "-", .level = LOG_INFO};

static const char *const level_names[] = {
    "debug", "info", "warn", "error", "fatal"};
static const char *const level_colours[] = {
    "\x1b[2m", "", "\x1b[33m", "\x1b[31m", "\x1b[1;31m"};

void
log_init(const char *who, uint64_t life)
{
	snprintf(state.who, sizeof(state.who), "%s", who);
	state.life = life;
	state.is_terminal = isatty(STDERR_FILENO) == 1;
}

void
log_set_level(enum log_level level)
{
	state.level = level;
}

void
log_set_format(enum log_format format)
{
	state.format = format;
}

bool
log_wants(enum log_level level)
{
	return level >= state.level;
}

/* stamp writes RFC 3339 UTC with microseconds. */
static void
stamp(char *to, size_t size)
{
	uint64_t now_us = clock_wall_us();
	time_t seconds = (time_t)(now_us / 1000000);
	struct tm tm;
	char date[24];

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(to, size, "%s.%06uZ", date, (unsigned)(now_us % 1000000));
}

/* clean keeps a quoted stranger from forging a line or a colour. */
static void
clean(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

/* escape doubles what JSON would trip over; cuts at the end of `to`. */
static void
escape(const char *from, char *to, size_t size)
{
	size_t at = 0;

	for (; *from != '\0' && at + 3 < size; from++) {
		if (*from == '"' || *from == '\\')
			to[at++] = '\\';
		to[at++] = *from;
	}
	to[at] = '\0';
}

static int
format_line(
    char *line, enum log_level level, const char *event, const char *fields)
{
	char when[40], escaped[LINE_BYTES];
	bool colour = state.is_terminal && level_colours[level][0] != '\0';

	stamp(when, sizeof(when));
	switch (state.format) {
	case LOG_JSON:
		escape(fields, escaped, sizeof(escaped));
		return snprintf(line, LINE_BYTES,
		    "{\"ts\":\"%s\",\"level\":\"%s\",\"who\":\"%s\","
		    "\"life\":%llu,\"event\":\"%s\",\"fields\":\"%.*s\"}",
		    when, level_names[level], state.who,
		    (unsigned long long)state.life, event, 760, escaped);
	case LOG_LOGFMT:
		return snprintf(line, LINE_BYTES,
		    "ts=%s level=%s who=%s life=%llu event=%s %s", when,
		    level_names[level], state.who,
		    (unsigned long long)state.life, event, fields);
	case LOG_TEXT:
	default:
		return snprintf(line, LINE_BYTES,
		    "%s%s %s %s life=%llu %s %s%s",
		    colour ? level_colours[level] : "", when,
		    level_names[level], state.who,
		    (unsigned long long)state.life, event, fields,
		    colour ? "\x1b[0m" : "");
	}
}

void
log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	char fields[LINE_BYTES], line[LINE_BYTES + 1];
	int saved_errno = errno;
	va_list args;

	if (!log_wants(level))
		return;
	va_start(args, fmt);
	vsnprintf(fields, sizeof(fields), fmt, args);
	va_end(args);
	clean(fields);
	int length = format_line(line, level, event, fields);
	if (length >= LINE_BYTES)
		length = LINE_BYTES - 1;
	while (length > 0 && line[length - 1] == ' ')
		length--;
	line[length] = '\n';
	/* a reader that does not read must not stop us: the line is lost */
	ssize_t written = write(STDERR_FILENO, line, (size_t)length + 1);
	(void)written;
	errno = saved_errno;
}
