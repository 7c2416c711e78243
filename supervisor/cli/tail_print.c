// SPDX-License-Identifier: MIT
/* tail_print - one message of the bus, as a line. */

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/bus_message.h"
#include "protocol/json_out.h"
#include "protocol/unpack.h"
#include "supervisor/cli/output.h"
#include "supervisor/cli/show.h"
#include "supervisor/cli/tail.h"

enum {
	LINE_BYTES = 32 << 20 /* a message of 4 MiB, each byte as \u0000 */
};

static const double latest_s = 253402300800.0; /* the year 10000 */

static bool
wants_json(const struct tail *t)
{
	return t->cli->wants_json || isatty(STDOUT_FILENO) != 1;
}

/* level_of: what is no level counts as the least. */
static enum log_level
level_of(struct text map)
{
	struct text word = show_text(map, "level");

	for (int level = 0; level < LOG_LEVELS; level++)
		if (text_is(word, log_level_name((enum log_level)level)))
			return (enum log_level)level;
	return LOG_DEBUG;
}

/* is_of: `gateway` is all of them, `gateway/2` is one. */
static bool
is_of(struct text component, struct text process)
{
	return component.len == 0 ||
	    (text_starts_with(process, component) &&
		(process.len == component.len ||
		    process.at[component.len] == '/'));
}

static bool
is_wanted_line(const struct tail *t, struct text map)
{
	char event[64];

	if (level_of(map) < t->level ||
	    !is_of(t->component, show_text(map, "process")))
		return false;
	return t->pattern.len == 0 ||
	    (text_copy(show_text(map, "event"), event, sizeof(event)) == OK &&
		telemetry_matches(event, t->pattern));
}

static bool
is_wanted(const struct tail *t, struct text topic, struct text map)
{
	enum event id;

	if (!text_starts_with(topic, t->prefix))
		return false;
	if (t->is_log)
		return is_wanted_line(t, map);
	if (!t->is_telemetry)
		return true;
	id = telemetry_find(show_text(map, "event"));
	return id < EVENT_IDS && telemetry_has(&t->choice, id);
}

/*
 * put_word writes a word of the record, at least so wide: whoever publishes
 * may have written control bytes, which must not reach the terminal.
 */
static void
put_word(struct view *v, struct text word, uint32_t width)
{
	view_text(v, word);
	view_print(
	    v, "%*s", word.len < width ? (int)(width - word.len) : 0, "");
}

/* print_pairs writes " key=value" for each pair; maps are opened. */
static void
print_pairs(struct view *v, struct text map, int depth)
{
	struct unpacker at;
	struct text key, value;
	uint32_t count;

	unpack_init(&at, map);
	if (unpack_map(&at, &count) != OK)
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&at, &key) != OK ||
		    unpack_raw(&at, &value) != OK)
			return;
		struct unpacker inside;
		unpack_init(&inside, value);
		if (unpack_peek(&inside) == PACK_MAP && depth == 0) {
			print_pairs(v, value, 1);
			continue;
		}
		view_print(v, " ");
		view_text(v, key);
		view_print(v, "=");
		if (pack_to_json(value, v->out, NULL) != OK)
			view_print(v, "?"); /* JSON has no word for it */
	}
}

/* print_line: a line of the log, nearly as it stands there. */
static void
print_line(struct view *v, struct text map)
{
	static const enum colour colours[LOG_LEVELS] = {[LOG_DEBUG] = DIM,
	    [LOG_INFO] = PLAIN,
	    [LOG_WARN] = YELLOW,
	    [LOG_ERROR] = RED,
	    [LOG_FATAL] = RED};
	enum log_level level = level_of(map);

	view_paint(v, colours[level], "%-5s", log_level_name(level));
	view_print(v, "  ");
	put_word(v, show_text(map, "process"), 14);
	view_print(v, " ");
	view_text(v, show_text(map, "event"));
	view_print(v, " ");
	view_text(v, show_text(map, "message"));
}

