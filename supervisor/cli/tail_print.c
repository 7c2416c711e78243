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
#include "supervisor/cli/show.h"
#include "supervisor/cli/tail.h"

enum {
	LINE_BYTES = 2 << 20
};

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

/* print_pairs writes " key=value" for each pair; maps are opened. */
static void
print_pairs(struct buffer *line, struct text map, int depth)
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
			print_pairs(line, value, 1);
			continue;
		}
		(void)!buffer_printf(line, " %.*s=", TEXT_ARG(key));
		(void)!pack_to_json(value, line, NULL);
	}
}

/* print_line: a line of the log, nearly as it stands there. */
static void
print_line(const struct tail *t, struct text map, struct buffer *line)
{
	static const char *const colours[LOG_LEVELS] = {[LOG_DEBUG] = "2",
	    [LOG_INFO] = "0",
	    [LOG_WARN] = "33",
	    [LOG_ERROR] = "31",
	    [LOG_FATAL] = "31"};
	enum log_level level = level_of(map);
	bool is_painted = t->cli->wants_colour;

	if (is_painted)
		(void)!buffer_printf(line, "\033[%sm", colours[level]);
	(void)!buffer_printf(line, "%-5s", log_level_name(level));
	if (is_painted)
		(void)!buffer_printf(line, "\033[0m");
	(void)!buffer_printf(line, "  %-14.*s %.*s %.*s",
	    TEXT_ARG(show_text(map, "process")),
	    TEXT_ARG(show_text(map, "event")),
	    TEXT_ARG(show_text(map, "message")));
}

static void
print_text(
    struct tail *t, struct text topic, struct text map, struct buffer *line)
{
	double seconds = show_f64(
	    map, t->is_telemetry || t->is_log ? "time" : "timestamp");
	time_t whole = (time_t)seconds;
	struct text about = t->is_telemetry ? show_text(map, "event") : topic;
	struct text process = show_text(map, "process");
	struct text value;
	struct tm tm;
	char clock[16] = "";

	if (localtime_r(&whole, &tm) != NULL)
		(void)!strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	(void)!buffer_printf(line, "%s.%03d  ", clock,
	    (int)((seconds - (double)whole) * 1000));
	if (t->is_log) {
		print_line(t, map, line);
		return;
	}
	(void)!buffer_printf(
	    line, "%-14.*s %-32.*s", TEXT_ARG(process), TEXT_ARG(about));
	if (!t->is_telemetry) {
		print_pairs(line, map, 0);
		return;
	}
	if (unpack_map_find(map, TEXT("measurements"), &value) == OK)
		print_pairs(line, value, 1);
	if (unpack_map_find(map, TEXT("metadata"), &value) == OK)
		print_pairs(line, value, 1);
}

static void
print_json(struct tail *t, struct text topic, struct text map,
    struct buffer *line, const char *signature)
{
	if (t->is_telemetry || t->is_log) {
		(void)!pack_to_json(map, line, NULL);
		return;
	}
	(void)!buffer_printf(line,
	    "{\"topic\":\"%.*s\",\"signature\":\"%s\",\"record\":",
	    TEXT_ARG(topic), signature);
	(void)!pack_to_json(map, line, NULL);
	(void)!buffer_append(line, "}", 1);
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
	    fd_write_whole(STDOUT_FILENO, buffer_at(line), buffer_used(line)) ==
		OK;

	buffer_finish(line);
	return is_out;
}

static bool
reject(struct tail *t, struct text topic, enum bus_verdict verdict)
{
	const char *why = bus_verdict_name(verdict);
	struct buffer line;

	t->rejected++;
	buffer_init(&line, LINE_BYTES);
	if (wants_json(t))
		(void)!buffer_printf(&line,
		    "{\"topic\":\"%.*s\",\"signature\":\"%s\"}",
		    TEXT_ARG(topic), why);
	else
		(void)!buffer_printf(
		    &line, "rejected: %s %.*s", why, TEXT_ARG(topic));
	return write_line(&line);
}

bool
tail_take(struct tail *t, struct text raw)
{
	struct text topic = {0}, map = {0};
	enum bus_verdict verdict =
	    bus_message_read(raw, t->secret, &topic, &map);
	struct buffer line;

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
	if (wants_json(t))
		print_json(t, topic, map, &line,
		    verdict == BUS_GOOD ? "ok" : "unverified");
	else
		print_text(t, topic, map, &line);
	return write_line(&line);
}
