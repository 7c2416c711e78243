// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The colours are those the seed asks for: white on green for what starts,
 * white on blue for a runner that does, white on red for ends and errors,
 * white on amber for actions, white on cyan for health. Only the pid carries
 * them, so that a page of lines can still be read.
 *
 * The JSON form keeps the fields as one text: fields are for people and grep;
 * counters and the events ring are for machines.
 */

#include "protocol/base/log_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define RESET     "\x1b[0m"
#define WHITE     "\x1b[97;40m"
#define COMPONENT "\x1b[33;40m"

static const char *const level_names[] = {
    "debug", "info", "warn", "error", "fatal"};

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}
static const char *const level_colours[] = {
    "\x1b[2m", "", "\x1b[33m", "\x1b[31m", "\x1b[1;31m"};
static const char *const kind_colours[] = {
    [LOG_OTHER] = "\x1b[97;40m",
    [LOG_SUCCESS] = "\x1b[97;42m",
    [LOG_ACTIVATION] = "\x1b[97;44m",
    [LOG_FAILURE] = "\x1b[97;41m",
    [LOG_ACTION] = "\x1b[97;48;5;214m",
    [LOG_HEALTH] = "\x1b[97;46m",
};

/* stamp writes RFC 3339 UTC with microseconds. */
static void
stamp(uint64_t wall_us, char *to, size_t size)
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;
	char date[24];

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(to, size, "%s.%06uZ", date, (unsigned)(wall_us % 1000000));
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
json_line(char *to, const struct log_record *r, const char *when)
{
	char escaped[LOG_LINE_BYTES];

	escape(r->fields, escaped, 760);
	return snprintf(to, LOG_LINE_BYTES,
	    "{\"ts\":\"%s\",\"level\":\"%s\",\"who\":\"%s\",\"life\":%llu,"
	    "\"event\":\"%s\",\"fields\":\"%s\"}",
	    when, level_names[r->level], r->who, (unsigned long long)r->life,
	    r->event, escaped);
}

static int
coloured_line(char *to, const struct log_record *r, const char *when)
{
	return snprintf(to, LOG_LINE_BYTES - sizeof(RESET),
	    "%s %s%-5s" RESET " %s[%d]" RESET " " COMPONENT "[%s]" RESET
	    " " WHITE "life=%llu %s %s",
	    when, level_colours[r->level], level_names[r->level],
	    kind_colours[r->kind], r->pid, r->who, (unsigned long long)r->life,
	    r->event, r->fields);
}

static int
plain_line(char *to, const struct log_record *r, const char *when,
    enum log_format format)
{
	const char *level = level_names[r->level];
	unsigned long long life = r->life;

	if (format == LOG_LOGFMT)
		return snprintf(to, LOG_LINE_BYTES,
		    "ts=%s level=%s who=%s life=%llu event=%s %s", when, level,
		    r->who, life, r->event, r->fields);
	return snprintf(to, LOG_LINE_BYTES, "%s %s %s life=%llu %s %s", when,
	    level, r->who, life, r->event, r->fields);
}

size_t
log_text_line(char to[LOG_LINE_BYTES + 1], const struct log_record *r,
    enum log_format format, bool is_coloured)
{
	char when[40];
	int most = LOG_LINE_BYTES;
	int len;

	stamp(r->wall_us, when, sizeof(when));
	if (format == LOG_JSON) {
		len = json_line(to, r, when);
	} else if (format == LOG_TEXT && is_coloured) {
		len = coloured_line(to, r, when);
		most -= (int)sizeof(RESET);
	} else {
		len = plain_line(to, r, when, format);
	}
	if (len >= most)
		len = most - 1;
	while (len > 0 && to[len - 1] == ' ')
		len--;
	if (format == LOG_TEXT && is_coloured) {
		memcpy(to + len, RESET, sizeof(RESET) - 1);
		len += (int)sizeof(RESET) - 1;
	}
	to[len] = '\n';
	return (size_t)len + 1;
}