/* print_time: a moment nobody can have meant is left out. */
static void
print_time(struct view *v, double seconds)
{
	bool is_a_time = seconds >= 0 && seconds < latest_s;
	time_t whole = is_a_time ? (time_t)seconds : 0;
	char clock[16] = "";
	struct tm tm;

	if (is_a_time && localtime_r(&whole, &tm) != NULL)
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	view_print(v, "%s.%03d  ", clock,
	    is_a_time ? (int)((seconds - (double)whole) * 1000) : 0);
}

static void
print_text(struct tail *t, struct text topic, struct text map, struct view *v)
{
	struct text about = t->is_telemetry ? show_text(map, "event") : topic;
	struct text value;

	print_time(v,
	    show_f64(map, t->is_telemetry || t->is_log ? "time" : "timestamp"));
	if (t->is_log) {
		print_line(v, map);
		return;
	}
	put_word(v, show_text(map, "process"), 14);
	view_print(v, " ");
	put_word(v, about, 32);
	if (!t->is_telemetry) {
		print_pairs(v, map, 0);
		return;
	}
	if (unpack_map_find(map, TEXT("measurements"), &value) == OK)
		print_pairs(v, value, 1);
	if (unpack_map_find(map, TEXT("metadata"), &value) == OK)
		print_pairs(v, value, 1);
}

/* begin_json opens the frame of a record: its topic and who signed it. */
static enum err
begin_json(struct buffer *line, struct text topic, const char *signature)
{
	enum err e = buffer_printf(line, "{\"topic\":");

	if (e == OK)
		e = json_put_text(line, topic, NULL);
	return e == OK ? buffer_printf(line, ",\"signature\":\"%s\"", signature)
		       : e;
}

static enum err
print_json(struct tail *t, struct text topic, struct text map,
    struct buffer *line, const char *signature)
{
	enum err e;

	if (t->is_telemetry || t->is_log)
		return pack_to_json(map, line, NULL);
	e = begin_json(line, topic, signature);
	if (e == OK)
		e = buffer_printf(line, ",\"record\":");
	if (e == OK)
		e = pack_to_json(map, line, NULL);
	return e == OK ? buffer_append(line, "}", 1) : e;
}

/* note_gap counts what was published and did not come. */
static void
note_gap(struct tail *t, struct text map)
{
	uint64_t sequence = show_u64(map, "sequence");

	if (t->sequence > 0 && sequence > t->sequence + 1)
		t->missed += sequence - t->sequence - 1;
	t->sequence = sequence;
}

static bool
write_line(struct buffer *line)
{
	bool is_out = buffer_append(line, "\n", 1) == OK &&
	    output_write(buffer_at(line), buffer_used(line));

	buffer_finish(line);
	return is_out;
}

static bool
reject(struct tail *t, struct text topic, enum bus_verdict verdict)
{
	const char *why = bus_verdict_name(verdict);
	struct buffer line;
	struct view view = {.out = &line};

	t->rejected++;
	buffer_init(&line, LINE_BYTES);
	if (wants_json(t)) {
		enum err e = begin_json(&line, topic, why);

		if (e == OK)
			e = buffer_append(&line, "}", 1);
		INVARIANT(e == OK); /* LINE_BYTES hold any topic */
	} else {
		view_print(&view, "rejected: %s ", why);
		view_text(&view, topic);
	}
	return write_line(&line);
}

bool
tail_take(struct tail *t, struct text raw)
{
	struct text topic = {0}, map = {0};
	enum bus_verdict verdict =
	    bus_message_read(raw, t->secret, &topic, &map);
	struct buffer line;
	struct view view = {.out = &line, .has_colour = t->cli->wants_colour};

	if (verdict == BUS_INVALID_FORMAT)
		return reject(t, TEXT("unknown"), verdict);
	note_gap(t, map);
	if (!is_wanted(t, topic, map))
		return true;
	if (t->left > 0)
		t->left--;
	if (verdict != BUS_GOOD && verdict != BUS_ACCEPTED)
		return reject(t, topic, verdict);
	buffer_init(&line, LINE_BYTES);
	if (!wants_json(t)) {
		print_text(t, topic, map, &view);
	} else if (print_json(t, topic, map, &line,
		       verdict == BUS_GOOD ? "ok" : "unverified") != OK) {
		buffer_finish(&line);
		return reject(t, topic, BUS_INVALID_FORMAT);
	}
	return write_line(&line);
}
