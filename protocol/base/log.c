// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A line is built on the stack and leaves in one write, so lines of several
 * processes on one pipe never mix (PIPE_BUF is 4096). Folding remembers lines
 * for all threads in one place: who finds it taken writes without folding
 * rather than wait.
 */

#include "protocol/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/log_fold.h"
#include "protocol/base/log_text.h"

static struct {
	char who[48];
	uint64_t life;
	enum log_level level;
	enum log_format format;
	enum log_colour colour;
	bool is_terminal;
	bool wants_no_colour; /* NO_COLOR */
	uint32_t window_ms;
	atomic_flag is_folding;
	struct log_fold fold;
	log_heard *_Atomic heard;         /* NULL: nobody listens */
	_Atomic uint64_t *_Atomic counts; /* of the levels; NULL: none */
} state = {.who = "-", .level = LOG_INFO, .is_folding = ATOMIC_FLAG_INIT};

void
log_init(const char *who, uint64_t life)
{
	const char *no_colour = getenv("NO_COLOR");

	snprintf(state.who, sizeof(state.who), "%s", who);
	state.life = life;
	state.is_terminal = isatty(STDERR_FILENO) == 1;
	state.wants_no_colour = no_colour != NULL && no_colour[0] != '\0';
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

void
log_set_colour(enum log_colour colour)
{
	state.colour = colour;
}

void
log_set_folding(uint32_t window_ms)
{
	state.window_ms = window_ms;
}

bool
log_wants(enum log_level level)
{
	return level >= state.level;
}

void
log_count_in(_Atomic uint64_t *of)
{
	atomic_store(&state.counts, of);
}

void
log_listen(log_heard *run)
{
	atomic_store(&state.heard, run);
}

static void
count(enum log_level level)
{
	_Atomic uint64_t *of = atomic_load(&state.counts);

	if (of != NULL)
		atomic_fetch_add_explicit(&of[level], 1, memory_order_relaxed);
}

static bool
is_coloured(void)
{
	if (state.format != LOG_TEXT || state.colour == LOG_COLOUR_NEVER)
		return false;
	return state.colour == LOG_COLOUR_ALWAYS ||
	    (state.is_terminal && !state.wants_no_colour);
}

bool
log_is_terminal(void)
{
	return state.format == LOG_TEXT &&
	    (state.is_terminal || state.colour == LOG_COLOUR_ALWAYS);
}

/* clean keeps a quoted stranger from forging a line or a colour. */
static void
clean(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

/* leave writes; a reader that does not read must not stop us: it is lost. */
static void
leave(const char *bytes, size_t len)
{
	int saved_errno = errno;
	ssize_t written = write(STDERR_FILENO, bytes, len);

	(void)written;
	errno = saved_errno;
}

static struct log_record
record_of(enum log_level level, enum log_kind kind, const char *event,
    const char *fields)
{
	return (struct log_record){.wall_us = clock_wall_us(),
	    .level = level,
	    .kind = kind,
	    .who = state.who,
	    .life = state.life,
	    .pid = getpid(),
	    .event = event,
	    .fields = fields};
}

static void
write_line(enum log_level level, enum log_kind kind, const char *event,
    const char *fields)
{
	struct log_record record = record_of(level, kind, event, fields);
	char line[LOG_LINE_BYTES + 1];
	log_heard *heard = atomic_load(&state.heard);

	if (heard != NULL)
		heard(level, event, fields);
	leave(line, log_text_line(line, &record, state.format, is_coloured()));
}

static void
tell_repeats(const struct log_folded *told)
{
	char fields[LOG_FOLD_TEXT + 32];

	if (told->repeats == 0)
		return;
	snprintf(fields, sizeof(fields), "%s repeated=%u", told->fields,
	    told->repeats);
	write_line(told->level, told->kind, told->event, fields);
}

/* is_swallowed folds the line if it can be: a warning or an error. What is
 * done twice is told twice. */
static bool
is_swallowed(enum log_level level, enum log_kind kind, const char *event,
    const char *fields)
{
	struct log_folded line = {.level = level, .kind = kind};
	struct log_folded told = {0};
	bool is_written = true;

	if (state.window_ms == 0 || level < LOG_WARN || level == LOG_FATAL ||
	    strlen(fields) >= sizeof(line.fields) ||
	    atomic_flag_test_and_set(&state.is_folding))
		return false;
	snprintf(line.event, sizeof(line.event), "%s", event);
	memcpy(line.fields, fields, strlen(fields) + 1);
	is_written = log_fold_take(
	    &state.fold, &line, clock_mono_ms(), state.window_ms, &told);
	atomic_flag_clear(&state.is_folding);
	tell_repeats(&told);
	return !is_written;
}

static void
tell_due(bool is_end)
{
	struct log_folded told;

	while (state.window_ms > 0 &&
	    !atomic_flag_test_and_set(&state.is_folding)) {
		bool is_due = log_fold_due(&state.fold, clock_mono_ms(),
		    state.window_ms, is_end, &told);

		atomic_flag_clear(&state.is_folding);
		if (!is_due)
			return;
		tell_repeats(&told);
	}
}

void
log_tick(void)
{
	tell_due(false);
}

void
log_flush(void)
{
	tell_due(true);
}

static log_hider *hider;

void
log_hide(log_hider *run)
{
	hider = run;
}

void
log_hidden(char fields[LOG_FIELDS_BYTES])
{
	if (hider != NULL)
		hider(fields);
}

void
log_write(enum log_level level, enum log_kind kind, const char *event,
    char fields[LOG_FIELDS_BYTES])
{
	count(level);
	log_hidden(fields);
	clean(fields);
	if (!is_swallowed(level, kind, event, fields))
		write_line(level, kind, event, fields);
}

void
log_draw(const struct log_box *box, enum log_level level, enum log_kind kind,
    const char *event, const char *fields)
{
	struct log_record record = record_of(level, kind, event, fields);
	char drawn[LOG_BOX_BYTES];

	leave(drawn, log_text_box(drawn, box, &record, is_coloured()));
}

void
log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	char fields[LOG_LINE_BYTES];
	va_list args;

	if (!log_wants(level))
		return;
	va_start(args, fmt);
	vsnprintf(fields, sizeof(fields), fmt, args);
	va_end(args);
	log_write(
	    level, level >= LOG_WARN ? LOG_FAILURE : LOG_OTHER, event, fields);
}