/* value_end: behind a bare word, or at the closing quote of a quoted text. */
static const char *
value_end(const char *at, bool is_quoted)
{
	for (; *at != '\0' && *at != (is_quoted ? '"' : ' '); at++)
		if (is_quoted && *at == '\\' && at[1] != '\0')
			at++;
	return at;
}

bool
log_text_field(const char *fields, const char *key, char *to, size_t size)
{
	size_t len = strlen(key);

	for (const char *at = fields; *at != '\0';) {
		const char *equals = at + strcspn(at, "= ");
		bool is_it = *equals == '=' && (size_t)(equals - at) == len &&
		    memcmp(at, key, len) == 0;
		bool is_quoted = *equals == '=' && equals[1] == '"';
		const char *value = equals + (*equals == '=') + is_quoted;
		const char *end =
		    *equals == '=' ? value_end(value, is_quoted) : equals;

		if (is_it) {
			snprintf(to, size, "%.*s", (int)(end - value), value);
			return true;
		}
		at = end + (is_quoted && *end == '"');
		at += strspn(at, " ");
	}
	return false;
}

/* row_value gives what a row's right side means. */
static void
row_value(const struct log_record *r, const char *source, char *to, size_t size)
{
	if (source[0] == '=')
		snprintf(to, size, "%s", source + 1);
	else if (strcmp(source, "@pid") == 0)
		snprintf(to, size, "%d", r->pid);
	else if (strcmp(source, "@who") == 0)
		snprintf(to, size, "%s", r->who);
	else if (strcmp(source, "@event") == 0)
		snprintf(to, size, "%s", r->event);
	else if (!log_text_field(r->fields, source, to, size))
		snprintf(to, size, "-");
}

enum {
	BOX_INSIDE = 58,
	BOX_LABEL = 12
};

struct drawing {
	char *at;
	size_t left;
	const char *colour; /* of the frame; "" for none */
};

static void
draw(struct drawing *d, const char *text)
{
	size_t len = strlen(text);

	if (len >= d->left)
		len = d->left - 1;
	memcpy(d->at, text, len);
	d->at += len;
	d->left -= len;
	*d->at = '\0';
}

/* rule draws +---+, the title in it if there is one. */
static void
rule(struct drawing *d, const char *title)
{
	char line[BOX_INSIDE + 8];
	int at = snprintf(line, sizeof(line), "+-%s%.40s%s",
	    title[0] != '\0' ? " " : "", title, title[0] != '\0' ? " " : "");

	memset(line + at, '-', (size_t)(BOX_INSIDE + 3 - at));
	memcpy(line + BOX_INSIDE + 3, "+", 2);
	draw(d, d->colour);
	draw(d, line);
	draw(d, d->colour[0] != '\0' ? RESET "\n" : "\n");
}

static void
draw_row(struct drawing *d, const char *label, const char *value)
{
	char line[BOX_INSIDE + 8];
	int room = BOX_INSIDE - BOX_LABEL - 3;

	snprintf(line, sizeof(line), "| %-*.*s : %-*.*s |", BOX_LABEL,
	    BOX_LABEL, label, room, room, value);
	draw(d, line);
	draw(d, "\n");
}

size_t
log_text_box(char to[LOG_BOX_BYTES], const struct log_box *box,
    const struct log_record *r, bool is_coloured)
{
	struct drawing d = {.at = to,
	    .left = LOG_BOX_BYTES,
	    .colour = is_coloured ? kind_colours[r->kind] : ""};
	const char *at = box->rows;

	rule(&d, box->title);
	for (int i = 0; i < LOG_BOX_ROWS && *at != '\0'; i++) {
		char row[64], value[128];
		size_t len = strcspn(at, ",");

		snprintf(row, sizeof(row), "%.*s", (int)len, at);
		at += len + (at[len] == ',');
		char *source = strchr(row, '=');
		if (source == NULL)
			continue;
		*source = '\0';
		row_value(r, source + 1, value, sizeof(value));
		draw_row(&d, row, value);
	}
	rule(&d, "");
	return (size_t)(d.at - to);
}
